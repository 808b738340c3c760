"""`tollgate profile write` and `remove`: a session in the user's credentials file, and nothing else changed in it."""
import re
import stat

import pytest

MINE = """# keys of mine, do not lose
[default]
aws_access_key_id=AKIAMINE
aws_secret_access_key = s   ; odd
unknown_setting : kept

"""


@pytest.fixture
def credentials(home):
    path = home.folder / ".aws/credentials"
    path.write_text(MINE + path.read_text())
    path.chmod(0o600)
    return path


def test_written_profile_works_for_tools_that_read_files(world, home, credentials, aws_cli):
    before = credentials.read_text()
    result = home.on_pty("tollgate", "profile", "write", "prod")
    assert (result.status, result.prompts) == (0, 1), result.output
    assert "prod-session" in result.output and re.search(r"expires in \d+m", result.output)
    text = credentials.read_text()
    assert text.startswith(before)
    section = text[len(before):]
    assert re.search(r"# Written by tollgate: session of profile prod, expires \d{4}-", section)
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600

    # The AWS CLI takes it from the file alone.
    identity = home.run(aws_cli, "sts", "get-caller-identity", "--profile", "prod-session", "--endpoint-url", world.url)
    assert identity.returncode == 0, identity.stderr
    assert ":assumed-role/deploy/" in identity.stdout

    # Again: in place, not twice, without a question.
    again = home.run("tollgate", "profile", "write", "prod")
    assert again.returncode == 0 and credentials.read_text().count("[prod-session]") == 1

    removed = home.run("tollgate", "profile", "remove", "prod-session")
    assert removed.returncode == 0, removed.stderr
    assert credentials.read_text() == before


def test_name_of_ones_own(home, credentials):
    home.login()
    assert home.run("tollgate", "profile", "write", "prod", "--as", "legacy", "--region", "us-east-1").returncode == 0
    assert re.search(r"\[legacy\]\n(?:.*\n)*region = us-east-1\n", credentials.read_text())
    # By the name of the profile behind it only where that is not ambiguous.
    assert home.run("tollgate", "profile", "remove", "prod").returncode == 78
    assert home.run("tollgate", "profile", "remove", "legacy").returncode == 0


def test_name_of_the_source_removes_its_session(home, credentials):
    home.login()
    before = credentials.read_text()
    assert home.run("tollgate", "profile", "write", "audit").returncode == 0
    assert home.run("tollgate", "profile", "remove", "audit").returncode == 0
    assert credentials.read_text() == before


@pytest.mark.parametrize("name", ["default", "base", "prod", "read-only", "a b", "x]"])
def test_what_others_wrote_is_never_touched(world, home, credentials, name):
    before = credentials.read_text()
    result = home.run("tollgate", "profile", "write", "audit", "--as", name)
    assert result.returncode in (64, 78), result.stderr
    assert home.run("tollgate", "profile", "remove", name).returncode == 78
    assert credentials.read_text() == before
    assert world.calls() == [], "and it costs no code"


def test_all_and_expired(home, credentials):
    home.login()
    before = credentials.read_text()
    for name in ("one", "two"):
        assert home.run("tollgate", "profile", "write", "prod", "--as", name).returncode == 0
    text = credentials.read_text()
    credentials.write_text(re.sub(r"(\[one\]\n.*expires )\d{4}", r"\g<1>2020", text))
    assert home.run("tollgate", "profile", "remove", "--expired").returncode == 0
    assert "[one]" not in credentials.read_text() and "[two]" in credentials.read_text()
    assert home.run("tollgate", "profile", "remove", "--all").returncode == 0
    assert credentials.read_text() == before
    assert home.run("tollgate", "profile", "remove", "--all").returncode == 0
    assert home.run("tollgate", "profile", "remove").returncode == 64


def test_file_that_others_could_read_is_closed(home, credentials):
    home.login()
    credentials.chmod(0o644)
    result = home.run("tollgate", "profile", "write", "prod")
    assert result.returncode == 0 and "others could read" in result.stderr
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600


def test_inside_exec_the_real_file_is_written(home, credentials):
    home.login()
    result = home.run("tollgate", "exec", "prod", "--", "tollgate", "profile", "write", "audit")
    assert result.returncode == 0, result.stderr
    assert "[audit-session]" in credentials.read_text()


def test_long_term_keys_are_not_copied(home, credentials):
    home.edit("config", "[profile bare]\nregion = eu-central-1\n")
    home.edit("credentials", "[bare]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = s3cret\n")
    before = credentials.read_text()
    assert home.run("tollgate", "profile", "write", "bare").returncode == 78
    assert credentials.read_text() == before


def test_many_writers_at_once(home, credentials):
    home.login()
    processes = [home.start("tollgate", "profile", "write", "prod", "--as", f"s{index}") for index in range(20)]
    for process in processes:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
    text = credentials.read_text()
    assert text.startswith(MINE)
    assert all(text.count(f"[s{index}]") == 1 for index in range(20))
