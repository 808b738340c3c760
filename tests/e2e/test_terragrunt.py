"""terragrunt's --auth-provider-cmd: one process for each unit, 200 of them at once, one prompt.

The real terragrunt takes part where it is installed; else a stand-in does what it does for each unit: runs the command
in the unit's folder, puts the answer into the environment, starts terraform.
"""
import json
import os
import shutil
import subprocess
import time

import pexpect
import pytest

from tests.support import terraform
from tests.support.world import PROMPT, programs

COMMAND = "tollgate env prod --format terragrunt"
# What terragrunt does with the answer (docs, "auth-provider-cmd"): awsCredentials over envs.
STAND_IN = """
import json, os, subprocess, sys
answer = json.loads(subprocess.run(sys.argv[1], shell=True, check=True, stdout=subprocess.PIPE).stdout)
environment = {**os.environ, **answer.get("envs", {})}
for name, value in answer.get("awsCredentials", {}).items():
    environment["AWS_" + name] = value
sys.exit(subprocess.run(sys.argv[2:], env=environment).returncode)
"""


def answer(home):
    result = home.run("sh", "-c", COMMAND)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_answer_is_what_terragrunt_reads(home):
    home.login()
    document = answer(home)
    assert set(document) == {"awsCredentials", "envs"}
    assert set(document["awsCredentials"]) == {"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"}
    assert document["awsCredentials"]["ACCESS_KEY_ID"].startswith("ASIA")
    assert document["envs"]["AWS_REGION"] == "eu-central-1"
    overlay = json.loads(home.run("tollgate", "env", "prod", "--overlay", "--format", "terragrunt").stdout)
    assert "awsCredentials" not in overlay and overlay["envs"]["AWS_PROFILE"] == "prod"
    assert os.path.isfile(overlay["envs"]["AWS_CONFIG_FILE"])


def test_200_units_at_once_are_one_prompt(world, home, tmp_path):
    folder, count = tmp_path / "answers", 200
    folder.mkdir()
    script = (f"i=0; while [ $i -lt {count} ]; do ( {COMMAND} >{folder}/$i.json 2>{folder}/$i.err </dev/null; "
              f"echo $? >{folder}/$i.status ) & i=$((i+1)); done; wait; echo all-done")
    child = home.spawn("sh", "-c", script, timeout=180)
    prompts = 0
    while child.expect([PROMPT, "all-done"]) == 0:
        prompts += 1
        child.sendline(world.fresh_code())
    child.expect(pexpect.EOF)
    child.close()
    statuses = [(folder / f"{index}.status").read_text().strip() for index in range(count)]
    assert statuses == ["0"] * count, sorted({path.read_text() for path in folder.glob("*.err")})
    assert len({(folder / f"{index}.json").read_text() for index in range(count)}) == 1
    assert prompts == 1
    assert len(world.calls("GetSessionToken")) == len(world.calls("AssumeRole")) == 1


def test_200_warm_units_cost_about_as_much_as_starting_them(world, home, record_property):
    home.login()
    answer(home)
    before = len(world.calls())

    def seconds(command):
        """The best of three rounds of 200 processes, four at a time."""
        rounds = []
        for _ in range(3):
            started = time.monotonic()
            result = home.run("sh", "-c", f"seq 200 | xargs -P 4 -I% {command} >/dev/null")
            rounds.append(time.monotonic() - started)
            assert result.returncode == 0, result.stderr
        return min(rounds)

    start_only, units = seconds("tollgate version"), seconds(COMMAND)
    record_property("warm_units", f"200 units {units:.2f} s, 200 starts of the program {start_only:.2f} s")
    assert units < 5 * start_only + 1
    assert len(world.calls()) == before, "AWS is not asked"


def without_profile(folder):
    """The session of the environment is what counts in a unit of terragrunt."""
    code = folder / "main.tf"
    code.write_text("".join(line for line in code.read_text().splitlines(True) if "profile " not in line))


def units_below(folder, home, count):
    """Units of terraform with their state in the bucket."""
    units = [terraform.backend_project(folder / f"unit{index}", home, key=f"unit{index}/terraform.tfstate")
             for index in range(count)]
    for unit in units:
        without_profile(unit)
    return units


@pytest.mark.parametrize("count, options", [(200, ""), (6, " --overlay")], ids=["200 units", "overlay"])
def test_units_with_state_in_the_bucket(world, home, terraform_program, tmp_path, count, options):
    units = units_below(tmp_path, home, count)
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(STAND_IN)
    runs = " ".join(
        f"( cd {unit} && python3 {stand_in} '{COMMAND}{options}' sh -ec '{terraform_program} init -input=false && "
        f"{terraform_program} apply -input=false -auto-approve' >log 2>&1; echo $? >status ) &" for unit in units)
    script = tmp_path / "run-all"
    script.write_text(f"{runs} wait\n")
    result = home.on_pty("sh", script, timeout=900)
    assert result.prompts == 1, result.output
    for unit in units:
        assert (unit / "status").read_text() == "0\n", (unit / "log").read_text()
    assert len(world.calls("GetSessionToken")) == 1
    assert len(world.calls("AssumeRole")) == 1


# No skip where it is missing: the stand-in above plays its part then.
if shutil.which("terragrunt"):
    def test_the_real_terragrunt(world, home, terraform_program, tmp_path):
        for unit in units_below(tmp_path, home, 6):
            (unit / "terragrunt.hcl").write_text("")
        result = home.on_pty("terragrunt", "run", "--all", "--non-interactive", "--tf-path", terraform_program,
                             "--auth-provider-cmd", COMMAND, "--", "plan", cwd=tmp_path, timeout=600)
        assert (result.status, result.prompts) == (0, 1), result.output
        assert len(world.calls("GetSessionToken")) == 1


def test_shim_of_terragrunt_shares_the_session(home):
    folder = home.folder / "bin"
    folder.mkdir()
    (folder / "terragrunt").write_text("#!/bin/sh\nenv\n")
    (folder / "terragrunt").chmod(0o755)
    path = f"{home.folder}/data/tollgate/shims:{folder}:{home.environment['PATH']}"
    assert home.run("tollgate", "shim", "install", "terragrunt").returncode == 0
    home.login()
    result = home.run("sh", "-c", "terragrunt run --all plan", environment={"PATH": path, "AWS_PROFILE": "prod"})
    assert result.returncode == 0 and "TOLLGATE_PROFILE=prod\n" in result.stdout, result.stderr
    assert subprocess.run([programs() / "tollgate", "version"], check=True).returncode == 0
