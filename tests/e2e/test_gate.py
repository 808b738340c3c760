"""The gate: stock terraform waits until a person has typed a one-time code that AWS accepts, and runs with what AWS gave
for it. AWS is tollgate-sandbox, which enforces codes, devices and trust policies; the phone is oathtool. Every way to ask,
and every way in which the waiting ends, is in test_gate_matrix.py."""
import json
import subprocess
import time

import pexpect
import pytest

from tests.support.gate import GateServer, sent_codes
from tests.support.world import programs

WAITING = "Waiting for an AWS MFA code for device arn:aws:iam::111111111111:mfa/ana"
PASSED = "Authenticated with MFA by ana"


@pytest.fixture
def server(tmp_path, world, terraform_program):
    with GateServer(tmp_path / "server", world) as running:
        yield running


@pytest.fixture
def project(server, terraform_program, tmp_path):
    folder = server.project(tmp_path / "gated")
    init(server, terraform_program, folder)
    return folder


def init(server, program, folder):
    done = subprocess.run([program, "init", "-input=false", "-no-color"], cwd=folder, env=server.terraform_environment(),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def spawn(server, program, folder, *arguments):
    return pexpect.spawn(program, list(arguments), cwd=str(folder), encoding="utf-8", timeout=180,
                         env=server.terraform_environment(), dimensions=(40, 220))


def finish(child):
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def background(server, program, folder, *arguments):
    """Without a terminal."""
    return subprocess.Popen([program, *arguments], cwd=folder, env=server.terraform_environment(), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def ended(process, status):
    output = process.communicate(timeout=180)[0]
    assert process.returncode == status, output
    return output


def test_a_plan_and_an_apply_each_wait_for_a_code_and_run_with_what_aws_gave_for_it(
        server, world, terraform_program, aws_provider, tmp_path):
    folder = server.aws_project(tmp_path / "gated")
    init(server, terraform_program, folder)
    child = spawn(server, terraform_program, folder, "apply", "-no-color")
    child.expect("waits for a one-time code before its plan")
    child.expect(WAITING)
    assert sent_codes(world) == []
    run_id = server.pass_gate("plan")
    child.expect(PASSED)
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect(WAITING)
    server.pass_gate("apply", run_id=run_id)
    child.expect(PASSED)
    child.expect("Apply complete! Resources: 2 added")
    assert finish(child) == 0
    # AWS's own words inside the run: a role that is given to sessions with MFA alone.
    outputs = subprocess.run([terraform_program, "output", "-raw", "caller"], cwd=folder, text=True, capture_output=True,
                             env=server.terraform_environment(), timeout=60)
    assert "arn:aws:sts::222222222222:assumed-role/read-only/" in outputs.stdout
    roles = world.calls("AssumeRole")
    assert roles and {call["mfa"] for call in roles} == {"yes"}
    assert len(sent_codes(world)) == 2
    history = server.run(run_id)["mfa-history"]
    assert [(gate["phase"], gate["username"], gate["account"]) for gate in history] == [
        ("plan", "ana", "111111111111"), ("apply", "ana", "111111111111")]
    assert {gate["request-id"] for gate in history} == {call["request_id"] for call in sent_codes(world)}
    for phase in ("plan", "apply"):
        log = server.phase_log(run_id, phase)
        assert log.index("Waiting for an AWS MFA code") < log.index(PASSED) < log.rindex("\n")
    assert "unbroken" in server.command("audit", "verify", server.folder)


def test_no_code_and_no_key_lies_anywhere(server, world, terraform_program, project):
    process = background(server, terraform_program, project, "apply", "-no-color", "-auto-approve")
    codes = []
    for phase in ("plan", "apply"):
        run_id, gate = server.wait_for_gate(phase)
        codes.append(world.fresh_code("ana"))
        assert server.authenticate(run_id, phase, gate, codes[-1])[0] == 200
    ended(process, 0)
    secrets = [secret.encode() for secret in server.long_term_secrets()]
    for path in (server.folder / "data").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path
    said = json.dumps(server.log) + server.phase_log(run_id, "plan") + server.phase_log(run_id, "apply")
    for secret in [*server.long_term_secrets(), *codes]:
        assert secret not in said
    assert list((server.folder / "data/spool").iterdir()) == []


def test_a_wrong_code_is_told_in_the_log_and_the_next_one_opens(server, world, terraform_program, project):
    process = background(server, terraform_program, project, "plan", "-no-color")
    run_id, gate = server.wait_for_gate("plan")
    status, answer = server.authenticate(run_id, "plan", gate, world.wrong_code("ana"))
    assert status == 422, answer
    error = answer["errors"][0]
    assert error["code"] == "mfa_code_refused" and error["meta"]["tries-left"] == 4
    assert 0 < error["meta"]["next-code-in"] <= 30
    mfa = server.run(run_id)["mfa"]
    assert (mfa["state"], mfa["tries-left"], mfa["refusal"]["by"]) == ("refused", 4, "ana")
    assert mfa["you"] == {"can": True, "serial": "arn:aws:iam::111111111111:mfa/ana", "reason": None}
    assert mfa["refusal"]["request-id"] == sent_codes(world)[-1]["request_id"]
    server.pass_gate("plan")
    output = ended(process, 0)
    assert "The MFA code of ana was not accepted" in output and PASSED in output


def test_a_used_code_and_a_stale_gate_cost_no_call(server, world, terraform_program, project):
    process = background(server, terraform_program, project, "apply", "-no-color", "-auto-approve")
    run_id, gate = server.wait_for_gate("plan")
    code = world.fresh_code("ana")
    assert server.authenticate(run_id, "plan", gate, code)[0] == 200
    status, answer = server.authenticate(run_id, "plan", gate, code)
    assert status == 409, "late for a gate that was passed"
    _, apply_gate = server.wait_for_gate("apply", run_id)
    assert apply_gate != gate
    status, answer = server.authenticate(run_id, "apply", gate, world.code("ana"))
    assert (status, answer["errors"][0]["code"]) == (409, "stale_gate")
    status, answer = server.authenticate(run_id, "apply", apply_gate, code)
    assert (status, answer["errors"][0]["code"]) == (429, "code_used")
    assert answer["errors"][0]["meta"]["retry-after"] <= 30
    assert len(sent_codes(world)) == 1
    server.pass_gate("apply", run_id=run_id)
    ended(process, 0)


def test_only_people_and_only_the_creator_at_the_gate_of_a_plan(server, world, terraform_program, project):
    process = background(server, terraform_program, project, "apply", "-no-color", "-auto-approve")
    run_id, gate = server.wait_for_gate("plan")
    assert server.run(run_id, "bob")["mfa"]["you"]["can"] is False
    status, answer = server.authenticate(run_id, "plan", gate, world.fresh_code("bob"), "bob")
    assert (status, answer["errors"][0]["code"]) == (403, "not_the_creator")
    status, token = server.request("POST", "/api/v2/organizations/acme/authentication-token", {})
    assert status == 201, token
    status, answer = server.request("POST", f"/api/v2/runs/{run_id}/actions/authenticate",
                                    {"phase": "plan", "gate-id": gate, "code": world.code("ana")},
                                    token=token["data"]["attributes"]["token"])
    assert status == 403, answer
    assert sent_codes(world) == []
    server.pass_gate("plan")
    # Whoever may apply may pass the apply's gate, with their own device.
    server.pass_gate("apply", person="bob", run_id=run_id)
    assert "Authenticated with MFA by bob" in ended(process, 0)


def test_confirming_and_authenticating_in_one_step(server, world, terraform_program, project):
    child = spawn(server, terraform_program, project, "apply", "-no-color")
    child.expect(WAITING)
    run_id = server.pass_gate("plan")
    child.expect("Enter a value:")
    _, gate = server.wait_for_gate("apply", run_id)
    assert server.run(run_id)["status"] == "planned"
    assert server.authenticate(run_id, "apply", gate, world.fresh_code("ana"))[0] == 200
    child.expect("approved using the UI or API")
    child.expect("Apply complete!")
    assert finish(child) == 0


def test_a_restart_forgets_no_gate(server, world, terraform_program, project):
    process = background(server, terraform_program, project, "plan", "-no-color")
    run_id, gate = server.wait_for_gate("plan")
    server.process.send_signal(1)  # a new worker
    stop = time.monotonic() + 30
    while len(server.events("worker.ready")) < 2 and time.monotonic() < stop:
        time.sleep(0.05)
    assert server.wait_for_gate("plan", run_id)[1] == gate
    server.pass_gate("plan", run_id=run_id)
    output = ended(process, 0)
    assert output.count("Waiting for an AWS MFA code") == 1


def test_applies_only_plans_without_mfa_and_without_the_key(server, world, terraform_program, project):
    server.set_mfa("--level", "applies-only")
    server.set_identity("bob", "--shared", whose=["--organization"], serial="arn:aws:iam::111111111111:mfa/shared")
    process = background(server, terraform_program, project, "apply", "-no-color", "-auto-approve")
    run_id, gate = server.wait_for_gate("apply")
    assert "This plan runs with an AWS session without MFA" in server.phase_log(run_id, "plan")
    assert len(sent_codes(world)) == 1, "of the plan, which carried no code"
    server.pass_gate("apply", run_id=run_id)
    output = ended(process, 0)
    assert output.count(WAITING) == 1
    assert [entry["phase"] for entry in server.run(run_id)["mfa-history"]] == ["apply"]


def test_an_owner_whose_only_device_is_lost_breaks_the_glass_on_the_host(server, world, terraform_program, project):
    waits = background(server, terraform_program, project, "plan", "-no-color")
    run_id, _ = server.wait_for_gate("plan")
    words = [programs() / "tollgate-server", "org", "break-glass", server.folder, "acme", "--reason", "the phone is lost"]
    refused = subprocess.run([*words, "--owner", "bob"], capture_output=True, text=True)
    assert refused.returncode == 77 and "bob is no owner of acme" in refused.stderr, refused
    said = server.command(*words[1:], "--owner", "ana")
    assert "was plans-and-applies and is never" in said and run_id in said
    assert server.run(run_id)["mfa"]["state"] == "waiting", "it opens no gate"
    assert server.request("POST", f"/api/v2/runs/{run_id}/actions/cancel", {})[0] == 202
    ended(waits, 1)
    output = ended(background(server, terraform_program, project, "plan", "-no-color"), 0)
    assert "MFA code" not in output and sent_codes(world) == []
    status, notices = server.request("GET", "/api/v2/organizations/acme/notices")
    sentence = notices["data"][0]["attributes"]["sentence"]
    assert "in the name of ana, broke the glass" in sentence and sentence.endswith("Reason: the phone is lost")
    assert "unbroken" in server.command("audit", "verify", server.folder)


def test_the_server_says_what_it_demands(server):
    shown = server.set_mfa()
    assert "plans-and-applies" in shown and "111111111111" in shown
    refused = subprocess.run(["tollgate-server", "org", "mfa", server.folder, "acme", "--level", "always"],
                             env=server.terraform_environment(), capture_output=True, text=True)
    assert refused.returncode != 0 and "plans-and-applies" in refused.stderr
