"""`tollgate exec`: what the child gets, what it never gets, and how it ends."""
import datetime
import hashlib
import json
import os
import pathlib
import re
import signal
import stat
import time

import pexpect
import pytest

SECRET_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def child_environment(home, *options, environment=None):
    result = home.run("tollgate", "exec", "prod", *options, "--", "env", "-0", environment=environment)
    assert result.returncode == 0, result.stderr
    return dict(entry.split("=", 1) for entry in result.stdout.split("\0") if entry)


def session_of(home):
    """The cached credentials, as credential-process hands them out."""
    result = home.run("tollgate", "credential-process", "--profile", "prod")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def static_secrets(home):
    """The long-term secret keys in the user's own files."""
    text = (home.folder / ".aws/credentials").read_text() + (home.folder / ".aws/config").read_text()
    return re.findall(r"aws_secret_access_key\s*=\s*(\S+)", text)


@pytest.fixture
def ready(home):
    home.login()
    return home


def test_overlay_is_what_the_child_sees(ready):
    seen = child_environment(ready)
    assert seen["AWS_PROFILE"] == seen["TOLLGATE_PROFILE"] == seen["AWS_VAULT"] == "prod"
    assert seen["AWS_SDK_LOAD_CONFIG"] == "1"
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"]
    assert not set(SECRET_NAMES) & set(seen)
    overlay = pathlib.Path(seen["AWS_CONFIG_FILE"])
    assert ready.cache / "overlay" in overlay.parents
    text = overlay.read_text()
    assert "credential_process" in text
    for forbidden in ("role_arn", "source_profile", "mfa_serial", "aws_access_key_id", "aws_secret_access_key"):
        assert not re.search(rf"^\s*{forbidden}\s*=", text, re.M), forbidden
    assert pathlib.Path(seen["AWS_SHARED_CREDENTIALS_FILE"]).read_text().strip() == ""
    assert seen["TOLLGATE_AWS_CONFIG_FILE"] == str(ready.folder / ".aws/config")


def test_overlay_is_write_once_and_private(ready):
    seen = child_environment(ready)
    overlay = pathlib.Path(seen["AWS_CONFIG_FILE"])
    assert stat.S_IMODE(overlay.stat().st_mode) == 0o400
    assert stat.S_IMODE(overlay.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(ready.cache.stat().st_mode) == 0o700
    # Named by its content: another run of the same files shares it, changed files get another.
    assert re.search(r"[0-9a-f]{16,}", overlay.name)
    assert child_environment(ready)["AWS_CONFIG_FILE"] == str(overlay)
    ready.edit("config", "[profile another]\nregion = eu-west-1\n")
    assert child_environment(ready)["AWS_CONFIG_FILE"] != str(overlay)


def test_overlay_name_is_a_hash_of_its_content(ready):
    overlay = pathlib.Path(child_environment(ready)["AWS_CONFIG_FILE"])
    content = overlay.read_bytes()
    digest = re.search(r"[0-9a-f]{16,}", overlay.name).group(0)
    assert hashlib.sha256(content).hexdigest().startswith(digest)


def test_variables_that_could_win_are_gone(ready):
    dangerous = {"AWS_ACCESS_KEY_ID": "AKIAWINSOVERALL0000", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "x",
                 "AWS_SECURITY_TOKEN": "x", "AWS_DEFAULT_PROFILE": "other", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
                 "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/",
                 "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "x"}
    for options in ((), ("--env",)):
        seen = child_environment(ready, *options, environment=dangerous)
        for name, value in dangerous.items():
            assert seen.get(name) != value or name == "AWS_DEFAULT_PROFILE" and value == "prod", name


def test_env_hands_out_static_session_keys(ready):
    seen = child_environment(ready, "--env")
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert seen["AWS_SECRET_ACCESS_KEY"] and seen["AWS_SESSION_TOKEN"]
    assert "AWS_PROFILE" not in seen and "AWS_CONFIG_FILE" not in seen
    assert seen["AWS_SECRET_ACCESS_KEY"] not in static_secrets(ready)


def test_no_secret_in_files_arguments_or_environment(ready):
    """The canary: what was obtained and what the user's files hold is looked for in all that tollgate leaves behind."""
    session = session_of(ready)
    canaries = [session["SecretAccessKey"], session["SessionToken"], *static_secrets(ready)]
    process = ready.start("tollgate", "exec", "prod", "--", "sleep", "60")
    try:
        deadline = time.monotonic() + 20
        tree = []
        while len(tree) < 1 or not any(b"sleep" in (p / "cmdline").read_bytes().split(b"\0")[0] for p in tree):
            assert time.monotonic() < deadline
            time.sleep(0.02)
            tree = [p for p in pathlib.Path("/proc").glob("[0-9]*") if in_session(p, process.pid)]
        for each in tree:
            for name in ("environ", "cmdline"):
                try:
                    content = (each / name).read_bytes()
                except PermissionError:
                    continue  # hardened against its own user: nobody reads it
                assert not any(canary.encode() in content for canary in canaries), f"{each}/{name}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    for path in [path for path in ready.folder.rglob("*") if path.is_file() and ".aws" not in path.parts]:
        content = path.read_bytes()
        assert not any(canary.encode() in content for canary in canaries), path


def in_session(folder, session):
    try:
        return int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3]) == session
    except (OSError, IndexError):
        return False


@pytest.mark.parametrize("status", [0, 1, 2, 42, 255])
def test_exit_status_comes_through(ready, status):
    assert ready.run("tollgate", "exec", "prod", "--", "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("options", [(), ("--env",)], ids=["overlay", "env"])
@pytest.mark.parametrize("name", ["TERM", "KILL", "INT", "SEGV"])
def test_death_by_signal_stays_a_death_by_signal(ready, name, options):
    result = ready.run("tollgate", "exec", "prod", *options, "--", "sh", "-c", f"ulimit -c 0; kill -{name} $$")
    assert result.returncode == -getattr(signal, "SIG" + name)


def test_missing_program_is_127_and_unusable_126(ready, tmp_path):
    assert ready.run("tollgate", "exec", "prod", "--", "no-such-program-anywhere").returncode == 127
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    result = ready.run("tollgate", "exec", "prod", "--", plain)
    assert result.returncode == 126
    assert result.stderr.startswith("tollgate:")


def test_streams_are_the_childs(ready):
    result = ready.run("tollgate", "exec", "prod", "--", "sh", "-c", "cat; echo err >&2", stdin=None, input="through\n")
    assert (result.stdout, result.stderr) == ("through\n", "err\n")


@pytest.mark.parametrize("options", [(), ("--env",)], ids=["overlay", "env"])
def test_terminal_interrupt_reaches_the_child_once(ready, options, tmp_path):
    counter = tmp_path / "count"
    child = ready.spawn("tollgate", "exec", "prod", *options, "--", "sh", "-c",
                        f"trap 'echo x >>{counter}' INT; echo ready; for i in 1 2 3 4 5 6 7 8; do sleep 0.2; done; exit 7")
    child.expect("ready")
    time.sleep(0.2)  # the trap stands; let the shell enter its loop
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7
    assert counter.read_text() == "x\n"


def test_terminate_sent_to_tollgate_reaches_the_child(ready):
    process = ready.start("tollgate", "exec", "prod", "--", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done")
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(20) == 9
    process.communicate()


def test_signals_of_processes_are_relayed_on_a_terminal_too(ready):
    child = ready.spawn("tollgate", "exec", "prod", "--", "sh", "-c",
                        "trap 'echo got HUP' HUP; trap 'echo got TERM; exit 7' TERM; echo ready; while :; do sleep 0.1; done")
    child.expect("ready")
    os.kill(child.pid, signal.SIGHUP)
    child.expect("got HUP")
    os.kill(child.pid, signal.SIGTERM)
    child.expect(pexpect.EOF)
    child.close()
    assert child.before.count("got") == 1 and "got TERM" in child.before
    assert child.exitstatus == 7


def test_stopped_and_continued_by_a_shell(ready):
    shell = ready.spawn("bash", "--norc", "--noprofile", "-i", environment={"PS1": "$ "})
    shell.sendline("tollgate exec prod -- sh -c 'echo re''ady; read answer; echo got-$answer; exit 8'")
    shell.expect("ready")
    shell.sendcontrol("z")
    shell.expect("Stopped")
    shell.sendline("fg")
    shell.expect("tollgate exec")
    shell.sendline("later")
    shell.expect("got-later")
    shell.sendline("echo status=$?; exit")
    shell.expect("status=8")
    shell.expect(pexpect.EOF)
    shell.close()


def test_unknown_profile_names_those_there_are(home):
    result = home.run("tollgate", "exec", "no-such-profile", "--", "true")
    assert result.returncode == 78
    assert result.stderr.startswith("tollgate:")
    assert "no-such-profile" in result.stderr


def test_nested_exec_works(ready):
    result = ready.run("tollgate", "exec", "prod", "--", "tollgate", "exec", "base", "--", "sh", "-c", "echo $AWS_PROFILE")
    assert (result.returncode, result.stdout) == (0, "base\n"), result.stderr


def hours_left(home, *options):
    """Runs with static keys and says for how many hours they live, what was printed, and how many codes it took."""
    result = home.on_pty("tollgate", "exec", "prod", "--env", *options, "--", "sh", "-c",
                         'echo "until=$AWS_CREDENTIAL_EXPIRATION"')
    assert result.status == 0, result.output
    until = datetime.datetime.fromisoformat(re.search(r"until=(\S+)Z", result.output)[1] + "+00:00")
    return (until - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 3600, result.output, result.prompts


def test_durations_are_kept_and_caps_named(world, home):
    hours, output, prompts = hours_left(home, "--session-duration", "40h", "--assume-role-ttl", "30m")
    assert 0.4 < hours <= 0.5 and prompts == 1
    assert re.search(r"tollgate: .*36h", output), output
    # An hour is all that AWS gives on top of a session; more is the role with the code itself.
    hours, _, prompts = hours_left(home, "--duration", "3h")
    assert 2.9 < hours <= 3 and prompts == 1
    assert len(world.calls("GetSessionToken")) == 1


def test_a_role_that_allows_less_than_was_asked_for_costs_one_code_and_is_named_and_remembered(world, home):
    # The role's own maximum, four hours, is known to AWS alone.
    hours, output, prompts = hours_left(home, "--duration", "11h")
    assert 3.9 < hours <= 4 and prompts == 1
    assert re.search(r"tollgate: .*11h is not possible: \S+role/team/deploy .*MaxSessionDuration; 4h is used",
                     output.replace("\r\n", " ")), output
    calls = len(world.calls("AssumeRole"))
    hours, output, prompts = hours_left(home, "--duration", "12h")
    assert 3.9 < hours <= 4 and prompts == 0 and "4h is used" in output
    assert len(world.calls("AssumeRole")) == calls
    durations = next(check for check in json.loads(home.run("tollgate", "doctor", "prod", "--offline", "--json").stdout)["checks"]
                     if check["id"] == "durations")
    assert any("refused a session of 8h" in each["message"] and "becomes 4h" in each["message"] for each in durations["findings"])
    # What is remembered of a role is no session.
    assert len(json.loads(home.run("tollgate", "status", "--json").stdout)["sessions"]) == 1
    assert "1 cached session forgotten" in home.run("tollgate", "clear").stderr


def test_no_session_sends_the_code_with_the_role(world, home):
    hours, _, prompts = hours_left(home, "--no-session")
    assert 0.2 < hours <= 1 and prompts == 1
    assert world.calls("GetSessionToken") == [] and len(world.calls("AssumeRole")) == 1


@pytest.mark.parametrize("options", [("--duration", "3h"), ("--no-session",), ("--lazy", "--duration", "3h")],
                         ids=["duration", "no session", "lazy"])
def test_the_program_gets_the_session_that_was_asked_for_and_with_one_code(world, home, options):
    result = home.on_pty("tollgate", "exec", "prod", *options, "--", "sh", "-c",
                         "tollgate credential-process --profile prod; tollgate credential-process --profile prod")
    assert (result.status, result.prompts) == (0, 1), result.output
    assert world.calls("GetSessionToken") == [] and len(world.calls("AssumeRole")) == 1


def test_an_overlay_in_a_shell_of_ones_own_carries_the_duration(world, home):
    result = home.on_pty("bash", "-c", 'eval "$(tollgate env prod --overlay --duration 3h)"; tollgate credential-process --profile prod')
    assert (result.status, result.prompts) == (0, 1), result.output
    assert world.calls("GetSessionToken") == [] and len(world.calls("AssumeRole")) == 1


def test_region_of_the_flag_wins(ready):
    assert ready.run("tollgate", "exec", "--region", "us-west-2", "prod", "--", "sh", "-c",
                     "echo $AWS_REGION $AWS_DEFAULT_REGION").stdout == "us-west-2 us-west-2\n"


def test_lazy_asks_when_first_needed(world, home, aws_cli):
    result = home.on_pty("tollgate", "exec", "prod", "--lazy", "--", "true")
    assert (result.status, result.prompts) == (0, 0), result.output
    assert world.calls() == []
    result = home.on_pty("tollgate", "exec", "prod", "--lazy", "--", aws_cli, "--endpoint-url", world.url, "sts",
                         "get-caller-identity")
    assert (result.status, result.prompts) == (0, 1), result.output
    assert len(world.calls("GetSessionToken")) == 1


AUDIT = "arn:aws:iam::111111111111:role/audit"


@pytest.mark.parametrize("words", [("--role-arn", AUDIT, "base"), (AUDIT,)], ids=["on a profile", "alone"])
def test_a_role_that_no_profile_describes(world, home, words):
    config = home.folder / ".aws/config"
    config.write_text(config.read_text().replace(
        "[profile base]", "[profile base]\nmfa_serial = arn:aws:iam::111111111111:mfa/ana"))
    whoami = f"aws --endpoint-url {world.url} sts get-caller-identity --query Arn --output text"
    result = home.on_pty("tollgate", "exec", *words, "--", "sh", "-c", whoami + "; aws configure list-profiles",
                         environment={"AWS_PROFILE": "base"})
    assert (result.status, result.prompts) == (0, 1), result.output
    assert "assumed-role/audit/" in result.output
    assert re.search(r"^base\.role-[0-9a-f]{8}\r?$", result.output, re.M)
    again = home.run("tollgate", "exec", "--env", *words, "--", *whoami.split(), environment={"AWS_PROFILE": "base"})
    assert again.returncode == 0 and "assumed-role/audit/" in again.stdout, again.stderr


@pytest.mark.parametrize("arn", ["audit", "arn:aws:iam::111111111111:user/ana", AUDIT + "; id", AUDIT + "$(id)"])
def test_what_is_no_role_is_refused_before_anything_is_started(home, arn):
    for command in (["exec", "--role-arn", arn, "base", "--", "true"],
                    ["credential-process", "--profile", "base", "--role-arn", arn]):
        result = home.run("tollgate", *command)
        assert result.returncode == 64 and "--role-arn" in result.stderr, (command, result.stderr)
