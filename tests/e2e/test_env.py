"""`tollgate env`: a session as variables, read back by the shells and tools that the formats are for."""
import json
import os
import re
import shlex
import shutil

import pytest

FORMATS = ["sh", "fish", "pwsh", "cmd", "json", "ini", "dotenv", "docker", "terragrunt"]
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SHELLS = {
    "sh": 'eval "$(tollgate env prod)"',
    "dash": 'eval "$(tollgate env prod)"',
    "bash": 'eval "$(tollgate env prod --format sh)"',
    "zsh": 'eval "$(tollgate env prod)"',
    "ksh93": 'eval "$(tollgate env prod)"',
    "mksh": 'eval "$(tollgate env prod)"',
    "yash": 'eval "$(tollgate env prod)"',
    "busybox": 'eval "$(tollgate env prod)"',
    "fish": "tollgate env prod --format fish | source",
}
# zsh -f and fish --no-config: without the start files of whoever runs the tests.
OPTIONS = {"zsh": ["-f"], "fish": ["--no-config"], "busybox": ["sh"]}


def session_of(home):
    document = json.loads(home.run("tollgate", "credential-process", "--profile", "prod").stdout)
    return {"AWS_ACCESS_KEY_ID": document["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": document["SecretAccessKey"],
            "AWS_SESSION_TOKEN": document["SessionToken"]}


def variables(text):
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))


@pytest.fixture
def ready(home):
    home.login()
    return home


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_the_session(ready, shell):
    if not shutil.which(shell):
        pytest.skip(f"shell: {shell} is not installed")
    environment = {"AWS_PROFILE": "base", "AWS_ROLE_ARN": "arn:aws:iam::1:role/other", "AWS_DEFAULT_PROFILE": "x"}
    result = ready.run(shell, *OPTIONS.get(shell, []), "-c", SHELLS[shell] + "; env", environment=environment)
    assert result.returncode == 0, result.stderr
    seen = variables(result.stdout)
    for name, value in session_of(ready).items():
        assert seen[name] == value
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", seen["AWS_CREDENTIAL_EXPIRATION"])
    # What would win over the keys, or make Terraform look for the profile, is gone.
    assert not {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN"} & set(seen)
    assert not {"TOLLGATE_PROFILE", "AWS_VAULT"} & set(seen)


@pytest.mark.parametrize("shell", SHELLS)
def test_and_loses_it_again(ready, shell):
    if not shutil.which(shell):
        pytest.skip(f"shell: {shell} is not installed")
    away = "tollgate env --unset --format fish | source" if shell == "fish" else 'eval "$(tollgate env --unset)"'
    result = ready.run(shell, *OPTIONS.get(shell, []), "-c", f"{SHELLS[shell]}; {away}; env",
                       environment={"AWS_CONFIG_FILE": str(ready.folder / ".aws/config")})
    assert result.returncode == 0, result.stderr
    seen = variables(result.stdout)
    assert not {*KEYS, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CREDENTIAL_EXPIRATION"} & set(seen)
    assert seen["AWS_CONFIG_FILE"] == str(ready.folder / ".aws/config")


def test_prompt_inside_a_command_substitution(world, home):
    result = home.on_pty("bash", "-c", 'eval "$(tollgate env prod)"; echo "key=$AWS_ACCESS_KEY_ID"')
    assert (result.status, result.prompts) == (0, 1), result.output
    assert "key=ASIA" in result.output
    assert len(world.calls("GetSessionToken")) == 1


@pytest.mark.parametrize("kind", FORMATS)
def test_a_failure_prints_nothing(world, home, kind):
    result = home.run("tollgate", "env", "prod", "--format", kind)
    assert (result.returncode, result.stdout) == (77, "")
    assert re.fullmatch(r"tollgate:.*\n", result.stderr)
    nobody = home.run("tollgate", "env", "nobody", "--format", kind)
    assert (nobody.returncode, nobody.stdout) == (78, "")
    assert world.calls("GetSessionToken") == []


def test_json_ini_dotenv_docker(ready, tmp_path):
    keys = session_of(ready)

    def text(kind):
        result = ready.run("tollgate", "env", "prod", "--format", kind)
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert {name: json.loads(text("json"))[name] for name in KEYS} == keys
    assert {name: variables(text("docker"))[name] for name in KEYS} == keys
    lines = [shlex.split(line, comments=True) for line in text("dotenv").splitlines()]
    assert {name: dict(line[0].split("=", 1) for line in lines)[name] for name in KEYS} == keys
    path = tmp_path / "credentials"
    path.write_text(text("ini"))
    botocore_session = pytest.importorskip("botocore.session", reason="botocore: it is not installed")
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(path)
    try:
        found = botocore_session.Session(profile="prod").get_credentials()
    finally:
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    assert (found.access_key, found.secret_key, found.token) == tuple(keys[name] for name in KEYS)


def test_cmd_and_pwsh_by_their_text(ready):
    keys = session_of(ready)
    cmd = ready.start("tollgate", "env", "prod", "--format", "cmd", text=False).communicate(timeout=60)[0].decode()
    assert f'@set "AWS_SESSION_TOKEN={keys["AWS_SESSION_TOKEN"]}"\r\n' in cmd
    pwsh = ready.run("tollgate", "env", "prod", "--format", "pwsh").stdout
    assert f"$Env:AWS_SESSION_TOKEN = '{keys['AWS_SESSION_TOKEN']}'\n" in pwsh


def test_wrong_formats_are_named(home):
    result = home.run("tollgate", "env", "prod", "--format", "jsn")
    assert result.returncode == 64 and "json" in result.stderr
    assert home.run("tollgate", "env", "--unset", "--format", "json").returncode == 64
    assert home.run("tollgate", "env", "prod", "--overlay", "--format", "ini").returncode == 64


def test_overlay_renews_by_itself(ready, aws_cli):
    result = ready.run("bash", "-c", f'eval "$(tollgate env prod --overlay)" && env && {aws_cli} sts '
                       f"get-caller-identity --endpoint-url {ready.world.url}")
    assert result.returncode == 0, result.stderr
    seen = variables(result.stdout)
    assert seen["AWS_PROFILE"] == "prod" and "AWS_ACCESS_KEY_ID" not in seen
    assert ":assumed-role/deploy/" in result.stdout
    back = ready.run("bash", "-c", 'eval "$(tollgate env prod --overlay)"; eval "$(tollgate env --unset)"; env')
    seen = variables(back.stdout)
    assert seen["AWS_CONFIG_FILE"] == str(ready.folder / ".aws/config")
    assert not {"AWS_PROFILE", "TOLLGATE_PROFILE", "AWS_SDK_LOAD_CONFIG", "TOLLGATE_AWS_CONFIG_FILE"} & set(seen)


def test_long_term_keys_are_called_that(home):
    home.edit("config", "[profile bare]\nregion = eu-central-1\n")
    home.edit("credentials", "[bare]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = s3cret\n")
    result = home.run("tollgate", "env", "bare")
    assert result.returncode == 0 and "AWS_SESSION_TOKEN" not in result.stdout
    assert "long-term" in result.stderr and "s3cret" not in result.stderr


def test_session_duration_of_settings_and_flag(home):
    for options, environment, hours in (([], {"TOLLGATE_SESSION_DURATION": "2h"}, 2), (["--session-duration", "3h"], {}, 3)):
        assert home.run("tollgate", "clear").returncode == 0
        result = home.on_pty("tollgate", "env", "prod", *options, environment=environment)
        assert result.status == 0, result.output
        sessions = json.loads(home.run("tollgate", "status", "--json").stdout)["sessions"]
        left = next(entry["seconds_left"] for entry in sessions if entry["kind"] == "session")
        assert hours * 3600 - 120 < left <= hours * 3600


def test_a_full_disk_is_an_error(ready):
    if not os.path.exists("/dev/full"):
        pytest.skip("device: there is no /dev/full")
    with open("/dev/full", "w") as full:
        process = ready.start("tollgate", "env", "prod", stdout=full)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 74 and error.startswith("tollgate:")
