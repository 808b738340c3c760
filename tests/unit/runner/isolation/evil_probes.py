"""What a hostile configuration would try, run inside the sandbox: prints one line a probe, `blocked NAME` or `SUCCEEDED NAME`.

Usage: evil_probes.py MODE CANARY_PATH HOST_PID HOST_PORT   (MODE: none or internet)
"""
import ctypes
import errno
import os
import socket
import sys

MODE, CANARY, HOST_PID, HOST_PORT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
libc = ctypes.CDLL(None, use_errno=True)
WORK = os.path.dirname(os.path.abspath(__file__))  # the run's own directory, where this file lies
NUMBERS = {"ptrace": 101, "mount": 165, "umount2": 166, "pivot_root": 155, "setns": 308, "unshare": 272, "bpf": 321, "chroot": 161,
           "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "kexec_load": 246, "init_module": 175,
           "finit_module": 313, "delete_module": 176, "clone3": 435, "add_key": 248, "request_key": 249, "keyctl": 250,
           "process_vm_readv": 310, "process_vm_writev": 311, "open_by_handle_at": 304, "name_to_handle_at": 303,
           "fsopen": 430, "open_tree": 428, "move_mount": 429, "pidfd_getfd": 438, "reboot": 169, "swapon": 167,
           "sethostname": 170, "settimeofday": 164, "syslog": 103, "acct": 163, "quotactl": 179, "iopl": 172, "fanotify_init": 300,
           "modify_ldt": 154, "kcmp": 312}


def call(name, *arguments):
    ctypes.set_errno(0)
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(NUMBERS[name]), *words) < 0:
        raise OSError(ctypes.get_errno(), name)


def read(path):
    with open(path, "rb") as file:
        return file.read(64)


def write(path):
    # Opening is the proof; nothing is written, lest a hole in the sandbox changes the machine of the tests.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def must_see(path):
    if not os.path.exists(path):
        raise OSError(errno.ENOENT, path)


def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        client.connect(address)


def open_socket(family, kind):
    socket.socket(family, kind).close()


def ioctl(request, argument):
    master, terminal = os.openpty()
    try:
        if libc.ioctl(terminal, ctypes.c_ulong(request), argument) < 0:
            raise OSError(ctypes.get_errno() or 1, "ioctl")
    finally:
        os.close(master)
        os.close(terminal)


def other_environment():
    # Whoever is there besides us and our own shell must have nothing to tell.
    if not read("/proc/1/environ").strip(b"\0"):
        raise OSError(errno.ENOENT, "empty")


def foreign_process():
    mine = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    if HOST_PID not in mine or os.path.realpath(f"/proc/{HOST_PID}/exe").endswith("unit_runner_isolation") is False:
        raise OSError(errno.ESRCH, "not here")


def capability():
    status = open("/proc/self/status").read()
    values = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapBnd", "CapAmb"))]
    if not any(values):
        raise OSError(errno.EPERM, "no capabilities")


def set_id():
    path = os.path.join(WORK, "setid")
    with open(path, "w") as file:
        file.write("x")
    mounts = open("/proc/self/mountinfo").read().splitlines()
    if all("nosuid" in line.split()[5] for line in mounts if line.split()[4] in ("/", "/usr", WORK, "/tmp")):
        raise OSError(errno.EPERM, "nosuid")


def device_node():
    os.mknod(os.path.join(WORK, "mem"), 0o020666, os.makedev(1, 1))


def clone_user():
    call("clone3", ctypes.create_string_buffer(88), 88)


def old_clone_user():
    pid = libc.syscall(ctypes.c_long(56), ctypes.c_long(0x10000000 | 17), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone")


probes = {}
for file in ("/etc/shadow", "/root/.ssh/id_rsa", "/root/.bashrc", "/root/.aws/credentials", CANARY, "/etc/machine-id", "/etc/hostname",
             "/proc/kcore", "/proc/1/mem", "/dev/mem", "/dev/kmsg", "/proc/kmsg", "/dev/fuse", "/dev/net/tun", "/proc/sysrq-trigger",
             f"/proc/1/root{CANARY}", f"/proc/1/cwd/../..{CANARY}", f"/proc/self/root/..{CANARY}"):
    probes[f"read {file.replace(CANARY, 'CANARY')}"] = lambda file=file: read(file)
for file in ("/usr/evil", "/etc/evil", "/evil", "/usr/bin/env", "/etc/passwd", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
             "/dev/evil", "/var/evil", "/etc/ssl/certs/evil.pem", "/proc/sysrq-trigger"):
    probes[f"write {file}"] = lambda file=file: write(file)
for path in ("/sys/kernel", "/sys/fs/cgroup", "/var/run/docker.sock", "/run/podman", "/run/dbus", "/run/systemd", "/home", "/root", "/var/lib",
             "/var/log", "/boot", "/mnt", "/opt", "/run/user"):
    if path != "/home":
        probes[f"see {path}"] = lambda path=path: must_see(path)
for name, arguments in {"ptrace": (16, 1, 0, 0), "mount": (b"x", b"/tmp", b"tmpfs", 0, 0), "umount2": (WORK.encode(), 2),
                        "pivot_root": (b"/tmp", b"/tmp"), "setns": (0, 0), "unshare": (0x10000000,), "chroot": (b"/tmp",),
                        "bpf": (0, 0, 0), "perf_event_open": (0, 0, -1, -1, 0), "userfaultfd": (1,), "io_uring_setup": (1, 0),
                        "kexec_load": (0, 0, 0, 0), "init_module": (0, 0, b""), "finit_module": (0, b"", 0), "delete_module": (b"x", 0),
                        "add_key": (b"user", b"x", b"y", 1, -3), "request_key": (b"user", b"x", 0, 0), "keyctl": (0, -3, 1),
                        "process_vm_readv": (1, 0, 0, 0, 0, 0), "process_vm_writev": (1, 0, 0, 0, 0, 0), "open_by_handle_at": (0, 0, 0),
                        "name_to_handle_at": (-100, b"/", 0, 0, 0), "fsopen": (b"tmpfs", 0), "open_tree": (-100, b"/", 1),
                        "move_mount": (-1, b"", -1, b"", 0), "pidfd_getfd": (0, 0, 0), "reboot": (0, 0, 0, 0), "swapon": (b"/tmp", 0),
                        "sethostname": (b"x", 1), "settimeofday": (0, 0), "syslog": (10, 0, 0), "acct": (0,), "quotactl": (0, 0, 0, 0),
                        "iopl": (3,), "fanotify_init": (0, 0), "modify_ldt": (0, 0, 0), "kcmp": (1, 1, 0, 0, 0)}.items():
    probes[f"call {name}"] = lambda name=name, arguments=arguments: call(name, *arguments)
probes |= {
    "environment of pid 1": other_environment, "see a host process": foreign_process, "signal a host process": lambda: os.kill(HOST_PID, 0) if HOST_PID > 300 else call("reboot", 0),
    "any capability": capability, "set-user-id": set_id, "device node": device_node, "clone3": clone_user, "clone(NEWUSER)": old_clone_user,
    "become root again": lambda: os.setgroups([0]), "TIOCSTI": lambda: ioctl(0x5412, b"x"),
    "netlink socket": lambda: open_socket(16, socket.SOCK_RAW), "packet socket": lambda: open_socket(17, socket.SOCK_RAW),
    "vsock socket": lambda: open_socket(40, socket.SOCK_STREAM), "raw socket": lambda: open_socket(socket.AF_INET, socket.SOCK_RAW),
    "alg socket": lambda: open_socket(38, socket.SOCK_SEQPACKET),
    "host abstract socket": lambda: connect(socket.AF_UNIX, f"\0tollgate-probe-{HOST_PORT}"),
    "host loopback": lambda: connect(socket.AF_INET, ("127.0.0.1", HOST_PORT)),
    "host loopback by slirp": lambda: connect(socket.AF_INET, ("10.0.2.2", HOST_PORT)),
    "host loopback by 0.0.0.0": lambda: connect(socket.AF_INET, ("0.0.0.0", HOST_PORT)),
}
for address in ("169.254.169.254", "169.254.170.2", "169.254.170.23", "10.0.0.1", "10.1.2.3", "172.16.0.1", "172.17.0.1", "192.168.0.1",
                "192.168.1.1", "100.64.0.1"):
    probes[f"connect {address}"] = lambda address=address: connect(socket.AF_INET, (address, 80))
for address in ("fd00:ec2::254", "fe80::1", "::ffff:169.254.169.254"):
    probes[f"connect {address}"] = lambda address=address: connect(socket.AF_INET6, (address, 80))

for name, probe in probes.items():
    try:
        probe()
        print("SUCCEEDED", name)
    except (OSError, ValueError) as error:
        print("blocked", name, errno.errorcode.get(getattr(error, "errno", 0) or 0, type(error).__name__))
