"""Stock terraform at each gate: every way to ask, and every way in which the waiting ends. One server for all of it; a
workspace and a phone for each test, so that none waits for another's codes."""
import subprocess

import pexpect
import pexpect.fdpexpect
import pytest

from tests.support import clients, runs
from tests.support.gate import ACCOUNT, GateServer, Phone, keys, sent_codes, with_phones
from tests.support.server import Person, finish
from tests.support.world import World

PHONES = [f"phone-{number}" for number in range(16)]
PASSED = "Authenticated with MFA by ana"
REFUSED = "The MFA code of ana was not accepted"


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    if clients.terraform() is None:
        pytest.skip("terraform: neither terraform nor tofu is installed")
    folder = tmp_path_factory.mktemp("gates")
    with World(folder / "world", with_phones(*PHONES)) as world, \
            GateServer(folder / "server", world, people=(), RUNNER_CONCURRENCY="4") as server:
        server.phones = iter(PHONES)
        yield server


class Case(Person):
    """ana in front of a workspace of her own, with a phone that has shown no code yet."""

    def __init__(self, server, folder, workspace, older=False):
        super().__init__(server, server.project(folder, workspace))
        if older:
            code = (self.folder / "main.tf").read_text()
            (self.folder / "main.tf").write_text(code.replace("cloud {", 'backend "remote" {'))
        self.workspace = workspace
        name = next(server.phones)
        self.phone = Phone(server.world, name)
        self.serial = f"arn:aws:iam::{ACCOUNT}:mfa/{name}"
        self.waiting = f"Waiting for an AWS MFA code for device {self.serial}"
        server.set_identity("ana", key=keys(server.world, name), serial=self.serial)
        self.sent_before = len(sent_codes(server.world))

    def start(self, *arguments):
        """On a terminal."""
        return self.spawn(*arguments, timeout=300)

    def start_plain(self, *arguments):
        """Without a terminal, in the background: (what it says, the process)."""
        process = subprocess.Popen([clients.terraform(), *arguments, *self._plain(arguments)], cwd=self.folder,
                                   env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        return pexpect.fdpexpect.fdspawn(process.stdout, timeout=300, encoding="utf-8", codec_errors="replace"), process

    def gate(self, phase, run=None):
        return self.server.wait_for_gate(phase, run, workspace=self.workspace)

    def enter(self, phase, code, status=200, run=None):
        """(run id, the error or None)"""
        run, gate = self.gate(phase, run)
        answered, document = self.server.authenticate(run, phase, gate, code)
        assert answered == status, document
        return run, document["errors"][0] if status != 200 else None

    def to_the_gate(self, phase, confirmed=True):
        """(terminal, run id) of an apply that waits at the gate of this phase."""
        child = self.start("apply")
        child.expect(self.waiting)
        run, _ = self.gate("plan")
        if phase == "apply":
            self.enter("plan", self.phone.code(), run=run)
            child.expect("Enter a value:")
            if confirmed:
                child.sendline("yes")
                child.expect(self.waiting)
            self.gate("apply", run)
        return child, run

    def sent(self):
        return [call["decision"] for call in sent_codes(self.server.world)[self.sent_before:]]

    def act(self, run, action):
        status, answer = self.server.request("POST", f"/api/v2/runs/{run}/actions/{action}", {})
        assert status == 202, answer

    def is_over(self, run, phase, status, state="closed"):
        """The run ended at this gate, and so did its log, its lock and the gate itself; nothing of the phase ran."""
        runs.wait_for(self.server, run, status)
        attributes = self.server.run(run)
        assert (attributes["mfa"]["phase"], attributes["mfa"]["state"]) == (phase, state)
        log = self.server.phase_log(run, phase)
        assert log == "" or log.endswith("\x03"), log
        assert "Terraform" not in log and "terraform_data" not in log, log
        found = self.server.request("GET", f"/api/v2/organizations/acme/workspaces/{self.workspace}")[1]
        assert found["data"]["attributes"]["locked"] is False
        answered, _ = self.server.authenticate(run, phase, "gate-of-then", self.phone.wrong_code())
        assert answered == 409
        return attributes


@pytest.fixture
def case(gated, tmp_path, request):
    name = request.node.name.removeprefix("test_")
    somebody = Case(gated, tmp_path / "project", "".join(c if c.isalnum() else "-" for c in name).strip("-")[:80],
                    older="backend_remote" in name)
    somebody.run("init", "-input=false", timeout=300)
    return somebody


def passes(case, child, phases):
    for phase in phases:
        child.expect_exact(case.waiting)
        case.enter(phase, case.phone.code())
        child.expect(PASSED)


@pytest.mark.parametrize("arguments, phases", [
    (["plan"], ["plan"]), (["plan", "-json"], ["plan"]),
    (["apply", "-auto-approve"], ["plan", "apply"]), (["apply", "-auto-approve", "-json"], ["plan", "apply"]),
], ids=lambda value: "-".join(value))
def test_no_terminal(case, arguments, phases):
    said, process = case.start_plain(*arguments)
    passes(case, said, phases)
    said.expect(pexpect.EOF)
    assert process.wait(60) == 0, said.before
    assert case.sent() == ["allowed"] * len(phases)


def test_backend_remote(case):
    child = case.start("apply")
    passes(case, child, ["plan"])
    child.expect("Enter a value:")
    child.sendline("yes")
    passes(case, child, ["apply"])
    child.expect("1 added, 0 changed, 0 destroyed")
    finish(child)
    assert case.run("output", "-raw", "greeting") == "hello from the server"


def test_a_workspace_that_applies_by_itself(case):
    """Stock terraform says of every run of its own that it does not; so this one is started by the API, and read by it."""
    workspace = case.server.request("GET", f"/api/v2/organizations/acme/workspaces/{case.workspace}")[1]["data"]["id"]
    runs.ask(case.server, "PATCH", f"/api/v2/workspaces/{workspace}", runs.data("workspaces", {"auto-apply": True}))
    runs.upload(case.server, workspace, {"main.tf": (case.folder / "main.tf").read_text()})
    run = runs.start_run(case.server, workspace)
    for phase, status in (("plan", "plan_queued"), ("apply", "apply_queued")):
        case.gate(phase, run)
        assert runs.wait_for(case.server, run, status)
        case.enter(phase, case.phone.code(), run=run)
    runs.wait_for(case.server, run, "applied", seconds=180)
    for phase in ("plan", "apply"):
        log = case.server.phase_log(run, phase)
        assert case.waiting in log and PASSED in log
    assert case.sent() == ["allowed"] * 2
    assert case.run("output", "-raw", "greeting") == "hello from the server"


@pytest.mark.parametrize("phase, confirmed", [("plan", None), ("apply", False), ("apply", True)],
                         ids=["plan", "apply-that-nobody-has-confirmed", "apply"])
def test_wrong_and_used_codes(case, phase, confirmed):
    child, run = case.to_the_gate(phase, confirmed)
    calls = len(case.sent())
    wrong = case.phone.wrong_code()
    run, error = case.enter(phase, wrong, 422)
    assert error["code"] == "mfa_code_refused" and error["meta"]["tries-left"] == 4
    if confirmed is not False:
        child.expect(REFUSED)
    # It went to AWS and does not go there again.
    assert case.enter(phase, wrong, 429)[1]["code"] == "code_used"
    assert len(case.sent()) == calls + 1
    assert REFUSED in case.server.phase_log(run, phase)
    case.enter(phase, case.phone.code())
    if confirmed is False:
        child.expect("approved using the UI or API")
        child.expect(REFUSED)
    child.expect(PASSED)
    if phase == "apply":
        child.expect("Apply complete!")
        finish(child)
        return
    child.expect("Enter a value:")
    child.sendline("no")
    child.expect("Apply discarded")
    child.expect(pexpect.EOF)
    # The apply's gate never came to be: what the run shows is the plan's.
    runs.wait_for(case.server, run, "discarded")
    mfa = case.server.run(run)["mfa"]
    assert (mfa["phase"], mfa["state"]) == ("plan", "passed")


@pytest.mark.parametrize("phase", ["plan", "apply"])
def test_interrupted(case, phase):
    child, run = case.to_the_gate(phase)
    calls = len(case.sent())
    child.sendintr()
    child.expect("Do you want to cancel the remote operation")
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect("The remote operation was successfully cancelled")
    child.expect(pexpect.EOF)
    case.is_over(run, phase, "canceled")
    assert len(case.sent()) == calls


@pytest.mark.parametrize("phase", ["plan", "apply"])
def test_canceled_by_somebody(case, phase):
    child, run = case.to_the_gate(phase)
    case.act(run, "cancel")
    child.expect("canceled")
    child.expect(pexpect.EOF)
    case.is_over(run, phase, "canceled")


def test_discarded(case):
    child, run = case.to_the_gate("apply", confirmed=False)
    case.enter("apply", case.phone.wrong_code(), 422, run)
    calls = case.sent()
    case.act(run, "discard")
    child.expect("discarded using the UI or API")
    child.expect(pexpect.EOF)
    case.is_over(run, "apply", "discarded")
    log = case.server.phase_log(run, "apply")
    assert REFUSED in log and "Run discarded by ana." in log
    assert case.sent() == calls


def test_nobody_comes(gated, tmp_path):
    """At both gates at once, because a minute is the shortest deadline."""
    waits = {}
    for phase in ("plan", "apply"):
        case = Case(gated, tmp_path / phase, f"nobody-comes-{phase}")
        case.run("init", "-input=false", timeout=300)
        waits[phase] = (case, *case.to_the_gate(phase))
    calls = len(sent_codes(gated.world))
    gated.set_mfa("--plan-gate-deadline", "1m", "--apply-gate-deadline", "1m")
    for phase, (case, child, run) in waits.items():
        child.expect(f"no one-time code came for the {phase}")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 1
        assert case.is_over(run, phase, "errored", "expired")["error-reason"] == "mfa_timeout"
    assert len(sent_codes(gated.world)) == calls
