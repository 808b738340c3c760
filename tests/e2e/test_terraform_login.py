"""`terraform login` and `logout` of the stock terraform, with a browser that has no script."""
import json
import re
import subprocess

import pexpect
import pytest

from tests.support.browser import Browser
from tests.support.server import Server

PASSWORD = "correct horse battery"


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "server") as running:
        code = running.command("user", "setup-link", running.folder, "ana").split("/setup#")[1].split()[0]
        answer = Browser(running).call("POST", "/api/web/v1/setup", {"token": code, "password": PASSWORD})
        assert answer.status == 200, answer.text
        yield running


def environment(server):
    """Without a token, and with terraform's own place for the one that it gets."""
    variables = server.terraform_environment()
    del variables["TF_CLI_CONFIG_FILE"], variables["TF_IN_AUTOMATION"]
    (server.home / ".terraformrc").write_text("disable_checkpoint = true\n")
    (server.home / ".terraform.d").mkdir(exist_ok=True)  # terraform does not make it for what it saves
    # No browser is found, so that terraform prints the address.
    variables["BROWSER"] = "/bin/false"
    return variables


def login(server, terraform_program, tmp_path):
    child = pexpect.spawn(str(terraform_program), ["login", server.host],
                          cwd=tmp_path, env=environment(server), encoding="utf-8", timeout=30, dimensions=(60, 2000))
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect(re.escape(server.url) + r"/oauth/authorize\?[A-Za-z0-9_.~%&=+-]+")
    return child, child.after


def credentials(server):
    return json.loads((server.home / ".terraform.d/credentials.tfrc.json").read_text())["credentials"]


def test_terraform_login_plan_and_logout(server, terraform_program, tmp_path):
    child, address = login(server, terraform_program, tmp_path)
    browser = Browser(server)
    form = browser.open(address)
    assert browser.submit(form, username="ana", password="wrong").status == 401
    consent = browser.submit(form, username="ana", password=PASSWORD)
    assert consent.status == 200 and "act as <b>ana</b>" in consent.text
    back = browser.submit(consent, button=("decision", "allow"))
    assert back.status in (200, 0) and back.url.startswith("http://localhost:")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0 and "Success!" in child.before, child.before
    token = credentials(server)[server.host]["token"]
    assert token.startswith("tgu.")

    project = server.project(tmp_path / "project")
    for command in (["init", "-input=false"], ["plan", "-input=false"]):
        done = subprocess.run([terraform_program, *command, "-no-color"], cwd=project, env=environment(server),
                              capture_output=True, text=True, timeout=120)
        if command[0] == "init":
            assert done.returncode == 0, done.stdout + done.stderr
            status, workspace = server.request("GET", "/api/v2/organizations/acme/workspaces/app")
            assert status == 200
            status, _ = server.request("PATCH", f"/api/v2/workspaces/{workspace['data']['id']}", {
                "data": {"type": "workspaces", "attributes": {"execution-mode": "local"}}})
            assert status == 200
    assert done.returncode == 0 and "1 to add, 0 to change, 0 to destroy" in done.stdout, done.stdout + done.stderr

    done = subprocess.run([terraform_program, "logout", server.host], env=environment(server), cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.host not in credentials(server)
    for line in server.log:
        assert token not in json.dumps(line) and PASSWORD not in json.dumps(line)


def test_refusing_leaves_terraform_without_a_token(server, terraform_program, tmp_path):
    child, address = login(server, terraform_program, tmp_path)
    browser = Browser(server)
    consent = browser.submit(browser.open(address), username="ana", password=PASSWORD)
    assert browser.submit(consent, button=("decision", "deny")).url.startswith("http://localhost:")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1 and "it was refused in the browser" in child.before, child.before
    assert not (server.home / ".terraform.d/credentials.tfrc.json").exists()


def test_a_token_of_the_page_works_where_it_is_pasted(server, terraform_program, tmp_path):
    browser = Browser(server)
    form = browser.open("/app/settings/tokens?source=terraform-login")
    page = browser.submit(form, username="ana", password=PASSWORD)
    made = browser.submit(page, button=("action", "create"), description="laptop")
    token = re.search(r'<pre id="token">([^<]+)</pre>', made.text)[1]
    assert server.request("GET", "/api/v2/account/details", token=token)[0] == 200
    listed = browser.open("/app/settings/tokens")
    number = next(i for i, part in enumerate(listed.text.split("<tr>")) if "<td>laptop" in part) - 1
    assert browser.submit(listed, number=number, button=("action", "delete")).status == 200
    assert server.request("GET", "/api/v2/account/details", token=token)[0] == 401
