"""The webhook of an organization: what the gates of a run go through reaches a receiver, signed, in order, also where it
was down and the server was started again meanwhile."""
import subprocess

import pytest

from tests.support.browser import document, sign_in
from tests.support.gate import GateServer
from tests.support.receiver import TOKEN, Receiver

WEBHOOK = "/api/v2/organizations/acme/webhook"


@pytest.fixture
def receiver():
    with Receiver() as listening:
        yield listening


@pytest.fixture
def server(tmp_path, world, terraform_program, receiver):
    allowed = f"127.0.0.1:{receiver.port}"
    with GateServer(tmp_path / "server", world, level="applies-only", people=("ana",), WEBHOOK_ALLOW=allowed) as running:
        yield running


def deliveries(server):
    """Oldest first."""
    status, answer = server.request("GET", WEBHOOK + "/deliveries")
    assert status == 200, answer
    return list(reversed(answer["data"]))


def test_needed_failed_and_passed_arrive_signed_and_a_dead_receiver_is_told_later(
        server, world, receiver, terraform_program, tmp_path):
    owner = sign_in(server, "ana")
    inside = owner.call("PATCH", WEBHOOK, document("notification-configurations", url="http://127.0.0.1:1/", token=TOKEN))
    assert (inside.status, inside.json["errors"][0]["code"]) == (422, "webhook_address")
    made = owner.call("PATCH", WEBHOOK, document("notification-configurations", url=receiver.url, token=TOKEN))
    assert made.status == 201, made.text
    tested = owner.call("POST", WEBHOOK + "/actions/test")
    response, = tested.json["data"]["attributes"]["delivery-responses"]
    assert (response["code"], response["body"], response["successful"]) == (200, "thanks", True)
    assert [trigger for trigger, _, _ in receiver.told()] == ["verification"]

    receiver.refuse = 1
    folder = server.project(tmp_path / "gated")
    program = [terraform_program, f"-chdir={folder}"]
    environment = server.terraform_environment()
    done = subprocess.run([*program, "init", "-input=false"], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    apply = subprocess.Popen([*program, "apply", "-no-color", "-auto-approve"], env=environment, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    run_id, gate = server.wait_for_gate("apply")
    told = receiver.wait(3)[1:]
    assert [trigger for trigger, _, _ in told] == ["mfa:needed", "mfa:needed"]
    assert told[0] == told[1], "tried again, as the same message"
    needed = told[0][1]
    assert needed["run_url"] == f"{server.url}/app/acme/app/runs/{run_id}?focus=code"
    assert (needed["run_id"], needed["run_created_by"], needed["workspace_name"], needed["organization_name"]) == (
        run_id, "ana", "app", "acme")
    assert needed["notifications"][0]["run_status"] == "apply_queued"

    receiver.stop()
    wrong = world.wrong_code("ana")
    assert server.authenticate(run_id, "apply", gate, wrong)[0] == 422
    server.pass_gate("apply", run_id=run_id)
    output = apply.communicate(timeout=180)[0]
    assert apply.returncode == 0 and output.count("Authenticated with MFA by ana") == 1, output
    server.stop()
    server.start()
    waiting = [row for row in deliveries(server) if row["attributes"]["state"] == "waiting"]
    assert [row["attributes"]["trigger"] for row in waiting] == ["mfa:failed", "mfa:passed"]
    assert waiting[0]["attributes"]["attempts"] >= 1 and waiting[1]["attributes"]["attempts"] == 0
    assert "cannot be reached" in waiting[0]["attributes"]["response"]["error"]
    with Receiver(receiver.port) as later:
        # Not to wait for its time.
        status, answer = server.request("POST", f"{WEBHOOK}/deliveries/{waiting[0]['id']}/actions/retry")
        assert status in (202, 409), answer
        rest = later.wait(2)
        assert [trigger for trigger, _, _ in rest] == ["mfa:failed", "mfa:passed"]
        assert rest[0][1]["notifications"][0]["run_updated_by"] == "ana"
        said = [body for _, body in receiver.messages + later.messages]
    for secret in (wrong, TOKEN, *server.long_term_secrets(), world.device("ana")["serial"]):
        assert not any(secret.encode() in body for body in said)
    assert TOKEN not in str(server.log)
    assert "unbroken" in server.command("audit", "verify", server.folder)
