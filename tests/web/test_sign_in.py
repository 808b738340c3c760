"""Who comes in, and who does not."""
import json

import pytest

from tests.support.server import Server
from tests.web.browser import Browser
from tests.web.conftest import PASSWORD, check_innocent, set_password, sign_in


@pytest.fixture
def stranger(server, password):
    """A browser that is not signed in."""
    with Browser(server.url) as opened:
        yield opened


def test_the_first_password_and_the_first_look(tmp_path):
    with Server(tmp_path / "server") as fresh, Browser(fresh.url) as browser:
        link = fresh.command("user", "setup-link", fresh.folder, "ana")
        browser.goto("/setup#" + link.split("/setup#")[1].split()[0])
        browser.fill("label:New password, at least 12 characters", PASSWORD)
        browser.fill("label:The same again", PASSWORD)
        browser.click("role:button/Set password")
        browser.click("To your organizations")
        browser.click("role:link/acme")
        browser.see("No workspaces yet")
        check_innocent(browser)


def test_a_wrong_password_says_so_and_keeps_nothing(stranger):
    stranger.goto("/app/acme")
    stranger.see("role:heading/Sign in")
    stranger.fill("label:User name", "ana")
    stranger.fill("label:Password", "not this one, surely")
    stranger.press("Enter")
    stranger.see("role:alert")
    assert "wrong" in stranger.text("role:alert")
    assert stranger.tell("value", target={"label": "Password"}) == ""
    assert stranger.axe() == []
    sign_in(stranger, "ana", PASSWORD)
    # Where one wanted to go.
    stranger.see("role:heading/Workspaces")


def test_the_session_leaves_nothing_where_a_script_could_read_it(browser):
    browser.goto("/app")
    browser.see("role:link/acme")
    assert browser.evaluate("document.cookie") == ""
    stored = browser.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "csrf" not in stored and PASSWORD not in stored
    cookie, = browser.tell("cookies")
    assert cookie["name"].startswith("__Host-") and cookie["httpOnly"] and cookie["secure"]
    assert cookie["value"] not in stored


def test_signing_out_ends_it_here_and_at_the_server(server, browser):
    browser.goto("/app")
    browser.see("role:link/acme")
    cookie, = browser.tell("cookies")
    browser.click("role:button/Sign out")
    browser.see("role:heading/Sign in")
    browser.goto("/app/acme")
    browser.see("role:heading/Sign in")
    status = browser.evaluate(f"fetch('/api/v2/account/details', {{headers: {{'X-Stolen': '{cookie['name'][:3]}'}}}}).then((answer) => answer.status)")
    assert status == 401


def test_a_session_that_ends_elsewhere_ends_on_the_page(server, browser):
    browser.goto("/app/acme")
    browser.see("role:heading/Workspaces")
    set_password(server, "ana", PASSWORD)  # ends every session of ana's
    browser.tell("reload")
    browser.see("role:heading/Sign in")
    sign_in(browser, "ana", PASSWORD)
    browser.see("role:heading/Workspaces")


def test_a_password_is_changed_and_other_browsers_are_signed_out(server, browser, stranger):
    stranger.goto("/login")
    sign_in(stranger, "ana", PASSWORD)
    browser.goto("/app/settings/profile")
    browser.fill("label:New password", "another one of many words")
    browser.fill("label:The same again", "another one of many words")
    browser.click("role:button/Change password")
    browser.see("Saved.")
    stranger.tell("reload")
    stranger.see("role:heading/Sign in")
    sign_in(stranger, "ana", "another one of many words")
    set_password(server, "ana", PASSWORD)


def test_what_the_server_sends_with_the_page(server):
    status, text = server.request("GET", "/app/acme/network/runs/run-1")
    assert status == 200 and "<!doctype html>" in text
    status, document = server.request("GET", "/apps")
    assert status == 404, json.dumps(document)
