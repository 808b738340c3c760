"""tollgate run: the commands of the run server's client, against the real server and beside the stock terraform."""
import json
import signal
import subprocess
import time

import pexpect
import pytest

from tests.support.server import Server

SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "echo begun; exec sleep 120"
  }
}
"""


@pytest.fixture
def remote(tmp_path, terraform_program):
    with Server(tmp_path / "server") as server:
        project = server.project(tmp_path / "project")
        # Once: it writes the file with the token, which programs read at any time.
        server.clients = server.terraform_environment()
        done = subprocess.run([terraform_program, "init", "-input=false", "-no-color"], cwd=project, capture_output=True,
                              env=server.clients, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        yield server, project


def tollgate(server, *arguments, cwd, status=0, environment=None, timeout=120):
    merged = {**server.clients, **(environment or {})}
    done = subprocess.run(["tollgate", *arguments], cwd=cwd, capture_output=True, text=True, timeout=timeout,
                          env={name: value for name, value in merged.items() if value is not None})
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def applying(server, program, project):
    """A terraform apply on a terminal that has come to its question, and the run's id."""
    child = pexpect.spawn(program, ["apply", "-no-color"], cwd=str(project), encoding="utf-8", timeout=90,
                          env=server.clients)
    child.expect(r"/runs/(run-\w+)")
    run = child.match.group(1)
    child.expect("Enter a value:")
    return child, run


def test_a_run_is_confirmed_and_watched_from_another_terminal(remote, terraform_program):
    server, project = remote
    child, run = applying(server, terraform_program, project)
    shown = tollgate(server, "run", "show", cwd=project).stdout
    assert run in shown and "waits for a confirmation, since " in shown and f"`tollgate run confirm {run}`" in shown
    assert "Plan: 1 to add, 0 to change, 0 to destroy.\n  + terraform_data.greeting\n" in shown
    planned = tollgate(server, "run", "watch", "--until-planned", run, cwd=project)
    assert "terraform_data.greeting: Plan to create" in planned.stdout and '"@message"' not in planned.stdout
    watcher = subprocess.Popen(["tollgate", "run", "watch"], cwd=project, env=server.clients,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    confirmed = tollgate(server, "run", "confirm", run, "--comment", "as discussed", cwd=project)
    assert f"{run} is confirmed" in confirmed.stderr
    child.expect("Apply complete!")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    log, talk = watcher.communicate(timeout=60)
    assert watcher.returncode == 0, talk
    assert "terraform_data.greeting: Creation complete" in log and 'greeting = "hello from the server"' in log
    assert f"{run}: applied" in talk and "/app/acme/app/runs/" in talk
    # Once more, by its address, from a folder that knows nothing: the same log. Raw, it is the server's own.
    address = f"https://{server.host}/app/acme/app/runs/{run}"
    assert tollgate(server, "run", "watch", address, cwd=project.parent).stdout == log
    assert '"@message"' in tollgate(server, "run", "watch", "--raw", address, cwd=project.parent).stdout
    again = tollgate(server, "run", "confirm", run, cwd=project, status=75)
    assert f"`tollgate run show {run}`" in again.stderr
    assert "is applied, so it cannot be discarded" in tollgate(server, "run", "discard", cwd=project, status=75).stderr


def test_a_run_is_discarded(remote, terraform_program):
    server, project = remote
    child, run = applying(server, terraform_program, project)
    assert f"{run} is discarded" in tollgate(server, "run", "discard", cwd=project).stderr
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    assert f"{run}: discarded" in tollgate(server, "run", "watch", run, cwd=project, status=3).stderr


def test_a_running_apply_is_cancelled(remote, terraform_program):
    server, project = remote
    with open(project / "main.tf", "a") as file:
        file.write(SLOW)
    child, run = applying(server, terraform_program, project)
    tollgate(server, "run", "confirm", cwd=project)
    child.expect("begun")
    assert "is being cancelled" in tollgate(server, "run", "cancel", run, cwd=project).stderr
    watched = tollgate(server, "run", "watch", run, cwd=project, status=2)
    assert f"{run}: cancelled" in watched.stderr
    child.expect(pexpect.EOF)
    child.close()


def test_a_failure_is_told_with_its_place(remote, terraform_program):
    server, project = remote
    with open(project / "main.tf", "a") as file:
        file.write('output "broken" {\n  value = file("there-is-no-such-file")\n}\n')
    subprocess.run([terraform_program, "plan", "-no-color"], cwd=project, env=server.clients,
                   capture_output=True, timeout=90)
    watched = tollgate(server, "run", "watch", cwd=project, status=1)
    assert "\nError: Invalid function argument\n\n  on main.tf line " in watched.stdout
    assert '  value = file("there-is-no-such-file")' in watched.stdout
    assert "failed" in tollgate(server, "run", "show", cwd=project).stdout


def test_a_watch_survives_a_new_worker(remote, terraform_program):
    server, project = remote
    child, run = applying(server, terraform_program, project)
    watcher = subprocess.Popen(["tollgate", "run", "watch", run], cwd=project, env=server.clients,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watcher.stdout.readline()
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60
    while len(server.events("worker.ready")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    child.sendline("yes")
    log, talk = watcher.communicate(timeout=90)
    assert watcher.returncode == 0, talk
    assert log.count("Creation complete") == 1
    child.expect(pexpect.EOF)
    child.close()


def test_lists_are_for_people_and_for_scripts(remote, terraform_program):
    server, project = remote
    assert "there are no such runs" in tollgate(server, "run", "list", cwd=project).stderr
    for _ in range(2):
        subprocess.run([terraform_program, "apply", "-auto-approve", "-no-color"], cwd=project, check=True,
                       env=server.clients, capture_output=True, timeout=90)
    listed = tollgate(server, "run", "list", cwd=project).stdout.splitlines()
    assert listed[0].split() == ["RUN", "WORKSPACE", "STATUS", "BY", "CREATED", "MESSAGE"] and len(listed) == 3
    assert "planned, nothing to change" in listed[1] and "applied" in listed[2] and " ana " in listed[1]
    everywhere = tollgate(server, "run", "list", "--all", "--status", "applied", "--json", cwd=project)
    document = json.loads(everywhere.stdout)
    assert document["schema"] == "tollgate.runs.v1" and document["host"] == server.host
    [run] = document["runs"]
    assert (run["workspace"], run["organization"], run["status"], run["created_by"]) == ("app", "acme", "applied", "ana")
    assert run["plan"]["additions"] == 1 and run["apply"]["status"] == "finished"
    shown = json.loads(tollgate(server, "run", "show", run["id"], "--json", cwd=project).stdout)
    assert shown["schema"] == "tollgate.run.v1" and shown["run"] == run
    assert len(tollgate(server, "run", "list", "--limit", "1", cwd=project).stdout.splitlines()) == 2
    elsewhere = tollgate(server, "run", "list", "--organization", "acme", "--workspace", "app", cwd=project.parent)
    assert elsewhere.stdout.splitlines()[1].split()[0] == listed[1].split()[0]


def test_the_token_is_found_wherever_terraform_finds_it(remote):
    server, project = remote
    nothing = {"TF_CLI_CONFIG_FILE": None}
    missing = tollgate(server, "run", "list", cwd=project, environment=nothing, status=77)
    assert f"there is no token for {server.host}" in missing.stderr
    assert f"terraform login {server.host}" in missing.stderr
    variable = {**nothing, f"TF_TOKEN_{server.host}": server.token}
    tollgate(server, "run", "list", cwd=project, environment=variable)
    folder = server.home / ".terraform.d"
    folder.mkdir()
    (folder / "credentials.tfrc.json").write_text(json.dumps({"credentials": {server.host: {"token": server.token}}}))
    tollgate(server, "run", "list", cwd=project, environment=nothing)
    # The only login, and an organization by Terraform's variable: no folder is needed.
    tollgate(server, "run", "list", cwd=project.parent, environment={**nothing, "TF_CLOUD_ORGANIZATION": "acme"})
    tollgate(server, "run", "list", cwd=project.parent, environment={
        **nothing, "TF_CLOUD_HOSTNAME": server.host, "TF_CLOUD_ORGANIZATION": "acme", "TF_WORKSPACE": "app"})


def test_what_goes_wrong_is_explained(remote):
    server, project = remote
    wrong = tollgate(server, "run", "list", cwd=project, status=77, environment={f"TF_TOKEN_{server.host}": "tgu.wrong"})
    assert "does not accept the token" in wrong.stderr and "terraform login" in wrong.stderr
    assert "tgu.wrong" not in wrong.stderr
    nowhere = tollgate(server, "run", "show", "run-doesnotexist", cwd=project, status=78)
    assert f"{server.host} has no run run-doesnotexist, or you may not see it" in nowhere.stderr
    untrusted = tollgate(server, "run", "list", cwd=project, status=69, environment={"SSL_CERT_FILE": None})
    assert "certificate" in untrusted.stderr and "set SSL_CERT_FILE" in untrusted.stderr
    # What AWS clients trust does not count here.
    tollgate(server, "run", "list", cwd=project, environment={"AWS_CA_BUNDLE": "/dev/null"})
    workspace = tollgate(server, "run", "list", "--workspace", "none", cwd=project, status=78)
    assert "has no workspace none" in workspace.stderr
    assert "is neither a run's id" in tollgate(server, "run", "show", "x", cwd=project, status=64).stderr
    server.stop()
    gone = tollgate(server, "run", "list", cwd=project, status=69)
    assert f"check that {server.host} is right and that its server runs" in gone.stderr
