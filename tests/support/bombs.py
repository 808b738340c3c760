"""What a hostile or broken configuration does to use a machine up, run by a provisioner. Usage: bombs.py KIND MARK
(MARK: by which a test finds every process of it). Each is bounded, lest a hole in the sandbox takes the machine down."""
import os
import signal
import sys
import time


def fork():
    """Every process forks on, until it has been refused often."""
    refused = 0
    while refused < 100:
        try:
            os.fork()
        except OSError:
            refused += 1
            time.sleep(0.01)
    sys.exit(1)


def memory():
    blocks = [bytearray(b"x") * (16 << 20) for _ in range(1024)]
    sys.exit(len(blocks))


def disk():
    for number in range(10240):
        with open(f"big-{number % 1000}", "ab") as file:
            file.write(bytes(1 << 20))
    sys.exit(1)


def one_file():
    with open("one-file", "wb") as file:
        for _ in range(10240):
            file.write(bytes(1 << 20))
    sys.exit(1)


def inodes():
    for number in range(1_000_000):
        with open(f"small-{number}", "wb") as file:
            file.write(b"x")
    sys.exit(1)


def depth():
    for _ in range(400):
        os.mkdir("d")
        os.chdir("d")
    time.sleep(20)
    sys.exit(1)


def descriptors():
    held = []
    try:
        while len(held) < 200_000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        # The last ones are needed to say so.
        for number in held[-8:]:
            os.close(number)
        print(f"refused after {len(held)}: {error}", flush=True)
    sys.exit(1)


def flood():
    line = "flood " + 200 * "." + "\n"
    for _ in range(8_000):
        sys.stdout.write(line)


def stdin():
    print(f"stdin ended after {len(sys.stdin.read())} bytes", flush=True)


def spin():
    print("turning", flush=True)
    end = time.monotonic() + 600
    while time.monotonic() < end:
        pass


def leave_behind(seconds):
    """A process of its own session that hears no signal."""
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(seconds)
        os._exit(0)


def daemon():
    print("leaving a daemon behind", flush=True)
    nowhere = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    leave_behind(600)


def holder():
    """Holds the pipe to terraform open, which waits for its end however long ago its own child has ended."""
    leave_behind(600)
    print("holding", flush=True)


def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    print("deaf", flush=True)
    time.sleep(600)


globals()[sys.argv[1]]()
