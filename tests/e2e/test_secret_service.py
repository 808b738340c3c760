"""Stored keys locked with a secret in the desktop's keyring: a real gnome-keyring on a session bus of its own."""
import json
import pathlib
import re
import shutil

import pytest

from tests.support.world import programs

KEY = json.dumps({"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "w" * 40})


@pytest.fixture
def desktop(home):
    """A function: runs a script on a private session bus with an unlocked keyring. The keyring's files stay in the
    home, so that the next call is the next login."""
    for program in ("dbus-run-session", "gnome-keyring-daemon"):
        if shutil.which(program) is None:
            pytest.skip(f"secret service: {program} is not installed")

    def run(script, password="desktop", **options):
        unlocked = (f"printf %s {password} | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; {script}"
                    if password else script)
        # Nothing that is remembered elsewhere may answer in the keyring's place.
        return home.run("dbus-run-session", "--", "sh", "-c", unlocked, environment={"TOLLGATE_VAULT_CACHE": "none"},
                        **options)
    return run


ADD = f"printf %s '{KEY}' | tollgate keys add work --from-stdin --secret-service"
SHOW = "tollgate credential-process --profile work"


def test_the_keyring_unlocks_the_stored_keys(home, desktop):
    home.edit("config", "[profile work]\nregion = eu-central-1\n")
    added = desktop(f"{ADD} && {SHOW}")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["AccessKeyId"] == "AKIAIOSFODNN7EXAMPLE"
    assert "the desktop's keyring" in added.stderr

    # Another login: the secret is in the keyring's file and nowhere else.
    again = desktop(SHOW)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["SecretAccessKey"] == "w" * 40


def test_without_a_desktop_it_says_what_to_do(home, desktop):
    home.edit("config", "[profile work]\nregion = eu-central-1\n")
    assert desktop(ADD).returncode == 0
    result = home.run("sh", "-c", SHOW, environment={"TOLLGATE_VAULT_CACHE": "none", "DBUS_SESSION_BUS_ADDRESS": None})
    assert result.returncode == 69, result.stderr
    assert result.stdout == ""
    assert "the desktop's keyring cannot be used" in result.stderr and "keys protect" in result.stderr


def test_to_a_key_file_and_back(home, desktop):
    home.edit("config", "[profile work]\nregion = eu-central-1\n")
    assert desktop(ADD).returncode == 0
    file = home.folder / "vault.key"
    moved = desktop(f"tollgate keys protect --key-file {file}")
    assert moved.returncode == 0, moved.stderr
    assert home.run("sh", "-c", SHOW, environment={"TOLLGATE_VAULT_CACHE": "none"}).returncode == 0
    back = desktop(f"tollgate keys protect --secret-service && rm {file} && {SHOW}")
    assert back.returncode == 0, back.stderr


def test_the_secret_is_in_no_argument_and_the_broker_links_no_libsecret(home, desktop):
    helper = pathlib.Path(programs()) / "tollgate-secret-service"
    assert b"libsecret-1.so" in helper.read_bytes()
    assert b"libsecret-1.so" not in (pathlib.Path(programs()) / "tollgate").read_bytes()
    (home.folder / "add.sh").write_text(ADD)
    traced = desktop(f"strace -f -qq -e trace=execve -s 4096 -o {home.folder}/trace sh {home.folder}/add.sh")
    assert traced.returncode == 0, traced.stderr
    calls = re.findall(r'execve\("[^"]*/tollgate-secret-service", \[([^\]]*)\]', (home.folder / "trace").read_text())
    assert calls and all(re.fullmatch(r'"[^"]*tollgate-secret-service", "(store|lookup|clear)", "[0-9a-f]{32}"', call)
                         for call in calls), calls
