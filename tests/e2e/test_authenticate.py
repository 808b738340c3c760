"""tollgate authenticate, and the gate in tollgate run watch: what a person sees, what is sent, how it ends."""
import pexpect
import pytest

from tests.support import fake_run_server
from tests.support.fake_run_server import SERIAL, FakeRunServer
from tests.support.world import PROMPT


@pytest.fixture
def fake(tmp_path):
    with FakeRunServer(tmp_path) as running:
        yield running


def authenticate(home, fake, *arguments, status=0, code="123456"):
    process = ["--mfa-process", f"echo {code}"] if code else []
    done = home.run("tollgate", "authenticate", "run-1", *process, *arguments, environment=fake.environment)
    assert done.returncode == status, (done.returncode, done.stderr)
    return done.stderr


def test_a_person_sees_what_the_code_is_for_and_types_it(home, fake):
    fake.will_accept()
    result = home.on_pty("tollgate", "authenticate", "run-1", answers=["123 456"], environment=fake.environment)
    assert (result.status, result.prompts) == (0, 1), result.output
    for line in ("run-1 of acme/app: apply waits for an AWS MFA code", "Plan: 1 to add, 0 to change, 0 to destroy.",
                 "bob's configuration will run with ana's AWS session (arn:aws:iam::111122223333:user/ana)",
                 "the code also confirms the plan", "the apply of run-1 needs a one-time code", f"device   {SERIAL}",
                 "AWS has accepted the code for the apply of run-1; its session ends 2026-01-02T07:10:05Z"):
        assert line in result.output, (line, result.output)
    assert fake.posts == [("/api/v2/runs/run-1/actions/authenticate",
                           {"phase": "apply", "gate-id": "gate-1", "code": "123456"})]


def test_a_wrong_code_is_followed_by_the_next_question(home, fake):
    fake.will_refuse(422, **{"tries-left": 4, "next-code-in": 20})
    fake.will_accept()
    result = home.on_pty("tollgate", "authenticate", "run-1", answers=["111111", "222222"],
                         environment=fake.environment)
    assert (result.status, result.prompts) == (0, 2), result.output
    assert "AWS does not accept the code (4 tries left)" in result.output
    assert fake.codes() == ["111111", "222222"]


def test_a_code_that_was_sent_is_not_sent_again(home, fake):
    """Not by the next command either: it is waited out."""
    fake.will_refuse(502)
    assert "the code counts as used" in authenticate(home, fake, status=69)
    child = home.spawn("tollgate", "authenticate", "run-1", environment=fake.environment)
    child.expect(PROMPT)
    child.sendline("123456")
    child.expect(r"in \d+s")
    child.sendcontrol("c")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert fake.codes() == ["123456"]


@pytest.mark.parametrize("answer, meta, status, words", [
    (409, {}, 75, "`tollgate run show run-1` says how it stands"),
    (422, {}, 77, "AWS does not accept the code"),
    (423, {}, 77, "an owner of the organization has to unlock the run"),
    (429, {"retry-after": 600}, 75, "try again in 10m 00s"),
    (502, {}, 69, "the code counts as used"),
    (503, {}, 69, "the code was not sent to AWS"),
    (401, {}, 77, "terraform login runs.example"),
    (404, {}, 78, "runs.example has no such thing"),
])
def test_every_answer_has_a_sentence_and_an_exit_status(home, fake, answer, meta, status, words):
    fake.will_refuse(answer, **meta)
    assert words in authenticate(home, fake, status=status)
    assert fake.codes() == ["123456"]


def test_what_was_provably_not_sent_may_be_sent(home, fake):
    fake.will_refuse(503)
    authenticate(home, fake, status=69)
    fake.will_accept()
    authenticate(home, fake)
    assert fake.codes() == ["123456", "123456"]


@pytest.mark.parametrize("gate, status, words", [
    (None, 75, "run-1 needs no code"),
    (fake_run_server.gate(state="not-yet", **{"gate-id": None}), 75, "apply will need an AWS MFA code"),
    (fake_run_server.gate(state="locked"), 77, "an owner of the organization has to unlock it"),
    (fake_run_server.gate(state="expired"), 75, "nobody gave a code for the apply in time"),
    (fake_run_server.gate(you={"can": False, "serial": None, "reason": "Add an AWS identity first."}), 77,
     "Add an AWS identity first."),
    (fake_run_server.passed(), 0, "apply was authenticated with MFA by ana"),
])
def test_nothing_is_asked_where_no_code_would_be_taken(home, fake, gate, status, words):
    fake.mfa = gate
    assert words in authenticate(home, fake, status=status, code=None)
    assert fake.posts == []


def test_without_a_terminal_or_a_program_nobody_is_asked(home, fake):
    told = authenticate(home, fake, status=77, code=None)
    assert "needs a one-time code" in told and "run `tollgate authenticate run-1` in a terminal" in told
    assert fake.posts == []


def test_watching_shows_the_gate_and_asks_at_a_terminal(home, fake):
    fake.status, fake.apply = "apply_queued", "mfa_waiting"
    fake.will_accept()
    result = home.on_pty("tollgate", "run", "watch", "run-1", answers=["123456"], environment=fake.environment)
    assert (result.status, result.prompts) == (0, 1), result.output
    assert "plan line" in result.output and "apply line" in result.output and "run-1: applied" in result.output
    assert "bob's configuration will run with ana's AWS session" in result.output
    assert fake.codes() == ["123456"]


def test_watching_without_a_terminal_says_who_may_answer(home, fake):
    fake.status, fake.apply = "apply_queued", "mfa_waiting"
    child = home.start("tollgate", "run", "watch", "run-1", environment=fake.environment)
    while "who may answer" not in (line := child.stderr.readline()):
        assert line, "it ended"
    assert f"you, with the device {SERIAL}" in line
    fake.accept()
    log, talk = child.communicate(timeout=60)
    assert child.returncode == 0 and "apply line" in log
    assert "apply was authenticated with MFA by ana" in talk
    assert fake.posts == []


def test_showing_says_what_waits_and_for_whom(home, fake):
    shown = home.run("tollgate", "run", "show", "run-1", environment=fake.environment).stdout
    assert "apply waits for an AWS MFA code" in shown and f"you, with the device {SERIAL}" in shown
    assert "`tollgate authenticate run-1` gives it a code" in shown
