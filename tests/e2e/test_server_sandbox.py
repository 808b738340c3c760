"""What a remote run can reach from inside its sandbox: what it needs, and nothing else."""
import subprocess

from tests.support import clients
from tests.support.server import Server


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
        environment = server.terraform_environment()
        with open(environment["TF_CLI_CONFIG_FILE"], "a") as settings:
            settings.write(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{aws_provider}"\n  }}\n}}\n')
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
