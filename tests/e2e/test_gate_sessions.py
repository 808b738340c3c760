"""Sessions that end before their apply does. A role's is renewed at the credentials endpoint inside the run's sandbox;
where that cannot be, the apply is stopped in time, with its state saved. The sandbox's AWS grants and enforces a fraction
of every lifetime: an hour lasts twelve seconds."""
import re
import subprocess

import pytest

from tests.support import clients
from tests.support.gate import GateServer

ROLE = "arn:aws:iam::111111111111:role/deploy"
SESSION = 12
WORLD_ROLE = """
[[role]]
account = "111111111111"
name = "deploy"
max_session_duration = 3600
trust_policy = '''
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
 "Action": "sts:AssumeRole", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}]}
'''
"""


@pytest.fixture
def hurried(make_world, tmp_path, terraform_program):
    """(world, server) whose applies assume a role."""
    world, _ = make_world(lambda text: re.sub(r"lifetime_divisor = \d+", f"lifetime_divisor = {3600 // SESSION}", text)
                          + WORLD_ROLE)
    with GateServer(tmp_path / "server", world, level="applies-only") as server:
        server.set_mfa("--apply-role", ROLE)
        yield world, server


def slow(seconds):
    return f"""
resource "terraform_data" "slow" {{
  depends_on = [terraform_data.greeting]
  provisioner "local-exec" {{
    command = "sleep {seconds}"
  }}
}}
"""


def apply(server, program, folder):
    init = subprocess.run([program, "init", "-input=false", "-no-color"], cwd=folder, text=True, timeout=120,
                          env=server.terraform_environment(), capture_output=True)
    assert init.returncode == 0, init.stdout + init.stderr
    process = subprocess.Popen([program, "apply", "-no-color", "-auto-approve"], cwd=folder, text=True,
                               env=server.terraform_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    run_id = server.pass_gate("apply")
    return run_id, process.communicate(timeout=300)[0], process.returncode


def terraform(server, program, folder, *arguments):
    return subprocess.run([program, *arguments], cwd=folder, env=server.terraform_environment(), text=True, timeout=60,
                          capture_output=True).stdout


def test_an_apply_outlives_three_sessions_of_its_role(hurried, terraform_program, aws_provider, tmp_path):
    world, server = hurried
    # What is behind the role has to last: 24 h, and the plan's own session too.
    server.set_mfa("--apply-limit", "24h", "--plan-limit", "24h")
    server.set_identity("bob", "--shared", whose=["--organization"], serial="arn:aws:iam::111111111111:mfa/shared")
    folder = server.project(tmp_path / "long", body=slow(3 * SESSION + 2) + f"""
terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{clients.provider_version(clients.provider_mirror())}"
    }}
  }}
}}

provider "aws" {{
  region = "eu-central-1"
  endpoints {{
    sts = "{world.url}"
  }}
}}

data "aws_caller_identity" "late" {{
  depends_on = [terraform_data.slow]
}}

output "caller" {{
  value = data.aws_caller_identity.late.arn
}}
""")
    run_id, output, status = apply(server, terraform_program, folder)
    assert status == 0, output + server.phase_log(run_id, "apply")
    assert "Apply complete!" in output
    # AWS's own words, three sessions later, by the provider that was started with the first.
    caller = terraform(server, terraform_program, folder, "output", "-raw", "caller")
    assert caller == f"arn:aws:sts::111111111111:assumed-role/deploy/{run_id}-ana"
    roles = world.calls("AssumeRole")
    assert len(roles) >= 4 and {call["decision"] for call in roles} == {"allowed"}
    assert len({call["principal"] for call in roles}) == 1, "all by the one session that the code gave"
    assert "terraform_data.slow" in terraform(server, terraform_program, folder, "state", "list")
    assert list((server.folder / "data/spool").iterdir()) == []


def test_an_apply_whose_session_cannot_be_renewed_is_stopped_in_time(hurried, terraform_program, tmp_path):
    world, server = hurried
    # The session behind the role lasts hardly longer than the role's.
    server.set_mfa("--apply-limit", "1h")
    folder = server.project(tmp_path / "short", body=slow(280))
    run_id, output, status = apply(server, terraform_program, folder)
    assert status != 0
    run = server.run(run_id)
    assert (run["status"], run["error-reason"]) == ("errored", "credentials_expired"), run
    log = server.phase_log(run_id, "apply")
    assert re.search(r"Warning: the AWS session of this phase ends at \S+Z and could not be renewed", log), log
    assert re.search(r"was stopped because its AWS session ends at \S+Z and could not be renewed", log), log
    assert log.endswith("\x03")
    # It was stopped before its session was over, not after, and what it had made is in the state.
    assert world.calls("AssumeRole")[-1]["decision"] != "allowed"
    assert "terraform_data.greeting" in terraform(server, terraform_program, folder, "state", "list")
    assert "could not be renewed" in output
