"""tollgate doctor: sees what is wrong, names the line and the step, proves the gate; never sends a code."""
import json

import pytest

from tests.e2e.test_keys import add, drop_keys

CHECKS = {"files", "profile", "mfa-device", "durations", "plain-keys", "environment", "terraform-code", "storage",
          "session-key", "stored-keys", "overlay", "terminal", "network-program", "programs", "endpoint", "clock",
          "credentials", "user-devices", "gate"}


def doctor(home, *arguments, status=None, **options):
    result = home.run("tollgate", "doctor", *arguments, "--json", **options)
    assert result.returncode in (0, 78), result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "tollgate.doctor.v1"
    assert (document["status"] == "fail") == (result.returncode == 78)
    if status is not None:
        assert result.returncode == status, result.stdout
    checks = {check["id"]: check for check in document["checks"]}
    assert set(checks) == CHECKS
    for check in checks.values():
        for finding in check["findings"]:
            assert finding["status"] == "ok" or finding["fix"], finding
    return checks, document


def one(check):
    return json.dumps(check, ensure_ascii=False)


def test_a_world_in_order(world, home):
    checks, document = doctor(home, "prod", status=0)
    assert checks["gate"]["status"] == "ok", checks["gate"]
    assert "arn:aws:iam::222222222222:role/team/deploy" in checks["gate"]["message"]
    assert checks["clock"]["status"] == "ok" and checks["credentials"]["status"] == "ok"
    refused = world.calls("AssumeRole")
    assert [call["decision"] for call in refused] == ["denied"]
    assert not world.calls("GetSessionToken")
    statement = document["trust_policy"]["document"]["Statement"][0]
    assert statement["Condition"]["Bool"] == {"aws:MultiFactorAuthPresent": "true"}
    assert statement["Condition"]["StringEquals"] == {"sts:ExternalId": "tollgate-example"}
    assert statement["Principal"]["AWS"] == "arn:aws:iam::111111111111:user/ana"


def test_the_printed_trust_policy_closes_the_role(make_world):
    """What doctor prints for an open role, put into the world, is what doctor then finds closed."""
    open_role = '"Condition": {\n        "Bool": {"aws:MultiFactorAuthPresent": "true"},\n        "StringEquals"'
    world, home = make_world(lambda text: text.replace(open_role, '"Condition": {\n        "StringEquals"', 1))
    # ana's own policies must not be what refuses.
    world.stop()
    path = world.folder / "world.toml"
    text = path.read_text().replace('"NotAction": ["iam:*", ', '"NotAction": ["sts:AssumeRole", "iam:*", ', 1)
    path.write_text(text)
    world.start()
    home.environment["AWS_ENDPOINT_URL"] = world.url
    checks, document = doctor(home, "prod", status=78)
    assert checks["gate"]["status"] == "fail", checks["gate"]
    assert "without any code" in checks["gate"]["message"]

    world.stop()
    before, rest = text.split('name = "deploy"', 1)
    start, old = rest.split("trust_policy = '''\n", 1)
    path.write_text(before + 'name = "deploy"' + start + "trust_policy = '''\n" +
                    json.dumps(document["trust_policy"]["document"]) + "\n'''" + old.split("'''", 1)[1])
    world.start()
    home.environment["AWS_ENDPOINT_URL"] = world.url
    checks, _ = doctor(home, "prod", status=0)
    assert checks["gate"]["status"] == "ok"
    home.login("prod")


def test_offline(world, home):
    checks, _ = doctor(home, "prod", "--offline", status=0)
    for name in ("endpoint", "clock", "credentials", "user-devices", "gate"):
        assert checks[name]["status"] == "skipped", checks[name]
    assert not world.calls()


def test_nothing_reachable(home):
    checks, _ = doctor(home, "prod", status=78, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert checks["endpoint"]["status"] == "fail"


def test_clock(world, home):
    world.sandbox("fault", world.folder, "*", "clock", "--offset", "-1200")
    checks, _ = doctor(home, "prod", status=78)
    assert checks["clock"]["status"] == "fail"
    assert "ahead of AWS" in checks["clock"]["message"]


def test_dead_keys(world, home):
    text = (home.folder / ".aws/credentials").read_text().replace("AKIA", "AKIB")
    (home.folder / ".aws/credentials").write_text(text)
    checks, _ = doctor(home, "prod", status=78)
    assert checks["credentials"]["status"] == "fail" and checks["gate"]["status"] == "skipped"


def test_mistakes_have_their_line(home):
    home.edit("config", """[profile wrong]
role_arn = arn:aws:iam::222222222222:role/team/deploy
source_profile = base
mfa_serial = arn:aws:iam::111111111111:user/ana
duration_seconds = 99999
""")
    lines = (home.folder / ".aws/config").read_text().splitlines()
    at = lines.index("[profile wrong]") + 1
    checks, _ = doctor(home, "wrong", "--offline", status=78)
    assert f"config:{at + 3}" in one(checks["mfa-device"]) and checks["mfa-device"]["status"] == "fail"
    assert f"config:{at + 4}" in one(checks["durations"])
    # Nobody else's business.
    checks, _ = doctor(home, "prod", "--offline", status=0)
    assert checks["mfa-device"]["status"] == "warn"


def test_missing_profile(home):
    checks, _ = doctor(home, "prodd", "--offline", status=78)
    assert checks["profile"]["status"] == "fail"


def test_no_profile_named(home):
    checks, _ = doctor(home, "--offline", status=0)
    assert checks["profile"]["status"] == "skipped"


def test_variables_that_win(home):
    variables = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SESSION_TOKEN": "t0k"}
    checks, _ = doctor(home, "prod", "--offline", environment=variables)
    assert checks["environment"]["status"] == "warn"
    assert "AWS_SESSION_TOKEN" in one(checks["environment"])
    assert "t0k" not in one(checks)


def test_code_that_passes_the_overlay_by(home, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/main.tf").write_text('provider "aws" {\n  shared_config_files = ["x"]\n  profile = "prod"\n}\n')
    checks, _ = doctor(home, "prod", "--offline", status=78, cwd=tmp_path / "code")
    assert "main.tf:2" in one(checks["terraform-code"])


def test_storage_that_is_open(home):
    home.run("tollgate", "status")
    home.cache.chmod(0o755)
    checks, _ = doctor(home, "prod", "--offline", status=78)
    assert "chmod 700" in one(checks["storage"])


def test_stored_keys(world, home):
    add(home)
    drop_keys(home)
    checks, _ = doctor(home, "prod", status=0)
    assert checks["stored-keys"]["message"].startswith("1, locked with the key file")
    assert checks["gate"]["status"] == "ok" and checks["plain-keys"]["status"] == "ok"


def test_plain_keys_are_shown_the_way_out(home):
    checks, _ = doctor(home, "prod", "--offline")
    assert "tollgate keys import base" in one(checks["plain-keys"])


@pytest.mark.parametrize("arguments", [["prod"], ["prod", "--offline"], []])
def test_for_people(home, arguments):
    result = home.run("tollgate", "doctor", *arguments)
    assert result.returncode == 0, result.stdout
    assert result.stderr == ""
    for line in result.stdout.split("\nThe trust policy")[0].splitlines():
        assert line.startswith(("ok ", "warn ", "fail ", "skipped ", "          ")), line
    secret = (home.folder / ".aws/credentials").read_text().split("aws_secret_access_key = ")[1].split()[0]
    assert secret not in result.stdout
