"""People in front of a tollgate-server: set-up link, sign-in, and what nobody may find afterwards."""
import json

import pytest

from tests.support.browser import Browser
from tests.support.server import Server

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
    assert unknown.text == refused.text
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
