"""Where the one-time code comes from, and what happens when it is not good."""
import os
import re
import signal
import subprocess
import termios
import time

import pexpect
import pytest

from tests.support.world import PROMPT, STEP, end


def test_prompt_says_who_asks(world, home):
    child = home.spawn("tollgate", "exec", "prod", "--", "true")
    child.expect(PROMPT)
    shown = child.before + child.after
    assert "prod" in shown
    assert world.device()["serial"].rsplit("/", 1)[-1] in shown
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()


def test_prompt_with_all_streams_piped(home):
    """The code is asked for on the terminal even where stdin, stdout and stderr are none."""
    result = home.on_pty("sh", "-c", "echo in | tollgate exec prod -- cat 2>err.txt | cat; cat err.txt", cwd=home.folder)
    assert result.prompts == 1
    assert result.output.splitlines()[-1] == "in"


def test_wrong_code_then_right_code(world, home):
    result = home.on_pty("tollgate", "exec", "prod", "--", "echo", "done", answers=[world.wrong_code, world.fresh_code])
    assert result.status == 0, result.output
    assert result.prompts == 2
    assert result.output.rstrip().endswith("done")
    refused, accepted = world.calls("GetSessionToken")
    assert (refused["decision"], accepted["decision"]) == ("denied", "allowed")


def test_three_wrong_codes_are_the_end(world, home):
    result = home.on_pty("tollgate", "exec", "prod", "--", "echo", "never", answers=[world.wrong_code] * 9)
    assert (result.status, result.prompts) == (77, 3), result.output
    assert "never" not in result.output.splitlines()[-1]


@pytest.mark.parametrize("typed", ["12345", "abcdef", "1234567", "", "12 34"])
def test_what_is_no_code_costs_no_try(world, home, typed):
    result = home.on_pty("tollgate", "exec", "prod", "--", "true", answers=[typed, world.fresh_code])
    assert (result.status, result.prompts) == (0, 2), result.output
    assert len(world.calls("GetSessionToken")) == 1


def test_code_with_a_blank_as_phones_show_it(world, home):
    def spaced():
        code = world.fresh_code()
        return f"{code[:3]} {code[3:]}"
    result = home.on_pty("tollgate", "exec", "prod", "--", "true", answers=[spaced])
    assert (result.status, result.prompts) == (0, 1), result.output


def test_used_code_is_not_sent_again(world, home):
    """The same code after `clear`: AWS would refuse it, so tollgate says so itself and takes the next one."""
    while time.time() % STEP > STEP - 8:
        time.sleep(0.2)  # both codes have to fall into one step
    code = world.fresh_code()
    assert home.on_pty("tollgate", "exec", "prod", "--", "true", answers=[code]).status == 0
    assert home.run("tollgate", "clear").returncode == 0
    result = home.on_pty("tollgate", "exec", "prod", "--", "true", answers=[code, world.fresh_code])
    assert result.status == 0, result.output
    assert [call["decision"] for call in world.calls("GetSessionToken")] == ["allowed", "allowed"]


def test_interrupt_at_the_prompt_is_130_and_restores_the_terminal(world, home):
    child = home.spawn("sh", "-c", "stty -a >before; tollgate exec prod -- true; echo status=$?; stty -a >after",
                       cwd=home.folder)
    child.expect(PROMPT)
    settings = termios.tcgetattr(child.child_fd)
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert (home.folder / "before").exists(), settings
    # The shell dies of the same interrupt unless it waits; run again below it where that is so.
    direct = home.spawn("tollgate", "exec", "prod", "--", "true")
    before = termios.tcgetattr(direct.child_fd)
    direct.expect(PROMPT)
    direct.sendintr()
    direct.expect(pexpect.EOF)
    after = termios.tcgetattr(direct.child_fd)
    direct.close()
    assert direct.exitstatus == 130 or direct.signalstatus == signal.SIGINT
    assert before == after
    assert world.calls("GetSessionToken") == []


def test_end_of_input_at_the_prompt_is_a_refusal(home):
    child = home.spawn("tollgate", "exec", "prod", "--", "true")
    child.expect(PROMPT)
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus in (77, 130)


def test_cancelled_prompt_answers_those_who_wait(home):
    first = home.spawn("tollgate", "exec", "prod", "--", "true")
    first.expect(PROMPT)
    waiting = [home.spawn("tollgate", "credential-process", "--profile", "prod") for _ in range(5)]
    time.sleep(0.5)  # they reach the gate; where one is late it is answered by the remembered refusal
    first.sendintr()
    for child in [first, *waiting]:
        assert child.expect([pexpect.EOF, PROMPT], timeout=20) == 0
        child.close()
        assert child.exitstatus != 0


def test_mfa_process_gives_the_code(world, home):
    seed = world.device()["seed"]
    result = home.run("tollgate", "exec", "prod", "--mfa-process", f"oathtool --totp -b {seed}", "--", "echo", "done")
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr
    assert len(world.calls("GetSessionToken")) == 1


@pytest.mark.parametrize("command,status", [("exit 3", 78), ("echo no code", 65), ("true", 65), ("echo 12345", 65)])
def test_mfa_process_that_gives_none(world, home, command, status):
    result = home.run("tollgate", "exec", "prod", "--mfa-process", command, "--", "true")
    assert result.returncode == status
    assert result.stderr.startswith("tollgate:")
    assert world.calls("GetSessionToken") == []


def test_mfa_process_output_is_never_shown(home):
    result = home.run("tollgate", "exec", "prod", "--mfa-process", "echo hunter2-hunter2", "--", "true")
    assert "hunter2-hunter2" not in result.stdout + result.stderr.replace("echo hunter2-hunter2", "")


def test_no_terminal_is_77(world, home):
    result = home.run("tollgate", "exec", "prod", "--", "true", timeout=20)
    assert result.returncode == 77
    assert result.stderr.startswith("tollgate:")
    assert world.calls("GetSessionToken") == []


def test_code_in_no_file_and_no_argument(world, home):
    code = world.fresh_code()
    result = home.on_pty("tollgate", "exec", "prod", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' >lines",
                         answers=[code], cwd=home.folder)
    assert result.status == 0
    assert not re.search(rf"\b{code}\b", (home.folder / "lines").read_text(errors="replace"))
    for path in home.cache.rglob("*"):
        if path.is_file():
            assert code.encode() not in path.read_bytes()


def test_sandbox_that_does_not_answer(world, home):
    world.stop()
    child = home.spawn("tollgate", "exec", "prod", "--", "true")
    if child.expect([PROMPT, pexpect.EOF]) == 0:
        child.sendline(world.code())
        child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 69


def test_holder_of_the_gate_is_killed(world, home):
    holder = home.spawn("tollgate", "exec", "prod", "--", "true")
    holder.expect(PROMPT)
    other = home.spawn("tollgate", "exec", "prod", "--", "echo", "done")
    os.kill(holder.pid, signal.SIGKILL)
    holder.expect(pexpect.EOF)
    holder.close()
    other.expect(PROMPT, timeout=10)
    other.sendline(world.fresh_code())
    other.expect("done")
    other.expect(pexpect.EOF)
    other.close()
    assert other.exitstatus == 0
    assert len(world.calls("GetSessionToken")) == 1


def test_stopped_mfa_process_ends_with_its_time_limit(home):
    """A program that prints nothing and does not end must not hold the gate for ever."""
    process = home.start("tollgate", "exec", "prod", "--mfa-process", "sleep 600", "--", "true")
    try:
        _, stderr = process.communicate(timeout=60)
        assert process.returncode not in (0, None)
        assert stderr.startswith("tollgate:")
    except subprocess.TimeoutExpired:
        pytest.fail("--mfa-process has no time limit")
    finally:
        end(process)
