"""whoami, status, clear, version, help, login, profiles, explain, env: what a person types beside exec."""
import json
import re

import pytest


def test_version_and_help_need_no_home(home):
    version = home.run("tollgate", "version", environment={"HOME": None, "XDG_CACHE_HOME": None})
    assert version.returncode == 0
    assert re.match(r"tollgate \d+\.\d+\.\d+", version.stdout)
    for command in (["help"], ["--help"]):
        result = home.run("tollgate", *command)
        assert result.returncode == 0
        assert "exec" in result.stdout and "credential-process" in result.stdout
        assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_help_of_help(home):
    overview, of_exec = home.run("tollgate", "help").stdout, home.run("tollgate", "help", "exec").stdout
    for command, expected in ((["help", "--help"], overview), (["help", "-h"], overview),
                              (["help", "exec", "--help"], of_exec)):
        result = home.run("tollgate", *command)
        assert (result.returncode, result.stdout, result.stderr) == (0, expected, "")


@pytest.mark.parametrize("command", [[], ["no-such-command"], ["exec"], ["exec", "prod"], ["exec", "prod", "--no-such", "--", "true"]])
def test_wrong_command_lines_are_64(home, command):
    result = home.run("tollgate", *command)
    assert result.returncode == 64
    assert result.stderr.startswith("tollgate:")
    assert result.stdout == ""


def test_whoami(world, home):
    home.login()
    result = home.run("tollgate", "whoami", "prod")
    assert result.returncode == 0, result.stderr
    assert ":assumed-role/" in result.stdout
    assert world.calls("GetCallerIdentity")


def test_login_then_nothing_is_asked(world, home):
    result = home.on_pty("tollgate", "login", "prod")
    assert (result.status, result.prompts) == (0, 1), result.output
    assert home.run("tollgate", "exec", "prod", "--", "true").returncode == 0
    assert len(world.calls("GetSessionToken")) == 1


def test_status_shows_sessions_and_no_secret(world, home):
    assert json.loads(home.run("tollgate", "status", "--json").stdout) is not None
    home.login()
    document = json.loads(home.run("tollgate", "credential-process", "--profile", "prod").stdout)
    for arguments in (["status"], ["status", "--json"]):
        result = home.run("tollgate", *arguments)
        assert result.returncode == 0, result.stderr
        assert world.device()["serial"] in result.stdout or "prod" in result.stdout
        assert document["SecretAccessKey"] not in result.stdout
        assert document["SessionToken"] not in result.stdout
    assert json.loads(home.run("tollgate", "status", "--json").stdout)


def test_status_in_one_line_for_a_shell_prompt(home):
    empty = home.run("tollgate", "status", "--prompt")
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, "", "")
    home.login()
    line = home.run("tollgate", "status", "--prompt")
    assert line.returncode == 0 and re.fullmatch(r"base 11h 5\dm[^\n]*\n", line.stdout), line


def test_a_profile_in_place_of_a_command(home):
    home.login()
    short = home.run("tollgate", "prod", "--", "sh", "-c", "echo $AWS_PROFILE; exit 3")
    assert (short.returncode, short.stdout) == (3, "prod\n"), short.stderr
    # A command's name is a command, also where a profile has it.
    home.edit("config", "[profile status]\nregion = eu-central-1\n")
    taken = home.run("tollgate", "status", "--", "true")
    assert taken.returncode == 64
    assert home.run("tollgate", "nobody", "--", "true").returncode in (64, 78)


def test_clear_ends_the_session(world, home):
    home.login()
    assert home.run("tollgate", "credential-process", "--profile", "prod").returncode == 0
    assert home.run("tollgate", "clear").returncode == 0
    assert home.run("tollgate", "credential-process", "--profile", "prod").returncode == 77
    # Nothing to clear is no failure, and the flag says what the bare command does.
    assert home.run("tollgate", "clear", "--all").returncode == 0


def test_clear_of_one_profile(home):
    home.login()
    result = home.run("tollgate", "clear", "prod")
    assert result.returncode == 0, result.stderr


def test_profiles_lists_what_the_files_have(home):
    result = home.run("tollgate", "profiles")
    assert result.returncode == 0, result.stderr
    assert "prod" in result.stdout and "base" in result.stdout
    assert "prod" in json.dumps(json.loads(home.run("tollgate", "profiles", "--json").stdout))


def test_explain_calls_nobody(world, home):
    result = home.run("tollgate", "explain", "prod", "--json")
    assert result.returncode == 0, result.stderr
    text = json.dumps(json.loads(result.stdout))
    assert "GetSessionToken" in text and "AssumeRole" in text and world.device()["serial"] in text
    assert home.run("tollgate", "explain", "prod").returncode == 0
    assert world.calls() == []


def test_env_prints_what_a_shell_can_read(home):
    home.login()
    result = home.run("sh", "-ec", 'eval "$(tollgate env prod)"; echo "$AWS_ACCESS_KEY_ID"')
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("ASIA")
