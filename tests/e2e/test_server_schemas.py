"""What a provider costs a run: its schemas, which plans are drawn with, are asked for once and kept."""
import json
import os
import subprocess

from tests.support.server import RUNS, Person, Server

# Terraform as it is, but for one question that it answers only at first.
ASKS = '#!/bin/sh\nexec %s "$@"\n'
ASKS_NO_MORE = """#!/bin/sh
if [ "$1" = providers ]; then
  echo "asked for schemas again" >&2
  exit 9
fi
exec %s "$@"
"""


def schemas_of_last_plan(server, name):
    """{provider: types of resources with what is known of them} of the document that the plan is drawn from."""
    identity = server.request("GET", f"/api/v2/organizations/acme/workspaces/{name}")[1]["data"]["id"]
    run = server.request("GET", f"/api/v2/workspaces/{identity}/runs")[1]["data"][0]
    plan = run["relationships"]["plan"]["data"]["id"]
    status, document = server.request("GET", f"/api/v2/plans/{plan}/json-output-redacted")
    assert status == 200
    return {address: {name: sorted(of_type["block"].get("attributes", {})) for name, of_type in
                      schema["resource_schemas"].items()} for address, schema in document["provider_schemas"].items()}


def test_schemas_are_asked_for_once(tmp_path, terraform_program):
    done = subprocess.run([terraform_program, "version", "-json"], capture_output=True, text=True, check=True,
                          env={"CHECKPOINT_DISABLE": "1", "HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    program = tmp_path / "versions" / json.loads(done.stdout)["terraform_version"] / "terraform"
    program.parent.mkdir(parents=True)
    program.write_text(ASKS % terraform_program)
    program.chmod(0o755)
    with Server(tmp_path / "server", TERRAFORM_DIRECTORY=str(tmp_path / "versions"), **RUNS) as server:
        person = Person(server, server.project(tmp_path / "project", "schemas"))
        person.run("init", "-input=false")
        assert "terraform_data.greeting will be created" in person.run("plan")
        expected = schemas_of_last_plan(server, "schemas")
        assert expected == {"terraform.io/builtin/terraform": {
            "terraform_data": ["id", "input", "output", "triggers_replace"]}}, "cut to the types in use"
        # From here on nobody can ask, so what a plan shows comes from what was kept.
        program.write_text(ASKS_NO_MORE % terraform_program)
        assert "terraform_data.greeting will be created" in person.run("plan")
        assert schemas_of_last_plan(server, "schemas") == expected
        for kept in (server.folder / "data/schemas").iterdir():
            kept.unlink()
        person.run("plan", status=None)
        assert schemas_of_last_plan(server, "schemas") != expected, "this test could not fail"
