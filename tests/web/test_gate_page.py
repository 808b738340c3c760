"""The gate on the run page: real runs that wait for a real code, with tollgate-sandbox as AWS and oathtool as the phone."""
import re

import pytest

from tests.support.gate import sent_codes
from tests.support.runs import ask, new_workspace, start_run, upload, wait_for
from tests.web.conftest import PASSWORD, give_phone

LIE = "Authenticated with MFA by mallory"
CODE = "label:Code from your device"
FILES = {"main.tf": f"""
resource "terraform_data" "gate" {{ input = "closed" }}
output "lie" {{ value = "{LIE}" }}
"""}


@pytest.fixture(scope="module")
def server(gate):
    return gate


@pytest.fixture(scope="module")
def password(server):
    return PASSWORD


@pytest.fixture
def phone(server, unused_phones):
    """Ana's: of an IAM user that no other test uses."""
    return give_phone(server, "ana", unused_phones)


@pytest.fixture
def plans_and_applies(server):
    server.set_mfa("--level", "plans-and-applies")


@pytest.fixture
def applies_only(server):
    server.set_mfa("--level", "applies-only")


@pytest.fixture
def workspace(server, request):
    made = new_workspace(server, request.node.name)
    upload(server, made, FILES)
    return made


def page_of(run):
    """Of whatever workspace: the page finds that by itself."""
    return f"/app/acme/any/runs/{run}"


def card(browser):
    return browser.text("css:.lock")


def enter(browser, code):
    browser.fill(CODE, code)
    browser.press("Enter")


def test_plans_and_applies_word_by_word(server, browser, workspace, phone, plans_and_applies):
    calls = len(sent_codes(server.world))
    browser.goto("/app/acme/test_plans_and_applies_word_by_word")
    browser.click("role:button/Start run")
    browser.fill("label:Message", "Close the gate")
    browser.click("css:dialog button[type=submit]")
    browser.see("AWS MFA code needed for the plan")
    run = browser.tell("address").rsplit("/", 1)[1]
    assert browser.tell("title").startswith("(1) code needed: Close the gate")
    assert "ana triggered it via UI" in browser.text("css:.run-head")
    waiting = card(browser)
    assert f"Waiting for an AWS MFA code for device {phone.name}." in waiting
    assert "Who started the run, with the device above, can authenticate." in waiting
    assert "With your AWS session" in waiting
    assert "if nobody answers" in waiting
    assert browser.count("css:.lock.waiting") == 1

    # "If the code is wrong, the lock icon turns red and an error is shown."
    enter(browser, phone.wrong_code())
    browser.see("css:.lock.bad[data-state=refused]")
    refused = card(browser)
    assert "it is wrong, too old, or was used before" in browser.text("css:.lock.bad [role=alert]")
    assert "4 tries left." in refused and re.search(r"Next code in \d+ s\.", refused)
    assert f"AWS request {sent_codes(server.world)[-1]['request_id']}." in refused
    browser.see("css:input.code[aria-invalid=true]:focus")  # the next try needs no click
    assert browser.evaluate("document.activeElement.value") == ""
    browser.see("The MFA code of ana was not accepted")
    browser.picture("gate-refused")

    # "Enter the code and press Authenticate"; spaces as phones show them.
    code = phone.code()
    browser.fill(CODE, f"{code[:3]} {code[3:]}")
    browser.click("role:button/Authenticate")
    browser.see("1 to add")
    browser.see("Authenticated with MFA by ana at")

    # The apply is another gate, with what it lets pass beside the field. The code of the plan does not open it.
    browser.see("role:button/Authenticate & apply")
    assert "1 to add" in browser.text("css:.lock .hint")
    browser.picture("gate-apply")
    assert browser.count("role:button/Confirm & Apply") == 0
    before = len(sent_codes(server.world))
    enter(browser, code)
    browser.see("css:.lock.bad .lock-wait")
    assert "used already" in card(browser) and re.search(r"Next code in \d+ s\.", browser.text("css:.lock-wait"))
    assert len(sent_codes(server.world)) == before, "a used code is not sent again"
    enter(browser, phone.code())
    browser.see("Apply finished")
    browser.see("css:.lock.good")
    assert re.search(r"Authenticated with MFA by ana at \d\d:\d\d\. Session ends \d\d:\d\d\.", browser.text("css:.lock.good"))
    assert wait_for(server, run, "applied")["message"] == "Close the gate"
    assert len(sent_codes(server.world)) == calls + 3

    # What a configuration says is a line of a log, and nothing that the page says.
    browser.see(LIE)
    lies = browser.evaluate(f"[...document.querySelectorAll('main *')].filter((one) => !one.children.length && one.textContent.includes('{LIE}'))"
                            ".map((one) => !!one.closest('.log-lines, .outputs') && !one.closest('.log-line, .attribute').querySelector('svg, img, .badge'))")
    assert lies and all(lies)
    assert browser.evaluate("[...document.querySelectorAll('.passed, .lock')].filter((one) => one.textContent.includes('mallory')).length") == 0


def test_applies_only_plans_at_once_and_applies_with_a_code(server, browser, workspace, phone, applies_only):
    run = start_run(server, workspace, "only the apply")
    browser.goto(page_of(run))
    browser.see("role:button/Authenticate & apply")
    assert "Anyone with apply rights can authenticate." in card(browser)
    assert browser.count("css:[data-phase=plan] .passed") == 0, "nobody authenticated for the plan"
    enter(browser, phone.code())
    browser.see("css:.lock.good")
    wait_for(server, run, "applied")
    assert [gate["phase"] for gate in server.run(run)["mfa-history"]] == ["apply"]


def test_two_people_at_once(server, browser, bobs_browser, workspace, phone, unused_phones, plans_and_applies):
    """What one of them does the other sees, without loading anything anew."""
    bobs = give_phone(server, "bob", unused_phones)
    run = start_run(server, workspace, "for both")
    for opened in (browser, bobs_browser):
        opened.goto(page_of(run))
        opened.see("css:.lock.waiting")
    # A plan runs what nobody has looked at, with the session of whoever started it.
    assert bobs_browser.count(CODE) == 0
    assert "waits for the person who created it" in card(bobs_browser)
    enter(browser, phone.wrong_code())
    bobs_browser.see("css:.lock.bad[data-state=refused]")
    enter(browser, phone.code())
    for opened in (browser, bobs_browser):
        opened.see("role:button/Authenticate & apply")
        assert "1 to add" in opened.text("css:.lock .hint")
    assert f"device {bobs.name}" in card(bobs_browser) and f"device {phone.name}" in card(browser)
    assert "ana's configuration will run with your AWS session" in card(bobs_browser)
    enter(bobs_browser, bobs.code())
    for opened in (browser, bobs_browser):
        opened.see("css:.lock.good")
        assert "Authenticated with MFA by bob at" in card(opened)
        opened.see("Apply finished")
        assert opened.count(CODE) == 0


def test_a_page_that_is_behind_is_told_so(server, browser, workspace, phone, applies_only):
    run = start_run(server, workspace, "stale")
    wait_for(server, run, "planned")
    gate = {**server.run(run)["mfa"], "gate-id": "gate-ofanothertimexx"}
    document = f"/api/v2/runs/{run}([?].*)?$"
    browser.tell("route", pattern=document, attributes={"mfa": gate})
    browser.goto(page_of(run))
    calls = len(sent_codes(server.world))
    enter(browser, phone.code())
    browser.see("This gate is not open any more.")
    assert len(sent_codes(server.world)) == calls
    browser.tell("unroute", pattern=document)
    browser.tell("reload")
    enter(browser, phone.code())
    browser.see("css:.lock.good")


def test_without_an_identity_one_is_told_what_to_do(server, bobs_browser, workspace, phone, applies_only):
    status, mine = server.request("GET", "/api/v2/organizations/acme/aws-identities", token=server.tokens["bob"])
    for identity in mine["data"]:
        server.request("DELETE", f"/api/v2/aws-identities/{identity['id']}", token=server.tokens["bob"])
    run = start_run(server, workspace, "bob has no key here")
    wait_for(server, run, "planned")
    bobs_browser.goto(page_of(run))
    bobs_browser.see("add your access key and MFA device")
    assert bobs_browser.count(CODE) == 0
    ask(server, "POST", f"/api/v2/runs/{run}/actions/discard", {}, 202)
    bobs_browser.see("Discarded: the plan will not be applied.")


def test_from_the_message_to_the_code_by_keyboard_alone(server, browser, workspace, phone, plans_and_applies):
    run = start_run(server, workspace, "no mouse", plan_only=True)
    server.wait_for_gate("plan", run)
    browser.goto(page_of(run) + "?focus=code")
    browser.see("css:input.code:focus")
    browser.tell("reload")
    browser.goto(page_of(run))
    browser.see(CODE)
    browser.press("m")
    browser.see("css:input.code:focus")
    browser.tell("type", text=phone.code())
    browser.press("Enter")
    browser.see("css:.lock.good")


def test_a_phone_shows_the_gate(server, browser, workspace, phone, plans_and_applies):
    run = start_run(server, workspace, "from the train", plan_only=True)
    server.wait_for_gate("plan", run)
    browser.tell("viewport", width=390, height=844)
    browser.goto(page_of(run))
    browser.see(CODE)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    field = browser.evaluate("(({ top, bottom, height }) => ({ top, bottom, height }))(document.querySelector('.lock button').getBoundingClientRect())")
    assert field["bottom"] <= 844 and field["height"] >= 44, "the button is there without scrolling, and wide enough for a thumb"
    assert browser.evaluate("parseFloat(getComputedStyle(document.querySelector('input.code')).fontSize)") >= 16, "else phones zoom in"
    assert browser.evaluate("(({ inputMode, autocomplete, type, name }) => [inputMode, autocomplete, type, name])(document.querySelector('input.code'))") == [
        "numeric", "one-time-code", "text", ""]
    enter(browser, phone.code())
    browser.see("css:.lock.good")


REFUSAL = {"reason": "code_refused", "sentence": "AWS did not take the code: it was wrong, too old or already used", "by": "ana",
           "at": "2026-03-04T12:09:00Z", "request-id": "11111111-2222-3333-4444-555555555555"}
STATES = {
    "not-yet": {"state": "not-yet", "gate-id": None},
    "waiting": {},
    "used": {"next-code-in": 25},
    "checking": {"state": "checking"},
    "refused": {"state": "refused", "refusal": REFUSAL, "tries-left": 1, "next-code-in": 20},
    "locked": {"state": "locked", "refusal": REFUSAL, "you": {"can": False, "serial": None, "reason": "too many"}},
    "expired": {"state": "expired"},
    "passed": {"state": "passed", "by": {"username": "ana", "at": "2026-03-04T12:03:00Z", "session-expires-at": "2026-03-04T13:03:00Z"}},
    "not for you": {"you": {"can": False, "serial": None, "reason": "only ana, who created the run, may enter the code"}},
}


def test_every_state_of_the_lock_is_accessible(server, browser, workspace, phone, plans_and_applies):
    run = start_run(server, workspace, "all states", plan_only=True)
    server.wait_for_gate("plan", run)
    mfa = server.run(run)["mfa"]
    document = f"/api/v2/runs/{run}([?].*)?$"
    seen = set()
    for name, change in STATES.items():
        browser.tell("route", pattern=document, attributes={"mfa": {**mfa, **change}})
        browser.goto(page_of(run))
        browser.see("css:.lock")
        for scheme in ("light", "dark"):
            browser.tell("media", media={"colorScheme": scheme})
            assert browser.axe() == [], (name, scheme)
        # Never by colour alone.
        seen.add((browser.evaluate("document.querySelector('.lock-sign path')?.getAttribute('d') ?? 'turns'"), card(browser)))
        browser.tell("unroute", pattern=document)
    assert len(seen) == len(STATES)
    ask(server, "POST", f"/api/v2/runs/{run}/actions/cancel", {}, 202)
