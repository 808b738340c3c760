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
