"""What a hostile configuration would look for on the host of a run server. Only reads and connects; prints one line a
probe, `blocked NAME` or `SUCCEEDED NAME`.

Usage: server_probes.py SERVER_FOLDER SERVER_PID PORT TOP CANARY...   (TOP: files below it are searched)
"""
import glob
import os
import socket
import sys

FOLDER, PID, PORT, TOP = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
# Turned around on the command line, so that this process is no hit of its own.
CANARIES = [canary[::-1].encode() for canary in sys.argv[5:]]


def read(path):
    with open(path, "rb") as file:
        return file.read(1 << 20)


def found(path):
    names = glob.glob(path)
    if not names:
        raise FileNotFoundError(path)
    return names


def search(paths):
    """Any canary in any of these files."""
    for path in paths:
        try:
            if os.path.isfile(path) and any(canary in read(path) for canary in CANARIES):
                return
        except OSError:
            pass
    raise FileNotFoundError("no canary")


def everything():
    for top, folders, files in os.walk(TOP):
        if top == "/":
            folders[:] = [name for name in folders if name not in ("usr", "proc", "sys", "lib", "lib64", "bin", "sbin")]
        for name in files:
            yield os.path.join(top, name)


def processes(name):
    return (f"/proc/{pid}/{name}" for pid in os.listdir("/proc") if pid.isdigit() and pid not in ("self", str(os.getpid())))


def connect(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(address)


probes = {"read " + name: lambda name=name: read(f"{FOLDER}/{name}") for name in (
    "server.toml", "master.key", "tls/server-key.pem", "tls/ca.pem", "data/tollgate.db", "data/tollgate.db-wal")}
probes |= {"list " + name: lambda name=name: found(f"{FOLDER}/{name}") for name in (
    "", "data/spool/*", "data/spool/*/work", "data/spool/*/control", "data/blobs", "data/logs", "data/schemas")}
probes |= {
    "other runs' secrets in memory": lambda: found("/dev/shm/tollgate-*"),
    "environment of the server": lambda: read(f"/proc/{PID}/environ"),
    "command line of the server": lambda: read(f"/proc/{PID}/cmdline"),
    "memory of the server": lambda: read(f"/proc/{PID}/mem"),
    "descriptors of the server": lambda: os.listdir(f"/proc/{PID}/fd"),
    "root of the server": lambda: os.listdir(f"/proc/{PID}/root/"),
    "canaries in environments": lambda: search(processes("environ")),
    "canaries in command lines": lambda: search(processes("cmdline")),
    "canaries in files": lambda: search(everything()),
    "API by 127.0.0.1": lambda: connect(("127.0.0.1", PORT)),
    "API by ::1": lambda: connect(("::1", PORT), socket.AF_INET6),
    "API by 10.0.2.2": lambda: connect(("10.0.2.2", PORT)),
    "metadata": lambda: connect(("169.254.169.254", 80)),
}
for label, probe in probes.items():
    try:
        probe()
        print("SUCCEEDED", label)
    except (OSError, ValueError) as error:
        print("blocked", label, type(error).__name__)
