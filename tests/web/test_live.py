"""What a page hears while it is open: a server that is replaced under an apply, codes that are waited for, a session that
ends."""
import re
import signal
import time

import pytest

from tests.support.gate import sent_codes
from tests.support.runs import ask, new_workspace, start_run, upload, wait_for
from tests.web.conftest import PASSWORD, give_phone, sign_in

# Goes on until the file is there, with a line for each step.
COUNTING = """
resource "terraform_data" "counting" {
  provisioner "local-exec" {
    command = "n=0; while [ $n -lt 40 ] || [ ! -e '%s' ]; do n=$((n+1)); echo step $n; sleep 0.1; [ $n -lt 6000 ] || break; done; echo steps: $n"
  }
}
"""


def test_a_server_that_is_replaced_during_an_apply_costs_no_line(server, browser, tmp_path):
    go_on = tmp_path / "go-on"
    workspace = new_workspace(server, "counting")
    upload(server, workspace, {"main.tf": COUNTING % go_on})
    run = start_run(server, workspace, "count", auto_apply=True)
    browser.goto(f"/app/acme/counting/runs/{run}")
    # Whichever step the page comes in time for.
    browser.see("css:[data-phase=apply] .log-line:has-text(': step ')")
    before = len(server.events("worker.ready"))
    server.process.send_signal(signal.SIGHUP)
    stop = time.monotonic() + 180
    while len(server.events("worker.ready")) == before:
        assert time.monotonic() < stop, server.log[-5:]
        time.sleep(0.05)
    go_on.write_text("")
    browser.see("css:[data-phase=apply] .phase-head:has-text('Apply finished')")
    wait_for(server, run, "applied")
    browser.see("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
    # Every line of the log: each piece of it is brought to the screen and read once it is drawn there.
    lines = browser.evaluate("""(async () => {
      const read = [];
      for (const piece of document.querySelectorAll('[data-phase=apply] .log-lines .chunk')) {
        while (piece.firstChild === null) {
          piece.scrollIntoView();
          await new Promise(requestAnimationFrame);
        }
        for (const line of piece.querySelectorAll('.log-text')) read.push(line.textContent);
      }
      return read;
    })()""")
    numbers = [int(found[1]) for line in lines if (found := re.search(r": step (\d+)$", line))]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 40
    assert sum(line.endswith(f": steps: {len(numbers)}") for line in lines) == 1


@pytest.fixture(scope="module")
def waited_for(gate):
    workspace = new_workspace(gate, "waited-for")
    # Never without a change, whatever was applied before.
    upload(gate, workspace, {"main.tf": 'resource "terraform_data" "a" { input = plantimestamp() }\n'})
    return workspace


@pytest.fixture
def gated(gate, waited_for):
    """Nothing else waits for anybody, whatever another test left behind."""
    gate.set_mfa("--level", "applies-only")
    end_what_waits(gate)
    yield waited_for
    end_what_waits(gate)


def end_what_waits(gate):
    waiting = "/api/v2/organizations/acme/runs?filter[status]=planned,plan_queued,apply_queued&page[size]=100"
    for run in ask(gate, "GET", waiting)["data"]:
        can = run["attributes"]["actions"]
        ask(gate, "POST", f"/api/v2/runs/{run['id']}/actions/{'discard' if can['is-discardable'] else 'cancel'}", {}, 202)


class TestAtTheGate:
    @pytest.fixture(scope="class")
    def server(self, gate):
        return gate

    @pytest.fixture(scope="class")
    def password(self):
        return PASSWORD

    def test_who_asked_to_be_told_is_told(self, server, browser, gated, unused_phones):
        phone = give_phone(server, "ana", unused_phones)
        # A browser that shows nothing itself, and a tab that nobody looks at.
        browser.tell("first", script="""
          window.told = [];
          window.Notification = class {
            static permission = 'default';
            static async requestPermission() { return (Notification.permission = 'granted'); }
            constructor(title, options) { this.entry = { title, ...options, open: true }; window.told.push(this.entry); }
            close() { this.entry.open = false; }
          };
          Object.defineProperty(Document.prototype, 'visibilityState', { get: () => 'hidden' });""")
        browser.goto("/app/settings/profile")
        browser.see("role:button/Notify me")
        assert browser.evaluate("Notification.permission") == "default", "nobody is asked who did not ask"
        browser.click("role:button/Notify me")
        browser.see("role:button/Do not notify me any more")
        # The same page goes on; a load would begin with a browser that was never asked.
        browser.click("role:link/tollgate, organizations")
        browser.click("role:link/acme")
        browser.see("role:heading/Workspaces")
        run = start_run(server, gated, "ring the bell")
        browser.see("css:.waiting-badge:has-text('1 waits for you')")
        assert browser.evaluate("window.told") == [{"title": "A run waits for your AWS MFA code", "body": "ring the bell", "tag": run, "open": True}]
        browser.click("css:.waiting-badge")
        browser.fill("label:Code from your device", phone.code())
        browser.press("Enter")
        browser.gone("css:.waiting-badge")
        assert [entry["open"] for entry in browser.evaluate("window.told")] == [False], "one for a run, and taken back"
        wait_for(server, run, "applied")

    def test_a_session_that_ended_loses_no_gate(self, server, browser, gated, unused_phones):
        phone = give_phone(server, "ana", unused_phones)
        run = start_run(server, gated, "late at night")
        wait_for(server, run, "planned")
        browser.goto(f"/app/acme/waited-for/runs/{run}")
        browser.see("label:Code from your device")
        browser.tell("forgetCookies")
        before = len(sent_codes(server.world))
        browser.fill("label:Code from your device", phone.code())
        browser.press("Enter")
        browser.see("role:heading/Sign in")
        assert len(sent_codes(server.world)) == before, "the code was not spent"
        sign_in(browser, "ana", PASSWORD)
        # Back where one was. How long that took nobody knows, so with the code of now.
        browser.see("label:Code from your device")
        browser.fill("label:Code from your device", phone.code())
        browser.press("Enter")
        browser.see("css:.lock.good")
        wait_for(server, run, "applied")

    def test_what_waits_on_the_list_of_workspaces(self, server, browser, gated, unused_phones):
        give_phone(server, "ana", unused_phones)
        run = start_run(server, gated, "in the list")
        wait_for(server, run, "planned")
        browser.goto("/app/acme")
        browser.fill("label:Search workspaces by name", "waited-for")
        browser.see("MFA code needed")
        browser.click("css:button:has-text('Waiting')")
        browser.see("role:link/waited-for")
        ask(server, "POST", f"/api/v2/runs/{run}/actions/discard", {}, 202)
        browser.gone("role:link/waited-for")
        browser.see("No workspace fits")


def test_one_stream_for_all_tabs_and_nothing_is_polled(server, browser):
    """Twelve tabs of one browser hear by one connection; and in an hour in which nothing happens none of them asks."""
    workspace = new_workspace(server, "watched")
    upload(server, workspace, {"main.tf": 'resource "terraform_data" "a" {}\n'})
    run = start_run(server, workspace, "watched by twelve")
    wait_for(server, run, "planned")
    browser.tell("clock")
    browser.tell("forget")
    for tab in range(12):
        if tab > 0:
            assert browser.tell("newPage") == tab
        browser.goto(f"/app/acme/watched/runs/{run}")
        browser.see("role:button/Confirm & Apply")
        browser.see("role:button/terraform_data.a")
    asked = browser.seen()["requests"]
    assert sum(request.endswith("/api/web/v1/events") for request in asked) == 1
    browser.tell("later", seconds=3600)
    assert browser.seen()["requests"] == asked
    ask(server, "POST", f"/api/v2/runs/{run}/actions/discard", {}, 202)
    for tab in range(12):
        browser.tell("use", index=tab)
        browser.see("Discarded: the plan will not be applied.")
    assert sum(request.endswith("/api/web/v1/events") for request in browser.seen()["requests"]) == 1
