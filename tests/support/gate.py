"""A tollgate-server whose AWS is a sandbox, with people who have identities there: what tests of the gate begin with."""
import base64
import os
import re
import secrets
import subprocess
import time

from tests.support import clients
from tests.support.server import Server
from tests.support.world import ROOT, STEP, programs

ACCOUNT = "111111111111"


def documented(kind):
    """The blocks of docs/gate.md of this kind, in its order, with an account of the sandbox in place of AWS's example."""
    page = (ROOT / "docs/gate.md").read_text().replace("111122223333", ACCOUNT)
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.M | re.S)


def as_documented(text):
    """The example world as docs/gate.md has people set AWS up: its policies, copied, for ana (a person), bob (the
    organization's) and three roles."""
    terraform, apply, plan, personal, organization = documented("json")

    def policy(text):
        return f"""
  [[user.policy]]
  name = "documented"
  document = '''
{text}'''
"""
    bob = '[[user]]\naccount = "111111111111"\nname = "bob"'
    behind = "# Anyone of this account, with a one-time code not older"
    ana, rest = text[:text.index("  # Without a one-time code: nothing")], text[text.index(bob):]
    bob, rest = rest[:rest.index("  [[user.policy]]")], rest[rest.index(behind):]
    roles = "".join(f"""
[[role]]
account = "{ACCOUNT}"
name = "{name}"
attached_policies = ["arn:aws:iam::aws:policy/IAMReadOnlyAccess"]
trust_policy = '''
{trust}'''
""" for name, trust in (("terraform", terraform), ("terraform-apply", apply), ("terraform-plan", plan)))
    return "\n".join([ana, policy(personal), bob, policy(organization), rest, roles])


def with_phones(*names):
    """A change of the example world: more IAM users, each with a key and an MFA device, so that not every test has to wait
    until ana's phone shows a code that she has not used."""
    def user(name):
        key = "AKIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))
        seed = base64.b32encode(os.urandom(20)).decode()
        return f"""
[[user]]
account = "{ACCOUNT}"
name = "{name}"

  [[user.access_key]]
  id = "{key}"
  secret = "{secrets.token_hex(20)}"

  [[user.mfa_device]]
  serial = "arn:aws:iam::{ACCOUNT}:mfa/{name}"
  seed = "{seed}"
"""
    return lambda text: text + "".join(user(name) for name in names)


class Phone:
    """What a person holds beside the page: the device of one of the sandbox's users."""

    def __init__(self, world, user):
        self.world, self.user = world, user
        self.name = f"mfa/{user}"
        self._used = set()

    def code(self):
        """A code that was not handed out yet and is taken for half a minute at least. The first two come at once."""
        while True:
            now = int(time.time()) // STEP
            for offset in (0, 1):
                if now + offset not in self._used:
                    code = self.world.code(self.user, offset)
                    if int(time.time()) // STEP == now:
                        self._used.add(now + offset)
                        return code
            time.sleep(0.2)

    def wrong_code(self):
        return self.world.wrong_code(self.user)


def keys(world, user):
    """(id, secret) of a user's access key."""
    row = next(row for row in world.toml["user"] if row["name"] == user)["access_key"][0]
    return row["id"], row["secret"]


READ_ONLY = "arn:aws:iam::222222222222:role/team/read-only"


def aws_code(folder, world, role=READ_ONLY):
    """Adds to a project's code a provider that assumes a role, and what says who it was then."""
    code = (folder / "main.tf").read_text()
    code = code.replace("terraform {", f"""terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{clients.provider_version(clients.provider_mirror())}"
    }}
  }}""", 1)
    code += f"""
provider "aws" {{
  region = "eu-central-1"
  endpoints {{
    sts = "{world.url}"
  }}
  assume_role {{
    role_arn = "{role}"
  }}
}}

data "aws_caller_identity" "me" {{
}}

resource "terraform_data" "caller" {{
  input = data.aws_caller_identity.me.arn
}}

output "caller" {{
  value = terraform_data.caller.output
}}
"""
    (folder / "main.tf").write_text(code)
    return folder


def gate_settings(world):
    """What a server is told whose AWS is this sandbox, for its own calls and for what its runs do."""
    mirror = clients.provider_mirror()
    return {"RUNNER_NETWORK": "none", "RUNNER_LOOPBACK_PORTS": world.url.rsplit(":", 1)[1], "STS_ENDPOINT": world.url,
            **({"TERRAFORM_PROVIDER_MIRROR": mirror} if mirror else {})}


class GateServer(Server):
    """ana and bob may apply in acme; both have their own AWS identity there."""

    def __init__(self, folder, world, level="plans-and-applies", people=("ana", "bob"), **settings):
        self.world = world
        super().__init__(folder, **{**gate_settings(world), **settings})
        self.tokens = {"ana": self.token}
        self.command("user", "create", self.folder, "bob", "--email", "bob@example.com")
        self.tokens["bob"] = self.command("token", "create", self.folder, "--user", "bob").strip()
        status, answer = self.request("POST", "/api/v2/organizations/acme/organization-memberships", {
            "data": {"type": "organization-memberships", "attributes": {"email": "bob@example.com"}}})
        assert status == 201, answer
        for name in people:
            self.set_identity(name)
        self.set_mfa("--level", level, "--account", ACCOUNT)

    def set_mfa(self, *arguments):
        return self.command("org", "mfa", self.folder, "acme", *arguments)

    def set_identity(self, user, *options, whose=None, serial=None, key=None):
        """The sandbox's user of that name as the identity of the person of that name, or of `whose`. `key`: another
        (id, secret) than that user's."""
        key, secret = key or keys(self.world, user)
        whose = whose or ["--user", user]
        done = subprocess.run(
            [programs() / "tollgate-server", "identity", "set", self.folder, "acme", *whose, "--access-key-id", key,
             "--mfa-serial", serial or self.world.device(user)["serial"], "--region", "eu-central-1", *options],
            input=secret + "\n", env=self._environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def terraform_environment(self, token=None, more=""):
        if clients.provider_mirror():
            more += ('provider_installation {\n  filesystem_mirror {\n'
                     f'    path = "{clients.provider_mirror()}"\n  }}\n}}\n')
        return super().terraform_environment(token, more)

    def aws_project(self, folder, workspace="app", role=READ_ONLY):
        """Code whose provider assumes a role that demands MFA, as the sandbox's AWS enforces, and says who it was."""
        return aws_code(self.project(folder, workspace), self.world, role)

    def runs(self, workspace="app"):
        status, found = self.request("GET", f"/api/v2/organizations/acme/workspaces/{workspace}")
        assert status == 200, (found, self.log[-5:])
        status, runs = self.request("GET", f"/api/v2/workspaces/{found['data']['id']}/runs")
        assert status == 200, (runs, self.log[-5:])
        return [run["id"] for run in runs["data"]]

    def run(self, run_id, person="ana"):
        status, run = self.request("GET", f"/api/v2/runs/{run_id}", token=self.tokens[person])
        assert status == 200, (run, self.log[-5:])
        return run["data"]["attributes"]

    def wait_for_gate(self, phase, run_id=None, states=("waiting", "refused"), seconds=180, workspace="app"):
        """(run id, gate-id) of the newest run of the workspace, or of this one, once its gate is open."""
        stop = time.monotonic() + seconds
        seen = None
        while time.monotonic() < stop:
            for found in [run_id] if run_id else self.runs(workspace)[:1]:
                seen = self.run(found)["mfa"]
                if seen and seen["phase"] == phase and seen["state"] in states and seen["gate-id"]:
                    return found, seen["gate-id"]
            time.sleep(0.1)
        raise AssertionError(f"no gate of the {phase}: {seen}")

    def authenticate(self, run_id, phase, gate, code, person="ana"):
        """(status, document)"""
        return self.request("POST", f"/api/v2/runs/{run_id}/actions/authenticate",
                            {"phase": phase, "gate-id": gate, "code": code}, token=self.tokens[person])

    def pass_gate(self, phase, person="ana", run_id=None):
        run_id, gate = self.wait_for_gate(phase, run_id)
        status, answer = self.authenticate(run_id, phase, gate, self.world.fresh_code(person), person)
        assert status == 200, answer
        return run_id

    def phase_log(self, run_id, phase):
        """The raw log of a phase."""
        kind = "plan" if phase == "plan" else "apply"
        status, run = self.request("GET", f"/api/v2/runs/{run_id}")
        phase_id = run["data"]["relationships"][kind]["data"]["id"]
        status, found = self.request("GET", f"/api/v2/{'plans' if kind == 'plan' else 'applies'}/{phase_id}")
        assert status == 200, (found, self.log[-5:])
        url = found["data"]["attributes"]["log-read-url"]
        return self.request("GET", url[len(self.url):] if url.startswith(self.url) else url.split(self.host, 1)[1])[1]

    def long_term_secrets(self):
        return [keys(self.world, name)[1] for name in ("ana", "bob")]


def sent_codes(world):
    """Calls of GetSessionToken, granted or not: behind a gate each carries a code."""
    return world.calls("GetSessionToken")


