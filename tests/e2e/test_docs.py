"""Executes the documentation: every block fenced as `sh` in docs/, page by page, as CONTRIBUTING.md says."""
import re

import pexpect
import pytest

from tests.support import clients
from tests.support.world import PROMPT, ROOT

PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.M | re.S)


def wrap(folder, name, line):
    path = folder / name
    path.write_text(f"#!/bin/sh\nexec {line} \"$@\"\n")
    path.chmod(0o755)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_commands_of_a_page_work(page, world, home, project, aws_cli):
    programs = home.folder / "bin"
    programs.mkdir()
    # A page writes `terraform` and `aws`: whichever is installed, and for versions of the CLI that know no
    # AWS_ENDPOINT_URL the flag that says the same.
    wrap(programs, "terraform", clients.terraform())
    wrap(programs, "aws", f'{aws_cli} --endpoint-url "$AWS_ENDPOINT_URL"')
    wrap(programs, "phone", f"tollgate-sandbox code {world.folder} ana")
    script = home.folder / "page.sh"
    script.write_text("set -e\n" + "".join(f"echo '== block {number}'\n{block}"
                                           for number, block in enumerate(blocks(page), 1)))
    child = home.spawn("sh", script, cwd=str(project),
                       environment={"PATH": f"{programs}:{home.environment['PATH']}"})
    output = ""
    while child.expect([PROMPT, pexpect.EOF]) == 0:
        output += child.before + child.after
        child.sendline(world.fresh_code())
    output += child.before
    child.close()
    assert child.exitstatus == 0, output


def test_links_between_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert "./scripts/demo" in text and "./scripts/test" in text


def test_every_page_is_linked_from_the_readme():
    linked = re.findall(r"\]\(docs/([^)#]+)", (ROOT / "README.md").read_text())
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
