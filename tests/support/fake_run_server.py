"""A run server of one run, which answers as its test says: for what the client makes of each answer. It checks nothing;
that the real server gives these answers is shown with the real one."""
import http.server
import json
import threading

SERIAL = "arn:aws:iam::111122223333:mfa/ana"


def gate(**changes):
    """The attribute `mfa` of a run whose apply waits for a code of the viewer's."""
    return {"level": "plans-and-applies", "phase": "apply", "state": "waiting", "gate-id": "gate-1",
            "since": "2026-01-02T03:04:05Z", "deadline": "2099-01-02T03:04:05Z", "by": None, "refusal": None,
            "tries-left": 5, "next-code-in": None,
            "identity": {"kind": "personal", "owner": "ana", "account": "111122223333",
                         "arn": "arn:aws:iam::111122223333:user/ana"},
            "you": {"can": True, "serial": SERIAL, "reason": None}, **changes}


def passed(**changes):
    return gate(state="passed", by={"username": "ana", "at": "2026-01-02T03:05:05Z",
                                    "session-expires-at": "2026-01-02T07:10:05Z"}, **changes)


class FakeRunServer:
    """At http://127.0.0.1:PORT/api/v2/; `environment` lets clients know it as the host runs.example."""

    def __init__(self, folder):
        self.status = "planned"
        self.plan = "finished"
        self.apply = "pending"
        self.mfa = gate()
        self.logs = {"plan": "\x02plan line\n\x03", "apply": "\x02Apply\n\n\napply line\n\x03"}
        self.answers = []   # of authenticate: (status, document or None for the run, called before)
        self.posts = []     # bodies
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/log/"):
                    log = fake.logs[self.path.split("/")[2].split("?")[0]].encode()
                    return self.answer(200, log[int(self.path.rsplit("offset=", 1)[1]):])
                return self.answer(200, json.dumps(fake.document()).encode())

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.posts.append((self.path, body))
                status, document, before = fake.answers.pop(0)
                if before:
                    before()
                return self.answer(status, json.dumps(document or fake.document()).encode())

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        settings = folder / "fake.terraformrc"
        settings.write_text(f'credentials "runs.example" {{\n  token = "t"\n}}\n'
                            f'host "runs.example" {{\n  services = {{ "tfe.v2" = "{self.url}/api/v2/" }}\n}}\n')
        self.environment = {"TF_CLI_CONFIG_FILE": str(settings)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def accept(self):
        self.mfa, self.status, self.apply = passed(), "applied", "finished"

    def will_accept(self):
        self.answers.append((200, None, self.accept))

    def will_refuse(self, status, code="invalid_code", detail="AWS does not accept the code", **meta):
        self.answers.append((status, {"errors": [{"status": str(status), "title": "t", "detail": detail, "code": code,
                                                  "meta": meta}]}, None))

    def codes(self):
        return [body["code"] for _, body in self.posts]

    def document(self):
        phases = [{"id": f"{name}-1", "type": kind, "attributes": {
            "status": status, "log-read-url": f"{self.url}/log/{name}", "resource-additions": 1, "resource-changes": 0,
            "resource-destructions": 0, "resource-imports": 0}}
            for name, kind, status in (("plan", "plans", self.plan), ("apply", "applies", self.apply))]
        return {"data": {"id": "run-1", "type": "runs", "attributes": {
            "status": self.status, "message": "a change", "created-at": "2026-01-02T03:00:00Z", "has-changes": True,
            "status-timestamps": {}, "actions": {"is-confirmable": self.status == "planned"},
            "permissions": {"can-apply": True}, "mfa": self.mfa},
            "relationships": {"workspace": {"data": {"id": "ws-1", "type": "workspaces"}},
                              "created-by": {"data": {"id": "user-1", "type": "users"}},
                              "plan": {"data": {"id": "plan-1", "type": "plans"}},
                              "apply": {"data": {"id": "apply-1", "type": "applies"}}}},
                "included": [{"id": "ws-1", "type": "workspaces", "attributes": {"name": "app"},
                              "relationships": {"organization": {"data": {"id": "acme", "type": "organizations"}}}},
                             {"id": "user-1", "type": "users", "attributes": {"username": "bob"}}, *phases]}
