"""Completion in the real shells, and the manual pages by the real man."""
import json
import re
import shutil
import subprocess
import time

import pexpect
import pytest

from tests.support.world import ROOT, programs


def shell(name):
    if not shutil.which(name):
        pytest.skip(f"shell: {name} is not installed")
    return name


def bash_offers(home, line):
    """What readline would be given for a line whose last word is being typed."""
    # bash itself splits the words: programmable completion is only run by readline, so the variables are set as it does.
    words = re.findall(r"[=:]|[^\s=:]+", line) + ([""] if line.endswith((" ", "=", ":")) else [])
    if line.endswith(("=", ":")):
        words.pop()
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    script = (f'eval "$(tollgate completion bash)"; COMP_WORDS=({quoted}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); '
              f'compopt() {{ :; }}; _tollgate; printf "%s\\n" "${{COMPREPLY[@]}}"')
    result = home.run(shell("bash"), "--norc", "-c", script)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    return [line for line in result.stdout.splitlines() if line]


def fish_offers(home, line):
    result = home.run(shell("fish"), "--no-config", "-c",
                      'tollgate completion fish | source; complete -C "$argv[1]"', line)
    assert result.returncode == 0, result.stderr
    return [line.split("\t")[0] for line in result.stdout.splitlines()]


def test_bash(home):
    home.edit("config", "[profile team:ops]\nregion = eu-west-1\n")
    assert {"exec", "env", "shim", "prod"} <= set(bash_offers(home, "tollgate "))
    assert bash_offers(home, "tollgate ex") == ["exec", "explain"]
    assert bash_offers(home, "tollgate exec pro") == ["prod"]
    assert bash_offers(home, "tollgate exec team:") == ["ops"]
    assert bash_offers(home, "tollgate env --format te") == ["terragrunt"]
    assert bash_offers(home, "tollgate env --format=te") == ["terragrunt"]
    assert bash_offers(home, "tollgate env --format=") and bash_offers(home, "tollgate env --form") == ["--format"]
    assert bash_offers(home, "tollgate shim i") == ["install"]
    assert "true" in bash_offers(home, "tollgate exec prod -- tru")
    assert bash_offers(home, "tollgate exec prod ") == ["--"]


def test_bash_with_readline(home):
    """The whole way: a person types and presses Tab."""
    child = home.spawn(shell("bash"), "--norc", environment={"PS1": "> ", "INPUTRC": "/dev/null"}, timeout=20)
    child.sendline('eval "$(tollgate completion bash)"; echo rea""dy')
    child.expect(r"[\r\n]ready")
    child.send("echo tollgate; tollgate env --format=terra\t")
    child.expect("--format=terragrunt")
    child.sendcontrol("u")
    child.send("tollgate exec read\t")
    child.expect("tollgate exec read-only")
    child.sendcontrol("u")
    child.sendline("exit")
    child.expect(pexpect.EOF)


def test_fish(home):
    home.edit("config", "[profile team:ops]\nregion = eu-west-1\n")
    assert {"exec", "env", "shim", "prod"} <= set(fish_offers(home, "tollgate "))
    assert fish_offers(home, "tollgate exec pro") == ["prod"]
    assert fish_offers(home, "tollgate env --format te") == ["terragrunt"]
    assert "--format=terragrunt" in fish_offers(home, "tollgate env --format=te")
    assert "--format" in fish_offers(home, "tollgate env --form")
    assert fish_offers(home, "tollgate shim i") == ["install"]
    assert "true" in fish_offers(home, "tollgate exec prod -- tru")


def test_zsh(home):
    home.edit("config", "[profile team:ops]\nregion = eu-west-1\n")
    child = home.spawn(shell("zsh"), "-f", "-i", environment={"TERM": "dumb"}, timeout=30)
    child.sendline("PS1='> '; unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit; compinit -u -D; "
                   "zstyle ':completion:*' insert-tab false; eval \"$(tollgate completion zsh)\"; echo rea''dy")
    child.expect("\nready")
    for typed, completed in (("tollgate exec read\t", "exec read-only"), ("tollgate env --format terra\t", "--format terragrunt"),
                             ("tollgate env --format=terra\t", "--format=terragrunt"), ("tollgate shim ins\t", "shim install"),
                             ("tollgate exec team\t", r"exec team\\?:ops"),
                             ("tollgate exec prod -- basena\t", "basename")):
        child.send(typed)
        child.expect(completed)
        child.sendcontrol("u")
        time.sleep(0.1)
    child.sendline("exit")
    child.expect(pexpect.EOF)


def test_every_flag_of_help_is_offered(home):
    overview = home.run("tollgate", "help").stdout
    names = re.findall(r"^  ([a-z-]+(?: [a-z]+)?)  ", overview.split("Commands:")[1], re.M)
    assert len(names) > 15
    for name in names:
        text = home.run("tollgate", "help", *name.split()).stdout
        flags = set(re.findall(r"--[a-z0-9-]+", text.split("\nOptions:")[1])) if "\nOptions:" in text else set()
        lines = home.run("tollgate", "complete", "fish", "--", *name.split(), "-").stdout.splitlines()
        offered = {line.split("\t")[0] for line in lines}
        own = {flag for flag in flags if re.search(rf"^  (?:-\w, )?(?:--\S+, )*{flag}\b", text, re.M)}
        assert own <= offered, (name, own - offered)


def test_completion_is_quick_and_asks_nothing(world, home):
    started = time.monotonic()
    for _ in range(20):
        home.run("tollgate", "complete", "bash", "--", "exec", "p")
    assert (time.monotonic() - started) / 20 < 0.5, "milliseconds, on a machine that is not busy"
    assert world.calls() == []


def test_profiles_that_only_the_vault_knows(home):
    key = json.dumps({"AccessKeyId": "AKIAEXAMPLE000000001", "SecretAccessKey": "s" * 40})
    added = home.run("tollgate", "keys", "add", "stored-only", "--from-stdin", "--key-file", home.folder / "vault.key",
                     input=key, stdin=None)
    assert added.returncode == 0, added.stderr
    assert bash_offers(home, "tollgate exec stored") == ["stored-only"]
    offers = home.run("tollgate", "complete", "fish", "--", "exec", "").stdout
    assert offers.count("stored-only") == 1 and offers.count("prod\t") == 1


def test_broken_files_do_not_disturb_a_person_typing(home):
    (home.folder / ".aws/config").write_bytes(b"\x00[[[\nx")
    result = home.run("tollgate", "complete", "bash", "--", "exec", "")
    assert (result.returncode, result.stderr) == (0, "")


def test_manual_pages_are_clean_and_complete(home, tmp_path):
    if not shutil.which("groff"):
        pytest.skip("man: groff is not installed")
    pages = home.run("tollgate", "man", "--list").stdout.split()
    assert "tollgate.1" in pages and "tollgate-shim.1" in pages and "tollgate-settings.5" in pages
    for page in pages:
        text = home.run("tollgate", "man", page).stdout
        shown = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-P-c", "-rLL=80n"], input=text, capture_output=True,
                               text=True, check=True)
        assert shown.stderr == "", page
        plain = re.sub(r".\x08", "", shown.stdout)
        assert all(len(line) <= 80 for line in plain.splitlines()), page
        name = re.fullmatch(r"tollgate-(.+)\.1", page)
        if name and home.run("tollgate", "help", name.group(1)).stdout.startswith("tollgate "):
            help_text = home.run("tollgate", "help", name.group(1)).stdout
            for flag in re.findall(r"^  (-\S.*?)(?:  |$)", help_text, re.M):
                assert flag in re.sub(r"\s+", " ", plain), (page, flag)
    assert home.run("tollgate", "man", "exce").returncode == 64


@pytest.mark.parametrize("script", ["man", "completions"])
def test_packaging_writes_the_files(tmp_path, script):
    result = subprocess.run([ROOT / "packaging" / script, programs() / "tollgate", tmp_path / "out"], capture_output=True,
                            text=True)
    assert result.returncode == 0, result.stderr
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    expected = {"man": {"man1/tollgate.1", "man1/tollgate-exec.1", "man5/tollgate-settings.5"},
                "completions": {"bash-completion/completions/tollgate", "zsh/vendor-completions/_tollgate",
                                "fish/vendor_completions.d/tollgate.fish"}}
    assert expected[script] <= files
