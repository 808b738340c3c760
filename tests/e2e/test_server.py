"""tollgate-server in front of the stock terraform: what works of it today is state, in workspaces that run locally."""
import concurrent.futures
import json
import signal
import subprocess
import time

import pytest

from tests.support.server import Server


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "server") as running:
        yield running


def terraform(server, program, folder, *arguments, status=0):
    done = subprocess.run([program, *arguments], cwd=folder, env=server.terraform_environment(), capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def local_workspace(server, name="app"):
    status, workspace = server.request("GET", f"/api/v2/organizations/acme/workspaces/{name}")
    assert status == 200, workspace
    status, answer = server.request("PATCH", f"/api/v2/workspaces/{workspace['data']['id']}", {
        "data": {"type": "workspaces", "attributes": {"execution-mode": "local"}}})
    assert status == 200, answer
    return workspace["data"]["id"]


def test_terraform_keeps_its_state_on_the_server(server, terraform_program, tmp_path):
    project = server.project(tmp_path / "project")
    assert "successfully initialized" in terraform(server, terraform_program, project, "init", "-input=false", "-no-color")
    local_workspace(server)
    applied = terraform(server, terraform_program, project, "apply", "-auto-approve", "-input=false", "-no-color")
    assert "1 added, 0 changed, 0 destroyed" in applied
    assert terraform(server, terraform_program, project, "output", "-raw", "greeting") == "hello from the server"
    terraform(server, terraform_program, project, "state", "mv", "terraform_data.greeting", "terraform_data.moved")
    assert terraform(server, terraform_program, project, "state", "list").split() == ["terraform_data.moved"]
    state = json.loads(terraform(server, terraform_program, project, "state", "pull"))
    assert state["serial"] == 2
    # A folder that has never seen it finds the same state.
    other = server.project(tmp_path / "other")
    terraform(server, terraform_program, other, "init", "-input=false", "-no-color")
    assert json.loads(terraform(server, terraform_program, other, "state", "pull")) == state
    records = server.command("audit", "verify", server.folder)
    assert "unbroken" in records and not records.startswith("0 ")


def test_nothing_secret_lies_in_clear(server, terraform_program, tmp_path):
    project = server.project(tmp_path / "project", body='output "canary" {\n  value = "canary-4f1c9a"\n}\n')
    terraform(server, terraform_program, project, "init", "-input=false", "-no-color")
    local_workspace(server)
    terraform(server, terraform_program, project, "apply", "-auto-approve", "-input=false", "-no-color")
    secrets = [server.token.encode(), b"canary-4f1c9a", b"hello from the server"]
    files = [path for path in (server.folder / "data").rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            assert secret not in content, path
    for line in server.log:
        assert server.token not in json.dumps(line)


def test_a_held_lock_is_respected_and_named(server, terraform_program, tmp_path):
    project = server.project(tmp_path / "project")
    terraform(server, terraform_program, project, "init", "-input=false", "-no-color")
    workspace = local_workspace(server)
    status, answer = server.request("POST", f"/api/v2/workspaces/{workspace}/actions/lock", {"reason": "by hand"})
    assert status == 200, answer
    refused = subprocess.run([terraform_program, "apply", "-auto-approve", "-input=false", "-no-color"], cwd=project,
                             env=server.terraform_environment(), capture_output=True, text=True, timeout=120)
    assert refused.returncode == 1 and "lock" in refused.stderr, refused.stderr
    status, answer = server.request("POST", f"/api/v2/workspaces/{workspace}/actions/unlock", {})
    assert status == 200, answer
    terraform(server, terraform_program, project, "apply", "-auto-approve", "-input=false", "-no-color")


def test_strangers_see_nothing(server):
    assert server.request("GET", "/api/v2/organizations/acme/workspaces", token="tgu.wrong")[0] == 401
    assert server.request("GET", "/api/v2/organizations/other/workspaces")[0] == 404


def test_a_new_worker_refuses_nobody(server):
    """SIGHUP puts a new worker in place; who asks meanwhile waits a moment and is answered."""
    stop = time.monotonic() + 60

    def ask():
        answers = []
        while len(server.events("worker.ready")) < 3 and time.monotonic() < stop:
            answers.append(server.request("GET", "/healthz"))
        return answers
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask) for _ in range(4)]
        for count in (2, 3):
            server.process.send_signal(signal.SIGHUP)
            while len(server.events("worker.ready")) < count and time.monotonic() < stop:
                time.sleep(0.02)
        answers = [answer for each in asked for answer in each.result()]
    assert len(server.events("worker.ready")) == 3
    assert set(answers) == {(200, "ok\n")}


def test_init_never_overwrites_a_server(server):
    done = subprocess.run(["tollgate-server", "init", server.folder], env=server.terraform_environment(),
                          capture_output=True, text=True)
    assert done.returncode == 75 and "there already" in done.stderr


def test_a_mistyped_setting_stops_the_server_with_its_place(server):
    with open(server.folder / "server.toml", "a") as file:
        file.write('\n[runer]\nnetwork = "none"\n')
    done = subprocess.run(["tollgate-server", "config", "check", server.folder], env=server.terraform_environment(),
                          capture_output=True, text=True)
    assert done.returncode == 78 and "server.toml:" in done.stderr and "did you mean runner?" in done.stderr
