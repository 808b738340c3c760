"""AWS Multi-Factor Authentication in the settings: of the organization, of a workspace, one's own; and the audit of it."""
import json

import pytest

from tests.support.gate import ACCOUNT, Phone, keys, sent_codes
from tests.support.runs import ask, new_workspace
from tests.web.browser import Browser
from tests.web.conftest import PASSWORD, accessible, check_innocent, sign_in

SETTINGS = "/api/v2/organizations/acme/aws-mfa"
IDENTITIES = "/api/v2/organizations/acme/aws-identities"
PAGE = "/app/acme/settings/aws-mfa"


@pytest.fixture(scope="module")
def server(gate):
    gate.set_mfa("--level", "never")
    yield gate
    gate.set_mfa("--level", "plans-and-applies", "--account", ACCOUNT)


@pytest.fixture(scope="module")
def password(server):
    return PASSWORD


def settings(server):
    return ask(server, "GET", SETTINGS)["data"]["attributes"]


def choose(browser, level, saved="Save settings"):
    browser.click(f"css:input[type=radio][value={level}]")
    browser.click(f"role:button/{saved}")


def test_an_owner_enables_each_level(server, browser):
    browser.goto(PAGE)
    browser.see("A code is needed for")
    for level, consequence in [("applies-only", "nothing is changed before a person has entered one"), ("plans-and-applies", "waits for a code of its own")]:
        browser.see(consequence)
        choose(browser, level)
        browser.see("Saved.")
        assert settings(server)["level"] == level
    browser.click("css:main h1")  # away from what would show itself touched
    browser.evaluate("scrollTo(0, 0)")
    browser.picture("aws-mfa-settings")
    # Less protection is typed out.
    choose(browser, "never")
    browser.see("From “Plans and applies” to “Never”")
    accessible(browser)
    assert settings(server)["level"] == "plans-and-applies"
    browser.fill("label:Type acme to go on", "acme")
    browser.click("role:button/Lower the level")
    browser.gone("css:dialog")
    assert settings(server)["level"] == "never"


def test_what_a_level_is_made_of_is_kept(server, browser):
    browser.goto(PAGE)
    browser.see("label:AWS accounts")
    browser.fill("label:AWS accounts", f"{ACCOUNT}\n222222222222")
    browser.fill("label:A plan waits for a code for", "20m")
    browser.fill("label:Role of applies", "arn:aws:iam::222222222222:role/team/read-only")
    browser.click("css:input[type=radio][value=personal]")
    browser.click("role:button/Save settings")
    browser.see("Saved.")
    kept = settings(server)
    assert kept["accounts"] == [ACCOUNT, "222222222222"] and kept["plan-gate-deadline"] == 1200 and kept["identity-policy"] == "personal"
    assert kept["apply-role"] == {"arn": "arn:aws:iam::222222222222:role/team/read-only", "external-id": ""}
    accessible(browser)
    # What cannot be is refused in words, and what was typed stays.
    browser.fill("label:AWS accounts", "1234")
    browser.click("role:button/Save settings")
    browser.see("12 digits")
    browser.fill("label:AWS accounts", ACCOUNT)
    browser.fill("label:A plan may take", "soon")
    browser.click("role:button/Save settings")
    browser.see('"soon" is no time such as 15m')
    assert browser.axe() == []
    browser.fill("label:A plan may take", "1h")
    browser.fill("label:Role of applies", "")
    browser.click("css:input[type=radio][value=personal-then-organization]")
    browser.click("role:button/Save settings")
    browser.see("Saved.")
    kept = settings(server)
    assert (kept["accounts"], kept["apply-role"], kept["identity-policy"]) == ([ACCOUNT], None, "personal-then-organization")


def test_a_password_that_was_typed_long_ago_is_asked_for_again(server, browser):
    old = {"errors": [{"status": "403", "code": "reauthentication_required", "detail": "type your password again"}]}
    browser.tell("route", pattern=SETTINGS, method="PATCH", times=1, status=403, body=json.dumps(old))
    browser.goto(PAGE)
    browser.see("A code is needed for")
    choose(browser, "applies-only")
    browser.see("css:dialog[open] input[type=password]")
    assert browser.axe() == []
    browser.fill("label:Password", "not this one, surely")
    browser.press("Enter")
    browser.see("css:dialog .field-error")
    assert settings(server)["level"] == "never"
    browser.fill("label:Password", PASSWORD)
    browser.press("Enter")
    browser.see("Saved.")
    assert settings(server)["level"] == "applies-only"


def test_a_workspace_is_as_strict_or_stricter(server, browser):
    server.set_mfa("--level", "applies-only")
    workspace = new_workspace(server, "strict")
    browser.goto("/app/acme/strict/settings")
    browser.see("As the organization")
    browser.see("Laxer than the organization, which has “Applies only”.")
    assert browser.evaluate("[...document.querySelectorAll('input[name=workspace-level]')].map((one) => [one.value, one.disabled])") == [
        ["inherit", False], ["never", True], ["applies-only", False], ["plans-and-applies", False]]
    choose(browser, "plans-and-applies", "Save the level")
    browser.see("css:[role=status]:has-text('Saved.')")
    assert level_of(server, workspace) == "plans-and-applies"
    accessible(browser)
    choose(browser, "inherit", "Save the level")
    browser.see("css:[role=status]:has-text('Saved.')")
    assert level_of(server, workspace) is None


def level_of(server, workspace):
    return ask(server, "GET", f"/api/v2/workspaces/{workspace}")["data"]["attributes"]["aws-mfa"]


def test_the_organizations_identity_is_set_up_and_tested(server, browser, unused_phones):
    name = next(unused_phones)
    phone = Phone(server.world, name)
    key, secret = keys(server.world, name)
    browser.goto(PAGE)
    browser.see("role:button/Set up the identity")
    browser.fill("label:AWS_ACCESS_KEY_ID", key)
    browser.fill("label:AWS_SECRET_ACCESS_KEY", secret)
    browser.fill("label:AWS_MFA_SERIAL_NUMBER", server.world.device(name)["serial"])
    browser.fill("label:Whose device it is", "ana")
    browser.click("role:button/Set up the identity")
    browser.see("not tested yet")
    assert secret not in browser.evaluate("document.documentElement.outerHTML + [...document.querySelectorAll('input')].map((one) => one.value)")
    browser.click("role:button/Test connection")
    browser.see(f"AWS knows the key: arn:aws:iam::{ACCOUNT}:user/{name}")
    browser.see("No code was tried.")
    accessible(browser)
    before = len(sent_codes(server.world))
    browser.fill("label:Code to test (optional)", phone.wrong_code())
    browser.click("role:button/Test connection")
    browser.see("it is wrong, too old, or was used before")
    browser.fill("label:Code to test (optional)", phone.code())
    browser.press("Enter")
    browser.see("AWS accepted the code.")
    assert len(sent_codes(server.world)) == before + 2
    # Changed without its secret; then taken away.
    browser.fill("label:Region", "eu-west-1")
    browser.click("role:button/Save the identity")
    browser.see("css:[role=status]:has-text('Saved.')")
    browser.click("role:button/Delete the identity")
    browser.see("role:button/Set up the identity")
    assert [one for one in ask(server, "GET", IDENTITIES)["data"] if one["attributes"]["kind"] == "organization"] == []


def test_a_member_brings_an_identity_and_a_device(server, browser, bobs_browser, unused_phones):
    organizations, bobs = next(unused_phones), next(unused_phones)
    server.set_identity(organizations, "--shared", whose=["--organization"])
    # Of the organization's a member sees what holds, and no form.
    bobs_browser.goto(PAGE)
    bobs_browser.see("Owners of the organization can change this.")
    bobs_browser.see(server.world.device(organizations)["serial"])
    assert bobs_browser.count("css:main input") == 0
    accessible(bobs_browser)
    bobs_browser.goto("/app/settings/aws")
    key, secret = keys(server.world, bobs)
    bobs_browser.see("My AWS identity in acme")
    for label, value in [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_MFA_SERIAL_NUMBER", server.world.device(bobs)["serial"])]:
        bobs_browser.fill(f"label:{label}", value)
    save = "role:button/Save the identity" if bobs_browser.count("role:button/Save the identity") else "role:button/Set up the identity"
    bobs_browser.click(save)
    bobs_browser.see("not tested yet")
    bobs_browser.fill("label:Code to test (optional)", Phone(server.world, bobs).code())
    bobs_browser.press("Enter")
    bobs_browser.see("AWS accepted the code.")
    bobs_browser.fill("label:Serial of the device", f"arn:aws:iam::{ACCOUNT}:mfa/bobs-second")
    bobs_browser.click("role:button/Register device")
    bobs_browser.see("role:button/Take the device back")
    accessible(bobs_browser)
    bobs_browser.click("role:button/Take the device back")
    bobs_browser.see("role:button/Register device")
    browser.goto(PAGE)
    browser.click("role:button/Delete the identity")
    browser.see("role:button/Set up the identity")


def test_owners_are_told_who_raised_and_who_lowered_the_level(server, browser, bobs_browser):
    server.set_mfa("--level", "never")
    browser.goto("/app/acme/settings/notices")
    browser.see("role:heading/Notices")
    told = browser.count("css:.list-row:has-text('ana raised the level')")
    with Browser(server.url) as another:
        another.goto("/login")
        sign_in(another, "ana", PASSWORD)
        another.goto(PAGE)
        another.see("A code is needed for")
        choose(another, "applies-only")
        another.see("Saved.")
        # It comes by itself, to who is looking.
        browser.see("css:.list-row:first-child:has-text('ana raised the level of AWS MFA from never to applies-only')")
        assert browser.count("css:.list-row:has-text('ana raised the level')") == told + 1
        choose(another, "never")
        another.fill("label:Type acme to go on", "acme")
        another.click("role:button/Lower the level")
        browser.see("css:.list-row:first-child:has-text('ana lowered the level of AWS MFA from applies-only to never')")
        check_innocent(another)
    accessible(browser)
    # Of no concern to a member.
    bobs_browser.goto("/app/acme/settings/notices")
    bobs_browser.see("There is no such page, or it is not for you")
    assert bobs_browser.count("role:link/Notices") == 0


def test_the_audit_is_read_searched_and_verified(server, browser, bobs_browser):
    browser.goto("/app/acme/settings/audit")
    browser.see("role:columnheader/Details")
    browser.fill("label:Event", "aws_mfa.")
    browser.click("role:button/Show these")
    browser.gone("css:td:has-text('workspace.created')")
    browser.see("aws_mfa.level")
    browser.click("role:button/Verify the record")
    browser.see("Unbroken.")
    accessible(browser)
    bobs_browser.goto("/app/acme/settings/audit")
    bobs_browser.see("role:link/General")
    assert bobs_browser.count("role:button/Verify the record") == 0
