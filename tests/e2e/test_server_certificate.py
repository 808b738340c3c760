"""`tollgate-server certificate renew`, with openssl and curl as judges."""
import shutil
import signal
import subprocess
import time

import pytest

from tests.support.server import Server
from tests.support.world import programs


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "server") as running:
        yield running


def openssl(*arguments, status=0):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert status in (None, done.returncode), done.stdout + done.stderr
    return done.stdout + done.stderr


def shown(server, trusted):
    """The SHA-256 of the certificate that clients get who trust this file."""
    port = server.host.split(":")[1]
    said = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-verify_return_error",
                   "-verify_hostname", "localhost", "-CAfile", trusted)
    assert "Verify return code: 0 (ok)" in said
    return fingerprint_of(said, server.home / "shown.pem")


def fingerprint_of(text, place):
    place.write_text(text[text.index("-----BEGIN CERTIFICATE"):text.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n")
    return openssl("x509", "-in", place, "-noout", "-fingerprint", "-sha256")


def names(certificate):
    text = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName").splitlines()[1]
    return {name.strip().split(":", 1)[1] for name in text.split(",")}


def reload(server):
    before = len(server.events("worker.ready"))
    server.process.send_signal(signal.SIGHUP)
    for _ in range(600):
        if len(server.events("worker.ready")) > before:
            return
        time.sleep(0.05)
    raise AssertionError(server.log)


def attempt(server, *arguments):
    return subprocess.run([programs() / "tollgate-server", *map(str, arguments)], env=server.terraform_environment(),
                          capture_output=True, text=True)


def renew(server, *more):
    return server.command("certificate", "renew", server.folder, *more)


def test_clients_are_refused_at_no_moment(server, tmp_path):
    tls = server.folder / "tls"
    old = shutil.copy(tls / "ca.pem", tmp_path / "old-ca.pem")
    before, old_names = shown(server, old), names(tls / "server.pem")
    (tls / "of-a-person.txt").write_text("stays")
    said = renew(server)
    assert "kill -HUP" in said and "ca.pem" in said
    # One certificate for the same names, with a key of its own, signed by the new authority.
    assert openssl("verify", "-CAfile", tls / "ca.pem", "-purpose", "sslserver", "-verify_hostname", "localhost", tls / "server.pem").strip().endswith("OK")
    openssl("verify", "-CAfile", old, tls / "server.pem", status=2)
    assert names(tls / "server.pem") == old_names
    assert openssl("x509", "-in", tls / "server.pem", "-noout", "-pubkey") == openssl("pkey", "-in", tls / "server-key.pem", "-pubout")
    assert (tls / "server-key.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tls.iterdir()) == ["ca.pem", "of-a-person.txt", "server-key.pem", "server.pem"]
    assert not (server.folder / "tls.new").exists()
    # Who has the new file trusts the server before and after; who has the old one, before.
    assert shown(server, tls / "ca.pem") == shown(server, old) == before
    reload(server)
    after = shown(server, tls / "ca.pem")
    assert after != before
    port = server.host.split(":")[1]
    openssl("s_client", "-connect", f"127.0.0.1:{port}", "-verify_return_error", "-CAfile", old, status=1)
    # Again: the authority before the last is no longer among those that are trusted.
    renew(server)
    assert (tls / "ca.pem").read_text().count("BEGIN CERTIFICATE") == 2
    reload(server)
    assert shown(server, tls / "ca.pem") not in (before, after)
    assert "unbroken" in server.command("audit", "verify", server.folder)


def test_other_names(server):
    certificate = server.folder / "tls/server.pem"
    renew(server, "--name", "localhost", "--name", "tollgate.example.com", "--name", "192.0.2.7")
    assert names(certificate) == {"localhost", "tollgate.example.com", "192.0.2.7"}
    kept = certificate.read_bytes()
    with open(server.folder / "server.toml") as file:
        url = next(line for line in file if line.startswith("url"))
    assert "localhost" in url
    refused = attempt(server, "certificate", "renew", server.folder, "--name", "elsewhere.example.com")
    assert refused.returncode != 0 and "localhost" in refused.stderr
    assert certificate.read_bytes() == kept and not (server.folder / "tls.new").exists()


def own_certificate(folder, days):
    """A pair by openssl, with its own authority, in `folder`."""
    folder.mkdir(exist_ok=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
            "-subj", "/CN=our authority", "-keyout", folder / "ca-key.pem", "-out", folder / "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
            "-keyout", folder / "server-key.pem", "-out", folder / "request.pem")
    (folder / "extensions").write_text("subjectAltName = DNS:localhost\nbasicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\n")
    openssl("x509", "-req", "-in", folder / "request.pem", "-CA", folder / "ca.pem", "-CAkey", folder / "ca-key.pem",
            "-CAcreateserial", "-days", days, "-extfile", folder / "extensions", "-out", folder / "server.pem")
    (folder / "server-key.pem").chmod(0o600)


@pytest.mark.parametrize("how", ["named by the settings", "put in the place of ours", "put in the place with its authority"])
def test_an_owners_own_certificate_is_left_alone(server, tmp_path, how):
    own_certificate(tmp_path / "own", 300)
    if how == "named by the settings":
        settings = server.folder / "server.toml"
        settings.write_text(settings.read_text().replace("# certificate = ", f'certificate = "{tmp_path}/own/server.pem" # ')
                            .replace("# private_key = ", f'private_key = "{tmp_path}/own/server-key.pem" # '))
    else:
        for name in ("server.pem", "server-key.pem") + (("ca.pem",) if "authority" in how else ()):
            shutil.copy(tmp_path / "own" / name, server.folder / "tls" / name)
    before = {path: path.read_bytes() for folder in (server.folder / "tls", tmp_path / "own") for path in folder.iterdir()}
    refused = attempt(server, "certificate", "renew", server.folder)
    assert refused.returncode != 0
    assert "was not made by init" in refused.stderr and "from whoever signed it" in refused.stderr, refused.stderr
    assert {path: path.read_bytes() for path in before} == before and not (server.folder / "tls.new").exists()


@pytest.mark.parametrize("days,warned", [(29, True), (40, False)])
def test_who_looks_is_warned_in_the_last_thirty_days(server, tmp_path, days, warned):
    own_certificate(tmp_path / "own", days)
    for name in ("server.pem", "server-key.pem", "ca.pem"):
        shutil.copy(tmp_path / "own" / name, server.folder / "tls" / name)
    end = openssl("x509", "-in", server.folder / "tls/server.pem", "-noout", "-enddate", "-dateopt", "iso_8601").strip().split("=")[1]
    said = server.command("config", "check", server.folder)
    assert ("warning: the certificate ends within" in said) == warned
    assert end.split(" ")[0] in said
    reload(server)
    assert bool(server.events("certificate.ends_soon")) == warned
