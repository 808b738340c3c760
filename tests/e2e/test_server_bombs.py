"""Configurations that would use the server's machine up, in real runs: each ends with the reason, leaves no process behind,
and neither the server nor a run beside it notices."""
import pathlib
import re
import subprocess
import time
import uuid

import pytest

from tests.support import clients
from tests.support.runs import ask, log_of, new_workspace, start_run, upload, wait_for
from tests.support.server import Server
from tests.support.world import ROOT

BOMBS = (ROOT / "tests/support/bombs.py").read_text()
PATIENCE = 180
NEIGHBOUR = """
resource "terraform_data" "neighbour" {
  provisioner "local-exec" {
    command = "i=0; while [ $i -lt 9000 ]; do i=$((i+1)); echo tick-$i-; sleep 0.1; done"
  }
}
"""


def configuration(kind, mark):
    return {"bombs.py": BOMBS, "main.tf": f"""
resource "terraform_data" "bomb" {{
  provisioner "local-exec" {{
    command = "exec /usr/bin/python3 bombs.py {kind} {mark}"
  }}
}}
"""}


def said_in_log(server, run, words):
    """Waits until the apply's log holds the words."""
    end = time.monotonic() + PATIENCE
    while words not in (text := log_of(server, run)):
        assert time.monotonic() < end, text
        time.sleep(0.1)


def processes(mark):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def resident_mib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if clients.terraform() is None:
        pytest.skip("terraform: neither terraform nor tofu is installed")
    with Server(tmp_path_factory.mktemp("bombs") / "server", RUNNER_CONCURRENCY="2", RUNNER_MEMORY_MIB="512",
                RUNNER_PROCESSES="100", RUNNER_DISK_MIB="64", RUNNER_LOG_MIB="1") as running:
        yield running


@pytest.fixture(scope="module")
def neighbour(server):
    """A run that prints a number each tenth of a second, all the time; at the end each is there once."""
    workspace = new_workspace(server, "neighbour", auto_apply=True)
    upload(server, workspace, {"main.tf": NEIGHBOUR})
    run = start_run(server, workspace, auto_apply=True)
    said_in_log(server, run, "tick-1-")
    yield run
    server.request("POST", f"/api/v2/runs/{run}/actions/cancel", {})
    assert wait_for(server, run, "canceled", "errored", "applied", seconds=PATIENCE)["status"] == "canceled"
    numbers = ticks(server, run)
    assert numbers == list(range(1, len(numbers) + 1))


def ticks(server, run):
    return [int(number) for number in re.findall(r'"output":"tick-(\d+)-"', log_of(server, run))]


def set_off(server, kind):
    """(run, mark) of an apply that does this."""
    mark = uuid.uuid4().hex
    workspace = new_workspace(server, kind.replace("_", "-"), auto_apply=True)
    upload(server, workspace, configuration(kind, mark))
    return start_run(server, workspace, auto_apply=True), mark


def nothing_is_left(server, run, mark):
    assert log_of(server, run).endswith("\x03")
    end = time.monotonic() + PATIENCE
    while left := processes(mark):
        assert time.monotonic() < end, left
        time.sleep(0.05)
    phases = [ask(server, "GET", f"/api/v2/runs/{run}")["data"]["relationships"][phase]["data"]["id"]
              for phase in ("plan", "apply")]
    while any((server.folder / "data/spool" / phase).exists() for phase in phases):
        assert time.monotonic() < end, phases
        time.sleep(0.05)


def kind_of_file_system(folder):
    return subprocess.run(["stat", "--file-system", "--format=%T", folder], capture_output=True, text=True, check=True).stdout.strip()


# What ends it, and what the run is told where control groups count for all of a run.
BOMB = {"fork": "limit_processes", "memory": "limit_memory", "disk": "limit_disk", "one_file": "limit_disk",
        "inodes": "limit_disk", "depth": "limit_disk", "descriptors": "terraform_failed"}


@pytest.mark.parametrize("kind", BOMB)
def test_a_bomb_ends_its_own_run_and_nothing_else(server, neighbour, kind, record_property):
    worker = int(server.events("worker.started")[-1]["pid"])
    memory, before = resident_mib(worker), len(ticks(server, neighbour))
    run, mark = set_off(server, kind)
    ended = wait_for(server, run, "errored", "applied", "canceled", seconds=PATIENCE)
    log = log_of(server, run)
    assert ended["status"] == "errored", log
    counted = "limits: cgroup" in log
    # Without control groups a process is refused and may say so itself.
    expected = {BOMB[kind]} if counted or BOMB[kind] == "limit_disk" else {BOMB[kind], "terraform_failed", "terraform_killed"}
    if BOMB[kind] == "limit_disk" and kind_of_file_system(server.folder) == "tmpfs":
        expected.add("limit_memory")  # what is written there is memory, and counts as the run's
    assert ended["error-reason"] in expected, (ended, log)
    nothing_is_left(server, run, mark)
    growth = resident_mib(worker) - memory
    record_property("server_growth_mib", f"{growth:.1f}")
    assert growth < 64
    end = time.monotonic() + PATIENCE
    while len(ticks(server, neighbour)) == before:
        assert time.monotonic() < end, "the run beside it stands still"
        time.sleep(0.05)
    status, answer = server.request("GET", "/readyz")
    assert status == 200, answer
    assert int(server.events("worker.started")[-1]["pid"]) == worker, "the server was started again"


def test_a_flood_is_cut_off_where_the_log_ends_and_the_run_goes_on(server, neighbour):
    run, mark = set_off(server, "flood")
    assert wait_for(server, run, "errored", "applied", "canceled", seconds=PATIENCE)["status"] == "applied"
    log = log_of(server, run)
    assert "The log has reached its limit" in log and len(log) < 2 << 20
    nothing_is_left(server, run, mark)


def test_who_reads_what_is_typed_is_told_that_nothing_comes(server, neighbour):
    run, mark = set_off(server, "stdin")
    assert wait_for(server, run, "errored", "applied", "canceled", seconds=PATIENCE)["status"] == "applied"
    assert "stdin ended after 0 bytes" in log_of(server, run)
    nothing_is_left(server, run, mark)


def test_a_daemon_neither_holds_its_run_up_nor_outlives_it(server, neighbour):
    """What is left of it is gone with the run."""
    run, mark = set_off(server, "daemon")
    assert wait_for(server, run, "errored", "applied", "canceled", seconds=PATIENCE)["status"] == "applied"
    assert "leaving a daemon behind" in log_of(server, run)
    nothing_is_left(server, run, mark)


@pytest.mark.parametrize("kind,word", [("spin", "turning"), ("deaf", "deaf"), ("holder", "holding")])
def test_what_never_ends_by_itself_is_ended(server, neighbour, kind, word):
    """By cancelling, and where a process hears no signal, by force. The log ends when its processes are gone, and not when
    everyone has closed the pipe."""
    run, mark = set_off(server, kind)
    said_in_log(server, run, f'"output":"{word}"')
    assert processes(mark)
    assert server.request("POST", f"/api/v2/runs/{run}/actions/cancel", {})[0] == 202
    end = time.monotonic() + PATIENCE
    while True:
        attributes = ask(server, "GET", f"/api/v2/runs/{run}")["data"]["attributes"]
        if attributes["status"] in ("canceled", "force_canceled", "errored", "applied"):
            break
        if attributes["actions"]["is-force-cancelable"]:
            server.request("POST", f"/api/v2/runs/{run}/actions/force-cancel", {})
        assert time.monotonic() < end, attributes
        time.sleep(0.1)
    assert attributes["status"] in ("canceled", "force_canceled"), attributes
    nothing_is_left(server, run, mark)

