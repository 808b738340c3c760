"""The event stream of tollgate-server, beside runs of the stock terraform and with a thousand readers that only wait."""
import pathlib
import queue
import resource
import signal
import socket
import ssl
import subprocess
import time

import pytest

from tests.support.events import EventStream
from tests.support.server import Server

READERS = 1000


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "server", SERVER_EVENT_STREAMS_PER_PERSON=str(READERS)) as running:
        yield running


def run_terraform(server, program, folder, *arguments):
    done = subprocess.run([program, *arguments], cwd=folder, env=server.terraform_environment(), capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def worker_of(server):
    pid = server.process.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def status_of(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise AssertionError(field)


def test_events_of_a_run_arrive_while_it_goes_on(server, terraform_program, tmp_path):
    project = server.project(tmp_path / "project")
    run_terraform(server, terraform_program, project, "init", "-input=false", "-no-color")
    status, workspace = server.request("GET", "/api/v2/organizations/acme/workspaces/app")
    assert status == 200
    workspace_id = workspace["data"]["id"]
    server.command("user", "create", server.folder, "eve", "--email", "eve@example.com")
    foreign = server.command("token", "create", server.folder, "--user", "eve").strip()
    with EventStream(server) as stream, EventStream(server, token=foreign) as other:
        assert stream.status == other.status == 200
        beginning = stream.wait_for_id()
        run_terraform(server, terraform_program, project, "apply", "-auto-approve", "-no-color")
        seen = stream.until(lambda name, data: name == "run" and data["status"] == "applied")
        runs = [data for name, data in seen if name == "run"]
        assert {data["run-id"] for data in runs} == {runs[0]["run-id"]}
        for data in runs:
            assert data["organization"] == "acme" and data["workspace-id"] == workspace_id
            assert data["mfa-state"] is None
        statuses = [data["status"] for data in runs]
        order = ["pending", "plan_queued", "planning", "planned", "confirmed", "apply_queued", "applying", "applied"]
        assert statuses == sorted(statuses, key=order.index), statuses
        assert {"planning", "applying"} <= set(statuses)
        assert runs[-1]["plan-status"] == runs[-1]["apply-status"] == "finished"
        # Logs grow, phase by phase; the last offset is the whole log.
        offsets = {}
        rest = []
        while True:
            try:
                rest.append(stream.next(timeout=2))
            except queue.Empty:
                break
        for name, data in seen + rest:
            if name == "log":
                assert data["offset"] >= offsets.get(data["phase"], 0)
                offsets[data["phase"]] = data["offset"]
        status, run = server.request("GET", f"/api/v2/runs/{runs[0]['run-id']}?include=plan,apply")
        for phase in ("plan", "apply"):
            kind = {"plan": "plans", "apply": "applies"}[phase]
            identity = run["data"]["relationships"][phase]["data"]["id"]
            status, document = server.request("GET", f"/api/v2/{kind}/{identity}")
            url = document["data"]["attributes"]["log-read-url"].split(server.host)[1]
            assert offsets[phase] == len(server.request("GET", url + "?limit=1000000")[1].encode())
        assert other.events.empty(), "who is no member hears nothing"
        # Who was away gets the newest of each thing; who was away too long starts over.
        with EventStream(server, last_event_id=beginning) as again, EventStream(server, last_event_id="x.7") as lost:
            missed = [again.next() for _ in range(3)]
            assert ("run", runs[-1]) in missed and sorted(name for name, _ in missed) == ["log", "log", "run"]
            assert lost.next() == ("resync", {})
            assert lost.last_id == again.wait_for_id() == stream.last_id


def test_a_stream_ends_with_its_token(server):
    status, account = server.request("GET", "/api/v2/account/details")
    status, made = server.request("POST", f"/api/v2/users/{account['data']['id']}/authentication-tokens",
                                  {"data": {"type": "authentication-tokens", "attributes": {"description": "x"}}})
    assert status == 201, made
    token = made["data"]["attributes"]["token"]
    with EventStream(server, token=token) as stream, EventStream(server) as other:
        assert stream.status == other.status == 200
        assert server.request("DELETE", f"/api/v2/authentication-tokens/{made['data']['id']}")[0] == 204
        assert stream.ended.wait(10) and stream.orderly
        assert not other.ended.is_set()


def test_a_new_worker_ends_streams_in_order(server):
    with EventStream(server) as stream:
        server.process.send_signal(signal.SIGHUP)
        assert stream.ended.wait(40) and stream.orderly
        # The next worker does not know the numbers of the last one.
        with EventStream(server, last_event_id=stream.last_id) as again:
            assert again.next() == ("resync", {})


def raw_reader(server, context):
    name, port = server.host.split(":")
    plain = socket.create_connection((name, int(port)), timeout=60)
    secure = context.wrap_socket(plain, server_hostname=name)
    secure.sendall(f"GET /api/web/v1/events HTTP/1.1\r\nHost: {server.host}\r\n"
                   f"Authorization: Bearer {server.token}\r\n\r\n".encode())
    text = b""
    while b"\nid: " not in text:
        piece = secure.recv(4096)
        assert piece, text
        text += piece
    return secure, text


def test_a_thousand_waiting_readers_cost_little_and_no_thread(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < READERS + 200:
        pytest.skip("fewer than 1200 descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, READERS + 200), hard))
    worker = worker_of(server)
    context = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
    readers = [raw_reader(server, context)[0] for _ in range(10)]
    before, threads = status_of(worker, "VmRSS"), status_of(worker, "Threads")
    readers += [raw_reader(server, context)[0] for _ in range(READERS - len(readers))]
    grown = status_of(worker, "VmRSS") - before
    assert status_of(worker, "Threads") == threads
    assert grown / READERS < 128, f"{grown} KiB for {READERS} readers"
    # One more is refused, in words, and everything else goes on.
    status, refused = server.request("GET", "/api/web/v1/events")
    assert status == 429 and refused["errors"][0]["detail"].startswith("there are 1000 event streams open already")
    status, made = server.request("POST", "/api/v2/organizations/acme/workspaces",
                                  {"data": {"type": "workspaces", "attributes": {"name": "net"}}})
    assert status == 201
    workspace = made["data"]["id"]
    assert server.request("POST", f"/api/v2/workspaces/{workspace}/actions/lock", {"reason": "x"})[0] == 200
    # Readers that go make room again.
    for reader in readers[:10]:
        reader.close()
    stop = time.monotonic() + 30
    while True:
        with EventStream(server) as stream:
            if stream.status == 200 or time.monotonic() > stop:
                break
    assert stream.status == 200
    for reader in readers:
        reader.close()
