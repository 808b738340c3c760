"""The run page in a browser, in front of real runs."""
import pytest

from tests.support.runs import archive, ask, new_workspace, start_run, upload, wait_for

MAIN = """
variable "greeting" { default = "hello" }
resource "terraform_data" "one" { input = var.greeting }
resource "terraform_data" "two" {
  input            = { region = "eu-central-1", zones = ["a", "b"] }
  triggers_replace = [var.greeting]
}
module "inner" { source = "./inner" }
output "greeting" { value = terraform_data.one.output }
"""
INNER = 'resource "terraform_data" "three" {\n  count = 3\n  input = "number ${count.index}"\n}\n'
FILES = {"main.tf": MAIN, "inner/main.tf": INNER}


@pytest.fixture(scope="module")
def network(server):
    workspace = new_workspace(server, "network")
    upload(server, workspace, FILES)
    return workspace


def test_a_run_is_started_read_confirmed_and_applied(server, browser, network):
    browser.goto("/app")
    browser.click("role:link/acme")
    browser.click("role:link/network")
    browser.click("role:button/Start run")
    browser.fill("label:Message", "Add the office network")
    browser.click("css:dialog button[type=submit]")
    browser.see("Needs confirmation")
    assert "/app/acme/network/runs/run-" in browser.tell("address")
    browser.see("5 to add")
    # What a resource will be stands behind its line.
    browser.click("role:button/terraform_data.two")
    browser.see('"eu-central-1"')
    browser.see("(known after apply)")
    browser.click("role:button/Log")
    browser.see("Plan: 5 to add, 0 to change, 0 to destroy.")
    browser.click("role:button/Confirm & Apply")
    browser.fill("label:Comment (optional)", "looks right")
    browser.click("role:button/Confirm Plan")
    browser.see("Apply finished")
    browser.see("5 of 5 done")
    browser.see("Apply complete! Resources: 5 added, 0 changed, 0 destroyed.")
    browser.see('greeting = "hello"')
    run = browser.tell("address").rsplit("/", 1)[1]
    assert wait_for(server, run, "applied")["message"] == "Add the office network"


def test_a_run_is_discarded(server, browser, network):
    run = start_run(server, network, "not this one", is_destroy=True)
    wait_for(server, run, "planned", "planned_and_finished")
    browser.goto(f"/app/acme/network/runs/{run}")
    browser.see("will be destroyed")
    browser.click("role:button/Discard Run")
    browser.click("css:.action-bar button[type=submit]")
    browser.see("Discarded: the plan will not be applied.")
    wait_for(server, run, "discarded")


def test_runs_of_every_kind_are_started_from_an_upload_and_from_the_latest(server, browser, tmp_path):
    new_workspace(server, "kinds")
    packed = tmp_path / "configuration.tar.gz"
    packed.write_bytes(archive({"main.tf": 'resource "terraform_data" "uploaded" {}\n'}))
    browser.goto("/app/acme/kinds")
    browser.see("No runs yet")
    browser.click("role:button/Start run")
    browser.click("role:radio/An archive")
    browser.click("css:dialog button[type=submit]")
    browser.see("Choose the archive first.")
    assert browser.axe() == []
    browser.tell("upload", target={"label": "Archive with the configuration"}, file=str(packed))
    browser.fill("label:Message", "from a file")
    browser.click("css:dialog button[type=submit]")
    browser.see("Needs confirmation")
    browser.see("role:button/terraform_data.uploaded")
    browser.click("role:button/Confirm & Apply")
    browser.click("role:button/Confirm Plan")
    browser.see("Apply finished")
    for kind, words, attribute in [("Plan only", "from a file again", "plan-only"), ("Refresh state", "look again", "refresh-only"), ("Destroy", "take it down", "is-destroy")]:
        browser.goto("/app/acme/kinds")
        browser.click("role:button/Start run")
        browser.click(f"role:radio/{kind}")
        browser.fill("label:Message", words)
        browser.click("css:dialog button[type=submit]")
        browser.see(f"css:h1:has-text('{words}')")
        run = browser.tell("address").rsplit("/", 1)[1]
        assert ask(server, "GET", f"/api/v2/runs/{run}")["data"]["attributes"][attribute] is True
        wait_for(server, run, "planned", "planned_and_finished")
    browser.see("will be destroyed")
    browser.click("role:button/Discard Run")
    browser.click("css:.action-bar button[type=submit]")
    browser.see("Discarded: the plan will not be applied.")


# Until somebody stops it.
ENDLESS = """
resource "terraform_data" "endless" {
  provisioner "local-exec" {
    command = "n=0; while [ $n -lt 6000 ]; do n=$((n+1)); echo still here $n; sleep 0.1; done"
  }
}
"""


def test_an_apply_is_canceled(server, browser):
    workspace = new_workspace(server, "endless")
    upload(server, workspace, {"main.tf": ENDLESS})
    run = start_run(server, workspace, "stop me", auto_apply=True)
    browser.goto(f"/app/acme/endless/runs/{run}")
    browser.see("still here 3", exact=False)
    browser.click("role:button/Cancel Run")
    browser.fill("label:Comment (optional)", "wrong account")
    browser.click("css:.action-bar button[type=submit]")
    browser.see("Canceled.", exact=True)
    wait_for(server, run, "canceled")
    browser.click("Who did what")
    browser.see("wrong account")
    assert browser.axe() == []


def test_a_run_that_fails_says_why(server, browser):
    workspace = new_workspace(server, "broken")
    upload(server, workspace, {"main.tf": 'resource "terraform_data" "a" {\n  input = nonsense.thing\n}\n'})
    run = start_run(server, workspace)
    wait_for(server, run, "errored")
    browser.goto(f"/app/acme/broken/runs/{run}")
    browser.see("Plan errored")
    browser.see("Reference to undeclared resource")
    browser.see("on main.tf line 2")


def test_the_log_is_searched_linked_and_taken_away(server, browser):
    workspace = new_workspace(server, "long")
    upload(server, workspace, {"main.tf": 'resource "terraform_data" "many" {\n  count = 700\n  input = count.index\n}\n'})
    run = start_run(server, workspace, plan_only=True)
    wait_for(server, run, "planned_and_finished")
    browser.goto(f"/app/acme/long/runs/{run}")
    browser.click("role:button/Log")
    browser.see("css:.log-line")
    lines = browser.evaluate("document.querySelectorAll('.log-line').length")
    assert 0 < lines < 700, "only what is near the screen is in the document"
    browser.fill("label:Search the plan's log", "many[650]")
    browser.see("1 of 1")
    browser.see("terraform_data.many[650]: Plan to create")
    number = browser.text("css:.log-line.marked .log-number")
    browser.goto(f"/app/acme/long/runs/{run}#plan-L{number}")
    browser.tell("reload")
    browser.see("css:.log-line.marked")
    assert "many[650]" in browser.text("css:.log-line.marked")


def test_a_run_that_does_not_exist(browser):
    browser.goto("/app/acme/network/runs/run-nothere0000000000")
    browser.see("It does not exist, or you may not see it.")


def test_an_address_that_is_none(browser):
    browser.goto("/app/acme/network/nothing/here")
    browser.see("There is no such page")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(server, browser, network, scheme):
    run = start_run(server, network, "to be read by everybody", plan_only=True)
    wait_for(server, run, "planned_and_finished")
    browser.tell("media", media={"colorScheme": scheme})
    for path, sign in [("/app", "Organizations"), ("/app/acme", "network"), ("/app/acme/network", "to be read by"),
                       (f"/app/acme/network/runs/{run}", "to be read by"), ("/app/nobody", "This is not here")]:
        browser.goto(path)
        browser.see(sign)
        assert browser.axe() == [], path
    browser.press("?")
    browser.see("Organizations", nth=0)
    assert browser.axe() == []


def test_a_phone_shows_all_of_it(server, browser, network):
    run = start_run(server, network, "from the train", plan_only=True)
    wait_for(server, run, "planned_and_finished")
    browser.tell("viewport", width=360, height=740)
    for path in ["/app", "/app/acme", "/app/acme/network", f"/app/acme/network/runs/{run}"]:
        browser.goto(path)
        browser.see("css:main h1")
        browser.gone("css:main .bones")
        assert browser.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_the_keyboard_alone_is_enough(server, browser, network):
    run = start_run(server, network, "by keyboard", plan_only=True)
    wait_for(server, run, "planned_and_finished")
    browser.goto("/app/acme")
    browser.see("role:link/network")
    browser.press("/")
    assert browser.evaluate("document.activeElement.type") == "search"
    browser.tell("type", text="network")
    browser.press("Escape", "j", "Enter")
    browser.see("by keyboard")
    browser.press("j", "Enter")
    browser.see(f"{run}")
    assert run in browser.tell("address")
    browser.press("g", "w")
    browser.see("css:h1:has-text('Workspaces')")
    browser.press("?")
    browser.see("Keyboard", exact=True)
    browser.press("Escape")
    browser.gone("Keyboard", exact=True)
