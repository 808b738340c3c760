"""Every route of the page, full, empty and in trouble, in light and dark: 0 violations of WCAG 2.2 AA, nothing wider than a
phone, and trouble said in words."""
import json

import pytest

from tests.support.runs import ask, data, new_workspace, start_run, upload, wait_for
from tests.web.browser import Browser
from tests.web.conftest import PASSWORD, accessible, check_innocent, give_phone, set_password, sign_in

FILES = {"main.tf": 'resource "terraform_data" "a" {\n  count = 8\n  input = "number ${count.index}"\n}\n'
                    'output "names" { value = terraform_data.a[*].output }\noutput "secret" {\n  value = "hush"\n  sensitive = true\n}\n'}
BROKEN = json.dumps({"errors": [{"status": "500", "code": "internal", "detail": "The disk is full: make room, then try again."}]})

# What is to be seen there once it is full, and what it asks the server for.
IN_FURNISHED = {
    "": ("to be read by everybody", "/workspaces/ws-[^/]*/runs"),
    "/variables": ("role:rowheader/region", "/vars"),
    "/states": ("role:link/Download serial", "/state-versions"),
    "/settings": ("role:heading/Locking", "/organizations/acme/workspaces/furnished"),
}
OF_ACME = {
    "": ("role:button/Save settings", "/organizations/acme([?]|$)"),
    "/general": ("role:button/Save settings", "/organizations/acme([?]|$)"),
    "/aws-mfa": ("A code is needed for", "/aws-mfa"),
    "/users": ("role:rowheader/bob", "/organization-memberships"),
    "/variables": ("role:rowheader/shared", "/vars"),
    "/webhook": ("role:button/Send a test", "/webhook"),
    "/notices": ("css:.list-row:has-text('level of AWS MFA')", "/notices"),
    "/audit": ("role:columnheader/Details", "/audit-events"),
    "/token": ("role:button/Replace the token", "/authentication-token"),
}
MINE = {
    "/app/settings/profile": ("role:button/Change password", None),
    "/app/settings/aws": ("role:button/Save the identity", "/aws-identities"),
    "/app/settings/api-tokens": ("css:.list-row:has-text('of the furniture')", "/authentication-tokens"),
    "/app/settings/two-factor": ("role:button/Set up an authenticator app", "/v1/two-factor"),
    "/app/settings/sessions": ("(this one)", "/v1/sessions"),
    "/settings/organization_variables": ("role:rowheader/mine", "/personal-vars"),
}


def routes(run):
    """{path: (what is there, what it asks for)}; every kind of route of web/src/router.ts is among them."""
    return {
        "/app": ("role:link/acme", "/organizations[?]"),
        "/app/acme": ("role:link/furnished", "/organizations/acme/workspaces"),
        **{f"/app/acme/furnished{section}": found for section, found in IN_FURNISHED.items()},
        f"/app/acme/furnished/runs/{run}": ("Apply finished", f"/runs/{run}"),
        **{f"/app/acme/settings{section}": found for section, found in OF_ACME.items()},
        **MINE,
        "/app/acme/furnished/no/such/page": ("There is no such page", None),
    }


# Of an organization and a workspace in which nothing was done yet.
EMPTY = {
    "/app/bare/hollow": "No runs yet",
    "/app/bare/hollow/variables": "No variables",
    "/app/bare/hollow/states": "No state yet",
    "/app/bare/settings/variables": "No variables",
    "/app/bare/settings/webhook": "role:button/Set up the webhook",
    "/app/bare/settings/notices": "Nothing was changed yet",
    "/app/bare/settings/token": "No token",
}
# Of somebody who belongs to nothing.
ALONE = {
    "/app": "You belong to no organization yet",
    "/app/settings/aws": "You belong to no organization yet",
    "/app/settings/api-tokens": "No tokens",
    "/settings/organization_variables": "You belong to no organization yet",
    "/app/acme": "This is not here.",
}


@pytest.fixture(scope="module")
def server(gate):
    return gate


@pytest.fixture(scope="module")
def password():
    return PASSWORD


@pytest.fixture(scope="module")
def run(server, unused_phones):
    """An applied one, in a workspace and an organization where there is something of everything."""
    give_phone(server, "ana", unused_phones)
    server.set_mfa("--level", "never")
    workspace = new_workspace(server, "furnished", description="something of everything")
    upload(server, workspace, FILES)
    applied = start_run(server, workspace, "to be read by everybody", auto_apply=True)
    organization = "/api/v2/organizations/acme"
    ask(server, "POST", f"/api/v2/workspaces/{workspace}/vars", data("vars", {"key": "region", "value": "eu-central-1", "category": "env"}), 201)
    ask(server, "POST", f"{organization}/vars", data("vars", {"key": "shared", "value": "1", "category": "env"}), 201)
    ask(server, "POST", f"{organization}/personal-vars", data("vars", {"key": "mine", "value": "1", "category": "env"}), 201)
    server.command("org", "create", server.folder, "bare", "--owner", "ana", "--email", "ops@example.com")
    ask(server, "POST", "/api/v2/organizations/bare/workspaces", data("workspaces", {"name": "hollow"}), 201)
    user = ask(server, "GET", "/api/v2/account/details")["data"]["id"]
    ask(server, "POST", f"/api/v2/users/{user}/authentication-tokens", data("authentication-tokens", {"description": "of the furniture"}), 201)
    wait_for(server, applied, "applied")
    yield applied
    server.set_mfa("--level", "plans-and-applies")


def test_full_and_no_wider_than_a_phone(server, browser, run):
    # What only a person in a browser may make.
    browser.goto("/app/acme/settings/token")
    browser.click("role:button/Create a token")
    browser.see("Copy it now")
    browser.goto("/app/acme/settings/webhook")
    browser.fill("label:Address", "https://chat.example.com/hooks/tollgate")
    browser.fill("label:Secret", "a secret of more than 16 bytes")
    browser.click("role:button/Set up the webhook")
    browser.see("role:button/Send a test")
    for path, (sign, _) in routes(run).items():
        browser.goto(path)
        browser.see(sign)
        browser.gone("css:main .bones")
        accessible(browser, path)
        browser.tell("viewport", width=360, height=740)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 360, path
        browser.tell("viewport", width=1280, height=800)
    browser.goto("/app/acme/settings/webhook")
    browser.click("role:button/Remove the webhook")
    browser.see("role:button/Set up the webhook")


def test_dialogs(server, browser, run):
    for path, button in [("/app/acme", "New workspace"), ("/app/acme/furnished", "Start run"), ("/app/acme/furnished/variables", "Add variable"),
                         ("/app/acme/furnished/variables", "Edit region"), ("/app/acme/furnished/settings", "Delete workspace"), ("/app", "Keyboard help")]:
        browser.goto(path)
        browser.click(f"role:button/{button}")
        browser.see("css:dialog[open]")
        accessible(browser, button)


def test_empty(server, browser, run):
    for path, sign in EMPTY.items():
        browser.goto(path)
        browser.see(sign)
        accessible(browser, path)
    browser.goto("/app/bare/settings/audit")
    browser.fill("label:Event", "nothing.of.this.name")
    browser.click("role:button/Show these")
    browser.see("No record fits")
    accessible(browser, "audit")
    browser.goto("/app/acme")
    browser.fill("label:Search workspaces by name", "no workspace of this name")
    browser.see("No workspace fits")
    accessible(browser, "search")


def test_alone(server, run):
    server.command("user", "create", server.folder, "newcomer", "--email", "newcomer@example.com")
    set_password(server, "newcomer", PASSWORD)
    with Browser(server.url) as browser:
        browser.goto("/login")
        browser.see("role:heading/Sign in")
        accessible(browser, "sign in")
        browser.fill("label:User name", "newcomer")
        browser.fill("label:Password", "not this one, surely")
        browser.press("Enter")
        browser.see("role:alert")
        accessible(browser, "wrong password")
        sign_in(browser, "newcomer", PASSWORD)
        for path, sign in ALONE.items():
            browser.goto(path)
            browser.see(sign)
            accessible(browser, path)
        check_innocent(browser)


# What `terraform login` opens.
CONSENT = ("/oauth/authorize?client_id=terraform-cli&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A10000%2Flogin"
           f"&code_challenge={'A' * 43}&code_challenge_method=S256&state=s")


def test_what_terraform_login_opens(server, run):
    """Pages without a script: the sign-in, the consent, what is no sign-in of terraform, and the tokens of a person."""
    with Browser(server.url) as browser:
        browser.goto(CONSENT)
        browser.see("role:heading/Sign in")
        accessible(browser, "sign in for terraform")
        browser.fill("label:User name or e-mail address", "ana")
        browser.fill("label:Password", "not this one, surely")
        browser.press("Enter")
        browser.see("role:alert")
        accessible(browser, "wrong password for terraform")
        browser.fill("label:User name or e-mail address", "ana")
        browser.fill("label:Password", PASSWORD)
        browser.press("Enter")
        browser.see("role:heading/Terraform asks for a token")
        browser.see("role:button/Give it a token")
        accessible(browser, "consent")
        browser.tell("viewport", width=360, height=740)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 360
        browser.goto(CONSENT.replace("terraform-cli", "another"))
        browser.see("role:alert")
        accessible(browser, "no sign-in of terraform")
        browser.goto("/app/settings/tokens")
        browser.see("role:button/Make a token")
        browser.see("of the furniture")
        accessible(browser, "tokens")
        check_innocent(browser)


def test_in_trouble(server, browser, run):
    """What a page asks for first cannot be had: it says so, and is well again once it can."""
    for path, (_, asked) in routes(run).items():
        if asked is None:
            continue
        browser.tell("route", pattern=f"/api/.*{asked}", method="GET", status=500, body=BROKEN)
        browser.goto(path)
        browser.see("css:.problem[role=alert]")
        assert "The disk is full: make room, then try again." in browser.text("css:.problem[role=alert]"), path
        accessible(browser, path)
        browser.tell("unroute", pattern=f"/api/.*{asked}")
        browser.tell("reload")
        browser.see("css:main h1")
        browser.gone("css:main .bones, .problem[role=alert]")


def test_offline_and_on_again(server, browser, run):
    browser.goto(f"/app/acme/furnished/runs/{run}")
    browser.see("Apply finished")
    browser.tell("offline", offline=True)
    browser.evaluate("document.querySelector('a.home').click()")
    browser.see("The server cannot be reached.", nth=0)
    accessible(browser, "offline")
    browser.tell("offline", offline=False)
    browser.click("role:button/Try again")
    browser.see("role:link/acme", nth=0)
    browser.gone("The server cannot be reached. What you see may be old")


def test_pages_without_scripts(server, browser):
    """Those that the server draws itself: a set-up link, and the tokens' address that terraform prints."""
    link = server.command("user", "setup-link", server.folder, "bob")
    browser.goto("/setup#" + link.split("/setup#")[1].split()[0])
    browser.see("label:The same again")
    accessible(browser, "set-up link")
    browser.goto("/app/settings/tokens")
    browser.see("role:heading/Tokens", nth=0)
    accessible(browser, "tokens")
