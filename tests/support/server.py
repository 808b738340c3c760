"""A tollgate-server of its own for one test, on a free port, trusted by its own authority, with one user and one
organization. Stop it, or use it as a context manager."""
import hashlib
import json
import os
import pathlib
import signal
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

import pexpect

from tests.support import clients
from tests.support.world import NOWHERE, end, programs

# What a server is told unless its test says otherwise: nothing of what runs need is further away than a mirror or a
# loopback port.
RUNS = {"RUNNER_NETWORK": "none"}


class Server:
    def __init__(self, folder, token=None, **settings):
        """`settings` by the second half of their variable: RUNNER_NETWORK="none". `token`: where the folder is set up
        already, that of its user."""
        self.settings = {f"TOLLGATE_SERVER_{name}": value for name, value in {**RUNS, **settings}.items()}
        self.folder = pathlib.Path(folder)
        self.home = self.folder.parent / "server-home"
        self.home.mkdir(parents=True)
        self.process = None
        self.token = token or self.set_up()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def set_up(self):
        """A user, who owns an organization; the user's token."""
        self.command("init", self.folder, "--listen", "127.0.0.1:0")
        self.command("user", "create", self.folder, "ana", "--email", "ana@example.com", "--site-admin")
        self.command("org", "create", self.folder, "acme", "--owner", "ana", "--email", "ops@example.com")
        return self.command("token", "create", self.folder, "--user", "ana").strip()

    def command(self, *arguments):
        done = subprocess.run([programs() / "tollgate-server", *map(str, arguments)], env=self._environment(),
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        self.log = []
        self.process = subprocess.Popen([programs() / "tollgate-server", "serve", self.folder], env=self._environment(),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)
        self.url = self.process.stdout.readline().split()[-1].replace("127.0.0.1", "localhost")
        self.host = self.url.split("://")[1]
        ready = threading.Event()

        def read():
            for line in self.process.stderr:
                self.log.append(json.loads(line))
                if self.log[-1]["event"] == "worker.ready":
                    ready.set()
        threading.Thread(target=read, daemon=True).start()
        assert ready.wait(30), self.log

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            finally:
                end(self.process)

    def events(self, name):
        return [line for line in self.log if line["event"] == name]

    def request(self, method, path, body=None, token=None):
        """(status, document) of an API call."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method, headers={
            "Authorization": f"Bearer {token or self.token}", "Content-Type": "application/vnd.api+json"})
        context = ssl.create_default_context(cafile=str(self.folder / "tls/ca.pem"))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text[:1] == b"{" else text.decode()
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text[:1] == b"{" else text.decode()

    def project(self, folder, workspace="app", body="", selection=None, host=None):
        """Terraform code with a cloud block that names this server. `selection`: what stands in the block `workspaces`
        in place of a name; `host`: what stands for the server, where something is in between."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(f"""terraform {{
  cloud {{
    hostname     = "{host or self.host}"
    organization = "acme"
    workspaces {{
      {selection or f'name = "{workspace}"'}
    }}
  }}
}}

resource "terraform_data" "greeting" {{
  input = "hello from the server"
}}

output "greeting" {{
  value = terraform_data.greeting.output
}}
{body}""")
        return folder

    def terraform_environment(self, token=None, more=""):
        """`more`: further lines of Terraform's settings."""
        text = f'credentials "{self.host}" {{\n  token = "{token or self.token}"\n}}\ndisable_checkpoint = true\n{more}'
        settings = self.home / f"{hashlib.sha256(text.encode()).hexdigest()}.terraformrc"
        settings.write_text(text)
        return {**self._environment(), "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1",
                "SSL_CERT_FILE": str(self.folder / "tls/ca.pem")}

    def _environment(self):
        return {"PATH": f"{programs()}:{os.environ['PATH']}", "HOME": str(self.home), "LANG": "C.UTF-8",
                "HTTPS_PROXY": NOWHERE, "NO_PROXY": "localhost,127.0.0.1", **self.settings}


class Person:
    """Somebody with stock terraform in a folder with code for a server."""

    def __init__(self, server, folder, **environment):
        """`environment`: what Server.terraform_environment takes."""
        self.server = server
        self.folder = pathlib.Path(folder)
        self.environment = server.terraform_environment(**environment)

    def run(self, *arguments, status=0, timeout=120):
        """Without a terminal; what came out, messages included. `status`: None for any."""
        done = subprocess.run([clients.terraform(), *arguments, *self._plain(arguments)], cwd=self.folder,
                              env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)
        assert status in (None, done.returncode), done.stdout
        return done.stdout

    def spawn(self, *arguments, timeout=90):
        """On a terminal, as a pexpect child."""
        return pexpect.spawn(clients.terraform(), [*arguments, *self._plain(arguments)], cwd=str(self.folder),
                             env=self.environment, timeout=timeout, encoding="utf-8", codec_errors="replace",
                             dimensions=(50, 200))

    @staticmethod
    def _plain(arguments):
        colourful = {"init", "plan", "apply", "destroy", "refresh", "show", "output"}
        return ["-no-color"] if arguments[0] in colourful and "-json" not in arguments else []


def finish(child, status=0):
    """The rest of what a child says; it has to end with this exit status."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == status, child.before
    return child.before
