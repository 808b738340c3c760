"""Debian's Chromium, told what to do from Python: one process of driver.mjs for one browser with a profile of its own."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def executable():
    for name in ("chromium-headless-shell", "chromium"):
        if shutil.which(name):
            return shutil.which(name)
    return None


def target(what, **more):
    """"css:..." is a selector, "role:button/Name" a role with its name, "label:..." a field's label, all else a text."""
    if what.startswith("css:"):
        return {"css": what[4:], **more}
    if what.startswith("label:"):
        return {"label": what[6:], "exact": True, **more}
    if what.startswith("role:"):
        role, _, name = what[5:].partition("/")
        return {"role": role, **({"name": name} if name else {}), **more}
    return {"text": what, **more}


class Browser:
    def __init__(self, base, **options):
        """`options` as in Playwright's newContext: viewport, colorScheme, extraHTTPHeaders..."""
        self.profile = tempfile.mkdtemp(prefix="tollgate-browser-")
        setting = {"executable": executable(), "profile": self.profile, "base": base,
                   "options": {"viewport": {"width": 1280, "height": 800}, **options}}
        environment = {"PATH": os.environ["PATH"], "HOME": self.profile, "LANG": "C.UTF-8", "TZ": "UTC"}
        self.base = base
        self.process = subprocess.Popen(["node", ROOT / "tests/web/driver.mjs", json.dumps(setting)], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _answer(self):
        line = self.process.stdout.readline()
        assert line, "the browser did not start or has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def tell(self, operation, **arguments):
        self.process.stdin.write(json.dumps({"operation": operation, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def goto(self, path):
        self.tell("goto", path=path)

    def click(self, what, **more):
        self.tell("click", target=target(what, **more))

    def fill(self, what, value, **more):
        self.tell("fill", target=target(what, **more), value=value)

    def press(self, *keys):
        self.tell("press", keys=list(keys))

    def see(self, what, seconds=180, **more):
        self.tell("see", target=target(what, **more), seconds=seconds)

    def gone(self, what, seconds=180, **more):
        self.tell("gone", target=target(what, **more), seconds=seconds)

    def count(self, what, **more):
        return self.tell("count", target=target(what, **more))

    def text(self, what, **more):
        return self.tell("text", target=target(what, **more))

    def evaluate(self, script):
        return self.tell("evaluate", script=script)

    def shot(self, path, full=False):
        self.tell("shot", path=str(path), full=full)

    def picture(self, name):
        """What is to be seen now as docs/img/NAME.png, where scripts/web asks for pictures."""
        folder = os.environ.get("TOLLGATE_PICTURES")
        if folder:
            self.shot(pathlib.Path(folder) / f"{name}.png")

    def axe(self):
        return self.tell("axe")

    def seen(self):
        return self.tell("seen")
