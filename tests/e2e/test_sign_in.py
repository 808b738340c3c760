"""People in front of a tollgate-server: set-up link, sign-in, and what nobody may find afterwards."""
import json
import sqlite3
import subprocess

import pytest

from tests.support.browser import Browser
from tests.support.server import Server
from tests.support.world import programs

PASSWORD = "correct horse battery"


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "server") as running:
        yield running


def setup_code(text):
    return text.split("/setup#")[1].split()[0]


def test_a_set_up_link_makes_a_password_that_signs_in(server):
    code = setup_code(server.command("user", "setup-link", server.folder, "ana"))
    browser = Browser(server)
    page = browser.open("/setup")
    done = browser.submit(page, token=code, password=PASSWORD, again=PASSWORD)
    assert done.status == 200 and "signed in as ana" in done.text
    assert browser.call("GET", "/api/web/v1/session").json["username"] == "ana"
    assert browser.submit(page, token=code, password=PASSWORD, again=PASSWORD).status == 404

    other = Browser(server)
    refused = other.call("POST", "/api/web/v1/session", {"username": "ana", "password": "wrong"})
    assert refused.status == 401
    unknown = other.call("POST", "/api/web/v1/session", {"username": "nobody", "password": "wrong"})
    told = [{key: value for key, value in answer.json["errors"][0].items() if key != "id"} for answer in (refused, unknown)]
    assert told[0] == told[1], "whether there is such a user is nobody's business"
    assert other.call("POST", "/api/web/v1/session", {"username": "ana", "password": PASSWORD}).status == 200
    cookie, = other.cookies
    assert cookie.name == "__Host-tollgate-session" and cookie.secure and cookie.path == "/"
    assert cookie.has_nonstandard_attr("HttpOnly") and not cookie.domain_specified
    assert other.call("GET", "/api/v2/account/details").json["data"]["attributes"]["username"] == "ana"
    assert len(other.call("GET", "/api/web/v1/sessions").json["data"]) == 2
    assert other.call("DELETE", "/api/web/v1/session").status == 204
    assert other.call("GET", "/api/v2/account/details").status == 401

    secrets = [PASSWORD, code, cookie.value, other.csrf]
    for path in (server.folder / "data").rglob("*"):
        if path.is_file():
            for secret in secrets:
                assert secret.encode() not in path.read_bytes(), path
    for line in server.log:
        for secret in secrets:
            assert secret not in json.dumps(line)
    assert "unbroken" in server.command("audit", "verify", server.folder)


def test_init_names_the_first_administrator(server, tmp_path):
    text = server.command("init", tmp_path / "second", "--listen", "127.0.0.1:0", "--admin", "eve", "--admin-email",
                          "eve@example.com")
    assert setup_code(text).startswith("tgs.")
    server.command("org", "create", tmp_path / "second", "acme", "--owner", "eve", "--email", "ops@example.com")
    text = server.command("user", "create", server.folder, "bob", "--email", "bob@example.com", "--setup-link")
    browser = Browser(server)
    answer = browser.call("POST", "/api/web/v1/setup", {"token": setup_code(text), "password": PASSWORD})
    assert answer.status == 200 and answer.json["username"] == "bob" and not answer.json["is-site-admin"]


def test_guessing_is_slowed_and_a_restart_keeps_sessions(server):
    code = setup_code(server.command("user", "setup-link", server.folder, "ana"))
    browser = Browser(server)
    assert browser.call("POST", "/api/web/v1/setup", {"token": code, "password": PASSWORD}).status == 200
    guesser = Browser(server)
    answers = [guesser.call("POST", "/api/web/v1/session", {"username": "ana", "password": f"guess {i}"})
               for i in range(15)]
    assert [answer.status for answer in answers] == [401] * 10 + [429] * 5
    assert int(answers[-1].headers["Retry-After"]) > 0
    # Who is signed in is not kept out by that.
    assert browser.call("POST", "/api/web/v1/session/reauthenticate", {"password": PASSWORD}).status == 200
    server.stop()
    server.start()
    browser.origin = server.url
    assert browser.call("GET", "/api/web/v1/session").json["username"] == "ana"


def test_the_audit_is_signed_read_and_verified(server):
    server.command("user", "setup-link", server.folder, "ana")
    status, answer = server.request("GET", "/api/v2/organizations/acme/audit-events")
    assert status == 200 and [row["attributes"]["event"] for row in answer["data"]] == ["organization.created"]
    status, answer = server.request("GET", "/api/v2/admin/audit-events?filter[event]=user.")
    assert status == 200 and answer["data"][0]["attributes"]["event"] == "user.setup_link_made"
    status, answer = server.request("GET", "/api/v2/organizations/acme/audit-events/verify")
    assert status == 200 and answer["data"]["attributes"]["unbroken"] is True
    server.stop()
    # What somebody cuts off is found by the signature of the start.
    signed, = server.events("audit.checkpoint")
    assert int(signed["records"]) >= 3
    with sqlite3.connect(server.folder / "data/tollgate.db") as database:
        database.execute("DELETE FROM audit_records WHERE sequence >= ?", (int(signed["records"]),))
    done = subprocess.run([programs() / "tollgate-server", "audit", "verify", server.folder], capture_output=True,
                          text=True)
    assert done.returncode != 0 and "the audit is broken" in done.stderr
    server.start()
    server.stop()
    assert server.events("audit.broken")


def test_the_api_describes_itself(server):
    browser = Browser(server)
    document = browser.open("/api/v2/openapi.json").json
    assert document["openapi"].startswith("3.0.") and document["servers"] == [{"url": server.url}]
    assert document["paths"]["/api/v2/runs/{run_id}"]["get"]["x-permission"] == "workspace_read"
