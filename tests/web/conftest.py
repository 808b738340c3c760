"""Fixtures of the tests of the web page: a real tollgate-server and a real browser. Without Chromium, node or Terraform
they are skipped, which CI=true counts as a failure.
"""
import json
import pathlib
import ssl
import sys
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from tests.support import clients  # noqa: E402
from tests.support.gate import GateServer, Phone, with_phones  # noqa: E402
from tests.support.server import Server  # noqa: E402
from tests.support.world import World  # noqa: E402
from tests.web.browser import Browser, executable  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def tools():
    if clients.terraform() is None:
        pytest.skip("terraform: neither terraform nor tofu is installed")
    if executable() is None:
        pytest.skip("chromium: no browser is installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("web") / "server", RUNNER_UNSANDBOXED="true") as running:
        yield running


PASSWORD = "a password of many words"


@pytest.fixture(scope="module")
def password(server):
    """Of ana; chosen by a set-up link, as the first one is."""
    set_password(server, "ana", PASSWORD)
    return PASSWORD


def set_password(server, user, text):
    link = server.command("user", "setup-link", server.folder, user)
    token = link.split("/setup#")[1].split()[0]
    request = urllib.request.Request(f"{server.url}/api/web/v1/setup", json.dumps({"token": token, "password": text}).encode(),
                                     headers={"Content-Type": "application/json", "Origin": server.url})
    trusted = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
    opener.open(request, timeout=30).close()


def sign_in(browser, user, text):
    browser.fill("label:User name", user)
    browser.fill("label:Password", text)
    browser.press("Enter")
    browser.see("role:button/Sign out")


def accessible(browser, what=None):
    """WCAG 2.2 AA as axe-core sees it, in light and dark."""
    for scheme in ("light", "dark"):
        browser.tell("media", media={"colorScheme": scheme})
        assert browser.axe() == [], (what, scheme)


PHONES = [f"phone-{number}" for number in range(1, 31)]


@pytest.fixture(scope="session")
def gate(tmp_path_factory):
    """A server whose AWS is tollgate-sandbox, with ana, who owns acme, and bob, who belongs to it."""
    folder = tmp_path_factory.mktemp("gate")
    with World(folder / "world", with_phones(*PHONES)) as world:
        with GateServer(folder / "server", world, people=(), RUNNER_UNSANDBOXED="true") as running:
            for name in ("ana", "bob"):
                set_password(running, name, PASSWORD)
            yield running


@pytest.fixture(scope="session")
def unused_phones():
    return iter(PHONES)


def give_phone(server, person, unused_phones):
    """An IAM user that no other test uses becomes the person's AWS identity; the device of that user."""
    name = next(unused_phones)
    server.set_identity(name, whose=["--user", person])
    return Phone(server.world, name)


@pytest.fixture
def bobs_browser(gate):
    with Browser(gate.url) as opened:
        opened.goto("/login")
        sign_in(opened, "bob", PASSWORD)
        yield opened
        check_innocent(opened)


@pytest.fixture
def browser(server, password):
    """Signed in as ana."""
    with Browser(server.url) as opened:
        opened.goto("/login")
        sign_in(opened, "ana", password)
        yield opened
        check_innocent(opened)


def check_innocent(browser):
    """After any test: nothing was asked of anyone else, nothing broke, and the page did nothing that its policy forbids."""
    seen = browser.seen()
    assert [request for request in seen["requests"] if f" {browser.base}/" not in request and " blob:" not in request] == []
    assert seen["violations"] == []
    assert seen["errors"] == []
    assert seen["dialogs"] == 0
