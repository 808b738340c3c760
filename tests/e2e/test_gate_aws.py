"""Each answer of AWS to a code, as the gate tells it: every one that tollgate-sandbox can give there. Rows of the map that
no call of the gate can meet (session credentials, an incomplete pair, durations, regions that are off) are unit tests:
tests/unit/server/runs/mfa_authenticator_test.cpp."""
from tests.support import runs
from tests.support.gate import ACCOUNT, GateServer, keys, sent_codes


def unknown_key(server):
    server.set_identity("ana", key=("AKIAIOSFODNN7EXAMPLE", keys(server.world, "ana")[1]))


def wrong_secret(server):
    server.set_identity("ana", key=(keys(server.world, "ana")[0], "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))


def device_of_nobody(server):
    server.set_identity("ana", serial=f"arn:aws:iam::{ACCOUNT}:mfa/nobody")


def fault(kind, action="GetSessionToken", *more):
    return lambda server: server.world.sandbox("fault", server.world.folder, f"sts:{action}", kind, *more)


# What is wrong; status, reason; calls of GetSessionToken; tries that it costs.
ROWS = [
    ("a wrong code", lambda server: None, 422, "mfa_code_refused", 1, 1),
    ("another's device", device_of_nobody, 422, "mfa_device_unknown", 1, 1),
    ("no such key", unknown_key, 422, "key_unknown", 0, 0),
    ("a wrong secret", wrong_secret, 422, "signature_wrong", 0, 0),
    # Corrected by AWS's own Date: the call is signed again, and the code judged.
    ("another time here than there", fault("clock", "*", "--offset=1200"), 422, "mfa_code_refused", None, 1),
    ("throttled", fault("throttling"), 429, "throttled", None, 0),
    ("a failure", fault("500"), 502, "outcome_unknown", 1, 1),
    ("unavailable", fault("503"), 502, "outcome_unknown", 1, 1),
    ("cut off before", fault("reset-before"), 502, "outcome_unknown", 1, 1),
    ("cut off after", fault("reset-after"), 502, "outcome_unknown", 1, 1),
    ("half an answer", fault("truncated"), 502, None, 1, 1),
    ("a proxy's page", fault("html"), 502, None, 1, 1),
]


def test_every_answer_of_aws_is_told_in_words(tmp_path, world, terraform_program):
    with GateServer(tmp_path / "server", world, people=("ana",)) as server:
        workspace = runs.new_workspace(server, "app")
        runs.upload(server, workspace, {"main.tf": 'resource "terraform_data" "one" {}\n'})
        run_id = runs.start_run(server, workspace)
        _, gate = server.wait_for_gate("plan", run_id)
        for name, spoil, status, reason, calls, tries in ROWS:
            spoil(server)
            code, before = world.wrong_code("ana"), len(sent_codes(world))
            said = refused(server, run_id, gate, code, status, reason, name)
            assert calls is None or len(sent_codes(world)) - before == calls, name
            assert server.run(run_id)["mfa"]["tries-left"] == 5 - tries, name
            if calls or calls is None:  # it was on its way, so it goes there no second time
                again = server.authenticate(run_id, "plan", gate, code)
                assert again[0] == 429 and again[1]["errors"][0]["code"] == "code_used", (name, again)
                assert code not in said
            restore(server, run_id)
        # The code was right, but the role is not to be had; then all is well.
        server.set_mfa("--plan-role", "arn:aws:iam::222222222222:role/team/deploy")
        code = world.fresh_code("ana")
        said = refused(server, run_id, gate, code, 422, "not_authorized", "no role")
        assert "AWS accepted the code, but not the role of this phase" in said
        assert server.run(run_id)["mfa"]["tries-left"] == 5
        # Without AWS no code leaves.
        world.stop()
        refused(server, run_id, gate, "123456", 503, "network_unsent", "no AWS")
        assert server.run(run_id)["status"] == "plan_queued"
        log = server.phase_log(run_id, "plan")
        assert log.count("The MFA code of ana was not accepted") == len(ROWS) + 2
        assert code not in log and "<" not in log


def refused(server, run_id, gate, code, status, reason, name):
    answered, document = server.authenticate(run_id, "plan", gate, code)
    assert answered == status, (name, document)
    error = document["errors"][0]
    assert reason in (None, error["code"]), (name, error)
    assert error["detail"] and "<" not in error["detail"], (name, error)
    mfa = server.run(run_id)["mfa"]
    assert (mfa["state"], mfa["refusal"]["reason"]) == ("refused", error["code"]), name
    return error["detail"]


def restore(server, run_id):
    server.world.sandbox("fault", server.world.folder, "--clear")
    server.set_identity("ana")
    status, answer = server.request("POST", f"/api/v2/runs/{run_id}/actions/unlock-mfa", {})
    assert status == 204, answer
