"""Where the independent clients lie: Terraform or OpenTofu, the AWS provider, the AWS CLI, oathtool.

The one place that knows default locations. Nothing here starts a download.
"""
import functools
import os
import pathlib
import re
import shutil
import subprocess

# The S3 backend's use_lockfile came with these.
OLDEST_TERRAFORM = (1, 10)
PROVIDER = pathlib.Path("registry.terraform.io/hashicorp/aws")


def data_folder():
    """What scripts/setup fetched; outlives a checkout."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local/share")
    return pathlib.Path(base) / "tollgate"


def program(name):
    return shutil.which(name)


@functools.lru_cache
def _version(path):
    try:
        # Its own configuration file, since one that is named and absent is a warning in the middle of the answer.
        environment = dict(os.environ, TF_CLI_CONFIG_FILE=os.devnull, CHECKPOINT_DISABLE="1")
        text = subprocess.run([path, "version"], capture_output=True, text=True, timeout=60, env=environment,
                              stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v(\d+)\.(\d+)", text)
    return tuple(map(int, match.groups())) if match else None


def terraform():
    """TOLLGATE_TERRAFORM, else the first terraform, else tofu, on PATH or fetched, that is new enough; or None."""
    named = os.environ.get("TOLLGATE_TERRAFORM")
    if named:
        return named
    for name in ("terraform", "tofu"):
        for candidate in (shutil.which(name), data_folder() / "bin" / name):
            if candidate and os.access(candidate, os.X_OK):
                version = _version(str(candidate))
                if version and version >= OLDEST_TERRAFORM:
                    return str(candidate)
    return None


def provider_mirror():
    """A filesystem mirror that holds the AWS provider: TOLLGATE_PROVIDER_MIRROR, else the usual places; or None."""
    named = os.environ.get("TOLLGATE_PROVIDER_MIRROR")
    usual = [
        data_folder() / "providers",
        pathlib.Path.home() / ".terraform.d/plugins",
        pathlib.Path("/usr/local/share/terraform/plugins"),
        pathlib.Path("/usr/share/terraform/plugins"),
        pathlib.Path("/opt/tf-plugins"),
    ]
    for root in [pathlib.Path(named)] if named else usual:
        if next((root / PROVIDER).glob("*/*/terraform-provider-aws*"), None) or next(
                (root / PROVIDER).glob("terraform-provider-aws*.zip"), None):
            return str(root)
    return None


def provider_version(mirror):
    """The newest version in the mirror, as '5.100.0'."""
    folder = pathlib.Path(mirror) / PROVIDER
    found = [entry.name for entry in folder.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", entry.name)]
    found += re.findall(r"terraform-provider-aws_(\d+\.\d+\.\d+)_", " ".join(e.name for e in folder.iterdir()))
    return max(found, key=lambda version: tuple(map(int, version.split("."))))


def aws_cli():
    """TOLLGATE_AWS_CLI, else Debian's, else the one on PATH; or None."""
    named = os.environ.get("TOLLGATE_AWS_CLI")
    if named:
        return named
    return "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")


def write_terraform_settings(path):
    """A TF_CLI_CONFIG_FILE that takes the AWS provider from the mirror, or from nowhere."""
    mirror = provider_mirror()
    text = "disable_checkpoint = true\n"
    if mirror:
        text += f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    pathlib.Path(path).write_text(text)
