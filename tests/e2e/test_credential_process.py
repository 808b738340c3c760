"""`tollgate credential-process`: one complete JSON object or nothing, never a hang."""
import base64
import datetime
import json
import os
import stat

import pytest

from tests.support.world import end


def answer(home, *arguments, **options):
    return home.run("tollgate", "credential-process", *arguments, **options)


def test_no_terminal_and_no_session_is_77_at_once(world, home):
    result = answer(home, "--profile", "prod", timeout=20)
    assert result.returncode == 77
    assert result.stdout == ""
    assert result.stderr.startswith("tollgate:") and result.stderr.count("\n") == 1
    assert "login" in result.stderr or "exec" in result.stderr
    assert world.calls("GetSessionToken") == []


def test_one_complete_object(world, home):
    home.login()
    result = answer(home, "--profile", "prod")
    assert result.returncode == 0 and result.stderr == ""
    document = json.loads(result.stdout)
    assert document["Version"] == 1
    assert document["AccessKeyId"].startswith("ASIA")
    assert document["SecretAccessKey"] and document["SessionToken"]
    left = datetime.datetime.fromisoformat(document["Expiration"]) - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=15) < left <= datetime.timedelta(hours=1)
    # Nothing was asked of AWS for it, and the next answer is the same.
    before = len(world.calls())
    assert answer(home, "--profile", "prod").stdout == result.stdout
    assert len(world.calls()) == before


def test_static_keys_need_neither_code_nor_network(world, home):
    result = answer(home, "--profile", "base")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["AccessKeyId"].startswith("AKIA")
    assert world.calls() == []


@pytest.mark.parametrize("profile", ["no such profile", "prod "])
def test_nothing_on_stdout_when_it_fails(home, profile):
    result = answer(home, "--profile", profile)
    assert result.returncode == 78
    assert result.stdout == ""
    assert result.stderr.startswith("tollgate:")


def test_names_outside_the_plain_alphabet(home):
    home.edit("config", "[profile a b]\nrole_arn = arn:aws:iam::1:role/x\n")
    encoded = base64.urlsafe_b64encode(b"no#such").decode().rstrip("=")
    result = answer(home, "--profile-b64", encoded)
    assert result.returncode == 78
    assert "no#such" in result.stderr


def test_profile_from_the_environment(home):
    home.login()
    result = answer(home, environment={"AWS_PROFILE": "prod"})
    assert (result.returncode, result.stdout) == (0, answer(home, "--profile", "prod").stdout), result.stderr


def test_usage_errors_are_64(home):
    assert answer(home, "--profile").returncode == 64
    assert answer(home, "--no-such-flag").returncode == 64
    assert answer(home, "--profile-b64", "***").returncode in (64, 65)


def test_closed_stdout_is_an_error_and_not_a_crash(home):
    home.login()
    read, write = os.pipe()
    os.close(read)
    process = home.start("tollgate", "credential-process", "--profile", "prod", stdout=write)
    os.close(write)
    process.communicate(timeout=20)
    # Python's children start with SIGPIPE at its default: dying of it is as good as an exit status.
    assert process.returncode != 0
    end(process)


def test_full_disk_is_an_error(home):
    home.login()
    with open("/dev/full", "w") as full:
        process = home.start("tollgate", "credential-process", "--profile", "prod", stdout=full)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode in (73, 74)
    assert stderr.startswith("tollgate:")


def test_damaged_cache_is_only_a_miss(world, home):
    home.login()
    damaged = 0
    for path in home.cache.rglob("*"):
        if path.is_file() and "overlay" not in path.parts and path.stat().st_size > 100:
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-7] + b"garbage")
            damaged += 1
    assert damaged
    result = answer(home, "--profile", "prod")
    assert (result.returncode, result.stdout) == (77, "")
    assert home.on_pty("tollgate", "exec", "prod", "--", "true").prompts == 1
    assert answer(home, "--profile", "prod").returncode == 0


def test_cache_files_are_private(home):
    home.login()
    for path in home.cache.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path} {oct(mode)}"


def test_changed_profile_is_another_session(world, home):
    home.login()
    config = home.folder / ".aws/config"
    text = config.read_text()
    assert "external_id" in text
    config.write_text(text.replace("external_id", "role_session_name = somebody-else\nexternal_id"))
    calls = len(world.calls("AssumeRole"))
    assert answer(home, "--profile", "prod").returncode == 0
    assert len(world.calls("AssumeRole")) == calls + 1
    assert len(world.calls("GetSessionToken")) == 1
