"""A workspace that is deleted is gone from the disk too: its states, plans, configurations and logs, and no other's."""
import shutil
import time

import pytest

from tests.support.runs import ask, new_workspace, start_run, upload, wait_for
from tests.support.server import Server

CODE = {"main.tf": 'resource "terraform_data" "a" {\n  input = "hello"\n}\noutput "a" { value = terraform_data.a.output }\n'}
NOTHING = {"main.tf": 'output "a" { value = "only an output" }\n'}


@pytest.fixture
def server(tmp_path, terraform_program):
    with Server(tmp_path / "server", RUNNER_UNSANDBOXED="true") as running:
        yield running


def files(server):
    """Blobs and logs, as paths below the data directory."""
    data = server.folder / "data"
    return {str(path.relative_to(data)) for kind in ("blobs", "logs") for path in (data / kind).rglob("*") if path.is_file()}


def applied(server, name, code=CODE):
    """A workspace in which a run was applied and another only planned; its id, and what is new on the disk."""
    before = files(server)
    workspace = new_workspace(server, name)
    upload(server, workspace, code)
    for wish in ({"auto_apply": True}, {"plan_only": True}):
        wait_for(server, start_run(server, workspace, **wish), "applied", "planned_and_finished")
    return workspace, files(server) - before


def kinds(paths):
    return {path.split("/")[1] if path.startswith("blobs/") else "logs" for path in paths}


def audited(server):
    events = ask(server, "GET", "/api/v2/organizations/acme/audit-events?page%5Bsize%5D=100")["data"]
    return [event["attributes"] for event in events if event["attributes"]["event"] == "workspace.deleted"]


def test_the_files_go_with_the_workspace(server):
    kept, of_kept = applied(server, "kept")
    gone, of_gone = applied(server, "gone")
    empty, of_empty = applied(server, "empty", NOTHING)
    assert kinds(of_gone) >= {"configuration", "state", "plan", "plan-json", "plan-redacted", "logs"}
    assert len(of_gone) >= 10
    # What manages something is not deleted by the way that asks first; then no file goes.
    status, _ = server.request("POST", f"/api/v2/workspaces/{gone}/actions/safe-delete")
    assert status == 409 and files(server) == of_kept | of_gone | of_empty
    ask(server, "DELETE", f"/api/v2/workspaces/{gone}", status=204)
    assert files(server) == of_kept | of_empty
    ask(server, "POST", f"/api/v2/workspaces/{empty}/actions/safe-delete", status=204)
    assert files(server) == of_kept
    assert ask(server, "GET", f"/api/v2/workspaces/{kept}/current-state-version")["data"]["id"]
    assert len(audited(server)) == 2
    ask(server, "DELETE", "/api/v2/organizations/acme", status=204)
    assert files(server) == set()


def test_what_a_kill_left_is_swept_at_the_next_start(server, tmp_path):
    kept, of_kept = applied(server, "kept")
    gone, of_gone = applied(server, "gone")
    data = server.folder / "data"
    # A kill after the commit and before the first file: the rows are gone, all files are there.
    for kind in ("blobs", "logs"):
        shutil.copytree(data / kind, tmp_path / "as-it-was" / kind)
    ask(server, "DELETE", f"/api/v2/workspaces/{gone}", status=204)
    server.process.kill()
    server.process.wait()
    for path in of_gone:
        shutil.copy(tmp_path / "as-it-was" / path, data / path)
    strangers = {"blobs/report/sv-1.blob", "blobs/notes.txt", "logs/of-somebody.log"}
    for path in strangers:
        (data / path).parent.mkdir(exist_ok=True)
        (data / path).write_text("of an unknown kind")
    assert files(server) == of_kept | of_gone | strangers
    server.start()
    # The thread says it once it is done.
    wait_for_event(server, "files.swept")
    assert files(server) == of_kept | strangers
    (swept,) = server.events("files.swept")
    assert int(swept["blobs"]) + int(swept["logs"]) == len(of_gone)
    assert ask(server, "GET", f"/api/v2/workspaces/{kept}/current-state-version")["data"]["id"]
    assert "unbroken" in server.command("audit", "verify", server.folder)


def wait_for_event(server, name):
    for _ in range(600):
        if server.events(name):
            return
        time.sleep(0.05)
    raise AssertionError(server.log)
