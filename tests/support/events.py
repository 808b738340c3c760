"""A reader of a server's event stream, as a browser reads it: GET /api/web/v1/events by a token or a cookie."""
import http.client
import json
import queue
import ssl
import threading
import time


class EventStream:
    """Close it, or use it as a context manager. `ended` is set when the server has ended the stream."""

    def __init__(self, server, token=None, cookie=None, last_event_id=None):
        context = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
        name, port = server.host.split(":")
        self.connection = http.client.HTTPSConnection(name, int(port), context=context, timeout=60)
        headers = {"Accept": "text/event-stream"}
        if cookie:
            headers["Cookie"] = cookie
        else:
            headers["Authorization"] = f"Bearer {token or server.token}"
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        self.connection.request("GET", "/api/web/v1/events", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.last_id = ""
        self.comments = 0
        self.events = queue.Queue()
        self.ended = threading.Event()
        self.orderly = False
        if self.status == 200:
            assert self.answer.getheader("Content-Type").startswith("text/event-stream")
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        name, data = "", []
        try:
            for line in self.answer:
                line = line.decode().rstrip("\n")
                field, _, value = line.partition(": ")
                if field == "id":
                    self.last_id = value
                elif field == "event":
                    name = value
                elif field == "data":
                    data.append(value)
                elif line.startswith(":"):
                    self.comments += 1
                elif not line:
                    if data:
                        self.events.put((name, json.loads("\n".join(data))))
                    name, data = "", []
            self.orderly = True
        except (OSError, http.client.HTTPException, ValueError):
            pass
        self.ended.set()

    def next(self, timeout=30):
        return self.events.get(timeout=timeout)

    def until(self, fits, timeout=60):
        """All events up to and with the first that fits."""
        seen = []
        while not seen or not fits(*seen[-1]):
            seen.append(self.next(timeout))
        return seen

    def wait_for_id(self, timeout=30):
        """The id that the stream has told last; it tells one when it begins."""
        stop = time.monotonic() + timeout
        while not self.last_id and time.monotonic() < stop:
            time.sleep(0.01)
        return self.last_id

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
