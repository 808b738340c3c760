"""The scripts that decide whether a change is good: they have to be able to say no."""
import hashlib
import subprocess

import pytest

from tests.support import releases
from tests.support.world import ROOT


def check_includes(tmp_path, files):
    for name, text in files.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([ROOT / "scripts/check-includes", tmp_path], capture_output=True, text=True)


@pytest.mark.parametrize("name, line, rule", [
    ("common/base/a.h", '#include "aws/b.h"', "common/base -> aws"),
    ("aws/a.h", '#include "common/os/b.h"', "aws -> common/os"),
    ("aws/a.h", '#include "common/http/b.h"', "aws -> common/http"),
    ("broker/mfa/a.h", '#include "broker/vault/b.h"', "broker/mfa -> broker/vault"),
    ("broker/deliver/a.h", '#include "sandbox/b.h"', "broker/deliver -> sandbox"),
    ("broker/deliver/a.h", '#include "common/net/curl/b.h"', "broker/deliver -> common/net/curl"),
    ("sandbox/a.h", '#include "broker/mfa/b.h"', "sandbox -> broker/mfa"),
    ("nowhere/a.h", "", "no row of the table"),
    ("aws/a.cpp", "#include <boost/json.hpp>", "only in common/json"),
    ("aws/a.cpp", "#include <curl/curl.h>", "only in common/net/curl"),
    ("sandbox/a.cpp", "#include <boost/asio.hpp>", "only in common/http"),
    ("broker/mfa/a.cpp", "#include <CLI/CLI.hpp>", "only in command lines"),
    ("aws/a.cpp", "#include <regex>", "not in this code"),
    ("aws/a.cpp", "auto f() { co_return; }", "only in common/http"),
    ("common/http/a.cpp", "auto f() { co_await g([k] { return k; }); }", "a lambda inside"),
    ("common/http/a.cpp", "auto f() { co_await g(P{1, 2}); }", "braces inside"),
    ("common/http/a.cpp", "auto f() { auto x = a ? co_await b : c; }", "conditional expression"),
])
def test_forbidden_lines_are_found(tmp_path, name, line, rule):
    files = {name: line + "\n"}
    if '#include "' in line:
        files[line.split('"')[1]] = ""
    result = check_includes(tmp_path, files)
    assert result.returncode == 1
    assert result.stdout.startswith(f"src/{name}:1: ")
    assert rule in result.stdout


def test_allowed_lines_pass(tmp_path):
    result = check_includes(tmp_path, {
        "common/base/a.h": "#include <string>\n",
        "common/http/a.cpp": '#include <boost/asio.hpp>\n#include "common/base/a.h"\n'
                             "auto f() { if (x) { co_await g(y); } co_return; }  // co_await g({1})\n",
        "broker/cli/a.cpp": '#include <CLI/CLI.hpp>\n#include "common/base/a.h"\nauto text = "co_await";\n'})
    assert result.returncode == 0, result.stdout


def test_forbidden_links_are_found(tmp_path):
    result = check_includes(tmp_path, {"aws/CMakeLists.txt": "tollgate_library(x y)\n",
                                       "sandbox/CMakeLists.txt": "tollgate_library(y x)\n"})
    assert result.returncode == 1
    assert result.stdout == "src/aws/CMakeLists.txt:1: aws -> sandbox by linking y (no such arrow)\n"


GTEST = """<testsuites><testsuite name="S">
<testcase name="good" status="run" result="completed" classname="S"/>
<testcase name="off" status="notrun" result="suppressed" classname="S"/>
<testcase name="absent" status="run" result="skipped" classname="S"><skipped message="no data"/></testcase>
{}</testsuite></testsuites>"""
FAILURE = '<testcase name="bad" status="run" result="completed" classname="S"><failure message="1 != 2"/></testcase>'
CTEST = '<testsuite><testcase name="unit/aws" status="fail"><failure message=""/></testcase></testsuite>'
PYTEST = ('<testsuites><testsuite><testcase classname="t" name="a"/><testcase classname="t" name="b">'
          '<skipped message="no terraform"/></testcase></testsuite></testsuites>')


def tally(folder, *options):
    result = subprocess.run([ROOT / "scripts/tally", folder, *options], capture_output=True, text=True)
    return result.returncode, result.stdout.splitlines()[-1]


def test_tally_counts_cases_and_checks(tmp_path):
    (tmp_path / "1-unit.gtest").mkdir()
    (tmp_path / "1-unit.gtest/unit_aws.xml").write_text(GTEST.format(""))
    (tmp_path / "2-e2e.pytest.xml").write_text(PYTEST)
    (tmp_path / "3-lint.lines").write_text("passed\tshellcheck\n")
    assert tally(tmp_path) == (0, "3 passed, 0 failed, 2 skipped")
    assert tally(tmp_path, "--nothing-skipped") == (1, "3 passed, 1 failed, 1 skipped")


def test_tally_sees_failures_and_programs_that_died(tmp_path):
    (tmp_path / "1-unit.gtest").mkdir()
    report = tmp_path / "1-unit.gtest/unit_aws.xml"
    report.write_text(GTEST.format(FAILURE))
    (tmp_path / "1-unit.ctest.xml").write_text(CTEST)
    assert tally(tmp_path) == (1, "1 passed, 1 failed, 1 skipped")
    report.write_text(GTEST.format(""))  # all cases good, and yet the program failed: a leak, found at its end
    assert tally(tmp_path) == (1, "1 passed, 1 failed, 1 skipped")
    report.unlink()
    assert tally(tmp_path) == (1, "0 passed, 1 failed, 0 skipped")


def test_tally_of_nothing_is_a_failure(tmp_path):
    assert tally(tmp_path) == (1, "0 passed, 0 failed, 0 skipped")


@pytest.mark.parametrize("tampered", [False, True])
def test_release_is_kept_only_with_its_checksum(tampered):
    archive = b"an archive"
    sums = f"{hashlib.sha256(archive).hexdigest()}  thing_1.0.0_linux_{{}}.zip\n"

    def read(address):
        if address.endswith("SHA256SUMS"):
            return (sums.format("amd64") + sums.format("arm64")).encode()
        return archive + (b"!" if tampered else b"")

    if tampered:
        with pytest.raises(ValueError, match="checksum"):
            releases.verified_archive("thing", "1.0.0", "https://example.invalid/thing_{version}_", read)
    else:
        assert releases.verified_archive("thing", "1.0.0", "https://example.invalid/thing_{version}_", read) == archive


def test_the_demo_holds(terraform_program):
    """What scripts/demo runs when all is built. It asks nobody and needs no terminal."""
    done = subprocess.run(["/usr/bin/python3", ROOT / "scripts/demo-session"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
                          start_new_session=True)
    assert done.returncode == 0 and done.stdout.endswith("demo: everything held\n"), done.stdout


def test_setup_has_nothing_to_do_here(aws_provider):
    """Whoever runs this has run it; where all is there, Terraform and provider included, it must be silent."""
    result = subprocess.run([ROOT / "scripts/setup", "--quiet"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")
