"""Stand-ins for programs that a page of docs/ names and a test cannot have: a container engine, aws-vault, terragrunt
where it is not installed. Each does what its real one does with the words that the page types, and no more; what runs
inside it is real.

`python3 stand_ins.py NAME ARGUMENT...` plays the program of that name.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# What each of them does not do, for the name of the test.
NAMES = {
    "docker": "no container, but a process with the container's variables, folders and home",
    "aws-vault": "the keys come from ~/.aws/credentials",
    "terragrunt": "starts terraform in each folder with a terragrunt.hcl",
    "man": "groff alone",
}


def missing(name):
    """Whether the real one cannot be had. A container engine always counts as missing: it would fetch images."""
    return name == "docker" or shutil.which(name) is None


def install(name, folder):
    path = pathlib.Path(folder) / name
    path.write_text(f'#!/bin/sh\nexec /usr/bin/python3 {pathlib.Path(__file__).resolve()} {name} "$@"\n')
    path.chmod(0o755)


def run_in(folder, command, environment):
    return subprocess.run(command, cwd=folder, env=environment).returncode


def docker(words):
    assert words.pop(0) == "run", "only `docker run`"
    # The engine's own: what any process finds, and the way to the imitated AWS, which on a laptop is the network.
    given = {name: os.environ[name] for name in ("PATH", "TERM", "AWS_ENDPOINT_URL", "TF_CLI_CONFIG_FILE") if
             name in os.environ}
    mounts, folder = {}, None
    while words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-it", "-i", "-t", "--rm"):
            continue
        value = words.pop(0)
        if option == "-e":
            name, equals, text = value.partition("=")
            given[name] = text if equals else os.environ[name]
        elif option == "--env-file":
            for line in pathlib.Path(value).read_text().splitlines():
                if line and not line.startswith("#"):
                    name, _, text = line.partition("=")
                    given[name] = text
        elif option == "-v":
            source, target = value.split(":")[:2]
            mounts[target] = source if "/" in source else os.path.join(os.environ["HOME"], "volumes", source)
        elif option == "-w":
            folder = mounts[value]
        else:
            raise SystemExit(f"docker: the stand-in does not know {option}")
    image = words.pop(0)
    entry = {"hashicorp/terraform": ["terraform"], "amazon/aws-cli": ["aws"]}.get(image, [])
    with tempfile.TemporaryDirectory() as root:
        # Copies, since tollgate takes no link for its folders; what is kept in a volume goes back.
        inside = {source: pathlib.Path(root + target) for target, source in mounts.items()
                  if target.startswith("/root/")}
        for source, target in inside.items():
            os.makedirs(source, exist_ok=True)
            shutil.copytree(source, target, symlinks=True)
            target.chmod(0o700)
        given["HOME"] = f"{root}/root"
        status = run_in(folder or root, entry + words, given)
        for source, target in inside.items():
            if "/volumes/" in source:
                shutil.copytree(target, source, symlinks=True, dirs_exist_ok=True)
        return status


def aws_vault(words):
    assert words[:1] == ["export"] and {"--no-session", "--format=json"} <= set(words), "only `aws-vault export`"
    profile, keys, inside = words[-1], {}, False
    for line in (pathlib.Path.home() / ".aws/credentials").read_text().splitlines():
        if line.startswith("["):
            inside = line == "[base]"
        elif inside and "=" in line:
            name, _, value = line.partition("=")
            keys[name.strip()] = value.strip()
    assert profile == "work"
    print(json.dumps({"Version": 1, "AccessKeyId": keys["aws_access_key_id"],
                      "SecretAccessKey": keys["aws_secret_access_key"]}))
    return 0


def terragrunt(words):
    """run --all COMMAND [--auth-provider-cmd CMD], as its documentation says of the answer: awsCredentials over envs."""
    assert words[:2] == ["run", "--all"], "only `terragrunt run --all`"
    command, words, provider = words[2], words[3:], None
    if words[:1] == ["--auth-provider-cmd"]:
        provider, words = words[1], words[2:]
    assert not words, words
    running = []
    for file in sorted(pathlib.Path().glob("*/terragrunt.hcl")):
        environment = dict(os.environ)
        if provider:
            answer = json.loads(subprocess.run(provider, shell=True, cwd=file.parent, check=True,
                                               stdout=subprocess.PIPE).stdout)
            environment.update(answer.get("envs", {}))
            environment.update({"AWS_" + name: value for name, value in answer.get("awsCredentials", {}).items()})
        approve = " -auto-approve" if command == "apply" else ""
        running.append(subprocess.Popen(
            ["sh", "-ec", f"terraform init -input=false && terraform {command} -input=false{approve}"],
            cwd=file.parent, env=environment))
    assert running, "no folder has a terragrunt.hcl"
    return max(each.wait() for each in running)


def man(words):
    assert words == ["-l", "-"], "only `man -l -`"
    return subprocess.run(["groff", "-man", "-Tutf8"]).returncode


if __name__ == "__main__":
    sys.exit({"docker": docker, "aws-vault": aws_vault, "terragrunt": terragrunt, "man": man}[sys.argv[1]](sys.argv[2:]))
