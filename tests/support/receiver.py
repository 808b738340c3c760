"""The receiver of a webhook, on a loopback port: keeps what comes, answers as it is told. Use it as a context manager."""
import hashlib
import hmac
import http.server
import json
import threading

TOKEN = "a secret of more than 16 bytes"


class Receiver:
    def __init__(self, port=0, refuse=0):
        """`refuse`: so many messages are answered with 503 first."""
        self.refuse = refuse
        self.messages = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._arrived:
                    refused = receiver.refuse > 0
                    receiver.refuse -= refused
                self.send_response(503 if refused else 200)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"thanks")
                with receiver._arrived:
                    receiver.messages.append((dict(self.headers), body))
                    receiver._arrived.notify_all()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """From then on nobody listens at the port."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self, count, seconds=90):
        """The first `count` messages, once they have come: (trigger, payload, delivery id) of each, its signature as
        Python computes it."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.messages) >= count, seconds), self.told()
        return self.told()[:count]

    def told(self):
        return [self._read(headers, body) for headers, body in self.messages]

    @staticmethod
    def _read(headers, body):
        signature = hmac.new(TOKEN.encode(), body, hashlib.sha512).hexdigest()
        assert headers["X-TFE-Notification-Signature"] == signature
        payload = json.loads(body)
        return payload["notifications"][0]["trigger"], payload, headers["X-Tollgate-Delivery"]
