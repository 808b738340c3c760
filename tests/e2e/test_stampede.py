"""Many processes at once, as a plan with provider aliases or terragrunt makes them: one prompt, one call of STS."""
import json
import os
import re

import pexpect
import pytest

from tests.support.world import PROMPT


def stampede(home, count, folder):
    """A terminal on which `count` credential-processes start at once; each leaves its answer and status in a file."""
    script = (f'i=0; while [ $i -lt {count} ]; do '
              f'( tollgate credential-process --profile prod >{folder}/$i.json 2>{folder}/$i.err; '
              f'echo $? >{folder}/$i.status ) & i=$((i+1)); done; wait; echo all-done')
    return home.spawn("sh", "-c", script, timeout=120)


@pytest.mark.parametrize("count", [50, 200])
def test_cold_start_is_one_prompt_and_one_call(world, home, tmp_path, count):
    folder = tmp_path / "answers"
    folder.mkdir()
    child = stampede(home, count, folder)
    prompts = 0
    while child.expect([PROMPT, "all-done"]) == 0:
        prompts += 1
        child.sendline(world.fresh_code())
    child.expect(pexpect.EOF)
    child.close()
    statuses = [(folder / f"{index}.status").read_text().strip() for index in range(count)]
    assert statuses == ["0"] * count, sorted({path.read_text() for path in folder.glob("*.err")})
    answers = {(folder / f"{index}.json").read_text() for index in range(count)}
    assert len(answers) == 1 and json.loads(answers.pop())["Version"] == 1
    assert prompts == 1
    assert len(world.calls("GetSessionToken")) == 1
    assert len(world.calls("AssumeRole")) == 1


def test_cold_start_without_a_terminal_fails_fast_and_asks_nobody(world, home):
    processes = [home.start("tollgate", "credential-process", "--profile", "prod") for _ in range(50)]
    for process in processes:
        stdout, stderr = process.communicate(timeout=30)
        assert (process.returncode, stdout) == (77, "")
        assert re.match(r"tollgate:.*\n\Z", stderr)
    assert world.calls("GetSessionToken") == []


def test_two_profiles_of_one_device_share_the_code(world, home):
    home.login("prod")
    text = (home.folder / ".aws/config").read_text()
    section = re.search(r"\[profile prod\]\n(.*?)(?=\n\[|\Z)", text, re.S).group(1)
    home.edit("config", f"[profile prod-too]\n{section}\nrole_session_name = another\n")
    result = home.run("tollgate", "credential-process", "--profile", "prod-too")
    assert result.returncode == 0, result.stderr
    assert len(world.calls("GetSessionToken")) == 1
    assert os.path.isdir(home.cache)
