"""Fixtures of the tests of the web page: a real tollgate-server and a real browser. Without Chromium, node or Terraform
they are skipped, which CI=true counts as a failure.
"""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from tests.support import clients  # noqa: E402
from tests.support.server import Server  # noqa: E402
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


@pytest.fixture
def browser(server):
    """Signed in as ana."""
    with Browser(server.url, extraHTTPHeaders={"Authorization": f"Bearer {server.token}"}) as opened:
        opened.tell("route", pattern="/api/web/v1/session$", status=200, body=json.dumps({"username": "ana", "csrf-token": "none"}))
        yield opened
        check_innocent(opened)


def check_innocent(browser):
    """After any test: nothing was asked of anyone else, nothing broke, and the page did nothing that its policy forbids."""
    seen = browser.seen()
    assert [request for request in seen["requests"] if f" {browser.base}/" not in request and " blob:" not in request] == []
    assert seen["violations"] == []
    assert seen["errors"] == []
    assert seen["dialogs"] == 0
