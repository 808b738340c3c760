"""A running sandbox with its world, and the private home of a person in front of it. For tests, the demo and benchmarks.

Everything a client sees is chosen here: no AWS_*, TF_* or certificate variable of the caller gets through.
"""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import tomllib

import pexpect

from tests.support import clients

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROMPT = r"[Cc]ode[^\r\n]*: ?$"
STEP = 30
# A proxy that is not there: what would leave this machine fails at once. The sandbox is plain http on loopback.
NOWHERE = "http://127.0.0.1:9"


def programs():
    """The folder with tollgate, tollgate-fetch and tollgate-sandbox."""
    return pathlib.Path(os.environ.get("TOLLGATE_BIN", ROOT / "build/bin")).resolve()


def oathtool(seed, at):
    """What a phone with this seed shows at a moment. Never our own generator: it is what is being tested."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
    return subprocess.run(["oathtool", "--totp", "-b", "--now", moment, seed], capture_output=True, text=True,
                          check=True).stdout.strip()


def may_change_own_keys(text):
    """The example world in which ana and bob may change their own access keys with MFA: the policy that people write who
    demand MFA for that."""
    def policy(user):
        return f"""
  [[user.policy]]
  name = "own-keys-with-mfa"
  document = '''
{{"Version": "2012-10-17", "Statement": [
  {{"Effect": "Allow", "Action": ["iam:*AccessKey*"], "Resource": "arn:aws:iam::111111111111:user/{user}",
   "Condition": {{"Bool": {{"aws:MultiFactorAuthPresent": "true"}}}}}}]}}
'''

"""
    for user, behind in (("ana", '[[user]]\naccount = "111111111111"\nname = "bob"'),
                         ("bob", "# Anyone of this account, with a one-time code not older")):
        assert text.count(behind) == 1
        text = text.replace(behind, policy(user) + behind)
    return text


# Changes of the example world that a page of docs/ may ask for.
WORLDS = {"people may change their own keys": may_change_own_keys}


class World:
    """`tollgate-sandbox init` and `serve` in a folder of their own. Stop it, or use it as a context manager."""

    def __init__(self, folder, change=None, arguments=()):
        self.folder = pathlib.Path(folder)
        self.arguments = list(arguments)
        self.process = None
        self.url = None
        self._last_step = {}
        self._wrong = set()
        self.sandbox("init", self.folder)
        if change:
            path = self.folder / "world.toml"
            path.write_text(change(path.read_text()))
        self.toml = tomllib.loads((self.folder / "world.toml").read_text())
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def sandbox(self, *arguments):
        return subprocess.run([programs() / "tollgate-sandbox", *map(str, arguments)], env=base_environment(),
                              capture_output=True, text=True, check=True, timeout=60).stdout

    def start(self):
        self.log = open(self.folder.with_name(self.folder.name + ".serve.log"), "ab")
        self.process = subprocess.Popen(
            [programs() / "tollgate-sandbox", "serve", self.folder, "--port", "0", *self.arguments],
            env=base_environment(), stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            match = re.search(r"listening on (http://127\.0\.0\.1:\d+)", line)
            if match:
                self.url = match.group(1)
                return
        raise RuntimeError(f"the sandbox ended with {self.process.wait()} before it listened; see {self.log.name}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.process.stdout.close()
            self.log.close()
        self.process = None

    def calls(self, action=None):
        """The call log, oldest first; only one action's where that is named."""
        entries = [json.loads(line) for line in self.sandbox("log", self.folder, "--json").splitlines()]
        return [entry for entry in entries if action is None or entry["action"].split(":")[-1] == action]

    def device(self, user=None):
        """{"serial", "seed", "user"} of a user's MFA device; of the first user that has one if none is named."""
        for row in self.toml["user"]:
            if row.get("mfa_device") and user in (None, row["name"]):
                return {**row["mfa_device"][0], "user": row["name"]}
        raise KeyError(user)

    def code(self, user=None, offset=0):
        """What the phone shows now (offset: steps ahead), used or not."""
        return oathtool(self.device(user)["seed"], time.time() + offset * STEP)

    def fresh_code(self, user=None):
        """A code of a time step that this object has not handed out; waits for the next step if it must."""
        serial = self.device(user)["serial"]
        while int(time.time()) // STEP <= self._last_step.get(serial, 0):
            time.sleep(0.2)
        self._last_step[serial] = int(time.time()) // STEP
        return self.code(user)

    def wrong_code(self, user=None):
        """Six digits that no step near now has, other ones each time."""
        taken = {self.code(user, offset) for offset in range(-20, 21)} | self._wrong
        code = next(code for code in (f"{number:06d}" for number in range(1000)) if code not in taken)
        self._wrong.add(code)
        return code


def base_environment():
    """What any client needs and nothing else: no variable of the caller that steers AWS, Terraform or TLS."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
    folders = [str(programs()), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    terraform = clients.terraform()
    if terraform:
        folders.insert(1, os.path.dirname(terraform))
    return {**kept, "PATH": ":".join(folders), "TERM": "xterm", "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost", "HTTPS_PROXY": NOWHERE, "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true"}


@dataclasses.dataclass
class PtyResult:
    status: int | None  # exit status; None where a signal ended it
    signal: int | None
    output: str         # all that came to the terminal
    prompts: int        # how often a code was asked for


class Home:
    """A person's home directory in front of a world: the world's AWS files in ~/.aws, private XDG folders."""

    def __init__(self, folder, world):
        self.folder = pathlib.Path(folder)
        self.world = world
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / ".aws").mkdir(exist_ok=True)
        for name in ("config", "credentials"):
            shutil.copy(world.folder / "aws" / name, self.folder / ".aws" / name)
        clients.write_terraform_settings(self.folder / ".terraformrc")
        self.environment = {
            **base_environment(),
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "TF_CLI_CONFIG_FILE": str(self.folder / ".terraformrc"),
            "CHECKPOINT_DISABLE": "1",
            "AWS_ENDPOINT_URL": world.url,
        }
        (self.folder / "run").mkdir(mode=0o700, exist_ok=True)

    @property
    def cache(self):
        return self.folder / "cache/tollgate"

    def edit(self, name, text):
        """Appends to ~/.aws/NAME."""
        with open(self.folder / ".aws" / name, "a") as file:
            file.write("\n" + text)

    def keys_in_config(self):
        """Moves the static keys from ~/.aws/credentials to the profiles of ~/.aws/config, where the classic question
        has them: its code names that file as shared_credentials_files, so that the other one is not read."""
        config, credentials = self.folder / ".aws/config", self.folder / ".aws/credentials"
        if not credentials.exists():
            return
        text = config.read_text()
        for name, keys in re.findall(r"^\[(\w+)\]\n((?:aws_\w+ *=.*\n)+)", credentials.read_text(), re.M):
            text = text.replace(f"[profile {name}]\n", f"[profile {name}]\n{keys}")
        config.write_text(text)
        credentials.unlink()

    def run(self, *command, environment=None, timeout=120, **options):
        """Without a terminal: a session of its own, stdin empty. Returns subprocess.CompletedProcess with text."""
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([str(part) for part in command], env=self._environment(environment), capture_output=True,
                              text=True, timeout=timeout, start_new_session=True, **options)

    def start(self, *command, environment=None, **options):
        """Like run, but returns the running subprocess.Popen."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                   "start_new_session": True, **options}
        return subprocess.Popen([str(part) for part in command], env=self._environment(environment), **options)

    def spawn(self, *command, environment=None, timeout=120, cwd=None):
        """On a pseudo terminal, as a pexpect child."""
        return pexpect.spawn(str(command[0]), [str(part) for part in command[1:]], env=self._environment(environment),
                             timeout=timeout, cwd=cwd, encoding="utf-8", codec_errors="replace", dimensions=(40, 160))

    def on_pty(self, *command, answers=None, environment=None, timeout=300, cwd=None):
        """Runs on a pseudo terminal and answers each prompt for a code: with the next of `answers` (strings or
        functions), and when those are used up, or there are none, with a fresh code of the world's device."""
        child = self.spawn(*command, environment=environment, timeout=timeout, cwd=cwd)
        left, output, prompts = list(answers or []), "", 0
        while child.expect([PROMPT, pexpect.EOF]) == 0:
            prompts += 1
            output += child.before + child.after
            answer = left.pop(0) if left else self.world.fresh_code
            child.sendline(answer() if callable(answer) else answer)
        output += child.before
        child.close()
        return PtyResult(child.exitstatus, child.signalstatus, output, prompts)

    def login(self, profile="prod"):
        """Obtains the session on a terminal, with one code."""
        result = self.on_pty("tollgate", "exec", profile, "--", "true")
        assert (result.status, result.prompts) == (0, 1), result.output
        return result

    def _environment(self, changes):
        merged = {**self.environment, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}


def end(process):
    """Ends a process that we started, and its session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
