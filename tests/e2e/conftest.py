"""Fixtures of the end-to-end tests: the real programs against the sandbox, held to what stock clients do.

TOLLGATE_BIN names the folder of the programs (default build/bin). What is not installed makes its tests skip.
"""
import os
import pathlib
import re
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from tests.support import clients, terraform  # noqa: E402
from tests.support.world import Home, World  # noqa: E402


# boto3 in this process must see no more than a client that is started does.
for name in [name for name in os.environ if re.match(r"AWS_|TF_|BOTO_|.*_CA_BUNDLE$|.*_(proxy|PROXY)$", name)]:
    del os.environ[name]
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
# Whoever starts the tests behind a shell or nohup hands them signals that are ignored, and what they start would inherit
# that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_configure(config):
    config.addinivalue_line("markers", "code(text): further Terraform code of the workspace that the test works in")


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "world") as running:
        yield running


@pytest.fixture
def home(tmp_path, world):
    return Home(tmp_path / "home", world)


@pytest.fixture
def make_world(tmp_path):
    """A function: World of its own, changed by a function over the text of world.toml, with a Home."""
    running = []

    def make(change=None, arguments=()):
        folder = tmp_path / f"world{len(running)}"
        running.append(World(folder, change, arguments))
        return running[-1], Home(tmp_path / f"home{len(running)}", running[-1])

    yield make
    for each in running:
        each.stop()


@pytest.fixture
def terraform_program():
    if clients.terraform() is None:
        pytest.skip("terraform: neither terraform nor tofu is installed")
    return clients.terraform()


@pytest.fixture
def aws_provider(terraform_program):
    if clients.provider_mirror() is None:
        pytest.skip("provider: no local mirror holds the AWS provider")
    return clients.provider_mirror()


@pytest.fixture
def aws_cli():
    if clients.aws_cli() is None:
        pytest.skip("aws: the AWS CLI is not installed")
    return clients.aws_cli()


@pytest.fixture
def project(tmp_path, terraform_program, home):
    """A folder with Terraform code that keeps its state in the world's bucket through profile prod."""
    return terraform.backend_project(tmp_path / "project", home)


@pytest.fixture
def provider_project(tmp_path, aws_provider, project, home):
    """Beside it: four provider aliases over two accounts, and the first project's outputs as remote state."""
    return terraform.provider_project(tmp_path / "providers", home)
