"""Stock terraform against tollgate-server: workspaces by name, by tags and in projects, their state and locks, workspaces
that run locally, the older backend "remote", and what people read when something is wrong."""
import json

import pytest

from tests.support.server import RUNS, Person, Server, finish


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("workspaces") / "server", **RUNS) as running:
        yield running


def initialised(server, folder, name, **project):
    person = Person(server, server.project(folder, name, **project))
    person.run("init", "-input=false")
    return person


def find(server, name):
    status, document = server.request("GET", f"/api/v2/organizations/acme/workspaces/{name}")
    return document["data"] if status == 200 else None


def test_a_name_is_one_workspace(server, terraform_program, tmp_path):
    person = initialised(server, tmp_path / "project", "named")
    assert person.run("workspace", "show").strip() == "named"
    assert person.run("workspace", "list").split() == ["*", "named"]
    assert "workspaces not supported" in person.run("workspace", "new", "other", status=1)
    attributes = find(server, "named")["attributes"]
    version = json.loads(person.run("version", "-json"))["terraform_version"]
    assert attributes["terraform-version"] == version, "the CLI sets its own"


@pytest.mark.parametrize("tags,keys", [
    ('tags = ["web", "eu"]', {("web", ""), ("eu", "")}),
    ('tags = {\n        team = "blue"\n        tier = "one"\n      }', {("team", "blue"), ("tier", "one")})])
def test_tags_are_many_workspaces(server, terraform_program, tmp_path, tags, keys):
    kind = "list" if "[" in tags else "map"
    person = Person(server, server.project(tmp_path / "project", selection=tags))
    child = person.spawn("init")
    child.expect("no workspaces|No workspaces")
    child.expect("Enter a value:")
    child.sendline(f"{kind}-a")
    finish(child)
    assert "Created and switched to workspace" in person.run("workspace", "new", f"{kind}-b")
    assert set(person.run("workspace", "list").replace("*", "").split()) == {f"{kind}-a", f"{kind}-b"}
    status, document = server.request("GET", f"/api/v2/workspaces/{find(server, f'{kind}-b')['id']}/tag-bindings")
    assert status == 200
    assert {(each["attributes"]["key"], each["attributes"]["value"]) for each in document["data"]} == keys
    person.run("workspace", "select", f"{kind}-a")
    assert person.run("workspace", "show").strip() == f"{kind}-a"
    person.run("workspace", "delete", f"{kind}-b")
    assert find(server, f"{kind}-b") is None
    person.run("workspace", "new", f"{kind}-c")
    person.run("apply", "-auto-approve")
    person.run("workspace", "select", f"{kind}-a")
    refused = person.run("workspace", "delete", f"{kind}-c", status=1)
    assert "still tracking" in refused or "not empty" in refused or "manages" in refused, refused
    person.run("workspace", "delete", "-force", f"{kind}-c")
    assert find(server, f"{kind}-c") is None
    assert person.run("workspace", "list").split() == ["*", f"{kind}-a"]


def test_a_project_is_made_and_holds_its_workspaces(server, terraform_program, tmp_path):
    initialised(server, tmp_path / "project", "in-project", selection='name    = "in-project"\n      project = "platform"')
    status, projects = server.request("GET", "/api/v2/organizations/acme/projects?filter%5Bnames%5D=platform")
    assert status == 200 and len(projects["data"]) == 1
    assert find(server, "in-project")["relationships"]["project"]["data"]["id"] == projects["data"][0]["id"]
    # It is there now, and found again.
    initialised(server, tmp_path / "again", "in-project-too",
                selection='name    = "in-project-too"\n      project = "platform"')
    assert find(server, "in-project-too")["relationships"]["project"]["data"]["id"] == projects["data"][0]["id"]


def test_state_commands(server, terraform_program, tmp_path):
    person = initialised(server, tmp_path / "project", "state")
    person.run("apply", "-auto-approve")
    assert person.run("state", "list").split() == ["terraform_data.greeting"]
    assert "hello from the server" in person.run("state", "show", "-no-color", "terraform_data.greeting")
    before = json.loads(person.run("state", "pull"))
    person.run("state", "mv", "terraform_data.greeting", "terraform_data.moved")
    person.run("state", "mv", "terraform_data.moved", "terraform_data.greeting")
    after = json.loads(person.run("state", "pull"))
    assert (after["serial"], after["lineage"]) == (before["serial"] + 2, before["lineage"])
    (person.folder / "older.tfstate").write_text(json.dumps(before))
    assert "serial" in person.run("state", "push", "older.tfstate", status=1)
    # With a cloud block -force ends the client's own check and no more: it is not sent. And whenever a state is not
    # taken, the client leaves the workspace locked.
    assert "does not come after" in person.run("state", "push", "-force", "older.tfstate", status=1)
    person.run("force-unlock", "-force", "acme/state")
    (person.folder / "newer.tfstate").write_text(json.dumps({**before, "serial": after["serial"] + 5}))
    person.run("state", "push", "newer.tfstate")
    assert json.loads(person.run("state", "pull"))["serial"] > after["serial"] + 4
    (person.folder / "foreign.tfstate").write_text(json.dumps({**before, "serial": 99, "lineage": "another"}))
    assert "lineage" in person.run("state", "push", "foreign.tfstate", status=1)
    assert "No changes." in person.run("plan")
    person.run("state", "rm", "terraform_data.greeting")
    assert person.run("state", "list").split() == []
    assert not find(server, "state")["attributes"]["locked"]


def test_force_unlock(server, terraform_program, tmp_path):
    person = initialised(server, tmp_path / "project", "unlock")
    identity = find(server, "unlock")["id"]
    assert server.request("POST", f"/api/v2/workspaces/{identity}/actions/lock", {"reason": "by hand"})[0] == 200
    held = person.run("import", "-input=false", "terraform_data.greeting", "an-id", status=1)
    assert "lock" in held.lower(), held
    assert "successfully unlocked" in person.run("force-unlock", "-force", "acme/unlock")
    assert not find(server, "unlock")["attributes"]["locked"]
    person.run("force-unlock", "-force", "acme/unlock", status=1)


def test_a_workspace_that_runs_locally(server, terraform_program, tmp_path):
    person = initialised(server, tmp_path / "project", "local")
    identity = find(server, "local")["id"]
    assert server.request("PATCH", f"/api/v2/workspaces/{identity}", {
        "data": {"type": "workspaces", "attributes": {"execution-mode": "local"}}})[0] == 200
    child = person.spawn("apply")
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
    finish(child)
    assert person.run("output", "-raw", "greeting") == "hello from the server"
    assert "No changes." in person.run("plan")
    assert server.request("GET", f"/api/v2/workspaces/{identity}/runs")[1]["data"] == [], "nothing ran on the server"
    person.run("destroy", "-auto-approve")
    assert not find(server, "local")["attributes"]["locked"]
    assert not (person.folder / "terraform.tfstate").exists()


def test_the_older_remote_backend(server, terraform_program, tmp_path):
    folder = server.project(tmp_path / "project", "older")
    text = (folder / "main.tf").read_text()
    (folder / "main.tf").write_text(text.replace("cloud {", 'backend "remote" {'))
    person = Person(server, folder)
    person.run("init", "-input=false")
    assert "Plan: 1 to add" in person.run("plan")
    child = person.spawn("apply")
    child.expect("Enter a value:")
    child.sendline("yes")
    child.expect("1 added, 0 changed, 0 destroyed")
    finish(child)
    assert person.run("output", "-raw", "greeting") == "hello from the server"
    before = json.loads(person.run("state", "pull"))
    assert "1 destroyed" in person.run("destroy", "-auto-approve")
    (folder / "older.tfstate").write_text(json.dumps({**before, "lineage": "another"}))
    assert "lineage" in person.run("state", "push", "older.tfstate", status=1)
    if find(server, "older")["attributes"]["locked"]:
        person.run("force-unlock", "-force", "acme/older")
    person.run("state", "push", "-force", "older.tfstate")
    assert json.loads(person.run("state", "pull"))["lineage"] == "another"


def refused(person, *arguments):
    """What a person reads, in one line."""
    return " ".join(person.run(*arguments, status=1).replace("│", " ").split())


def test_what_people_read(server, terraform_program, tmp_path):
    folder = server.project(tmp_path / "project", "words")
    stranger = Person(server, folder, token="tgu.wrong")
    assert "unauthorized" in refused(stranger, "init", "-input=false").lower()
    person = Person(server, folder)
    person.run("init", "-input=false")
    assert "unauthorized" in refused(stranger, "plan").lower()

    foreign = server.project(tmp_path / "foreign", "words")
    (foreign / "main.tf").write_text((foreign / "main.tf").read_text().replace('"acme"', '"other"'))
    text = refused(Person(server, foreign), "init", "-input=false")
    assert 'organization "other"' in text and "not found" in text.lower(), text

    (folder / "main.tf").write_text((folder / "main.tf").read_text() + 'resource "terraform_data" "broken" {\n')
    assert "Unclosed configuration block" in refused(person, "plan")
    text = (folder / "main.tf").read_text().rsplit("resource", 1)[0]
    (folder / "main.tf").write_text(text + 'output "late" {\n  value = file("no-such-file")\n}\n')
    assert "no-such-file" in refused(person, "plan")
    run = server.request("GET", f"/api/v2/workspaces/{find(server, 'words')['id']}/runs")[1]["data"][0]
    assert run["attributes"]["status"] == "errored" and run["attributes"]["error-reason"] == "terraform_failed"

    identity = find(server, "words")["id"]
    status, document = server.request("POST", "/api/v2/runs", {"data": {
        "type": "runs", "attributes": {"terraform-version": "0.1.2"},
        "relationships": {"workspace": {"data": {"type": "workspaces", "id": identity}}}}})
    assert status == 422 and "0.1.2" in document["errors"][0]["detail"], document
    assert server.request("PATCH", f"/api/v2/workspaces/{identity}", {
        "data": {"type": "workspaces", "attributes": {"terraform-version": "1.0.0"}}})[0] == 200
    assert "1.0.0" in refused(person, "plan")
