"""Executes the documentation: every block of commands in docs/, page by page, as CONTRIBUTING.md says."""
import os
import re
import signal
import socket
import time

import pexpect
import pytest

from tests.support import clients, stand_ins, terraform
from tests.support.world import PROMPT, ROOT, WORLDS

PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
COMMANDS = ("sh", "bash")
# Fences for what is no command.
DATA = ("ini", "json", "text", "toml")
LOOKS_LIKE_A_COMMAND = re.compile(
    r"^\s*(\$ |(sudo |exec |export )|eval |(aws|aws-vault|curl|docker|terraform|terragrunt|tofu|tollgate[a-z-]*) (?=[^\s{=]))",
    re.M)
PORT = "8443"


def text_of(page):
    return (ROOT / "docs" / page).read_text()


def fences(text):
    """(kind, content) of every fenced block, and of every indented one as kind ''."""
    found, kind, lines, before = [], None, [], ""
    for line in text.splitlines():
        mark = re.match(r"\s*(```+|~~~+)\s*(\S*)", line)
        if mark and kind is None:
            kind, lines = mark[2] or "without a kind", []
        elif mark:
            found.append((kind, "\n".join(lines) + "\n"))
            kind = None
        elif kind is not None:
            lines.append(line)
        elif re.match(r"( {4}|\t)", line) and not before.strip():
            found.append(("indented", line + "\n"))
        before = line
    return found


def complaints(text):
    """What a page has that looks like commands and is executed by nothing."""
    return [f"{kind}: {content.splitlines()[0]}" for kind, content in fences(text)
            if kind not in COMMANDS and (kind not in DATA or LOOKS_LIKE_A_COMMAND.search(content))]


def script_of(text):
    """The commands of a page in order: its blocks, and between them what it declares as set-up:
    <!-- set-up, a line break, commands, -->."""
    parts = re.findall(r"^```(?:sh|bash)\n(.*?)^```$|^<!-- set-up\n(.*?)^-->$", text, re.M | re.S)
    return "".join(f"echo '== block {number}'\n{block or setup}" for number, (block, setup) in enumerate(parts, 1))


def declared(text, word):
    """The values of <!-- WORD: VALUE --> in a page."""
    return re.findall(rf"^<!-- {word}: (.*) -->$", text, re.M)


def name_of_test(page):
    missing = [name for name in declared(text_of(page), "stand-in") if stand_ins.missing(name)]
    return page + "".join(f", with a stand-in for {name} ({stand_ins.NAMES[name]})" for name in missing)


def wrap(folder, name, line):
    path = folder / name
    path.write_text(f"#!/bin/sh\nexec {line} \"$@\"\n")
    path.chmod(0o755)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def keys_of_bob(home):
    section = (home.folder / ".aws/credentials").read_text().split("[bob]")[1]
    return [re.search(rf"{name} = (\S+)", section)[1] for name in ("aws_access_key_id", "aws_secret_access_key")]


def end_group(group):
    """Programs that a page starts behind itself end with it. First in good order: a server takes its worker along."""
    for how, patience in ((signal.SIGTERM, 40), (signal.SIGKILL, 10)):
        until = time.monotonic() + patience
        try:
            os.killpg(group, how)
            while time.monotonic() < until:
                os.killpg(group, 0)
                time.sleep(0.1)
        except ProcessLookupError:
            return


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of_test(page)) for page in PAGES
                                  if script_of(text_of(page))])
def test_commands_of_a_page_work(page, make_world, aws_cli, terraform_program, tmp_path):
    text = text_of(page)
    changes = [WORLDS[name] for name in declared(text, "world")]
    world, home = make_world(changes[0] if changes else None)
    project = terraform.backend_project(tmp_path / "project", home)
    programs = home.folder / "bin"
    programs.mkdir()
    # A page writes `terraform` and `aws`: whichever is installed, and for versions of the CLI that know no
    # AWS_ENDPOINT_URL the flag that says the same.
    wrap(programs, "terraform", clients.terraform())
    wrap(programs, "aws", f'{aws_cli} --endpoint-url "$AWS_ENDPOINT_URL"')
    wrap(programs, "phone", f"tollgate-sandbox code {world.folder} ana")
    for name in declared(text, "stand-in"):
        if stand_ins.missing(name):
            stand_ins.install(name, programs)
    key_id, secret = keys_of_bob(home)
    answers = [(PROMPT, lambda: world.fresh_code("bob" if "mfa/bob" in child.before[-400:] else "ana")),
               ("Access key id: $", lambda: key_id), ("Secret access key: $", lambda: secret),
               ("(New passphrase|The same again|Passphrase): $", lambda: "correct horse battery"),
               (r"Enter a value:(\x1b\[0m| )*$", lambda: "yes")]
    script = home.folder / "page.sh"
    script.write_text("set -e\n" + script_of(text).replace(PORT, free_port()))
    shell = "bash" if any(kind == "bash" for kind, _ in fences(text)) else "sh"
    child = home.spawn(shell, script, cwd=str(project),
                       environment={"PATH": f"{programs}:{home.environment['PATH']}", "MANPAGER": "cat"})
    output = ""
    try:
        while (which := child.expect([*(prompt for prompt, _ in answers), pexpect.EOF])) < len(answers):
            answer = answers[which][1]()
            output += child.before + child.after
            child.sendline(answer)
        output += child.before
        child.close()
    finally:
        end_group(child.pid)
    assert child.exitstatus == 0, output


def test_every_block_of_commands_is_executed():
    for page in PAGES:
        assert complaints(text_of(page)) == [], page


@pytest.mark.parametrize("text", [
    "```console\n$ tollgate status\n```\n", "```\ntollgate status\n```\n", "```text\n$ tollgate status\n```\n",
    "```text\nterraform apply\n```\n", "~~~shell\ntollgate status\n~~~\n", "  ```console\n  $ ls\n  ```\n",
    "text\n\n    tollgate status\n"])
def test_a_block_that_nothing_executes_is_noticed(text):
    assert len(complaints(text)) == 1
    assert script_of(text) == ""


def test_data_is_no_command():
    assert complaints("```ini\n[profile prod]\n```\n```text\nterraform {\n}\n```\n") == []
    assert complaints("```sh\ntollgate status\n```\n") == []


def test_commands_of_the_readme_are_scripts_and_targets_that_there_are():
    """They build and test the tree itself, so that no test inside it can run them all; scripts/test is what runs this."""
    makefile = (ROOT / "Makefile").read_text()
    seen = 0
    for page in ("README.md", "CONTRIBUTING.md"):
        for kind, content in fences((ROOT / page).read_text()):
            assert kind in ("console", *DATA), (page, kind)
            for line in content.splitlines() if kind == "console" else []:
                words = re.sub(r"\s+#.*", "", line.removeprefix("$ ")).split()
                seen += 1
                if words[0] == "make":
                    assert re.search(rf"^{words[1]}:", makefile, re.M), line
                else:
                    assert os.access(ROOT / words[0], os.X_OK), line
    assert seen > 5


def test_links_between_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert "./scripts/demo" in text and "./scripts/test" in text


def test_every_page_is_linked_from_the_readme():
    linked = re.findall(r"\]\(docs/([^)#]+\.md)", (ROOT / "README.md").read_text())
    assert sorted(linked) == PAGES


def cells_of_ours(text):
    """(row, our cell) of the tables in comparison.md."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "what":
            yield cells[0], cells[1]


def exists(test):
    path, name = test.split("::")
    if not (ROOT / path).is_file():
        return False
    text = (ROOT / path).read_text()
    if path.endswith(".py"):
        return re.search(rf"^def {name}\(", text, re.M) is not None
    suite, case = name.split(".")
    return re.search(rf"^TEST(_F|_P)?\({suite}, {case}\)", text, re.M) is not None


def test_comparison_names_a_test_for_each_of_our_cells():
    rows = list(cells_of_ours((ROOT / "docs/comparison.md").read_text()))
    assert len(rows) > 30
    for row, cell in rows:
        tests = re.findall(r"`(tests/[^`]+)`", cell)
        assert cell == "no" or tests, f"{row}: no test"
        for test in tests:
            assert exists(test), f"{row}: {test}"


def test_a_test_that_is_not_there_is_noticed():
    assert exists("tests/e2e/test_docs.py::test_every_page_is_linked_from_the_readme")
    assert not exists("tests/e2e/test_docs.py::test_every")
    assert not exists("tests/e2e/test_nothing.py::test_every_page_is_linked_from_the_readme")
    assert exists("tests/unit/aws/profile_chain_test.cpp::ProfileChain.Table")
    assert not exists("tests/unit/aws/profile_chain_test.cpp::ProfileChain.NoSuchCase")
