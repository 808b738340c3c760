"""Looks for secrets where they must not be: in files, in environments and command lines of processes, in texts. Each secret
in every form that somebody could read: raw, base64 in its three alignments, hexadecimal, percent-encoded, UTF-16."""
import base64
import os
import pathlib
import re
import urllib.parse


def forms(secret):
    """The bytes to look for. Of a short secret only itself: a few letters of base64 are found everywhere."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    found = {raw, urllib.parse.quote_from_bytes(raw, safe="").encode(), raw.decode("latin-1").encode("utf-16-le"),
             raw.hex().encode(), raw.hex().upper().encode()}
    for skipped in range(3):
        # What does not depend on what stands before and behind.
        text = base64.b64encode(bytes(skipped) + raw)[4 if skipped else 0:]
        text = text.rstrip(b"=")[:-1]
        found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    return {form for form in found if len(form) >= 8}


class Hunt:
    def __init__(self, secrets):
        """`secrets`: what each is called, and itself."""
        self.forms = {name: forms(secret) for name, secret in secrets.items()}
        self.looked_at = 0
        self.hits = []

    def text(self, place, content, names=None):
        content = content if isinstance(content, bytes) else content.encode()
        self.looked_at += len(content)
        for name in names or self.forms:
            if any(form in content for form in self.forms[name]):
                self.hits.append((name, str(place)))

    def files(self, top, but=(), names=None):
        """How many there were. `but`: files and folders that are left out."""
        count = 0
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if pathlib.Path(folder, name) not in but]
            for name in files:
                path = pathlib.Path(folder, name)
                if path in but:
                    continue
                try:
                    self.text(path, path.read_bytes(), names)
                    count += 1
                except OSError:
                    pass  # a socket, or gone meanwhile
        return count

    def processes(self, names=None):
        """Environments and command lines of whoever shares our process namespace; how many there were. A run's own programs
        have another, and are meant to have their variables."""
        count = 0
        ours = os.readlink("/proc/self/ns/pid")
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if not entry.name.isdigit() or os.readlink(entry / "ns/pid") != ours:
                    continue
                for file in ("environ", "cmdline"):
                    self.text(entry / file, (entry / file).read_bytes(), names)
                count += 1
            except OSError:
                pass
        return count


def holds_code(text, code):
    """Whether six digits stand there by themselves, and not in a longer number or a hash."""
    text = text if isinstance(text, bytes) else text.encode()
    return re.search(rb"(?<![0-9A-Za-z])" + code.encode() + rb"(?![0-9A-Za-z])", text) is not None
