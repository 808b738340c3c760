"""Stock terraform on a terminal against tollgate-server: everything that its runs can do.

One server for all of it, a workspace for each test. What has a time of its own has a bound and no pause.
"""
import http.server
import json
import os
import re
import signal
import threading
import time

import pexpect
import pytest

from tests.support.fault_proxy import TOO_MANY, UNAVAILABLE, FaultProxy
from tests.support.server import RUNS, Person, Server, finish

# Long enough that a test can do something to an apply while it runs.
LINES = 60
SLOW = f"""
resource "terraform_data" "slow" {{
  depends_on = [terraform_data.greeting]
  provisioner "local-exec" {{
    command = "i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo number-$i-; sleep 0.1; done"
  }}
}}
"""


class Door:
    """A state that a plan reads from another place, and that place answers when it is told to."""

    def __init__(self):
        self.asked, self.open = threading.Event(), threading.Event()
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                door.asked.set()
                door.open.wait(120)
                state = json.dumps({"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "elsewhere",
                                    "outputs": {}, "resources": []}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(state)))
                self.end_headers()
                self.wfile.write(state)

            def log_message(self, *_):
                pass
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.code = f"""
data "terraform_remote_state" "elsewhere" {{
  backend = "http"
  config = {{
    address = "http://127.0.0.1:{self.port}/state"
  }}
  defaults = {{}}
}}
"""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def shut(self):
        self.asked.clear()
        self.open.clear()


@pytest.fixture(scope="module")
def doorway():
    return Door()


@pytest.fixture
def door(doorway):
    doorway.shut()
    yield doorway
    doorway.open.set()


@pytest.fixture(scope="module")
def server(tmp_path_factory, doorway):
    with Server(tmp_path_factory.mktemp("matrix") / "server", RUNNER_CONCURRENCY="4",
                RUNNER_LOOPBACK_PORTS=str(doorway.port), **RUNS) as running:
        yield running


@pytest.fixture
def person(server, terraform_program, tmp_path, request):
    """In front of a workspace of their own, initialised; the test's mark `code` adds to the code."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_")).strip("-")[:80]
    mark = request.node.get_closest_marker("code")
    somebody = Person(server, server.project(tmp_path / "project", name, mark.args[0] if mark else ""))
    somebody.run("init", "-input=false")
    somebody.workspace = name
    return somebody


def workspace(person):
    status, document = person.server.request("GET", f"/api/v2/organizations/acme/workspaces/{person.workspace}")
    assert status == 200, document
    return document["data"]


def runs(person):
    """Newest first."""
    status, document = person.server.request("GET", f"/api/v2/workspaces/{workspace(person)['id']}/runs")
    assert status == 200, document
    return document["data"]


def run_reaches(person, run_id, *statuses):
    """Waits until the run has one of these, and is it."""
    end = time.monotonic() + 60
    while True:
        status, document = person.server.request("GET", f"/api/v2/runs/{run_id}")
        assert status == 200, document
        if document["data"]["attributes"]["status"] in statuses:
            return document["data"]
        assert time.monotonic() < end, document["data"]["attributes"]["status"]
        time.sleep(0.05)


def act(person, action, run_id):
    status, document = person.server.request("POST", f"/api/v2/runs/{run_id}/actions/{action}", {})
    assert status == 202, document


def log_of(person, run, phase="apply"):
    """The whole log as bytes of text, markers included."""
    kind = {"plan": "plans", "apply": "applies"}[phase]
    identity = run["relationships"][phase]["data"]["id"]
    status, document = person.server.request("GET", f"/api/v2/{kind}/{identity}")
    assert status == 200, document
    address = document["data"]["attributes"]["log-read-url"].removeprefix(person.server.url)
    status, text = person.server.request("GET", f"{address}?limit=1000000&offset=0")
    assert status == 200, text
    return text


def test_a_plan_is_drawn_and_an_apply_confirmed(person):
    child = person.spawn("apply")
    child.expect("Running apply in the remote backend|Running apply in HCP Terraform|Running apply in Terraform Enterprise")
    child.expect(f"https://{person.server.host}/app/acme/{person.workspace}/runs/run-")
    child.expect(r"# terraform_data.greeting will be created")
    child.expect(r'\+ input  = "hello from the server"')
    child.expect("Plan: 1 to add, 0 to change, 0 to destroy.")
    child.expect("Do you want to perform these actions in workspace")
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect("terraform_data.greeting: Creation complete")
    assert "1 added, 0 changed, 0 destroyed." in finish(child)
    run = runs(person)[0]
    assert run["attributes"]["status"] == "applied"
    for phase in ("plan", "apply"):
        text = log_of(person, run, phase)
        assert text.startswith("\x02") and text.endswith("\x03"), text
    assert person.run("output", "-raw", "greeting") == "hello from the server"
    assert json.loads(person.run("output", "-json"))["greeting"]["value"] == "hello from the server"
    assert not workspace(person)["attributes"]["locked"]


def test_an_answer_that_is_not_yes_discards(person):
    child = person.spawn("apply")
    child.expect("Enter a value:")
    child.sendline("no")
    child.expect("Apply discarded")
    finish(child, 1)
    assert [run["attributes"]["status"] for run in runs(person)] == ["discarded"]


@pytest.mark.parametrize("action,words,status", [
    ("discard", "discarded using the UI or API", 1), ("apply", "approved using the UI or API", 0)])
def test_somebody_else_decides(person, action, words, status):
    child = person.spawn("apply")
    child.expect("Enter a value:")
    act(person, action, runs(person)[0]["id"])
    child.expect(words)
    finish(child, status)
    assert runs(person)[0]["attributes"]["status"] == {"discard": "discarded", "apply": "applied"}[action]


def test_a_saved_plan_is_shown_and_applied_once(person):
    assert "Plan: 1 to add" in person.run("plan", "-out", "saved")
    assert runs(person)[0]["attributes"]["status"] == "planned_and_saved"
    assert not workspace(person)["attributes"]["locked"], "a saved plan holds nothing"
    assert "terraform_data.greeting will be created" in person.run("show", "saved")
    document = json.loads(person.run("show", "-json", "saved"))
    assert [change["address"] for change in document["resource_changes"]] == ["terraform_data.greeting"]
    assert "1 added" in person.run("apply", "saved")
    assert "greeting" in person.run("show"), "the state"
    assert "Saved plan is already applied" in person.run("apply", "saved", status=1)


def test_a_saved_plan_of_another_state_is_refused(person):
    person.run("plan", "-out", "saved")
    person.run("apply", "-auto-approve")
    saved = next(run for run in runs(person) if run["attributes"]["save-plan"])
    run_reaches(person, saved["id"], "discarded")
    assert "discarded" in person.run("apply", "saved", status=1)


@pytest.mark.code("""
variable "size" {
  type    = number
  default = 1
}
resource "terraform_data" "many" {
  count = 2
  input = var.size
}
output "size" {
  value = terraform_data.many[0].output
}
""")
def test_options_reach_terraform(person):
    targeted = person.run("apply", "-auto-approve", "-target=terraform_data.greeting")
    assert "1 added" in targeted and "Resource targeting is in effect" in targeted
    assert "2 added, 0 changed" in person.run("apply", "-auto-approve", "-var", "size=7")
    assert person.run("output", "size").strip() == "7"
    replaced = person.run("apply", "-auto-approve", "-var", "size=7", "-replace=terraform_data.many[1]")
    assert "terraform_data.many[1] will be replaced, as requested" in replaced
    assert "1 added, 0 changed, 1 destroyed" in replaced
    (person.folder / "fixed.auto.tfvars").write_text("size = 8\n")
    assert "0 to add, 2 to change, 0 to destroy" in person.run("plan")
    assert "0 to add, 2 to change" in person.run("plan", "-refresh=false")
    refreshed = person.run("plan", "-refresh-only", "-var", "size=7")
    assert "No changes." in refreshed or "Your infrastructure still matches" in refreshed, refreshed
    person.run("apply", "-refresh-only", "-auto-approve", "-var", "size=7")
    assert runs(person)[0]["attributes"]["refresh-only"]
    destroyed = person.run("destroy", "-auto-approve")
    assert "3 destroyed" in destroyed, destroyed
    assert runs(person)[0]["attributes"]["is-destroy"]


def test_a_change_is_told_by_the_exit_status(person):
    assert "Plan: 1 to add" in person.run("plan", "-detailed-exitcode", status=2)
    person.run("apply", "-auto-approve")
    assert "No changes." in person.run("plan", "-detailed-exitcode")


def set_attributes(person, **attributes):
    status, document = person.server.request("PATCH", f"/api/v2/workspaces/{workspace(person)['id']}", {
        "data": {"type": "workspaces", "attributes": {name.replace("_", "-"): value for name, value in
                                                      attributes.items()}}})
    assert status == 200, document


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.code('output "secret" {\n  value     = "canary-77e1"\n  sensitive = true\n}\n')
def test_plain_logs_are_shown_as_they_come(person):
    set_attributes(person, structured_run_output_enabled=False)
    planned = plain(person.run("plan"))
    assert "Terraform used the selected providers" in planned and "Plan: 1 to add" in planned
    applied = plain(person.run("apply", "-auto-approve"))
    assert "terraform_data.greeting: Creation complete" in applied and "1 added" in applied
    assert "@level" not in log_of(person, runs(person)[0], "plan")
    assert "canary-77e1" not in planned + applied
    assert person.run("output", "-raw", "secret") == "canary-77e1"


def test_structured_logs_are_documents_and_are_drawn(person):
    child = person.spawn("apply", "-auto-approve")
    child.expect("terraform_data.greeting will be created")
    child.expect("terraform_data.greeting: Creation complete")
    output = child.before + finish(child)
    assert "@level" not in output
    run = runs(person)[0]
    for phase in ("plan", "apply"):
        lines = log_of(person, run, phase).strip("\x02\x03").removeprefix("Apply\n\n\n").splitlines()
        types = [json.loads(line)["type"] for line in lines]
        assert len(types) > 3 and types[0] in ("log", "tollgate"), lines
    assert "apply_complete" in types


@pytest.mark.code(SLOW)
def test_an_interrupted_apply_offers_to_cancel_and_keeps_its_state(person):
    child = person.spawn("apply")
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect("number-3-")
    child.sendintr()
    child.expect("Do you want to cancel the remote operation")
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect("The remote operation was successfully cancelled")
    finish(child)
    ended = run_reaches(person, runs(person)[0]["id"], "canceled", "applied", "errored")
    assert ended["attributes"]["status"] == "canceled"
    text = log_of(person, ended)
    assert text.endswith("\x03") and f"number-{LINES}-" not in text
    assert "terraform_data.greeting" in person.run("state", "list").split()
    assert not workspace(person)["attributes"]["locked"]
    assert "1 added" in person.run("apply", "-auto-approve", "-target=terraform_data.greeting",
                                   "-replace=terraform_data.greeting")


@pytest.mark.code(SLOW)
def test_an_approved_apply_is_canceled_without_a_question(person):
    child = person.spawn("apply", "-auto-approve")
    child.expect("number-3-")
    child.sendintr()
    child.expect("The remote operation was successfully cancelled")
    finish(child)
    assert run_reaches(person, runs(person)[0]["id"], "canceled", "applied", "errored")["attributes"][
        "status"] == "canceled"


def set_lock(person, action):
    status, document = person.server.request("POST", f"/api/v2/workspaces/{workspace(person)['id']}/actions/{action}", {})
    assert status == 200, document


def test_an_interrupt_while_the_plan_waits_offers_to_cancel(person):
    # The run waits behind somebody's lock, so that it is certain where the interrupt finds it.
    set_lock(person, "lock")
    for answer, words, status in (("no", "The remote operation was not cancelled", "pending"),
                                  ("yes", "The remote operation was successfully cancelled", "canceled")):
        child = person.spawn("apply")
        child.expect(r"unlocked\.\.\.|before being queued")
        child.sendintr()
        child.expect("Do you want to cancel the remote operation")
        child.expect("Enter a value:")
        child.sendline(answer)
        child.expect(words)
        finish(child)
        assert runs(person)[0]["attributes"]["status"] == status
    waiting = runs(person)[1]
    assert waiting["attributes"]["actions"]["is-cancelable"]
    act(person, "cancel", waiting["id"])
    for run in runs(person):
        assert run["attributes"]["status"] == "canceled"
        assert re.fullmatch("\x02[^\x02\x03]*canceled[^\x02\x03]*\x03", log_of(person, run, "plan"))
    set_lock(person, "unlock")


def test_an_interrupt_while_terraform_plans_offers_to_cancel(server, terraform_program, tmp_path, door):
    person = Person(server, server.project(tmp_path / "project", "planning", door.code))
    person.workspace = "planning"
    person.run("init", "-input=false")
    child = person.spawn("apply")
    assert door.asked.wait(60), "the plan did not come so far"
    run = run_reaches(person, runs(person)[0]["id"], "planning")
    child.expect("terraform_remote_state.elsewhere: (Reading|Refreshing|Still )")
    child.sendintr()
    child.expect("Do you want to cancel the remote operation")
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect("The remote operation was successfully cancelled")
    finish(child)
    # Terraform ends what it is at, and then nothing more is done.
    door.open.set()
    ended = run_reaches(person, run["id"], "canceled", "errored", "planned")
    assert ended["attributes"]["status"] == "canceled"
    assert log_of(person, ended, "plan").endswith("\x03")
    assert not workspace(person)["attributes"]["locked"]


def test_an_interrupted_plan_that_runs_goes_on_without_its_command(server, terraform_program, tmp_path, door):
    person = Person(server, server.project(tmp_path / "project", "left-alone", door.code))
    person.workspace = "left-alone"
    person.run("init", "-input=false")
    child = person.spawn("plan")
    assert door.asked.wait(60), "the plan did not come so far"
    child.expect("terraform_remote_state.elsewhere: (Reading|Refreshing|Still )")
    child.sendintr()
    child.expect("Interrupt received")
    child.expect(pexpect.EOF)
    run = runs(person)[0]
    assert run["attributes"]["status"] == "planning"
    door.open.set()
    ended = run_reaches(person, run["id"], "planned_and_finished", "errored", "canceled")
    assert ended["attributes"]["status"] == "planned_and_finished"
    assert log_of(person, ended, "plan").endswith("\x03")


def test_an_interrupted_plan_leaves_a_run_that_others_can_end(terraform_program, tmp_path):
    """A speculative plan does not wait for its workspace; here it waits for the server's only place."""
    with Server(tmp_path / "server", RUNNER_CONCURRENCY="1", **RUNS) as server:
        person = Person(server, server.project(tmp_path / "project", "small", SLOW))
        person.workspace = "small"
        person.run("init", "-input=false")
        first = person.spawn("apply", "-auto-approve")
        first.expect("number-1-")
        second = person.spawn("plan")
        second.expect("Waiting for the plan to start")
        run = run_reaches(person, runs(person)[0]["id"], "plan_queued")
        second.sendintr()
        second.expect("Interrupt received")
        second.expect(pexpect.EOF)
        act(person, "cancel", run["id"])
        assert log_of(person, run_reaches(person, run["id"], "canceled"), "plan").endswith("\x03")
        act(person, "cancel", runs(person)[1]["id"])
        first.expect(pexpect.EOF)
        run_reaches(person, runs(person)[1]["id"], "canceled")


def test_a_locked_workspace_is_waited_for(person):
    set_lock(person, "lock")
    child = person.spawn("apply", "-auto-approve")
    child.expect("Waiting for the manually locked workspace to be unlocked")
    set_lock(person, "unlock")
    child.expect("1 added")
    finish(child)


@pytest.mark.code(SLOW)
def test_the_position_in_the_queue_is_told(person):
    first = person.spawn("apply", "-auto-approve")
    first.expect("number-1-")
    second = person.spawn("apply", "-auto-approve")
    second.expect(r"Waiting for 1 run\(s\) to finish before being queued")
    act(person, "cancel", next(run["id"] for run in runs(person) if run["attributes"]["status"] == "applying"))
    finish(first, 1)
    second.expect("number-1-")
    act(person, "cancel", runs(person)[0]["id"])
    finish(second, 1)


@pytest.mark.code(SLOW)
@pytest.mark.parametrize("how", ["replaced", "killed"])
def test_a_restart_during_an_apply_is_not_seen(person, how):
    server = person.server
    before = len(server.events("worker.ready"))
    child = person.spawn("apply", "-auto-approve")
    child.expect("number-3-")
    if how == "replaced":
        server.process.send_signal(signal.SIGHUP)
    else:
        os.kill(int(server.events("worker.started")[-1]["pid"]), signal.SIGKILL)
    end = time.monotonic() + 60
    while len(server.events("worker.ready")) == before:
        assert time.monotonic() < end, server.log[-5:]
        time.sleep(0.02)
    assert runs(person)[0]["attributes"]["status"] == "applying", "the apply was over before the restart"
    child.expect("Apply complete!")
    output = child.before + finish(child)
    numbers = [int(number) for number in re.findall(r"\(local-exec\): number-(\d+)-", output)]
    assert numbers == list(range(4, LINES + 1)), "each line once and in order"
    kept = re.findall(r'"output":"number-(\d+)-"', log_of(person, runs(person)[0]))
    assert [int(number) for number in kept] == list(range(1, LINES + 1))
    assert "2 added" in output


def test_429_and_503_on_the_way_are_absorbed(server, terraform_program, tmp_path):
    early = ("/ping", "/entitlement-set")  # the client repeats itself on 503 only once it is set up
    never = "/signed/log/"                 # a log is read once: any refusal ends the command, with every server

    def fault_of(_, route, count):
        if count > 0 or never in route:
            return None
        return TOO_MANY if route.endswith(early) or len(route) % 3 else UNAVAILABLE

    with FaultProxy(server, fault_of) as proxy:
        host = "matrix.example.com"
        person = Person(server, server.project(tmp_path / "project", "faults", host=host), more=proxy.settings(host))
        person.run("init", "-input=false")
        child = person.spawn("apply")
        child.expect("Enter a value:")
        child.sendline("yes")
        child.expect("1 added")
        finish(child)
        person.run("state", "pull")
        refused = proxy.refused()
    assert {status for _, _, status in refused} == {429, 503}
    assert len(refused) > 12, refused
    person.workspace = "faults"
    assert [run["attributes"]["status"] for run in runs(person)] == ["applied"], "nothing was done twice"


def test_many_at_once(server, terraform_program, tmp_path):
    """Terraform's own waiting and the server's queue: four people, more than there are cores."""
    people = [Person(server, server.project(tmp_path / str(number), f"crowd-{number}")) for number in range(4)]
    failed = []

    def apply(person):
        try:
            person.run("init", "-input=false")
            assert "1 added" in person.run("apply", "-auto-approve", timeout=240)
        except Exception as error:  # noqa: BLE001: a thread's failure has to reach the test
            failed.append(error)
    threads = [threading.Thread(target=apply, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
