"""What a cached answer costs, counted in system calls and mapped libraries: figures that no machine's speed changes."""
import collections
import re
import shutil
import subprocess

import pytest

from tests.support.world import programs


@pytest.fixture
def traced(home, tmp_path):
    """System calls of one cached credential-process, after its own execve."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    home.login()
    trace = tmp_path / "trace"
    result = home.run("strace", "-f", "-o", trace, programs() / "tollgate", "credential-process", "--profile", "prod")
    assert result.returncode == 0, result.stderr
    lines = [line for line in trace.read_text().splitlines() if re.match(r"\d+ +\w+\(", line)]
    assert "execve(" in lines[0]
    return [re.sub(r"^\d+ +", "", line) for line in lines[1:]]


def test_cached_answer_connects_to_nothing(traced):
    assert not [line for line in traced if line.startswith(("connect(", "socket(", "sendto("))]


def test_cached_answer_starts_nothing(traced):
    assert not [line for line in traced if re.match(r"(clone3?|v?fork|execve)\(", line)]


def test_cached_answer_maps_no_library(traced):
    opened = " ".join(line for line in traced if line.startswith(("open", "mmap")))
    assert not re.search(r"lib(ssl|crypto|curl)|\.so\b", opened)


def test_cached_answer_takes_at_most_40_system_calls(traced):
    counted = collections.Counter(line.split("(")[0] for line in traced)
    assert sum(counted.values()) <= 40, dict(counted)


def test_cached_answer_syncs_nothing(traced):
    assert not [line for line in traced if re.match(r"f(data)?sync\(", line)]


def test_program_is_static():
    described = subprocess.run(["ldd", programs() / "tollgate"], capture_output=True, text=True)
    assert "statically linked" in described.stdout + described.stderr or "not a dynamic" in described.stderr


def test_program_holds_neither_openssl_nor_libcurl():
    content = (programs() / "tollgate").read_bytes()
    assert b"OpenSSL 3." not in content and b"libcurl/" not in content
