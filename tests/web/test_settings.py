"""Variables, states, settings of workspaces, organizations and oneself, in a browser."""
import pytest

from tests.support.runs import ask, new_workspace, start_run, upload, wait_for
from tests.web.browser import Browser
from tests.web.conftest import check_innocent, set_password, sign_in

FILES = {"main.tf": 'variable "size" { default = 1 }\nresource "terraform_data" "a" { input = var.size }\n'
                    'output "size" { value = terraform_data.a.output }\n'
                    'output "secret" {\n  value = "canary-7d1"\n  sensitive = true\n}\n'}


@pytest.fixture(scope="module")
def storage(server):
    workspace = new_workspace(server, "storage")
    upload(server, workspace, FILES)
    return workspace


def test_variables_are_written_changed_and_deleted_and_secrets_never_shown(server, browser, storage):
    browser.goto("/app/acme/storage/variables")
    browser.see("No variables")
    browser.click("role:button/Add variable")
    browser.fill("label:Key", "size")
    browser.fill("label:Value", "3")
    browser.click("role:button/Save variable")
    browser.see("role:rowheader/size")
    browser.click("role:button/Add variable")
    browser.click("role:radio/Environment variable")
    browser.fill("label:Key", "DB_PASSWORD")
    browser.fill("label:Value", "canary-5a1")
    browser.click("role:checkbox/Sensitive")
    browser.click("role:button/Save variable")
    browser.see("sensitive, write only")
    browser.click("role:button/Edit size")
    browser.fill("label:Value", "4")
    browser.click("role:button/Save variable")
    browser.see("role:cell/4")
    browser.click("role:button/Edit DB_PASSWORD")
    assert browser.tell("value", target={"label": "Value"}) == ""
    browser.press("Escape")
    assert "canary-5a1" not in browser.evaluate("document.documentElement.outerHTML")
    browser.click("role:button/Delete DB_PASSWORD")
    browser.gone("DB_PASSWORD")
    variables = ask(server, "GET", f"/api/v2/workspaces/{storage}/vars")["data"]
    assert [(one["attributes"]["key"], one["attributes"]["value"]) for one in variables] == [("size", "4")]
    assert browser.axe() == []


def test_a_wrong_name_is_refused_at_the_form(browser, storage):
    browser.goto("/app/acme/storage/variables")
    browser.click("role:button/Add variable")
    browser.fill("label:Key", "no spaces here")
    browser.click("role:button/Save variable")
    browser.see("role:alert")
    assert "letters, digits" in browser.text("role:alert")
    assert browser.axe() == []


def test_states_and_outputs(server, browser, storage):
    run = start_run(server, storage, auto_apply=True)
    wait_for(server, run, "applied")
    browser.goto("/app/acme/storage/states")
    browser.see("role:rowheader/size")
    browser.see("sensitive")
    browser.see(run)
    assert "canary-7d1" not in browser.evaluate("document.documentElement.outerHTML")
    where = browser.tell("attribute", target={"role": "link", "name": "Download serial"}, name="href")
    assert where.startswith("/api/v2/state-versions/") and where.endswith("/download")
    taken = browser.evaluate(f"fetch('{where}').then((answer) => answer.json())")
    assert taken["outputs"]["secret"]["value"] == "canary-7d1" and taken["serial"] >= 1
    # With which terraform; of some states nobody has said it.
    browser.see(f"role:cell/{taken['terraform_version']}")
    assert browser.axe() == []
    browser.tell("route", pattern="/api/v2/state-versions[?]", attributes={"terraform-version": None})
    browser.tell("reload")
    browser.see("role:cell/not said")
    assert browser.count(f"role:cell/{taken['terraform_version']}") == 0
    assert browser.axe() == []


def test_a_workspace_is_renamed_locked_unlocked_and_deleted(server, browser):
    new_workspace(server, "scratch")
    browser.goto("/app/acme/scratch/settings")
    browser.fill("label:Name", "scratch-2")
    browser.fill("label:Description", "to be thrown away")
    browser.click("role:button/Save settings")
    browser.see("css:h1:has-text('scratch-2')")
    browser.fill("label:Reason", "moving house")
    browser.click("role:button/Lock workspace")
    browser.see("Locked: moving house")
    attributes = ask(server, "GET", "/api/v2/organizations/acme/workspaces/scratch-2")["data"]["attributes"]
    assert (attributes["locked"], attributes["description"]) == (True, "to be thrown away")
    browser.click("role:button/Unlock workspace")
    browser.see("role:button/Lock workspace")
    assert browser.axe() == []
    browser.click("role:button/Delete workspace")
    assert browser.tell("evaluate", script="document.querySelector('dialog button.danger').disabled")
    browser.fill("label:Type scratch-2 to go on", "scratch-2")
    browser.click("css:dialog button.danger")
    browser.see("role:heading/Workspaces")
    assert server.request("GET", "/api/v2/organizations/acme/workspaces/scratch-2")[0] == 404


def test_the_organization_and_its_users(server, browser):
    server.command("user", "create", server.folder, "bob", "--email", "bob@example.com")
    browser.goto("/app/acme/settings")
    browser.fill("label:Email", "infra@example.com")
    browser.click("role:button/Save settings")
    browser.see("Saved.")
    browser.click("role:link/Users")
    browser.fill("label:Email of a user of this server", "bob@example.com")
    browser.click("role:button/Add user")
    browser.see("role:rowheader/bob")
    browser.click("role:button/Make an owner bob")
    browser.see("role:button/Make a member bob")
    browser.click("role:button/Remove bob")
    browser.gone("role:rowheader/bob")
    # Somebody has to stay.
    browser.click("role:button/Remove ana")
    browser.see("the last owner")
    assert browser.axe() == []


def test_tokens_work_once_they_are_copied(server, browser):
    browser.goto("/app/settings/api-tokens")
    browser.fill("label:Description", "for the laptop")
    browser.click("role:button/Create token")
    browser.see("Copy it now")
    token = browser.text("css:.token-text").strip()
    assert server.request("GET", "/api/v2/account/details", token=token)[0] == 200
    assert browser.axe() == []
    browser.tell("reload")
    browser.see("for the laptop")
    assert token not in browser.evaluate("document.documentElement.outerHTML")
    browser.click("role:button/Delete for the laptop")
    browser.gone("for the laptop")
    assert server.request("GET", "/api/v2/account/details", token=token)[0] == 401


def test_the_organizations_token(server, browser):
    browser.goto("/app/acme/settings/token")
    browser.see("No token")
    browser.click("role:button/Create a token")
    browser.see("Copy it now")
    token = browser.text("css:.token-text").strip()
    assert server.request("GET", "/api/v2/organizations/acme", token=token)[0] == 200
    browser.click("role:button/Delete the token")
    browser.see("No token")
    assert server.request("GET", "/api/v2/organizations/acme", token=token)[0] == 401


def test_sessions_are_listed(browser):
    browser.goto("/app/settings/sessions")
    browser.see("Chrome on Linux (this one)")
    assert browser.axe() == []


def test_another_browser_of_mine_is_signed_out_from_here(server, password):
    server.command("user", "create", server.folder, "sam", "--email", "sam@example.com")
    set_password(server, "sam", password)
    with Browser(server.url) as here, Browser(server.url) as there:
        for opened in (there, here):
            opened.goto("/login")
            sign_in(opened, "sam", password)
        here.goto("/app/settings/sessions")
        here.see("css:.list-row", nth=1)
        here.click("role:button/Sign out Chrome")
        here.gone("role:button/Sign out Chrome")
        here.see("Chrome on Linux (this one)")
        there.goto("/app")
        there.see("role:heading/Sign in")
        check_innocent(here)


def test_my_variables_and_everybodys(server, browser):
    browser.goto("/settings/organization_variables")
    browser.click("role:button/Add variable", nth=0)
    browser.fill("label:Key", "mine")
    browser.fill("label:Value", "1")
    browser.click("role:button/Save variable")
    browser.see("role:rowheader/mine")
    assert [one["attributes"]["key"] for one in ask(server, "GET", "/api/v2/organizations/acme/personal-vars")["data"]] == ["mine"]
    assert ask(server, "GET", "/api/v2/organizations/acme/vars")["data"] == []
    assert browser.axe() == []


def test_a_member_is_offered_what_a_member_may(server, password):
    server.command("user", "create", server.folder, "eve", "--email", "eve@example.com")
    ask(server, "POST", "/api/v2/organizations/acme/organization-memberships",
        {"data": {"type": "organization-memberships", "attributes": {"email": "eve@example.com", "role": "member"}}}, 201)
    set_password(server, "eve", password)
    with Browser(server.url) as browser:
        browser.goto("/login")
        sign_in(browser, "eve", password)
        browser.goto("/app/acme/settings")
        browser.see("you are a member")
        assert browser.count("API token") == 0
        browser.goto("/app/acme/settings/users")
        browser.see("role:rowheader/eve")
        assert browser.count("role:button/Remove") == 0
        # Settings of a workspace are a member's; to delete it, or to take a lock away, is not.
        workspace = new_workspace(server, "shared-by-all")
        ask(server, "POST", f"/api/v2/workspaces/{workspace}/actions/lock", {"reason": "ana works here"})
        browser.goto("/app/acme/shared-by-all/settings")
        browser.see("Locked: ana works here")
        browser.see("role:button/Save settings")
        assert browser.count("role:button/Force unlock") == browser.count("role:button/Delete workspace") == 0
        for section in ("webhook", "notices", "audit", "token"):
            browser.goto(f"/app/acme/settings/{section}")
            browser.see("There is no such page, or it is not for you")
        check_innocent(browser)


def test_who_belongs_to_nothing_sees_nothing(server, password):
    run = start_run(server, upload_one(server, "secret-plans"), "nobody else's business", plan_only=True)
    server.command("user", "create", server.folder, "mallory", "--email", "mallory@example.com")
    set_password(server, "mallory", password)
    with Browser(server.url) as browser:
        browser.goto("/login")
        sign_in(browser, "mallory", password)
        browser.see("You belong to no organization yet")
        for path in ("/app/acme", "/app/acme/secret-plans", f"/app/acme/secret-plans/runs/{run}", "/app/acme/secret-plans/states", "/app/acme/settings"):
            browser.goto(path)
            browser.see("It does not exist, or you may not see it.")
            assert "nobody else's business" not in browser.text("css:body")
        check_innocent(browser)
    wait_for(server, run, "planned_and_finished")


def upload_one(server, name):
    workspace = new_workspace(server, name)
    upload(server, workspace, FILES)
    return workspace
