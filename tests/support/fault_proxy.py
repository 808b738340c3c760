"""An HTTP proxy between stock terraform and a tollgate-server, which refuses what it is told to refuse. For terraform it
is the server itself: plain HTTP on loopback, with the addresses in the server's answers turned into its own."""
import collections
import http.client
import http.server
import re
import ssl
import threading

# What the server says of itself in every answer, refusals included; clients look for it.
ALWAYS = {"Content-Type": "application/vnd.api+json", "TFP-API-Version": "2.6", "TFP-AppName": "Terraform Enterprise",
          "X-TFE-Version": "v202501-1"}
Fault = collections.namedtuple("Fault", "status headers body")
TOO_MANY = Fault(429, {"X-RateLimit-Reset": "0.1"},
                 b'{"errors":[{"status":"429","title":"too many requests"}]}')
UNAVAILABLE = Fault(503, {}, b'{"errors":[{"status":"503","title":"service unavailable"}]}')


class FaultProxy:
    def __init__(self, server, fault_of=lambda method, route, count: None):
        """`fault_of`: the Fault that answers the request in place of the server, or None. `route` is the path without
        query, ids as `*`; `count` how often it was asked for before."""
        self.server = server
        self.fault_of = fault_of
        self.seen = []  # (method, route, status)
        self.lock = threading.Lock()
        self.context = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.answer(*proxy.exchange(self.command, self.path, body, self.headers))

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = forward

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.listener.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.listener.server_port}"
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()

    def settings(self, host):
        """Lines of Terraform's settings by which `host` is this proxy, without discovery or TLS."""
        services = "\n".join(f'    "{name}" = "{self.url}/api/v2/"' for name in ("tfe.v2", "tfe.v2.1", "state.v2"))
        return (f'host "{host}" {{\n  services = {{\n{services}\n  }}\n}}\n'
                f'credentials "{host}" {{\n  token = "{self.server.token}"\n}}\n')

    def exchange(self, method, path, body, headers):
        route = re.sub(r"\b(ws|run|plan|apply|cv|sv|wsout|prj|org)-[0-9A-Za-z]{16}\b", "*", path.split("?")[0])
        route = re.sub(r"(/signed/[a-z-]+/).*", r"\1*", route)
        with self.lock:
            count = sum(1 for asked in self.seen if asked[:2] == (method, route))
            fault = self.fault_of(method, route, count)
            self.seen.append((method, route, fault.status if fault else None))
        if fault:
            return fault.status, {**ALWAYS, **fault.headers}, fault.body
        host, port = self.server.host.split(":")
        connection = http.client.HTTPSConnection(host, int(port), context=self.context, timeout=60)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection",
                                                                                            "accept-encoding")}
            connection.request(method, path, body or None, kept)
            answer = connection.getresponse()
            content = answer.read().replace(self.server.url.encode(), self.url.encode())
            return answer.status, dict(answer.getheaders()), content
        finally:
            connection.close()

    def refused(self):
        """(method, route, status) of what was refused."""
        with self.lock:
            return [asked for asked in self.seen if asked[2]]
