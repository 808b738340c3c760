"""The ways of the original feature, as its documentation told them, one step after the other: setting up, "applies
only", "plans and applies", and a provider that assumes a role. Each step says what was promised, and what is seen
beside it. People are at stock terraform, `tollgate authenticate` and `tollgate run watch` on terminals; AWS is
tollgate-sandbox, set up with the policies of docs/gate.md. The page's part of it is tests/web/test_gate_page.py.

One step is another than it was: the gate of a plan opens when the run is the head of its queue and not before it is
queued, so that no session ages in a queue.
"""
import types

import pexpect
import pytest

from tests.support import clients, runs
from tests.support.browser import document, sign_in
from tests.support.gate import ACCOUNT, GateServer, Phone, as_documented, documented, keys, sent_codes
from tests.support.server import Person, finish
from tests.support.world import World

GATED = ("applies-only", "plans-and-applies")
ORGANIZATION = "/api/v2/organizations/acme"
PROMPT = r"Code( \(try \d of \d\))?: $"
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/ana"
WAITING = f"Waiting for an AWS MFA code for device {SERIAL}"
PASSED = "Authenticated with MFA by ana"
REFUSED = "The MFA code of ana was not accepted"


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A server on which somebody has done what the documentation calls setting up and enabling. Of the gate nothing
    else is set, but for the list of AWS accounts."""
    if clients.terraform() is None:
        pytest.skip("terraform: neither terraform nor tofu is installed")
    folder = tmp_path_factory.mktemp("story")
    with World(folder / "world", as_documented) as world, \
            GateServer(folder / "server", world, level="never", people=()) as server:
        told = types.SimpleNamespace(server=server, world=world, folder=folder, phone=Phone(world, "ana"))
        set_up(told)
        yield told


def set_up(story):
    server, world = story.server, story.world
    # It is off, unless an owner of the organization turns it on.
    status, settings = server.request("GET", f"{ORGANIZATION}/aws-mfa")
    assert (status, settings["data"]["attributes"]["level"]) == (200, "never")
    addresses = [f"/api/v2/workspaces/{runs.new_workspace(server, level)}" for level in GATED]
    raised = document("workspaces", aws_mfa="applies-only")
    assert sign_in(server, "bob").call("PATCH", addresses[0], raised).status == 403
    owner = sign_in(server, "ana")
    # First there is an IAM user in AWS; it has an access key, and a device with a serial number.
    (key, secret), serial = keys(world, "ana"), world.device("ana")["serial"]
    assert serial == SERIAL
    # These are three environment variables of the organization, everybody's own.
    for name, value in (("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret),
                        ("AWS_MFA_SERIAL_NUMBER", serial)):
        status, answer = server.request("POST", f"{ORGANIZATION}/personal-vars",
                                        document("vars", key=name, value=value, category="env"))
        assert status == 201, answer
    identity, = owner.call("GET", f"{ORGANIZATION}/aws-identities").json["data"]
    assert identity["attributes"]["mfa-serial"] == serial
    # The settings of a workspace offer three levels: never, applies only, plans and applies. One is chosen and saved.
    for address in addresses:
        for level in ("never", *GATED):
            answer = owner.call("PATCH", address, document("workspaces", aws_mfa=level))
            assert (answer.status, answer.json["data"]["attributes"]["aws-mfa"]) == (200, level)
        assert owner.call("PATCH", address, document("workspaces", aws_mfa="sometimes")).status == 422
    answer = owner.call("PATCH", addresses[0], document("workspaces", aws_mfa=GATED[0]))
    assert answer.status == 200, answer.text


def somebody(story, level, code=None):
    """In front of the workspace of this level with stock terraform. Every run there needs what the level says."""
    folder = story.server.project(story.folder / level, level)
    if code:
        code(folder)
    person = Person(story.server, folder)
    person.run("init", "-input=false", timeout=180)
    return person


def tollgate(person, *words):
    """On a terminal of its own."""
    return pexpect.spawn("tollgate", list(words), cwd=str(person.folder), env={**person.environment, "TERM": "xterm"},
                         timeout=180, encoding="utf-8", codec_errors="replace", dimensions=(50, 200))


def newest(story, level):
    return story.server.runs(level)[0]


def lock(story, run_id):
    """What the lock of the run's page shows: its state, and what is said beside it."""
    mfa = story.server.run(run_id)["mfa"]
    return mfa["phase"], mfa["state"], (mfa["refusal"] or {}).get("by")


def test_applies_only(story):
    person = somebody(story, "applies-only")
    server, world = story.server, story.world
    codes = len(sent_codes(world))
    # A plan is queued and runs, and nobody enters a code.
    apply = person.spawn("apply", timeout=180)
    apply.expect("waits for a one-time code before its apply")
    apply.expect("Plan: 1 to add")
    apply.expect("Enter a value:")
    run = newest(story, "applies-only")
    assert WAITING not in server.phase_log(run, "plan") and len(sent_codes(world)) == codes
    # When it has finished, a code has to be entered before the plan is applied.
    server.wait_for_gate("apply", run)
    assert server.run(run)["status"] == "planned"
    assert lock(story, run) == ("apply", "waiting", None)
    phone = tollgate(person, "authenticate", run)
    phone.expect("Plan: 1 to add, 0 to change, 0 to destroy")
    phone.expect("the code also confirms the plan")
    phone.expect(f"device +{SERIAL}")
    # Whenever there is an error with the code, the lock turns red, and an error tells of it.
    phone.expect(PROMPT)
    phone.sendline(story.phone.wrong_code())
    phone.expect(r"4 tries left")
    phone.expect(PROMPT)
    assert lock(story, run) == ("apply", "refused", "ana")
    assert REFUSED in server.phase_log(run, "apply")
    assert server.run(run)["status"] == "planned"
    # Once the code is submitted, the apply starts,
    phone.sendline(story.phone.code())
    phone.expect("AWS has accepted the code for the apply of " + run)
    finish(phone)
    apply.expect("approved using the UI or API")
    apply.expect(REFUSED)
    # and "Authenticated with MFA by" and the person's name are seen.
    apply.expect(PASSED)
    apply.expect("Apply complete! Resources: 1 added")
    finish(apply)
    assert lock(story, run)[:2] == ("apply", "passed")
    assert server.run(run)["mfa"]["by"]["username"] == "ana"
    assert [call["decision"] for call in sent_codes(world)[codes:]] == ["denied", "allowed"]
    assert person.run("output", "-raw", "greeting") == "hello from the server"


def assume_role(world):
    """The provider's block as docs/gate.md has it, byte for byte; where AWS is here stands in a file beside it."""
    block, = (text for text in documented("text") if text.startswith("provider "))

    def code(folder):
        (folder / "provider.tf").write_text(f"""terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{clients.provider_version(clients.provider_mirror())}"
    }}
  }}
}}

data "aws_caller_identity" "me" {{
}}

resource "terraform_data" "caller" {{
  input = data.aws_caller_identity.me.arn
}}

output "caller" {{
  value = terraform_data.caller.output
}}

{block}""")
        (folder / "provider_override.tf").write_text(f"""provider "aws" {{
  endpoints {{
    sts = "{world.url}"
  }}
}}
""")
    return code


def test_plans_and_applies_and_a_role(story, aws_provider):
    server, world = story.server, story.world
    # A role whose trust policy has the condition aws:MultiFactorAuthPresent, and a provider with an assume_role block.
    person = somebody(story, "plans-and-applies", assume_role(world))
    codes = len(sent_codes(world))
    apply = person.spawn("apply", timeout=180)
    apply.expect("waits for a one-time code before its plan, and for another one before its apply")
    # A code is asked for before the plan.
    apply.expect(WAITING)
    run = newest(story, "plans-and-applies")
    assert (server.run(run)["status"], len(sent_codes(world))) == ("plan_queued", codes)
    assert lock(story, run) == ("plan", "waiting", None)
    watch = tollgate(person, "run", "watch", run)
    watch.expect(PROMPT)
    # Whenever there is an error with the code, the lock turns red, and an error tells of it.
    watch.sendline(story.phone.wrong_code())
    apply.expect(REFUSED)
    watch.expect(PROMPT)
    assert lock(story, run) == ("plan", "refused", "ana")
    # Once it is entered, "Authenticated with MFA by" and the person's name appear in the log,
    watch.sendline(story.phone.code())
    apply.expect(PASSED)
    # and the plan runs.
    apply.expect("Plan: 2 to add")
    apply.expect("Enter a value:")
    assert [entry["phase"] for entry in server.run(run)["mfa-history"]] == ["plan"]
    # Before the apply a code is asked for again,
    apply.sendline("yes")
    apply.expect(WAITING)
    watch.expect(PROMPT)
    assert (server.run(run)["status"], lock(story, run)) == ("apply_queued", ("apply", "waiting", None))
    # and the same words appear in the log when the apply begins.
    watch.sendline(story.phone.code())
    apply.expect(PASSED)
    apply.expect("Apply complete! Resources: 2 added")
    finish(apply)
    watch.expect(PASSED)
    watch.expect(f"{run}: applied")
    finish(watch)
    log = server.phase_log(run, "apply")
    assert log.index(WAITING) < log.index(PASSED) < log.index("Creat")
    assert [(entry["phase"], entry["username"]) for entry in server.run(run)["mfa-history"]] == [
        ("plan", "ana"), ("apply", "ana")]
    assert [call["decision"] for call in sent_codes(world)[codes:]] == ["denied", "allowed", "allowed"]
    # Assuming a role goes together with it: AWS says so inside the run, and to whom it gave the role.
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/terraform/" in person.run("output", "-raw", "caller")
    roles = world.calls("AssumeRole")
    assert roles and {(call["mfa"], call["decision"]) for call in roles} == {("yes", "allowed")}
    assert {call["principal"] for call in roles} == {f"arn:aws:iam::{ACCOUNT}:user/ana"}
