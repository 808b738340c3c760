"""The main stories by keyboard alone: from the sign-in to an apply behind the gate, a discard, variables, the level."""
import pytest

from tests.support.runs import ask, new_workspace, start_run, upload, wait_for
from tests.web.browser import Browser
from tests.web.conftest import PASSWORD, check_innocent, give_phone

# What has the focus as assistive technology names it; whether one sees that it has; and whether it is to be seen at all.
FOCUSED = r"""(() => {
  const one = document.activeElement;
  const words = one.getAttribute('aria-label') ?? ([...(one.labels ?? [])].map((label) => label.textContent).join(' ') || one.textContent);
  const box = one.getBoundingClientRect();
  const above = document.elementFromPoint(Math.min(box.x + 4, innerWidth - 1), box.y + box.height / 2);
  const style = getComputedStyle(one);
  return {
    name: (words ?? '').trim().replace(/\s+/g, ' '),
    marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    uncovered: above !== null && (one.contains(above) || above.contains(one)),
  };
})()"""


@pytest.fixture(scope="module")
def server(gate):
    return gate


@pytest.fixture
def visitor(server):
    """A browser that nobody has signed in, and no mouse."""
    with Browser(server.url) as opened:
        yield opened
        check_innocent(opened)


def tab_to(browser, name, most=120):
    """Tab, until something that begins with this name has the focus."""
    passed = []
    for _ in range(most):
        browser.press("Tab")
        found = browser.evaluate(FOCUSED)
        if found["name"].startswith(name):
            assert found["marked"] and found["uncovered"], found
            return
        passed.append(found["name"][:30])
    raise AssertionError(f"Tab does not come to {name!r}: {passed}")


def sign_in_by_keyboard(browser, user):
    browser.goto("/login")
    browser.see("role:heading/Sign in")
    tab_to(browser, "User name")
    browser.tell("type", text=user)
    tab_to(browser, "Password")
    browser.tell("type", text=PASSWORD)
    browser.press("Enter")
    browser.see("role:button/Sign out")


def test_from_the_sign_in_to_an_apply_and_a_discard(server, visitor, unused_phones):
    phone = give_phone(server, "ana", unused_phones)
    server.set_mfa("--level", "applies-only")
    upload(server, new_workspace(server, "no-mouse"), {"main.tf": 'resource "terraform_data" "a" {}\n'})
    sign_in_by_keyboard(visitor, "ana")
    visitor.see("role:link/acme")
    tab_to(visitor, "acme")
    visitor.press("Enter")
    visitor.see("role:link/no-mouse")
    visitor.press("/")
    visitor.tell("type", text="no-mouse")
    visitor.press("Escape", "j", "Enter")
    visitor.see("No runs yet")
    tab_to(visitor, "Start run")
    visitor.press("Enter")
    visitor.see("css:dialog[open]")
    tab_to(visitor, "Message")
    visitor.tell("type", text="typed, not clicked")
    visitor.press("Enter")
    visitor.see("role:button/Authenticate & apply")
    # The plan is read before it is let pass.
    tab_to(visitor, "+terraform_data.a")
    visitor.press("m")
    visitor.see("css:input.code:focus")
    visitor.tell("type", text=phone.code())
    visitor.press("Enter")
    visitor.see("Authenticated with MFA by ana at")
    visitor.see("Apply finished")
    visitor.press("g", "r")
    visitor.see("role:button/Start run")
    tab_to(visitor, "Start run")
    visitor.press("Enter")
    visitor.see("css:dialog[open]")
    tab_to(visitor, "Plan and apply")
    visitor.press("ArrowDown", "ArrowDown", "ArrowDown")
    assert visitor.evaluate(FOCUSED)["name"].startswith("Destroy")
    tab_to(visitor, "Message")
    visitor.tell("type", text="take it down")
    visitor.press("Enter")
    visitor.see("will be destroyed")
    run = visitor.tell("address").rsplit("/", 1)[1]
    tab_to(visitor, "Discard Run")
    visitor.press("Enter")
    tab_to(visitor, "Discard Run")
    visitor.press("Enter")
    visitor.see("Discarded: the plan will not be applied.")
    assert wait_for(server, run, "discarded")["is-destroy"] is True


def test_a_run_that_waits_is_canceled(server, visitor, unused_phones):
    give_phone(server, "ana", unused_phones)
    server.set_mfa("--level", "plans-and-applies")
    workspace = new_workspace(server, "no-mouse-either")
    upload(server, workspace, {"main.tf": ""})
    run = start_run(server, workspace, "not today")
    sign_in_by_keyboard(visitor, "ana")
    visitor.goto(f"/app/acme/no-mouse-either/runs/{run}")
    visitor.see("css:.lock.waiting")
    tab_to(visitor, "Cancel Run")
    visitor.press("Enter")
    tab_to(visitor, "Comment")
    visitor.tell("type", text="not today")
    visitor.press("Enter")
    visitor.see("Canceled.", exact=True)
    wait_for(server, run, "canceled")


def test_variables_and_the_level(server, visitor):
    server.set_mfa("--level", "never")
    workspace = new_workspace(server, "typed")
    sign_in_by_keyboard(visitor, "ana")
    visitor.goto("/app/acme/typed")
    visitor.see("No runs yet")
    tab_to(visitor, "Variables")
    visitor.press("Enter")
    visitor.see("No variables")
    tab_to(visitor, "Add variable")
    visitor.press("Enter")
    visitor.see("css:dialog[open]")
    tab_to(visitor, "Key")
    visitor.tell("type", text="region")
    tab_to(visitor, "Value")
    visitor.tell("type", text="eu-central-1")
    tab_to(visitor, "Sensitive")
    visitor.press("Space")
    tab_to(visitor, "Save variable")
    visitor.press("Enter")
    visitor.see("sensitive, write only")
    variable, = ask(server, "GET", f"/api/v2/workspaces/{workspace}/vars")["data"]
    assert (variable["attributes"]["key"], variable["attributes"]["sensitive"]) == ("region", True)
    tab_to(visitor, "Delete region")
    visitor.press("Enter")
    visitor.see("No variables")

    visitor.goto("/app/acme/settings/aws-mfa")
    visitor.see("A code is needed for")
    tab_to(visitor, "Never")
    visitor.press("ArrowDown")
    tab_to(visitor, "Save settings")
    visitor.press("Enter")
    visitor.see("Saved.")
    assert level(server) == "applies-only"
    visitor.tell("reload")
    visitor.see("A code is needed for")
    tab_to(visitor, "Applies only")
    visitor.press("ArrowUp")
    tab_to(visitor, "Save settings")
    visitor.press("Enter")
    visitor.see("css:dialog[open]")
    tab_to(visitor, "Type acme to go on")
    visitor.tell("type", text="acme")
    visitor.press("Enter")
    visitor.gone("css:dialog")
    assert level(server) == "never"
    server.set_mfa("--level", "plans-and-applies")


def level(server):
    return ask(server, "GET", "/api/v2/organizations/acme/aws-mfa")["data"]["attributes"]["level"]
