"""Long-term keys in tollgate's vault: typed, imported, used, rotated through crashes; never in clear, never lost."""
import json
import os
import re
import signal
import stat

import pexpect
import pytest
import wcwidth

from tests.support import aws
from tests.support.world import may_change_own_keys

PASSPHRASE = "correct horse battery"
FAILPOINTS = ["rotate_intent_written", "rotate_created", "rotate_stored", "rotate_verified", "rotate_switched",
              "rotate_deactivated", "rotate_deleted", "rotate_finished"]


def keys_of(home, profile="base"):
    text = (home.folder / ".aws/credentials").read_text()
    section = text.split(f"[{profile}]")[1].split("\n[")[0]
    return tuple(re.search(rf"{name} = (\S+)", section)[1] for name in ("aws_access_key_id", "aws_secret_access_key"))


def drop_keys(home):
    (home.folder / ".aws/credentials").write_text("")


def with_passphrase(home, *command, text=PASSPHRASE, **options):
    """Runs with the passphrase on a descriptor, as scripts do."""
    reading, writing = os.pipe()
    os.write(writing, (text + "\n").encode())
    os.close(writing)
    environment = {"TOLLGATE_PASSPHRASE_FD": str(reading), **options.pop("environment", {})}
    try:
        return home.run(*command, environment=environment, pass_fds=[reading], **options)
    finally:
        os.close(reading)


def key_json(home, profile="base"):
    id, secret = keys_of(home, profile)
    return json.dumps({"AccessKeyId": id, "SecretAccessKey": secret})


def add(home, name="base", text=None, arguments=()):
    result = home.run("tollgate", "keys", "add", name, "--from-stdin", "--key-file", home.folder / "vault.key",
                      *arguments, input=text or key_json(home), stdin=None)
    assert result.returncode == 0, result.stderr
    return result


def everything_in(*folders):
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield path, path.read_bytes()


@pytest.fixture
def stored(home):
    """Keys of base in the vault and nowhere else."""
    add(home)
    id, secret = keys_of(home)
    drop_keys(home)
    return id, secret


def test_stored_keys_serve_profiles(home, stored):
    home.login("prod")
    result = home.run("tollgate", "whoami", "prod", "--json")
    assert result.returncode == 0, result.stderr
    assert ":assumed-role/deploy/" in json.loads(result.stdout)["arn"]


def test_a_profile_that_no_file_knows(home, world):
    add(home, name="only in the vault")
    result = home.run("tollgate", "exec", "only in the vault", "--", "sh", "-c",
                      'cat "$AWS_CONFIG_FILE"; tollgate credential-process --profile "only in the vault"')
    assert result.returncode == 0, result.stderr
    assert "[profile only in the vault]\ncredential_process = " in result.stdout
    assert keys_of(home)[0] in result.stdout.splitlines()[-1]


def test_nothing_is_in_clear(home, stored):
    home.login("prod")
    id, secret = stored
    for path, content in everything_in(home.folder / "data", home.folder / "cache", home.folder / "state"):
        assert secret.encode() not in content, path
        assert id.encode() not in content, path
    for path in (home.folder / "data").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_list_shows_last_four_and_asks_nobody(home, stored):
    (home.folder / "vault.key").rename(home.folder / "gone")
    result = home.run("tollgate", "keys", "list", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "tollgate.keys.v1"
    assert [(key["profile"], key["access_key"]) for key in document["keys"]] == [("base", "…" + stored[0][-4:])]
    assert stored[0] not in result.stdout + home.run("tollgate", "keys", "list").stdout


def test_list_lines_up_by_what_a_terminal_shows(home):
    key_file, text = home.folder / "vault.key", key_json(home)
    for name in ("plain", "größe", "本番", "e\u0301t"):
        added = home.run("tollgate", "keys", "add", name, "--from-stdin", "--key-file", key_file, input=text, stdin=None)
        assert added.returncode == 0, added.stderr
    lines = home.run("tollgate", "keys", "list").stdout.splitlines()
    columns = {line[:line.index("KEY" if line.startswith("PROFILE") else "…")] for line in lines}
    assert len(lines) == 5 and {wcwidth.wcswidth(column) for column in columns} == {9}, lines


def test_typed_on_the_terminal(home):
    id, secret = keys_of(home)
    child = home.spawn("tollgate", "keys", "add", "typed")
    child.expect("New passphrase: ")
    child.sendline(PASSPHRASE)
    child.expect("The same again: ")
    child.sendline(PASSPHRASE)
    child.expect("Access key id: ")
    child.sendline(id)
    child.expect("Secret access key: ")
    child.sendline(secret)
    child.expect("is stored for profile typed")
    shown = child.before + child.after + child.read()
    child.close()
    assert child.exitstatus == 0
    assert secret not in shown and PASSPHRASE not in shown


def test_passphrase_of_scripts_and_the_wrong_one(home):
    no_cache = {"TOLLGATE_VAULT_CACHE": "none"}
    result = with_passphrase(home, "tollgate", "keys", "import", "base", environment=no_cache)
    assert result.returncode == 0, result.stderr
    asking = ("tollgate", "credential-process", "--profile", "base")
    assert with_passphrase(home, *asking, environment=no_cache).returncode == 0
    wrong = with_passphrase(home, *asking, text="something else", environment=no_cache)
    assert wrong.returncode == 77
    assert wrong.stdout == "" and "something else" not in wrong.stderr
    nobody = home.run(*asking, environment=no_cache)
    assert nobody.returncode == 77
    assert "tollgate keys unlock" in nobody.stderr


def test_the_passphrase_is_asked_for_once(home):
    result = with_passphrase(home, "tollgate", "keys", "import", "base")
    assert result.returncode == 0, result.stderr
    if home.run("tollgate", "credential-process", "--profile", "base").returncode != 0:
        pytest.skip("the kernel gives no keyring here")
    assert home.run("tollgate", "keys", "lock").returncode == 0
    assert home.run("tollgate", "credential-process", "--profile", "base").returncode == 77
    assert with_passphrase(home, "tollgate", "keys", "unlock").returncode == 0
    assert home.run("tollgate", "credential-process", "--profile", "base").returncode == 0
    home.run("tollgate", "keys", "lock")


def test_the_passphrase_descriptor_does_not_reach_children(home):
    result = with_passphrase(home, "tollgate", "keys", "import", "base")
    assert result.returncode == 0, result.stderr
    result = with_passphrase(home, "tollgate", "exec", "base", "--", "env")
    assert result.returncode == 0, result.stderr
    assert "TOLLGATE_PASSPHRASE_FD" not in result.stdout
    home.run("tollgate", "keys", "lock")


def test_no_input_is_no_passphrase_either(home):
    no_cache = {"TOLLGATE_VAULT_CACHE": "none"}
    assert with_passphrase(home, "tollgate", "keys", "import", "base", environment=no_cache).returncode == 0
    result = home.on_pty("tollgate", "login", "prod", "--no-input", environment=no_cache)
    assert (result.status, result.prompts) == (77, 0)
    assert "nobody may be asked for the passphrase" in result.output


def test_stored_keys_are_listed_among_the_profiles(home, stored):
    add(home, name="vault-only", text=json.dumps({"AccessKeyId": "AKIA" + "X" * 16, "SecretAccessKey": "s" * 40}))
    rows = {line.split()[0]: line for line in home.run("tollgate", "profiles").stdout.splitlines()}
    assert "stored keys" in rows["base"] and "stored keys" in rows["vault-only"]
    assert "keys stored by tollgate for base" in home.run("tollgate", "explain", "prod").stdout


def test_one_passphrase_for_many_processes(home):
    """Terraform starts every provider at once: one of them asks, the others wait for the kernel's keyring."""
    assert with_passphrase(home, "tollgate", "keys", "import", "base").returncode == 0
    if home.run("tollgate", "credential-process", "--profile", "base").returncode != 0:
        pytest.skip("the kernel gives no keyring here")
    home.run("tollgate", "keys", "lock")
    child = home.spawn("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do tollgate credential-process --profile base & done; wait")
    child.expect("Passphrase of the stored keys: ")
    child.sendline(PASSPHRASE)
    child.expect(pexpect.EOF)
    assert child.before.count('"Version":1') == 8, child.before
    assert "Passphrase" not in child.before
    home.run("tollgate", "keys", "lock")


def test_a_cached_session_needs_no_passphrase(home):
    no_cache = {"TOLLGATE_VAULT_CACHE": "none"}
    assert with_passphrase(home, "tollgate", "keys", "import", "base", environment=no_cache).returncode == 0
    child = home.spawn("tollgate", "login", "prod", environment=no_cache)
    child.expect("Passphrase of the stored keys: ")
    child.sendline(PASSPHRASE)
    child.expect(r"[Cc]ode[^\r\n]*: ?$")
    child.sendline(home.world.fresh_code())
    child.expect("is ready")
    child.wait()
    result = home.run("tollgate", "credential-process", "--profile", "prod", environment=no_cache)
    assert result.returncode == 0, result.stderr


def test_import_leaves_a_line_and_a_backup(home, aws_cli):
    path = home.folder / ".aws/credentials"
    before = path.read_text()
    path.chmod(0o640)
    id, secret = keys_of(home)
    result = home.run("tollgate", "keys", "import", "base", "--key-file", home.folder / "vault.key")
    assert result.returncode == 0, result.stderr
    after = path.read_text()
    assert re.search(r"\[base\]\ncredential_process = /\S*/tollgate credential-process --profile base\n\n# The same",
                     after)
    assert after.split("\n\n", 1)[1] == before.split("\n\n", 1)[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    [backup] = path.parent.glob("credentials.tollgate-*")
    assert backup.read_text() == before and stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert secret not in result.stdout + result.stderr and id not in result.stderr
    # Every client goes on working.
    identity = home.run(aws_cli, "--endpoint-url", home.world.url, "--profile", "base", "sts", "get-caller-identity")
    assert identity.returncode == 0, identity.stderr
    assert json.loads(identity.stdout)["Arn"].endswith(":user/ana")
    again = home.run("tollgate", "keys", "import", "base")
    assert again.returncode == 0 and path.read_text() == after


def test_import_refuses_keys_beside_a_role(home):
    before = (home.folder / ".aws/credentials").read_text()
    result = home.run("tollgate", "keys", "import", "prod", "--key-file", home.folder / "vault.key")
    assert result.returncode == 78
    assert "source_profile = prod-keys" in result.stderr
    assert (home.folder / ".aws/credentials").read_text() == before
    assert not (home.folder / "data").exists()


def test_a_line_without_keys_does_not_call_itself(home):
    drop_keys(home)
    home.edit("credentials", "[lost]\ncredential_process = tollgate credential-process --profile lost\n")
    result = home.run("tollgate", "credential-process", "--profile", "lost")
    assert result.returncode == 78
    assert "tollgate keys add lost" in result.stderr


def test_remove(home, stored):
    assert home.run("tollgate", "keys", "remove", "base").returncode == 77  # nobody to agree
    assert home.run("tollgate", "keys", "remove", "base", "--yes").returncode == 0
    assert json.loads(home.run("tollgate", "keys", "list", "--json").stdout)["keys"] == []
    assert home.run("tollgate", "keys", "remove", "base", "--yes").returncode == 78


def test_another_key_needs_replace(home, stored):
    other = json.dumps({"AccessKeyId": "AKIA" + "X" * 16, "SecretAccessKey": "y" * 40})
    command = ("tollgate", "keys", "add", "base", "--from-stdin")
    refused = home.run(*command, input=other, stdin=None)
    assert refused.returncode == 75 and "--replace" in refused.stderr
    assert home.run(*command, "--replace", input=other, stdin=None).returncode == 0
    assert home.run("tollgate", "keys", "list", "--json").stdout.count("XXXX") == 1


def test_a_session_of_replaced_keys_is_not_used(home, stored):
    home.login("prod")
    other = json.dumps({"AccessKeyId": "AKIA" + "X" * 16, "SecretAccessKey": "y" * 40})
    assert home.run("tollgate", "keys", "add", "base", "--from-stdin", "--replace", input=other,
                    stdin=None).returncode == 0
    assert home.run("tollgate", "credential-process", "--profile", "prod").returncode == 77


@pytest.mark.parametrize("text, words", [
    ("not json", "not JSON"),
    ("{}", "AccessKeyId"),
    ('{"AccessKeyId": "ASIAXXXXXXXXXXXXXXXX", "SecretAccessKey": "s"}', "temporary"),
    ('{"AccessKeyId": "AKIAXXXXXXXXXXXXXXXX", "SecretAccessKey": "s", "SessionToken": "t"}', "temporary"),
    ('{"AccessKeyId": "short", "SecretAccessKey": "s"}', "no access key id"),
])
def test_what_is_no_key(home, text, words):
    result = home.run("tollgate", "keys", "add", "x", "--from-stdin", "--key-file", home.folder / "vault.key",
                      input=text, stdin=None)
    assert result.returncode == 65
    assert words in result.stderr


def test_another_lock(home, stored):
    secret = home.folder / "secret"
    secret.write_text("printed by a program\n")
    assert home.run("tollgate", "keys", "protect", "--key-command", f"cat {secret}").returncode == 0
    (home.folder / "vault.key").unlink()
    home.run("tollgate", "keys", "lock")
    assert home.run("tollgate", "credential-process", "--profile", "base").returncode == 0
    home.run("tollgate", "keys", "lock")
    secret.write_text("something else\n")
    result = home.run("tollgate", "credential-process", "--profile", "base")
    assert result.returncode == 77 and "does not unlock" in result.stderr


# ---- rotation --------------------------------------------------------------------------------------------------------


@pytest.fixture
def rotating(make_world):
    """A world in which ana may change her own keys with MFA, her keys in the vault, an MFA session at hand."""
    world, home = make_world(may_change_own_keys)
    add(home)
    old = keys_of(home)
    drop_keys(home)
    home.login("prod")
    return world, home, old


def rotate(home, failpoint=None):
    return home.run("tollgate", "keys", "rotate", "base", "--no-input",
                    environment={"TOLLGATE_FAILPOINT": failpoint} if failpoint else None)


def stored_key(home):
    result = home.run("tollgate", "credential-process", "--profile", "base")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    return document["AccessKeyId"], document["SecretAccessKey"]


def expect_working(world, home):
    arn = aws.client(world, "sts", stored_key(home)).get_caller_identity()["Arn"]
    assert arn.endswith(":user/ana")


def keys_at_aws(world, home):
    role = json.loads(home.run("tollgate", "credential-process", "--profile", "audit").stdout or "{}")
    credentials = {name: role[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
    listed = aws.client(world, "iam", credentials).list_access_keys(UserName="ana")["AccessKeyMetadata"]
    return {key["AccessKeyId"]: key["Status"] for key in listed}


def test_rotation(rotating):
    world, home, old = rotating
    result = rotate(home)
    assert result.returncode == 0, result.stderr
    new = stored_key(home)
    assert new[0] != old[0]
    assert keys_at_aws(world, home) == {new[0]: "Active"}
    expect_working(world, home)
    assert aws.refusal(aws.client(world, "sts", old).get_caller_identity)[1] == "InvalidClientTokenId"
    assert old[1] not in result.stderr and new[1] not in result.stderr and new[0] not in result.stderr
    # The session that was there is still used: no new code.
    assert home.run("tollgate", "credential-process", "--profile", "prod").returncode == 0
    document = json.loads(home.run("tollgate", "keys", "list", "--json").stdout)
    assert document["keys"][0]["rotation"] is None and document["keys"][0]["origin"] == "rotation"


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_rotation_killed(rotating, failpoint):
    world, home, old = rotating
    killed = rotate(home, failpoint)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    expect_working(world, home)
    assert len(keys_at_aws(world, home)) <= 2
    unfinished = json.loads(home.run("tollgate", "keys", "list", "--json").stdout)["keys"][0]["rotation"]
    assert (unfinished is None) == (failpoint == "rotate_finished")
    if unfinished:
        assert home.run("tollgate", "keys", "remove", "base").returncode != 0
        doctor = home.run("tollgate", "doctor", "base", "--offline")
        assert "tollgate keys rotate base" in doctor.stdout

    result = rotate(home)
    assert result.returncode == 0, result.stderr
    expect_working(world, home)
    new = stored_key(home)
    assert new[0] != old[0]
    assert keys_at_aws(world, home) == {new[0]: "Active"}
    made = [call for call in world.calls("CreateAccessKey") if call["decision"] == "allowed"]
    removed = [call for call in world.calls("DeleteAccessKey") if call["decision"] == "allowed"]
    assert len(made) == len(removed)


def test_rotation_killed_again_and_again(rotating):
    world, home, old = rotating
    for failpoint in FAILPOINTS[:-1]:
        assert rotate(home, failpoint).returncode == -signal.SIGKILL
        expect_working(world, home)
        assert len(keys_at_aws(world, home)) <= 2
    assert rotate(home).returncode == 0
    assert keys_at_aws(world, home) == {stored_key(home)[0]: "Active"}


def test_rotation_with_a_second_key(rotating):
    world, home, old = rotating
    aws_session = json.loads(home.run("tollgate", "credential-process", "--profile", "base").stdout)
    assert aws_session["AccessKeyId"] == old[0]
    # ana makes one by herself, in a session with MFA.
    sts = aws.client(world, "sts", old)
    session = sts.get_session_token(SerialNumber=world.device("ana")["serial"], TokenCode=world.fresh_code("ana"))
    mine = aws.client(world, "iam", session["Credentials"]).create_access_key()["AccessKey"]
    result = rotate(home)
    assert result.returncode == 75
    assert "…" + mine["AccessKeyId"][-4:] in result.stderr
    assert len(keys_at_aws(world, home)) == 2
    expect_working(world, home)


def test_rotation_that_is_not_allowed(home, stored):
    home.login("prod")
    result = rotate(home)
    assert result.returncode == 77
    assert "CreateAccessKey" in result.stderr
    expect_working(home.world, home)
    assert json.loads(home.run("tollgate", "keys", "list", "--json").stdout)["keys"][0]["rotation"] is None


def test_rotation_asks_for_one_code(make_world):
    world, home = make_world(may_change_own_keys)
    add(home)
    drop_keys(home)
    result = home.on_pty("tollgate", "keys", "rotate", "base")
    assert (result.status, result.prompts) == (0, 1), result.output


def test_rotation_when_an_answer_is_lost(rotating):
    world, home, old = rotating
    world.sandbox("fault", world.folder, "iam:CreateAccessKey", "reset-after", "--count", "1")
    lost = rotate(home)
    assert lost.returncode != 0
    assert len(keys_at_aws(world, home)) == 2  # made, and its secret is gone
    expect_working(world, home)
    result = rotate(home)
    assert result.returncode == 0, result.stderr
    assert "secret was lost" in result.stderr
    assert keys_at_aws(world, home) == {stored_key(home)[0]: "Active"}
