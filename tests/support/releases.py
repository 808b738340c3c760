"""Fetches Terraform, else OpenTofu, from the official releases, and the AWS provider through Terraform itself.

An archive is kept only if its SHA-256 stands in the release's own list. Every failure is a message, never an exception:
what is missing makes tests skip, it does not stop a build.
"""
import hashlib
import io
import os
import pathlib
import platform
import subprocess
import tempfile
import urllib.request
import zipfile

from tests.support import clients

TERRAFORM = "1.11.4"
TOFU = "1.10.6"
PROVIDER_VERSION = "5.100.0"
SOURCES = (
    ("terraform", TERRAFORM, "https://releases.hashicorp.com/terraform/{version}/terraform_{version}_"),
    ("tofu", TOFU, "https://github.com/opentofu/opentofu/releases/download/v{version}/tofu_{version}_"),
)


def say(text):
    print(f"setup: {text}", flush=True)


def _read(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()


def verified_archive(name, version, prefix, read=_read):
    """The release's zip archive as bytes. Raises ValueError where its checksum is not in the release's list."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    prefix = prefix.format(version=version)
    archive_name = f"{name}_{version}_linux_{machine}.zip"
    sums = dict(reversed(line.split()) for line in read(prefix + "SHA256SUMS").decode().splitlines() if line.strip())
    archive = read(f"{prefix}linux_{machine}.zip")
    if hashlib.sha256(archive).hexdigest() != sums.get(archive_name):
        raise ValueError(f"{archive_name} does not have the checksum that the release lists")
    return archive


def fetch_terraform():
    """True if a program was put into the data folder."""
    target = clients.data_folder() / "bin"
    for name, version, prefix in SOURCES:
        say(f"no terraform or tofu {'.'.join(map(str, clients.OLDEST_TERRAFORM))} or newer on PATH; "
            f"fetching {name} {version} into {target}")
        try:
            archive = verified_archive(name, version, prefix)
            target.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(io.BytesIO(archive)) as content:
                unfinished = target / f".{name}.{os.getpid()}"
                unfinished.write_bytes(content.read(name))
            unfinished.chmod(0o755)
            unfinished.rename(target / name)
            return True
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            say(f"could not fetch {name}: {error}")
    say("go on without Terraform; the tests that need it are skipped. Put terraform or tofu on PATH to run them")
    return False


def fetch_provider(terraform):
    """True if the AWS provider was mirrored into the data folder. Terraform checks the registry's signatures."""
    target = clients.data_folder() / "providers"
    say(f"no local mirror holds the AWS provider; fetching {PROVIDER_VERSION} into {target}")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "main.tf").write_text(
            'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n'
            f'      version = "{PROVIDER_VERSION}"\n    }}\n  }}\n}}\n')
        environment = dict(os.environ, TF_CLI_CONFIG_FILE=os.devnull, CHECKPOINT_DISABLE="1",
                           TF_REGISTRY_DISCOVERY_RETRY="0", TF_REGISTRY_CLIENT_TIMEOUT="10")
        try:
            done = subprocess.run([terraform, "providers", "mirror", str(target)], cwd=folder, env=environment,
                                  capture_output=True, text=True, timeout=600)
        except (OSError, subprocess.TimeoutExpired) as error:
            say(f"could not fetch the AWS provider: {error}")
            return False
    if done.returncode != 0:
        reason = next((line.strip(" │") for line in done.stderr.splitlines() if "rror" in line), "terraform failed")
        say(f"could not fetch the AWS provider ({reason}); the tests that need it are skipped. "
            "Name a filesystem mirror in TOLLGATE_PROVIDER_MIRROR to run them")
        return False
    return True
