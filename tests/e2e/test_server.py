"""tollgate-server in front of the stock terraform: state in workspaces that run locally, and remote runs, each in a
sandbox unless the server was told to do without."""
import concurrent.futures
import fcntl
import json
import pathlib
import signal
import subprocess
import time

import pexpect
import pytest

from tests.support.server import Server
from tests.support.world import programs


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


def test_commands_beside_the_server_and_the_server_see_the_same(server):
    """A command opens the database while the server has it open, and closes it: nothing of either is lost."""
    for number in range(3):
        name = f"user{number}"
        server.command("user", "create", server.folder, name, "--email", f"{name}@example.com")
        token = server.command("token", "create", server.folder, "--user", name).strip()
        status, account = server.request("GET", "/api/v2/account/details", token=token)
        assert status == 200 and account["data"]["attributes"]["username"] == name
        status, made = server.request("POST", "/api/v2/organizations/acme/workspaces",
                                      {"data": {"type": "workspaces", "attributes": {"name": f"net{number}"}}})
        assert status == 201, made
        assert (server.folder / "data/tollgate.db-wal").exists()
        assert "unbroken" in server.command("audit", "verify", server.folder)
    server.stop()
    server.start()
    status, found = server.request("GET", "/api/v2/organizations/acme/workspaces")
    assert [row["attributes"]["name"] for row in found["data"]] == ["net0", "net1", "net2"]
    status, account = server.request("GET", "/api/v2/account/details", token=token)
    assert status == 200


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


SANDBOXED = "Sandbox: namespaces, seccomp, no capabilities"
UNSANDBOXED = "this phase runs without a sandbox"


@pytest.fixture
def remote(server, tmp_path, terraform_program):
    project = server.project(tmp_path / "project")
    terraform(server, terraform_program, project, "init", "-input=false", "-no-color")
    return server, project


def test_plan_and_apply_run_on_the_server(remote, terraform_program, tmp_path):
    server, project = remote
    planned = terraform(server, terraform_program, project, "plan", "-no-color")
    assert "Plan: 1 to add" in planned and SANDBOXED in planned and UNSANDBOXED not in planned
    applied = terraform(server, terraform_program, project, "apply", "-auto-approve", "-no-color")
    assert "Apply complete! Resources: 1 added, 0 changed, 0 destroyed." in applied and SANDBOXED in applied
    assert terraform(server, terraform_program, project, "output", "-raw", "greeting") == "hello from the server"
    assert "No changes." in terraform(server, terraform_program, project, "plan", "-no-color")
    destroyed = terraform(server, terraform_program, project, "apply", "-destroy", "-auto-approve", "-no-color")
    assert "1 destroyed" in destroyed
    assert not (project / "terraform.tfstate").exists()
    assert list((server.folder / "data/spool").iterdir()) == [], "nothing of a phase that is over stays"
    assert "unbroken" in server.command("audit", "verify", server.folder)


def test_a_person_confirms_or_discards(remote, terraform_program):
    server, project = remote
    for answer, expected in (("no", "Apply discarded"), ("yes", "Apply complete!")):
        child = pexpect.spawn(terraform_program, ["apply", "-no-color"], cwd=str(project), encoding="utf-8", timeout=90,
                              env=server.terraform_environment())
        child.expect("Enter a value:")
        child.sendline(answer)
        child.expect(expected)
        child.expect(pexpect.EOF)
        child.close()


def test_variables_and_a_failure_reach_the_person(remote, terraform_program):
    server, project = remote
    with open(project / "main.tf", "a") as file:
        file.write('variable "must" {\n  type = string\n}\noutput "must" {\n  value = var.must\n}\n')
    applied = terraform(server, terraform_program, project, "apply", "-auto-approve", "-no-color", "-var", "must=be given")
    assert 'must = "be given"' in applied
    with open(project / "main.tf", "a") as file:
        file.write('output "broken" {\n  value = file("there-is-no-such-file")\n}\n')
    failed = subprocess.run([terraform_program, "plan", "-no-color", "-var", "must=x"], cwd=project, timeout=90,
                            env=server.terraform_environment(), capture_output=True, text=True)
    assert failed.returncode == 1 and "there-is-no-such-file" in failed.stdout + failed.stderr


def test_a_server_that_was_told_so_runs_without_a_sandbox_and_every_log_says_so(tmp_path, terraform_program):
    with Server(tmp_path / "server", RUNNER_UNSANDBOXED="true") as server:
        project = server.project(tmp_path / "project")
        terraform(server, terraform_program, project, "init", "-input=false", "-no-color")
        planned = terraform(server, terraform_program, project, "plan", "-no-color")
        assert "Plan: 1 to add" in planned and UNSANDBOXED in planned and SANDBOXED not in planned
        assert server.events("sandbox.off")


def test_a_server_whose_runs_cannot_be_isolated_does_not_start(server):
    """It says what is missing and what to do, before it listens."""
    environment = {**server.terraform_environment(), "TOLLGATE_SERVER_TERRAFORM_PROVIDER_MIRROR": "/nonexistent/mirror"}
    for command in (["serve"], ["config", "check"]):
        done = subprocess.run(["tollgate-server", *command, server.folder], env=environment, capture_output=True, text=True)
        assert done.returncode == 69, (command, done.stdout, done.stderr)
        assert "runs cannot be isolated: /nonexistent/mirror" in done.stderr
        assert "create it" in done.stderr and "runner.unsandboxed = true" in done.stderr
        assert "listening" not in done.stdout
    assert server.request("GET", "/readyz")[1]["ready"], "the one that runs is as it was"
    # A worker that comes later finds the same and says so, but goes on serving.
    server.stop()
    for line in pathlib.Path(server.folder / "server.toml").read_text().splitlines():
        assert not line.startswith("provider_mirror")
    mirror = server.folder.parent / "mirror"
    mirror.mkdir()
    server.settings["TOLLGATE_SERVER_TERRAFORM_PROVIDER_MIRROR"] = str(mirror)
    server.start()
    mirror.rmdir()
    server.process.send_signal(signal.SIGHUP)
    stop = time.monotonic() + 60
    while len(server.events("worker.ready")) < 2 and time.monotonic() < stop:
        time.sleep(0.05)
    status, answer = server.request("GET", "/readyz")
    assert status == 503 and any("runs cannot be isolated" in reason for reason in answer["reasons"]), answer


def test_a_log_that_nobody_reads_stops_nobody(tmp_path):
    """More lines than a pipe holds, with nobody at its other end: every request is answered, and so is the end."""
    with Server(tmp_path / "server") as server:
        server.stop()
        server.process = subprocess.Popen([programs() / "tollgate-server", "serve", server.folder], env=server.terraform_environment(),
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        server.url = server.process.stdout.readline().split()[-1].replace("127.0.0.1", "localhost")
        held = fcntl.fcntl(server.process.stderr, fcntl.F_GETPIPE_SZ)
        asked = held // 100
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: server.request("GET", "/api/v2/account/details")[0], range(asked)))
        assert answers == [200] * asked
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(40) == 0
