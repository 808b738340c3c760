"""A backup that is made while a server works is a server: what was acknowledged before it is there, and nothing is torn."""
import base64
import hashlib
import json
import shutil
import subprocess
import threading

import pytest

from tests.support.runs import ask, log_of, new_workspace, start_run, upload, wait_for
from tests.support.server import Server
from tests.support.world import programs


@pytest.fixture
def server(tmp_path, terraform_program):
    with Server(tmp_path / "server", RUNNER_CONCURRENCY="2") as running:
        yield running


def put_states(server, workspace, count, done):
    """Acknowledged states, one after another, each with its serial as output; `done` counts them."""
    ask(server, "POST", f"/api/v2/workspaces/{workspace}/actions/lock", {"reason": "by hand"})
    for serial in range(1, count + 1):
        state = json.dumps({"version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "one", "resources": [],
                            "outputs": {"serial": {"value": serial, "type": "number"}}}).encode()
        ask(server, "POST", f"/api/v2/workspaces/{workspace}/state-versions", {"data": {
            "type": "state-versions", "attributes": {
                "serial": serial, "lineage": "one", "md5": hashlib.md5(state).hexdigest(),
                "state": base64.b64encode(state).decode()}}}, 201)
        done.append(serial)


def test_a_backup_of_a_busy_server_is_a_server(server, tmp_path):
    code = {"main.tf": 'resource "terraform_data" "one" {\n  input = "kept"\n}\n'}
    workspace = new_workspace(server, "app", auto_apply=True)
    upload(server, workspace, code)
    run = start_run(server, workspace, auto_apply=True)
    wait_for(server, run, "applied", seconds=180)
    logs = {phase: log_of(server, run, phase) for phase in ("plan", "apply")}
    # Others go on while the copy is made: states are written, and a run is in the middle of its apply.
    busy = new_workspace(server, "busy", auto_apply=True)
    upload(server, busy, {"main.tf": 'resource "terraform_data" "slow" {\n  provisioner "local-exec" {\n'
                                     '    command = "sleep 600"\n  }\n}\n'})
    caught = start_run(server, busy, auto_apply=True)
    wait_for(server, caught, "applying", seconds=180)
    written, done = new_workspace(server, "written"), []
    writer = threading.Thread(target=put_states, args=(server, written, 60, done))
    writer.start()
    while len(done) < 5:
        writer.join(0.05)
    before = len(done)
    said = server.command("backup", server.folder, tmp_path / "backup")
    assert "master.key" in said and not (tmp_path / "backup/master.key").exists()
    writer.join()
    assert len(done) == 60 and before < 60

    shutil.copytree(tmp_path / "backup", tmp_path / "again/server")
    shutil.copy(server.folder / "master.key", tmp_path / "again/server/master.key")
    assert "unbroken" in server.command("audit", "verify", tmp_path / "again/server")
    with Server(tmp_path / "again/server", token=server.token) as restored:
        assert {phase: log_of(restored, run, phase) for phase in logs} == logs
        current = ask(restored, "GET", f"/api/v2/workspaces/{workspace}/current-state-version")["data"]
        status, state = restored.request("GET", f"/api/v2/state-versions/{current['id']}/download")
        assert status == 200 and state["resources"][0]["name"] == "one"
        # All that was acknowledged before, and a whole number of those that came later.
        latest = ask(restored, "GET", f"/api/v2/workspaces/{written}/current-state-version?include=outputs")
        serial = latest["data"]["attributes"]["serial"]
        assert before <= serial <= 60 and latest["included"][0]["attributes"]["value"] == serial
        status, state = restored.request("GET", f"/api/v2/state-versions/{latest['data']['id']}/download")
        assert status == 200 and state["serial"] == serial
        # Nobody can know what became of it.
        ended = wait_for(restored, caught, "errored", seconds=60)
        assert ended["error-reason"] == "runner_lost"
        assert not ask(restored, "GET", f"/api/v2/workspaces/{busy}")["data"]["attributes"]["locked"]
        again = start_run(restored, workspace)
        assert wait_for(restored, again, "planned_and_finished", "errored", seconds=180)["status"] == "planned_and_finished"
    # The one that it was made of has not noticed.
    assert ask(server, "GET", f"/api/v2/runs/{caught}")["data"]["attributes"]["status"] == "applying"
    ask(server, "POST", f"/api/v2/runs/{caught}/actions/cancel", {}, 202)
    wait_for(server, caught, "canceled", "errored", seconds=180)
    assert "unbroken" in server.command("audit", "verify", server.folder)


def refused(*arguments):
    done = subprocess.run([programs() / "tollgate-server", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stderr


def test_a_backup_never_changes_what_is_there_and_is_worth_nothing_without_the_key(server, tmp_path):
    (tmp_path / "old").mkdir()
    status, said = refused("backup", server.folder, tmp_path / "old")
    assert status == 75 and "is there already" in said
    assert list((tmp_path / "old").iterdir()) == []
    server.command("backup", server.folder, tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    status, said = refused("serve", tmp_path / "backup")
    assert status == 78 or "master key" in said, (status, said)
    server.command("init", tmp_path / "another", "--listen", "127.0.0.1:0")
    shutil.copy(tmp_path / "another/master.key", tmp_path / "backup/master.key")
    status, said = refused("audit", "verify", tmp_path / "backup")
    assert status == 78 and "key" in said, (status, said)
