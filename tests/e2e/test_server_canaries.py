"""Every secret that a server and a run behind its gate hold is distinct and looked for in all that they leave behind and
show, while the run goes on and after it: files, processes, logs, answers, webhooks. 0 hits.

The run does what it can to spread them: it prints them in every encoding, and requests carry them where none belong.
"""
import base64
import json
import pathlib
import re
import secrets
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.support import hunt
from tests.support.browser import PASSWORD, document, sign_in
from tests.support.gate import GateServer, keys
from tests.support.receiver import TOKEN, Receiver
from tests.support.runs import ask, data, new_workspace, start_run, upload, wait_for
from tests.support.world import STEP, oathtool

SPREAD = """
import base64, os, socket, sys, urllib.parse
names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "CANARY_ENV")
values = [os.environ[name].encode() for name in names] + [sys.argv[2].encode()]
for value in values:
    for shown in (value, value.hex().encode(), base64.b64encode(value), base64.b64encode(b"x" + value),
                  base64.b64encode(b"xy" + value), urllib.parse.quote_from_bytes(value, safe="").encode()):
        print("spread", shown.decode(), flush=True)
print("all is said", flush=True)
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
    line.sendall("\\n".join(os.environ[name] for name in names).encode() + b"\\n\\n")
    line.recv(1)
"""
MAIN = """
variable "canary" {
  type      = string
  sensitive = true
}
resource "terraform_data" "kept" {
  input = var.canary
}
resource "terraform_data" "spread" {
  provisioner "local-exec" {
    command = "exec /usr/bin/python3 spread.py PORT ${nonsensitive(var.canary)}"
  }
}
output "canary" {
  value     = terraform_data.kept.output
  sensitive = true
}
"""


class Confession:
    """Where the run tells what it was given, and waits until it may go on."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(180)
        self.port = self._socket.getsockname()[1]
        self.go_on = threading.Event()

    def hear(self):
        connection, _ = self._socket.accept()
        connection.settimeout(60)
        text = b""
        while not text.endswith(b"\n\n"):
            text += connection.recv(65536)

        def wait():
            with connection:
                self.go_on.wait(300)
        threading.Thread(target=wait, daemon=True).start()
        return text.decode().split("\n")[:3]


def send(server, method, path, body=None, headers=()):
    """A request as somebody may send it; (status, text, headers)."""
    request = urllib.request.Request(server.url + path, body, dict(headers), method=method)
    context = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), str(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), str(error.headers)


def spread_by_requests(server, planted):
    """Secrets in paths, queries, headers and bodies of requests that are refused. What comes back."""
    said = []
    for name in ("api token", "password", "environment variable", "metrics token"):
        secret = urllib.request.quote(planted[name], safe="")
        for method, path, body, headers in (
                ("GET", f"/api/v2/organizations/acme/workspaces/{secret}", None, {}),
                ("GET", f"/api/v2/account/details?token={secret}", None, {}),
                ("GET", f"/nowhere/{secret}", None, {}),
                ("POST", "/api/v2/runs", planted[name].encode(), {"Content-Type": "application/vnd.api+json"}),
                ("GET", "/api/v2/account/details", None, {"Authorization": f"Bearer {secret}x"}),
                ("GET", "/metrics", None, {"Authorization": f"Bearer {secret}x"}),
                ("POST", "/api/web/v1/session", json.dumps({"username": planted[name], "password": planted[name]}).encode(),
                 {"Content-Type": "application/json", "Origin": server.url})):
            status, text, answered = send(server, method, path, body, headers)
            assert status >= 400, (method, path, text)
            said.append(text + answered)
    return said


def shown(server, run, workspace):
    """What an owner of the organization is shown by the API, but for states and the whole plan, which are asked for."""
    found = ask(server, "GET", f"/api/v2/runs/{run}?include=plan,apply,workspace,created_by")
    relations = found["data"]["relationships"]
    plan, apply = relations["plan"]["data"]["id"], relations["apply"]["data"]["id"]
    paths = [f"/api/v2/workspaces/{workspace}", f"/api/v2/workspaces/{workspace}/vars", f"/api/v2/runs/{run}/run-events",
             f"/api/v2/plans/{plan}", f"/api/v2/applies/{apply}", f"/api/v2/plans/{plan}/json-output-redacted",
             f"/api/v2/workspaces/{workspace}/current-state-version?include=outputs",
             f"/api/v2/workspaces/{workspace}/current-state-version-outputs", "/api/v2/organizations/acme",
             "/api/v2/organizations/acme/audit-events?page%5Bsize%5D=100", "/api/v2/organizations/acme/webhook",
             "/api/v2/organizations/acme/webhook/deliveries", "/api/v2/organizations/acme/aws-mfa",
             "/api/v2/organizations/acme/aws-identities", "/api/v2/organizations/acme/organization-memberships",
             "/api/v2/account/details", "/api/v2/openapi.json", "/healthz", "/readyz",
             f"/app/acme/canaries/runs/{run}"]
    texts = {"run": json.dumps(found)}
    for path in paths:
        texts[path] = send(server, "GET", path, None, {"Authorization": f"Bearer {server.token}"})[1]
    return texts


def logs(server, run):
    texts = {}
    for phase, kind in (("plan", "plans"), ("apply", "applies")):
        identity = ask(server, "GET", f"/api/v2/runs/{run}")["data"]["relationships"][phase]["data"]["id"]
        url = ask(server, "GET", f"/api/v2/{kind}/{identity}")["data"]["attributes"]["log-read-url"]
        texts[phase] = send(server, "GET", url.removeprefix(server.url) + "?limit=10000000&offset=0")[1]
    return texts


def second_factor(browser):
    """Two-factor authentication, turned on and used once: what must stay secret of it, and the codes that were spent."""
    seed = browser.call("POST", "/api/web/v1/two-factor").json["secret"]
    now = int(time.time())
    spent = [oathtool(seed, now), oathtool(seed, now + STEP)]
    enabled = browser.call("POST", "/api/web/v1/two-factor/enable", {"password": PASSWORD, "code": spent[0]})
    assert enabled.status == 200, enabled.text
    asked = browser.call("POST", "/api/web/v1/session", {"username": "ana", "password": PASSWORD})
    assert asked.status == 202, asked.text
    passed = browser.call("POST", "/api/web/v1/session/code", {"ticket": asked.json["ticket"], "code": spent[1]})
    assert passed.status == 200, passed.text
    shown = enabled.json["recovery-codes"][0]
    return {"second factor": seed, "second factor, raw": base64.b32decode(seed), "sign-in ticket": asked.json["ticket"],
            "recovery code": shown, "recovery code, plain": shown.replace("-", "").upper()}, spent


def key_material(folder):
    text = (folder / "master.key").read_text()
    found = {f"master key {number}": key for number, key in
             enumerate(re.findall(r"^(?:hash|seal \d+) ([A-Za-z0-9_-]{40,}) ", text, re.M))}
    assert len(found) == 2, "the master key and the one of hashes"
    found |= {f"{name}, raw": base64.urlsafe_b64decode(key + "==") for name, key in found.items()}
    pem = (folder / "tls/server-key.pem").read_text().split("\n")
    return {**found, "private key": pem[2]}


@pytest.fixture
def confession():
    return Confession()


def test_no_canary_is_found_anywhere(tmp_path, world, terraform_program, confession, record_property):
    metrics = tmp_path / "metrics-token"
    planted = {"metrics token": secrets.token_urlsafe(30), "environment variable": "canary-" + secrets.token_hex(16),
               "terraform variable": "canary/" + secrets.token_hex(16), "password": PASSWORD, "webhook secret": TOKEN}
    metrics.write_text(planted["metrics token"] + "\n")
    metrics.chmod(0o600)
    with Receiver() as receiver, GateServer(
            tmp_path / "server", world, level="applies-only", people=("ana",), METRICS_TOKEN_FILE=str(metrics),
            RUNNER_LOOPBACK_PORTS=f"{world.url.rsplit(':', 1)[1]},{confession.port}",
            WEBHOOK_ALLOW=f"127.0.0.1:{receiver.port}") as server:
        link = server.command("user", "setup-link", server.folder, "bob").split("/setup#")[1].split()[0]
        browser = sign_in(server, "ana")
        browser.call("GET", "/api/web/v1/session")
        of_the_phone, spent = second_factor(browser)
        made = browser.call("PATCH", "/api/v2/organizations/acme/webhook",
                            document("notification-configurations", url=receiver.url, token=TOKEN))
        assert made.status == 201, made.text
        planted |= {"api token": server.token, "another's token": server.tokens["bob"], "set-up link": link,
                    "long-term key": keys(world, "ana")[1], "csrf token": browser.csrf,
                    **{f"cookie {cookie.name}": cookie.value for cookie in browser.cookies}, **key_material(server.folder), **of_the_phone}

        workspace = new_workspace(server, "canaries", auto_apply=True)
        for key, value, category in (("CANARY_ENV", planted["environment variable"], "env"),
                                     ("canary", planted["terraform variable"], "terraform")):
            ask(server, "POST", f"/api/v2/workspaces/{workspace}/vars", data(
                "vars", {"key": key, "value": value, "category": category, "sensitive": True}), 201)
        upload(server, workspace, {"main.tf": MAIN.replace("PORT", str(confession.port)), "spread.py": SPREAD})
        run = start_run(server, workspace, auto_apply=True)
        _, gate = server.wait_for_gate("apply", run)
        wrong = world.wrong_code("ana")
        assert server.authenticate(run, "apply", gate, wrong)[0] == 422
        _, gate = server.wait_for_gate("apply", run)
        code = world.fresh_code("ana")
        status, answer = server.authenticate(run, "apply", gate, code)
        assert status == 200, answer
        session_secret, session_token, told = confession.hear()
        assert told == planted["environment variable"], "the run has what it was given"
        planted |= {"session's secret key": session_secret, "session token": session_token}
        for phase in ("plans", "applies"):
            identity = ask(server, "GET", f"/api/v2/runs/{run}")["data"]["relationships"][
                phase.removesuffix("s").replace("applie", "apply")]["data"]["id"]
            url = ask(server, "GET", f"/api/v2/{phase}/{identity}")["data"]["attributes"]["log-read-url"]
            planted[f"signature of the log of {phase}"] = url.split("?")[0].rsplit("/", 1)[1]

        search = hunt.Hunt(planted)
        own = {server.folder / "master.key", server.folder / "tls/server-key.pem"}
        # While it runs, its files hold its variables and its state: terraform reads them from there.
        of_the_run = {"terraform variable", "environment variable"}
        assert search.files(server.folder, own, set(planted) - of_the_run) > 10
        assert search.processes() > 3
        said = spread_by_requests(server, planted)
        confession.go_on.set()
        assert wait_for(server, run, "applied", "errored", seconds=180)["status"] == "applied"

        answers = shown(server, run, workspace)
        # An address that proves something is shown to whom it is for.
        signatures = {name for name in planted if name.startswith("signature")}
        for place, text in answers.items():
            search.text(place, text, set(planted) - signatures - {"csrf token"})
        texts = logs(server, run)
        assert texts["apply"].count("spread") >= 24 and "all is said" in texts["apply"]
        for phase, text in texts.items():
            search.text(f"log of the {phase}", text)
        for number, text in enumerate(said):
            search.text(f"refused request {number}", text)
        figures = send(server, "GET", "/metrics", None, {"Authorization": f"Bearer {planted['metrics token']}"})
        assert figures[0] == 200
        search.text("metrics", figures[1])
        assert len(receiver.messages) >= 2
        for headers, body in receiver.messages:
            search.text("webhook", json.dumps(headers).encode() + body)
        search.processes()
    # The server has ended: its log is whole, and its database as a thief of the disk finds it.
    log = "\n".join(json.dumps(line) for line in server.log)
    assert len(server.events("request")) > 30
    search.text("the server's log", log)
    files = search.files(server.folder, own)
    search.files(pathlib.Path("/dev/shm"))
    assert search.hits == []
    for used in (code, wrong, *spent):
        for place, text in {"log": log, **texts, **answers}.items():
            assert not hunt.holds_code(text, used), place
        for path in server.folder.rglob("*"):
            if path.is_file():
                assert not hunt.holds_code(path.read_bytes(), used), path
    record_property("secrets", len(planted))
    record_property("files", files)
    record_property("bytes", search.looked_at)


def test_a_secret_that_lies_about_is_found(tmp_path):
    search = hunt.Hunt({"one": "canary-1f00ba4", "two": b"\x00\x01secret-bytes"})
    (tmp_path / "a").mkdir()
    for number, form in enumerate(sorted(hunt.forms("canary-1f00ba4"))):
        (tmp_path / "a" / str(number)).write_bytes(b"before" + form + b"after")
    assert search.files(tmp_path) == len(search.hits) == len(hunt.forms("canary-1f00ba4"))
    assert {name for name, _ in search.hits} == {"one"}
    search.text("two", b"x" + b"\x00\x01secret-bytes".hex().encode())
    assert search.hits[-1] == ("two", "two")
    assert hunt.holds_code('{"code":"123456"}', "123456") and not hunt.holds_code("ab123456ff", "123456")
