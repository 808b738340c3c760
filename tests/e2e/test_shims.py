"""Shims: terraform, terragrunt, aws called as ever, with tollgate in front of them on PATH."""
import json
import os
import re
import shutil
import stat
import subprocess
import time

import pytest

from tests.support.world import programs

# A stand-in for any program: shows what it was given.
SHOW = "#!/bin/sh\nprintf '%s|' \"$(basename \"$0\")\" \"$@\"\necho\nenv\n"
SESSION = {"AWS_ACCESS_KEY_ID": "ASIAOTHER", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}


def program(path, text=SHOW):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def variables(text):
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))


class Shims:
    """Programs of our own in `bin`, shims of the same names in front of them."""

    def __init__(self, home, *names):
        self.home, self.folder, self.bin = home, home.folder / "data/tollgate/shims", home.folder / "bin"
        for name in names:
            program(self.bin / name)
        if names:
            result = home.run("tollgate", "shim", "install", *names, environment={"PATH": self.path(shims=False)})
            assert result.returncode == 0, result.stderr
            self.line = result.stdout

    def path(self, shims=True):
        folders = [self.folder] if shims else []
        return ":".join(str(folder) for folder in [*folders, self.bin, self.home.environment["PATH"]])

    def run(self, *command, environment=None, **options):
        """By way of sh, because Python looks for programs on its own PATH."""
        return self.home.run("sh", "-c", 'exec "$@"', "sh", *command, environment={"PATH": self.path(), **(environment or {})},
                             **options)

    def on_pty(self, *command, environment=None, **options):
        return self.home.on_pty("sh", "-c", 'exec "$@"', "sh", *command,
                                environment={"PATH": self.path(), **(environment or {})}, **options)


@pytest.fixture
def shims(home):
    return Shims(home, "terraform", "aws")


@pytest.fixture
def settings(home):
    """Writes the user's configuration file."""
    def write(text):
        path = home.folder / "config/tollgate/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return write


def test_install_says_how_to_use_them(shims):
    assert shims.line == f"export PATH='{shims.folder}':\"$PATH\"\n"
    assert os.readlink(shims.folder / "terraform") == str(programs() / "tollgate")
    result = shims.run("tollgate", "shim", "install", "terraform")
    assert (result.returncode, result.stdout) == (0, ""), "nothing is left to do"
    listed = json.loads(shims.run("tollgate", "shim", "list", "--json").stdout)
    assert {shim["name"]: (shim["active"], shim["runs"]) for shim in listed["shims"]} == {
        name: (True, str(shims.bin / name)) for name in ("aws", "terraform")}
    assert "active" in shims.run("tollgate", "shim", "list").stdout


def test_the_line_for_fish(home):
    result = home.run("tollgate", "shim", "install", "terraform", environment={"SHELL": "/usr/bin/fish"})
    assert result.stdout.startswith("fish_add_path ")


def test_install_and_remove_touch_only_their_own(home, shims):
    (shims.folder / "tofu").write_text("mine")
    result = home.run("tollgate", "shim", "install", "tofu")
    assert (result.returncode, (shims.folder / "tofu").read_text()) == (78, "mine")
    assert home.run("tollgate", "shim", "remove", "tofu").returncode == 78
    assert home.run("tollgate", "shim", "remove", "terraform").returncode == 0
    assert home.run("tollgate", "shim", "remove").returncode == 0
    assert [entry.name for entry in shims.folder.iterdir()] == ["tofu"]
    for wrong in (["../x"], ["tollgate"], []):
        assert home.run("tollgate", "shim", "install", *wrong).returncode == 64


def test_default_profile_gets_the_overlay(shims):
    result = shims.on_pty("terraform", "plan", "-out=a b")
    assert (result.status, result.prompts) == (0, 1), result.output
    seen = variables(result.output.replace("\r", ""))
    assert "terraform|plan|-out=a b|" in result.output
    assert seen["AWS_PROFILE"] == seen["TOLLGATE_PROFILE"] == "read-only"
    assert "tollgate/overlay" in seen["AWS_CONFIG_FILE"]
    # And now without a terminal, from the session.
    again = shims.run("terraform", "plan")
    assert again.returncode == 0 and variables(again.stdout)["AWS_PROFILE"] == "read-only"


def test_profile_of_the_environment_wins(shims):
    shims.home.login()
    for environment, profile in (({"AWS_PROFILE": "prod"}, "prod"), ({"AWS_DEFAULT_PROFILE": "audit"}, "audit"),
                                 ({"AWS_PROFILE": "prod", "AWS_DEFAULT_PROFILE": "audit"}, "prod")):
        seen = variables(shims.run("terraform", "plan", environment=environment).stdout)
        assert seen["AWS_PROFILE"] == profile
        assert "AWS_DEFAULT_PROFILE" not in seen
    assert variables(shims.run("aws", "s3", "ls", "--profile", "audit").stdout)["AWS_PROFILE"] == "audit"


def test_directory_rules(shims, settings, tmp_path):
    shims.home.login()
    work = tmp_path / "work"
    (work / "prod/eu").mkdir(parents=True)
    (tmp_path / "link").symlink_to(work / "prod")
    settings(f"""
[shim]
default_profile = "audit"
[[shim.directory]]
path = "{work}"
profile = "read-only"
[[shim.directory]]
path = "{tmp_path}/link"
profile = "prod"
""")

    def profile(cwd, *arguments):
        return variables(shims.run("terraform", *arguments, "plan", cwd=cwd).stdout).get("AWS_PROFILE")

    assert profile(tmp_path) == "audit"
    assert profile(work) == "read-only"
    assert profile(work / "prod/eu") == "prod"
    assert profile(tmp_path, f"-chdir={work}/prod") == "prod"
    assert profile(work, "-chdir=prod") == "prod"


def test_no_file_of_the_directory_is_read(shims, tmp_path):
    shims.home.login()
    for name in ("config.toml", ".tollgate.toml", "tollgate.toml", ".config/tollgate/config.toml"):
        path = tmp_path / "cloned" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('[shim]\ndefault_profile = "prod"\n')
    assert variables(shims.run("terraform", "plan", cwd=tmp_path / "cloned").stdout)["AWS_PROFILE"] == "read-only"


def test_missing_default_profile_lists_what_there_is(shims, settings):
    settings('[shim]\ndefault_profile = "nobody"\n')
    result = shims.run("terraform", "plan")
    assert (result.returncode, result.stdout) == (78, "")
    assert "nobody" in result.stderr and "read-only" in result.stderr and "prod" in result.stderr


def test_wrong_settings_are_named(shims, settings):
    settings('[shim]\ndefault_profil = "prod"\n')
    result = shims.run("terraform", "plan")
    assert result.returncode == 78
    assert "config.toml:2" in result.stderr and "shim.default_profile?" in result.stderr


@pytest.mark.parametrize("environment", [{"AWS_VAULT": "x"}, {"TOLLGATE_PROFILE": "x", "AWS_PROFILE": "prod"}, SESSION])
def test_stands_aside(world, shims, environment):
    result = shims.run("terraform", "plan", environment=environment)
    assert result.returncode == 0, result.stderr
    expected = variables(subprocess.run([shims.bin / "terraform"], env={
        **shims.home.environment, "PATH": shims.path(), **environment}, capture_output=True, text=True, check=True).stdout)
    seen = variables(result.stdout)
    assert seen.pop("TOLLGATE_SHIM_TRAIL")
    for each in (seen, expected):
        each.pop("_", None), each.pop("PWD", None), each.pop("OLDPWD", None), each.pop("SHLVL", None)
    assert seen == expected
    assert world.calls() == []


@pytest.mark.parametrize("command", [["terraform", "fmt"], ["terraform", "--help"], ["aws", "help"], ["terraform"]])
def test_commands_without_credentials_ask_nothing(shims, settings, command):
    settings('[shim]\ndefault_profile = "nobody"\n')
    result = shims.run(*command)
    assert result.returncode == 0, result.stderr
    assert "TOLLGATE_PROFILE" not in variables(result.stdout)


def test_session_keys_give_way_to_a_profile_that_was_asked_for(shims):
    shims.home.login()
    seen = variables(shims.run("terraform", "plan", environment={**SESSION, "AWS_PROFILE": "prod"}).stdout)
    assert seen["AWS_PROFILE"] == "prod"
    assert "AWS_ACCESS_KEY_ID" not in seen


@pytest.mark.parametrize("command", [["configure", "set", "region", "eu-west-1"], ["sso", "login"], ["login"]])
def test_commands_that_write_see_the_real_files(shims, command):
    real = str(shims.home.folder / ".aws/config")
    outside = variables(shims.run("aws", *command).stdout)
    assert "AWS_CONFIG_FILE" not in outside
    shims.home.login()
    inside = shims.run("tollgate", "exec", "prod", "--", "aws", *command)
    assert inside.returncode == 0, inside.stderr
    seen = variables(inside.stdout)
    assert seen["AWS_CONFIG_FILE"] == real
    assert "TOLLGATE_AWS_CONFIG_FILE" not in seen


def test_the_real_aws_configure_writes_the_users_file(home, aws_cli):
    shims = Shims(home, "aws")
    home.run("tollgate", "shim", "install", "aws")
    environment = {"PATH": f"{shims.folder}:{os.path.dirname(aws_cli)}:{home.environment['PATH']}"}
    home.login()
    result = shims.run("tollgate", "exec", "prod", "--", "aws", "configure", "set", "output", "yaml", environment=environment)
    assert result.returncode == 0, result.stderr
    assert "output = yaml" in (home.folder / ".aws/config").read_text()


def test_the_real_terraform_applies(world, home, project, terraform_program):
    if os.path.basename(terraform_program) != "terraform":
        pytest.skip("terraform: another program plays its part")
    shims = Shims(home, "terraform")
    home.run("tollgate", "shim", "install", "terraform")
    environment = {"PATH": f"{shims.folder}:{os.path.dirname(terraform_program)}:{home.environment['PATH']}",
                   "AWS_PROFILE": "prod"}
    result = shims.on_pty("sh", "-ec", "terraform init -input=false && terraform apply -input=false -auto-approve",
                          environment=environment, cwd=project)
    assert (result.status, result.prompts) == (0, 1), result.output
    assert "Apply complete!" in result.output
    assert len(world.calls("GetSessionToken")) == 1


def test_minimum_life_follows_the_command(world, shims):
    """A plan takes a session that an apply does not: the apply asks for a new one first."""
    home = shims.home
    result = home.on_pty("tollgate", "exec", "prod", "--session-duration", "1h", "--", "true")
    assert (result.status, result.prompts) == (0, 1), result.output
    environment = {"AWS_PROFILE": "prod", "TOLLGATE_MIN_TTL_PLAN": "10m", "TOLLGATE_MIN_TTL_APPLY": "2h"}
    # A session counts as long enough with three quarters of its life, so a fresh one is not asked for twice.
    assert shims.on_pty("terraform", "apply", environment=environment).prompts == 0
    assert len(world.calls("GetSessionToken")) == 1


def test_session_too_short_for_an_apply(make_world):
    """An hour becomes 20 seconds: after 6 of them less than three quarters are left."""
    world, home = make_world(lambda text: text.replace("lifetime_divisor = 1\n", "lifetime_divisor = 180\n"))
    shims = Shims(home, "terraform")
    short = {"TOLLGATE_SESSION_DURATION": "1h", "AWS_PROFILE": "prod"}
    assert shims.on_pty("terraform", "plan", environment=short).prompts == 1
    time.sleep(6)
    assert shims.on_pty("terraform", "output", environment=short).prompts == 0
    # Nobody to ask: the rule is a wish.
    alone = shims.run("terraform", "apply", environment=short)
    assert alone.returncode == 0 and "nobody can be asked" in alone.stderr, alone.stderr
    assert shims.on_pty("terraform", "apply", environment=short).prompts == 1
    assert len(world.calls("GetSessionToken")) == 2


def test_exit_status_and_arguments_pass_through(shims):
    program(shims.bin / "terraform", '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 2\n')
    shims.home.login()
    arguments = ["plan", "", "a b", "*", "$HOME", "'", '"', "-x=\n"]
    result = shims.run("terraform", *arguments)
    assert (result.returncode, result.stdout) == (2, "\n".join(arguments) + "\n")


def test_inherited_descriptors_reach_the_program(shims):
    program(shims.bin / "terraform", '#!/bin/sh\ncat "$2"\n')
    shims.home.login()
    for run in (shims.run("bash", "-c", "terraform plan <(echo inside)").stdout,
                shims.on_pty("bash", "-c", "terraform plan <(echo inside)").output):
        assert "inside" in run


def test_no_such_program(shims):
    (shims.bin / "terraform").unlink()
    result = shims.run("terraform", "plan", environment={"PATH": f"{shims.folder}:/usr/bin:/bin"})
    assert result.returncode == 127 and "terraform" in result.stderr
    program(shims.bin / "terraform").chmod(0o644)
    assert shims.run("terraform", "plan", environment={"PATH": f"{shims.folder}:{shims.bin}:/usr/bin:/bin"}).returncode == 126


@pytest.mark.parametrize("kind", ["relative", "world-writable", "empty"])
def test_directories_that_cannot_be_trusted_are_passed_over(shims, tmp_path, kind):
    trap = tmp_path / "trap"
    program(trap / "terraform", "#!/bin/sh\necho caught\n")
    if kind == "world-writable":
        trap.chmod(0o777)
    entry = {"relative": "trap", "world-writable": str(trap), "empty": ""}[kind]
    result = shims.run("/usr/bin/env", "terraform", "fmt", cwd=trap if kind == "empty" else tmp_path,
                       environment={"PATH": f"{shims.folder}:{entry}:{shims.bin}:/usr/bin:/bin"})
    assert "caught" not in result.stdout and "terraform|fmt|" in result.stdout


def copies(home, count):
    """Shims of several tollgates, which do not know one another by inode."""
    folders = []
    for index in range(count):
        folder = home.folder / f"copy{index}"
        (folder / "shims").mkdir(parents=True)
        shutil.copy(programs() / "tollgate", folder / "tollgate")
        (folder / "shims/terraform").symlink_to(folder / "tollgate")
        folders.append(str(folder / "shims"))
    return folders


def test_three_tollgates_lead_to_the_program(home):
    folders = copies(home, 3)
    program(home.folder / "bin/terraform")
    path = ":".join([*folders, str(home.folder / "bin"), "/usr/bin:/bin"])
    result = home.run("sh", "-c", "terraform fmt", environment={"PATH": path})
    assert result.returncode == 0 and "terraform|fmt|" in result.stdout, result.stderr


@pytest.mark.parametrize("program_text", [None, '#!/bin/sh\nexec terraform "$@"\n', '#!/bin/sh\nterraform "$@"\n'])
def test_a_circle_ends_soon(home, program_text):
    """Three shims and no terraform; a wrapper that comes back by exec; one that comes back in a child."""
    folders = copies(home, 3)
    if program_text:
        program(home.folder / "bin/terraform", program_text)
        folders.append(str(home.folder / "bin"))
    environment = {"PATH": ":".join([*folders, "/usr/bin:/bin"])}
    started = time.monotonic()
    result = home.run("sh", "-c", "terraform fmt", environment=environment, timeout=20)
    assert time.monotonic() - started < 10
    assert result.returncode == (78 if program_text else 127) or "only start one another" in result.stderr
    assert result.returncode in (78, 127)
    assert "Next:" in result.stderr


def test_a_wrapper_that_comes_back_is_passed_over(home):
    """pyenv-like: a script of the same name that execs whatever PATH has, with the program behind it."""
    shims = Shims(home, "terraform")
    wrapper = program(home.folder / "wrapper/terraform", '#!/bin/sh\nexec terraform "$@"\n')
    path = f"{shims.folder}:{wrapper.parent}:{shims.bin}:/usr/bin:/bin"
    result = shims.run("terraform", "fmt", environment={"PATH": path})
    assert result.returncode == 0 and "terraform|fmt|" in result.stdout, result.stderr


def test_terraform_inside_terraform_is_no_circle(shims):
    program(shims.bin / "terraform", '#!/bin/sh\n[ "$1" = inner ] && exec env\nterraform inner\n')
    shims.home.login()
    result = shims.run("terraform", "plan")
    assert result.returncode == 0, result.stderr
    assert variables(result.stdout)["AWS_PROFILE"] == "read-only"


def test_completion_of_the_program_itself_asks_nothing(shims):
    result = shims.run("terraform", "x", environment={"COMP_LINE": "terraform x"})
    assert result.returncode == 0 and "TOLLGATE_PROFILE" not in variables(result.stdout)


def test_folder_is_private_enough(shims):
    mode = stat.S_IMODE(os.stat(shims.folder).st_mode)
    assert not mode & 0o022


def test_config_show_names_origins(home, settings):
    settings('[shim]\ndefault_profile = "prod"\n[[shim.directory]]\npath = "~/x"\nprofile = "audit"\n')
    shown = home.run("tollgate", "config", "show", "--origin", environment={"TOLLGATE_MIN_TTL_PLAN": "1m"})
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"shim\.default_profile +prod +\S+config\.toml:2", shown.stdout)
    assert re.search(r"min_ttl\.plan +1m +TOLLGATE_MIN_TTL_PLAN", shown.stdout)
    assert re.search(r"min_ttl\.apply +2h +built in", shown.stdout)
    document = json.loads(home.run("tollgate", "config", "show", "--json").stdout)
    assert document["schema"] == "tollgate.config.v1"
    assert document["directories"][0]["profile"] == "audit"


def test_settings_of_others_are_refused(home, settings):
    settings('[mfa]\nprocess = "echo 123456"\n')
    (home.folder / "config/tollgate/config.toml").chmod(0o666)
    result = home.run("tollgate", "config", "show")
    assert result.returncode == 78 and "chmod go-w" in result.stderr


def test_mfa_process_of_the_settings(world, home, settings):
    script = program(home.folder / "code", f"#!/bin/sh\necho {world.fresh_code()}\n")
    settings(f'[mfa]\nprocess = "{script}"\n')
    result = home.run("tollgate", "credential-process", "--profile", "prod")
    assert result.returncode == 0, result.stderr


def test_the_cache_needs_no_settings(home, settings):
    home.login()
    settings("this is no TOML")
    assert home.run("tollgate", "credential-process", "--profile", "prod").returncode == 0
