"""A tollgate-server of its own for one test, on a free port, trusted by its own authority, with one user and one
organization. Stop it, or use it as a context manager."""
import json
import os
import pathlib
import signal
import ssl
import subprocess
import threading
import urllib.request

from tests.support.world import NOWHERE, end, programs


class Server:
    def __init__(self, folder, **settings):
        """`settings` by the second half of their variable: RUNNER_NETWORK="none"."""
        self.settings = {f"TOLLGATE_SERVER_{name}": value for name, value in settings.items()}
        self.folder = pathlib.Path(folder)
        self.home = self.folder.parent / "server-home"
        self.home.mkdir()
        self.process = None
        self.command("init", self.folder, "--listen", "127.0.0.1:0")
        self.command("user", "create", self.folder, "ana", "--email", "ana@example.com", "--site-admin")
        self.command("org", "create", self.folder, "acme", "--owner", "ana", "--email", "ops@example.com")
        self.token = self.command("token", "create", self.folder, "--user", "ana").strip()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

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

    def project(self, folder, workspace="app", body=""):
        """Terraform code with a cloud block that names this server."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(f"""terraform {{
  cloud {{
    hostname     = "{self.host}"
    organization = "acme"
    workspaces {{
      name = "{workspace}"
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

    def terraform_environment(self):
        settings = self.home / "terraformrc"
        settings.write_text(f'credentials "{self.host}" {{\n  token = "{self.token}"\n}}\ndisable_checkpoint = true\n')
        return {**self._environment(), "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1",
                "SSL_CERT_FILE": str(self.folder / "tls/ca.pem")}

    def _environment(self):
        return {"PATH": f"{programs()}:{os.environ['PATH']}", "HOME": str(self.home), "LANG": "C.UTF-8",
                "HTTPS_PROXY": NOWHERE, "NO_PROXY": "localhost,127.0.0.1", **self.settings}
