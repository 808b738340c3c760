"""/metrics of a server that has done something, read by Prometheus's own client library."""
import collections
import math
import ssl
import urllib.error
import urllib.request

import pytest

from tests.support import clients
from tests.support.runs import ask, new_workspace, start_run, upload, wait_for
from tests.support.server import Server

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client: it is not installed")
TOKEN = "a token for figures alone"


def read(server, headers=None):
    """(status, text) of what a scraper gets, without anybody's API token."""
    context = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(urllib.request.Request(server.url + "/metrics", headers=headers or {}), timeout=30) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def families(server):
    status, text = read(server)
    assert status == 200 and text.endswith("\n"), text
    found = list(parser.text_string_to_metric_families(text))
    assert len({family.name for family in found}) == len(found), "each family stands once"
    return {family.name: family for family in found}


def value(found, name, **labels):
    values = [sample.value for family in found.values() for sample in family.samples
              if sample.name == name and sample.labels == labels]
    assert len(values) == 1, (name, labels, values)
    return values[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if clients.terraform() is None:
        pytest.skip("terraform: neither terraform nor tofu is installed")
    with Server(tmp_path_factory.mktemp("metrics") / "server") as running:
        yield running


def test_what_happened_is_counted(server):
    before = families(server)
    assert value(before, "tollgate_runs_finished_total", status="applied") == 0
    workspace = new_workspace(server, "counted-canary", auto_apply=True)
    upload(server, workspace, {"main.tf": 'resource "terraform_data" "one" {}\n'})
    run = start_run(server, workspace, auto_apply=True)
    wait_for(server, run, "applied", seconds=180)
    for _ in range(5):
        assert server.request("GET", "/api/v2/organizations/nobodys-canary")[0] == 404
    after = families(server)
    assert value(after, "tollgate_runs_finished_total", status="applied") == 1
    for phase in ("plan", "apply"):
        assert value(after, "tollgate_phases_started_total", phase=phase) == 1
    assert value(after, "tollgate_log_bytes_total") > 1000
    assert value(after, "tollgate_run_queue_length") == value(after, "tollgate_gates_waiting") == 0
    assert value(after, "tollgate_http_requests_total", method="GET", route="/api/v2/organizations/:organization",
                 status="404") == 5
    assert value(after, "tollgate_disk_free_bytes") > 0 and value(after, "process_open_fds") > 3
    assert value(after, "process_start_time_seconds") > 1.7e9
    # Nothing that people named is a label.
    for family in after.values():
        for sample in family.samples:
            assert not any("canary" in text for text in sample.labels.values()), sample
    # A run that waits behind a lock is not over.
    ask(server, "POST", f"/api/v2/workspaces/{workspace}/actions/lock", {"reason": "x"})
    start_run(server, workspace)
    assert value(families(server), "tollgate_runs", status="pending") == 1


def test_every_family_is_one_that_prometheus_reads(server):
    found = families(server)
    assert len(found) > 15
    kinds = collections.Counter(family.type for family in found.values())
    assert set(kinds) == {"counter", "gauge", "histogram"}, kinds
    for family in found.values():
        assert family.documentation.endswith("."), family.name
        series = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(set(series)) == len(series), family.name
        assert all(not math.isnan(sample.value) for sample in family.samples), family.name
        if family.type == "counter":
            assert all(sample.name.endswith("_total") and sample.value >= 0 for sample in family.samples), family.name


def test_histograms_add_up(server):
    histograms = [family for family in families(server).values() if family.type == "histogram"]
    assert histograms
    for family in histograms:
        buckets, counts, sums = collections.defaultdict(list), {}, {}
        for sample in family.samples:
            labels = tuple(sorted((name, text) for name, text in sample.labels.items() if name != "le"))
            if sample.name.endswith("_bucket"):
                buckets[labels].append((float(sample.labels["le"]), sample.value))
            elif sample.name.endswith("_count"):
                counts[labels] = sample.value
            else:
                assert sample.name.endswith("_sum")
                sums[labels] = sample.value
        assert buckets.keys() == counts.keys() == sums.keys(), family.name
        for labels, found in buckets.items():
            assert found == sorted(found) and found[-1][0] == math.inf, (family.name, labels)
            assert [count for _, count in found] == sorted(count for _, count in found), (family.name, labels)
            assert found[-1][1] == counts[labels] and sums[labels] >= 0, (family.name, labels)


def test_from_elsewhere_only_with_the_token(server, tmp_path):
    status, text = read(server, {"X-Forwarded-For": "192.0.2.1"})
    assert status == 403 and "metrics.token_file" in text
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    server.stop()
    server.settings["TOLLGATE_SERVER_METRICS_TOKEN_FILE"] = str(file)
    server.start()
    assert read(server)[0] == read(server, {"Authorization": f"Bearer {server.token}"})[0] == 401
    status, text = read(server, {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1"})
    assert status == 200
    assert list(parser.text_string_to_metric_families(text))
