"""The webhook of an organization on its page: set up, tested, and what became of each message."""
import time

import pytest

from tests.support.receiver import TOKEN, Receiver
from tests.support.runs import ask, new_workspace, start_run, upload, wait_for
from tests.support.server import Server
from tests.web.conftest import accessible

WEBHOOK = "/api/v2/organizations/acme/webhook"
PAGE = "/app/acme/settings/webhook"


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def server(tmp_path_factory, receiver):
    with Server(tmp_path_factory.mktemp("webhook") / "server", RUNNER_UNSANDBOXED="true", WEBHOOK_ALLOW=f"127.0.0.1:{receiver.port}") as running:
        yield running


def test_a_webhook_is_set_up_tested_read_and_removed(server, browser, receiver):
    browser.goto(PAGE)
    browser.see("role:button/Set up the webhook")
    assert browser.count("role:button/Send a test") == 0
    accessible(browser, "none yet")
    # What cannot be is refused in words, and what was typed stays.
    browser.fill("label:Address", "http://127.0.0.1:1/hook")
    browser.fill("label:Secret", TOKEN)
    browser.click("role:button/Set up the webhook")
    browser.see("css:.form-error[role=alert]")
    assert "begins with https://" in browser.text("css:.form-error[role=alert]")
    assert browser.tell("value", target={"label": "Address"}) == "http://127.0.0.1:1/hook"
    accessible(browser, "refused")
    browser.fill("label:Address", receiver.url)
    browser.click("role:button/Set up the webhook")
    browser.see("role:button/Send a test")
    browser.see("Nothing was sent yet")
    assert TOKEN not in browser.evaluate("document.documentElement.outerHTML + [...document.querySelectorAll('input')].map((one) => one.value)")

    browser.click("role:button/Send a test")
    browser.see("css:[role=status] .good:has-text('The receiver answered 200: thanks')")
    assert [trigger for trigger, _, _ in receiver.wait(1)] == ["verification"]

    # A run that waits for a decision; the receiver is not well, and when it is somebody does not want to wait.
    receiver.refuse = 1000
    workspace = new_workspace(server, "announced")
    upload(server, workspace, {"main.tf": 'resource "terraform_data" "a" {}\n'})
    run = start_run(server, workspace, "look at me")
    wait_for(server, run, "planned")
    until(server, lambda message: message["attempts"] > 0)
    browser.tell("reload")
    browser.see("css:.list-row:has-text('A run waits for a decision')")
    browser.see("answered with status 503")
    accessible(browser, "not delivered")
    receiver.refuse = 0
    browser.click("role:button/Send now")
    until(server, lambda message: message["state"] == "delivered")
    told = receiver.told()[1:]
    assert {payload["run_id"] for _, payload, _ in told} == {run} and len({delivery for _, _, delivery in told}) == 1, "the same message again"
    assert {trigger for trigger, _, _ in told} == {"run:needs_attention"}
    browser.tell("reload")
    browser.see(f"delivered after {len(told)} tries")
    accessible(browser, "delivered")

    # Changed without its secret; then taken away.
    browser.click("role:checkbox/Somebody authenticated")
    browser.click("role:button/Save the webhook")
    browser.see("css:[role=status]:has-text('Saved.')")
    kept = ask(server, "GET", WEBHOOK)["data"]["attributes"]
    assert "mfa:passed" not in kept["triggers"] and "run:needs_attention" in kept["triggers"] and kept["url"] == receiver.url
    browser.click("role:button/Send a test")
    browser.see("css:[role=status] .good:has-text('The receiver answered 200: thanks')")
    receiver.wait(len(told) + 2)  # checks the signature of each
    browser.click("role:button/Remove the webhook")
    browser.see("role:button/Set up the webhook")
    assert server.request("GET", WEBHOOK)[0] == 404
    ask(server, "POST", f"/api/v2/runs/{run}/actions/discard", {}, 202)


def until(server, holds):
    """The one message of the run is so."""
    for _ in range(1800):
        messages = ask(server, "GET", WEBHOOK + "/deliveries")["data"]
        if messages and holds(messages[0]["attributes"]):
            return
        time.sleep(0.1)
    raise AssertionError(messages)
