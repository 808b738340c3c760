"""What a remote run can reach from inside its sandbox: what it needs, and nothing else."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support import clients
from tests.support.server import Server
from tests.support.world import ROOT


def run(server, program, folder, *arguments):
    return subprocess.run([program, *arguments], cwd=folder, env=server.terraform_environment(), capture_output=True,
                          text=True, timeout=300)


def set_variables(server, workspace, values):
    """Environment variables of a workspace."""
    found = server.request("GET", f"/api/v2/organizations/acme/workspaces/{workspace}")[1]["data"]["id"]
    for key, value in values.items():
        status, answer = server.request("POST", f"/api/v2/workspaces/{found}/vars", {"data": {
            "type": "vars", "attributes": {"key": key, "value": value, "category": "env", "sensitive": "SECRET" in key}}})
        assert status == 201, answer


def test_the_provider_comes_from_the_mirror_and_reaches_the_port_that_was_opened(tmp_path, world, terraform_program,
                                                                               aws_provider):
    port = world.url.rsplit(":", 1)[1]
    with Server(tmp_path / "server", RUNNER_LOOPBACK_PORTS=port, TERRAFORM_PROVIDER_MIRROR=aws_provider) as server:
        project = server.project(tmp_path / "project", body=f"""
terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{clients.provider_version(aws_provider)}"
    }}
  }}
}}
provider "aws" {{
  region = "eu-central-1"
}}
data "aws_caller_identity" "me" {{}}
output "caller" {{
  value = data.aws_caller_identity.me.arn
}}
""")
        # What `terraform init` on the person's machine would find by itself in an installed mirror.
        environment = server.terraform_environment(
            more=f'provider_installation {{\n  filesystem_mirror {{\n    path = "{aws_provider}"\n  }}\n}}\n')
        done = subprocess.run([terraform_program, "init", "-input=false", "-no-color"], cwd=project, env=environment,
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        key = world.toml["user"][0]["access_key"][0]
        set_variables(server, "app", {"AWS_ACCESS_KEY_ID": key["id"], "AWS_SECRET_ACCESS_KEY": key["secret"],
                                      "AWS_ENDPOINT_URL": world.url})
        done = subprocess.run([terraform_program, "plan", "-no-color"], cwd=project, env=environment,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "network: none" in done.stdout
        assert 'caller   = "arn:aws:iam::111111111111:user/ana"' in done.stdout
        assert key["secret"] not in done.stdout


PROBES = [ROOT / "tests/unit/runner/isolation/evil_probes.py", ROOT / "tests/support/server_probes.py"]
NETWORKS = ["none"]
if shutil.which("slirp4netns") and os.access("/dev/net/tun", os.R_OK | os.W_OK):
    NETWORKS.append("internet")


def tally(text):
    lines = re.findall(r"^.*?(blocked|SUCCEEDED) (.+)$", text, re.M)
    return [name for word, name in lines if word == "blocked"], [name for word, name in lines if word == "SUCCEEDED"]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_hostile_configuration_gets_at_nothing(tmp_path, terraform_program, network, record_property):
    """Its provisioners look for the server, its files, other runs and the network, beside another run that holds a
    secret. 0 of them succeed; some of the same without a sandbox do."""
    with Server(tmp_path / "server", RUNNER_NETWORK=network, RUNNER_CONCURRENCY="2") as server:
        waiting = server.project(tmp_path / "waiting", workspace="other", body="""
resource "terraform_data" "hold" {
  provisioner "local-exec" {
    command = "echo holding; sleep 30"
  }
}
""")
        evil = server.project(tmp_path / "evil", workspace="evil", body=f"""
resource "terraform_data" "evil" {{
  provisioner "local-exec" {{
    command = "/usr/bin/python3 evil_probes.py {network} {server.folder}/master.key {server.process.pid} {server.host.split(":")[1]}"
  }}
  provisioner "local-exec" {{
    command = "/usr/bin/python3 server_probes.py {server.folder} {server.process.pid} {server.host.split(":")[1]} / {server.token[::-1]} 8f3c-yranac"
  }}
}}
""")
        for probe in PROBES:
            shutil.copy(probe, evil)
        for folder in (waiting, evil):
            assert run(server, terraform_program, folder, "init", "-input=false", "-no-color").returncode == 0
        set_variables(server, "other", {"OTHER_SECRET": "canary-c3f8"})
        other = subprocess.Popen([terraform_program, "apply", "-auto-approve", "-no-color"], cwd=waiting, text=True,
                                 env=server.terraform_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            for line in other.stdout:
                if "holding" in line and "local-exec" in line and "Executing" not in line:
                    break
            else:
                pytest.fail("the other run did not come so far")
            applied = run(server, terraform_program, evil, "apply", "-auto-approve", "-no-color")
            arguments = [server.folder, server.process.pid, server.host.split(":")[1], tmp_path, server.token[::-1],
                         "8f3c-yranac"]
            bare = subprocess.run([sys.executable, str(PROBES[1]), *map(str, arguments)], capture_output=True, text=True,
                                  cwd=evil, timeout=120).stdout if os.geteuid() == 0 else ""
        finally:
            other.kill()
            other.communicate()
        assert applied.returncode == 0, applied.stdout + applied.stderr
        blocked, succeeded = tally(applied.stdout)
        assert succeeded == []
        assert len(blocked) >= 130, applied.stdout
        record_property("blocked", f"{len(blocked)}/{len(blocked)}")
        if bare:
            assert len(tally(bare)[1]) > 15, bare
        record_property("bare", f"{len(tally(bare)[0])}/{sum(map(len, tally(bare)))} blocked without a sandbox")
