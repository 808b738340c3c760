"""The server or the runner is killed at a random moment of a run, again and again. No run, acknowledged state version or
log byte is lost, nothing is applied twice, and every run ends in a final state that is true.

KILL_ROUNDS rounds (default 20), KILL_SEED the seed, KILL_TERRAFORM=real with the real terraform.
"""
import contextlib
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import tarfile
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.support import clients
from tests.support.server import Server
from tests.support.world import ROOT

FINAL = {"applied", "errored", "canceled", "discarded", "planned_and_finished", "force_canceled"}
ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
REAL = os.environ.get("KILL_TERRAFORM") == "real"
BOUND = 60
# Five steps that print ten lines each and tell the referee, as the fake does between its states.
STEPS = "".join(f"""
resource "terraform_data" "step{number}" {{
  input = {"terraform_data.step" + str(number - 1) + ".output" if number > 1 else '"start"'}
  provisioner "local-exec" {{
    interpreter = ["/bin/bash", "-ec"]
    command     = <<-END
      for n in 1 2 3 4 5 6 7 8 9 10; do echo line-$n-; sleep 0.02; done
      read port name <referee
      exec 3<>/dev/tcp/127.0.0.1/$port
      echo "$name state-{number}" >&3
      read -n1 -u3
    END
  }}
}}
""" for number in range(1, 6)) if REAL else ""


class Referee:
    """Counts what each run's terraform says that it does."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.said = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self.socket.accept()
            # Who speaks may be killed at any word.
            with connection, contextlib.suppress(OSError):
                words = tuple(connection.makefile().readline().split())
                if len(words) == 2:
                    self.said.append(words)
                    connection.sendall(b".")

    def of(self, run):
        return [word for name, word in list(self.said) if name == run]


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def runners(server):
    """The tollgate-runner processes of this server's spools, and of no other's."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if len(line) > 3 and line[0].endswith(b"tollgate-runner") and line[3].startswith(str(server.folder).encode()):
            found.append(int(entry.name))
    return found


class Client:
    """Goes on asking while the server is away, as clients do."""

    def __init__(self, server):
        self.server = server

    def document(self, method, path, body=None, statuses=(200, 201)):
        stop = time.monotonic() + BOUND
        while True:
            try:
                status, answer = self.server.request(method, path, body)
                assert status in statuses, answer
                return answer["data"]
            except (OSError, ValueError) as error:
                assert time.monotonic() < stop, error
                time.sleep(0.02)

    def raw(self, url, data=None):
        """An address of the server's own, wherever the server has been started again."""
        url = self.server.url + "/" + url.split("/", 3)[3]
        request = urllib.request.Request(url, data, method="GET" if data is None else "PUT")
        context = ssl.create_default_context(cafile=str(self.server.folder / "tls/ca.pem"))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        stop = time.monotonic() + BOUND
        while True:
            try:
                with opener.open(request, timeout=30) as answer:
                    return answer.read()
            except OSError as error:
                assert time.monotonic() < stop, error
                time.sleep(0.02)

    def start_run(self, name, referee):
        workspace = self.document("POST", "/api/v2/organizations/acme/workspaces", {"data": {
            "type": "workspaces", "attributes": {"name": name, "auto-apply": True}}})["id"]
        version = self.document("POST", f"/api/v2/workspaces/{workspace}/configuration-versions", {"data": {
            "type": "configuration-versions", "attributes": {"auto-queue-runs": False}}})
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for file, text in {"main.tf": STEPS, "referee": f"{referee.port} {name}\n"}.items():
                entry = tarfile.TarInfo(file)
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
        self.raw(version["attributes"]["upload-url"], archive.getvalue())
        return workspace, self.document("POST", "/api/v2/runs", {"data": {
            "type": "runs", "attributes": {"auto-apply": True}, "relationships": {
                "workspace": {"data": {"type": "workspaces", "id": workspace}},
                "configuration-version": {"data": {"type": "configuration-versions", "id": version["id"]}}}}})["id"]

    def states(self, name):
        answer = self.document("GET", "/api/v2/state-versions?page%5Bsize%5D=100&filter%5Bworkspace%5D%5Bname%5D="
                               f"{name}&filter%5Borganization%5D%5Bname%5D=acme")
        return {row["id"]: row["attributes"]["serial"] for row in answer}

    def log(self, run, phase):
        owner = self.document("GET", f"/api/v2/runs/{run}")["relationships"][phase]["data"]
        url = self.document("GET", f"/api/v2/{owner['type']}/{owner['id']}")["attributes"]["log-read-url"]
        return self.raw(f"{url}{'&' if '?' in url else '?'}limit=1000000&offset=0")


def kill_something(server, victim):
    """True if there was something to kill."""
    if victim == "worker":
        pids = children(server.process.pid)
    elif victim == "server":
        pids = [server.process.pid, *children(server.process.pid)]
    elif victim == "supervisor":
        pids = [server.process.pid]
    else:
        pids = runners(server)
    left = children(server.process.pid) if victim == "supervisor" else []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if victim in ("server", "supervisor"):
        server.process.wait()
        # Nobody serves on without the one who could replace it.
        stop = time.monotonic() + BOUND
        while any(os.path.exists(f"/proc/{pid}/exe") for pid in left) and time.monotonic() < stop:
            time.sleep(0.02)
        server.start()
    return bool(pids)


def one_round(server, client, referee, number, chance):
    name = f"kill-{number}"
    victim = chance.choice(["worker", "server", "supervisor", "runner"])
    workspace, run = client.start_run(name, referee)
    moment = time.monotonic() + chance.uniform(0, 4 if REAL else 1.5)
    killed, seen, read = False, {}, {"plan": b"", "apply": b""}
    stop = time.monotonic() + BOUND
    while True:
        status = client.document("GET", f"/api/v2/runs/{run}")["attributes"]["status"]
        states = client.states(name)
        assert seen.items() <= states.items(), f"{name}: a state version was lost"
        seen = states
        for phase in read:
            log = client.log(run, phase)
            assert log.startswith(read[phase].removesuffix(b"\x03")), f"{name}: bytes of the {phase}'s log were lost"
            read[phase] = log
        if status in FINAL and read["plan"].endswith(b"\x03"):
            break
        assert time.monotonic() < stop, f"{name}: {status} after {victim} was killed: {server.log[-5:]}"
        if not killed and time.monotonic() >= moment:
            killed = kill_something(server, victim)
    said = referee.of(name)
    assert len(said) == len(set(said)), f"{name}: something was done twice: {said}"
    told = {int(word.removeprefix("state-")) for word in said if word.startswith("state-")}
    if status == "applied":
        assert told == {1, 2, 3, 4, 5} and max(seen.values()) >= 5, (name, said, seen)
        lines = re.findall(r'"output":"line-\d+-' if REAL else r"^line-\d+-$", read["apply"].decode(), re.M)
        assert len(lines) == (50 if REAL else 60), (name, read["apply"])
    else:
        # Only who runs it can take a run down, for a server that comes back takes it up: all but a phase that was
        # committed and had no process yet, which is never started twice.
        detail = client.document("GET", f"/api/v2/runs/{run}")["attributes"]["error-detail"]
        assert status == "errored" and killed, (name, status, victim, detail, read)
        assert victim == "runner" or "while this phase was being started" in detail and not told, (name, victim, detail)
        # What was shipped before the next step began is there.
        assert not told or max(seen.values(), default=0) >= max(told) - 1, (name, told, seen)
    assert client.document("GET", f"/api/v2/workspaces/{workspace}")["attributes"]["locked"] is False
    return victim if killed else "nobody", status


def test_whatever_is_killed_nothing_is_lost_or_done_twice(tmp_path):
    seed = int(os.environ.get("KILL_SEED", random.randrange(1 << 30)))
    chance = random.Random(seed)
    referee = Referee()
    port = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{port.getsockname()[1]}"
    port.close()
    print("seed", seed)
    server = Server(tmp_path / "server", RUNNER_LOOPBACK_PORTS=str(referee.port), TERRAFORM_FROM_PATH="false",
                    SERVER_LISTEN=address, RUNNER_CONCURRENCY="2", TERRAFORM_DIRECTORY=str(tmp_path / "terraform"))
    try:
        program = tmp_path / "terraform/1.11.4/terraform"
        program.parent.mkdir(parents=True)
        if REAL and clients.terraform() is None:
            pytest.skip("terraform: neither terraform nor tofu is installed")
        shutil.copy(clients.terraform() if REAL else ROOT / "tests/support/referee_terraform.py", program)
        os.chmod(program, 0o755)
        server.stop()
        server.start()
        client = Client(server)
        outcomes = [one_round(server, client, referee, number, chance) for number in range(ROUNDS)]
        print(json.dumps(outcomes))
        assert {victim for victim, _ in outcomes} - {"nobody"}, "nobody was killed"
        assert "unbroken" in server.command("audit", "verify", server.folder)
        assert not list((server.folder / "data/spool").iterdir()), "nothing of a phase that is over stays"
    finally:
        server.stop()
