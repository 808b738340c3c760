"""A browser without scripts for a tollgate-server: keeps cookies, says where it comes from, fills forms."""
import html.parser
import http.client
import http.cookiejar
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request


class _Forms(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes.get("action", ""), "fields": {}, "buttons": []})
        elif tag == "input" and self.forms and attributes.get("name"):
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1]["buttons"].append((attributes.get("name"), attributes.get("value", "")))


class Answer:
    def __init__(self, status, url, headers, text):
        self.status, self.url, self.headers, self.text = status, url, headers, text

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def forms(self):
        parser = _Forms()
        parser.feed(self.text)
        return parser.forms


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, server):
        self.origin = server.url
        self.cookies = http.cookiejar.CookieJar()
        context = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(self.cookies), _NoRedirect())
        self.csrf = None

    def open(self, address, data=None, method=None, headers=None):
        """Follows redirects as a browser does, also to other hosts."""
        url = urllib.parse.urljoin(self.origin, address)
        headers = dict(headers or {})
        while True:
            if (method or ("POST" if data is not None else "GET")) != "GET":
                headers["Origin"] = self.origin
            request = urllib.request.Request(url, data, headers, method=method)
            try:
                with self._opener.open(request, timeout=30) as answer:
                    return Answer(answer.status, url, answer.headers, answer.read().decode())
            except urllib.error.HTTPError as error:
                if error.status in (302, 303):
                    url, data, method, headers = urllib.parse.urljoin(url, error.headers["Location"]), None, None, {}
                    continue
                return Answer(error.status, url, error.headers, error.read().decode())
            except (ConnectionResetError, http.client.RemoteDisconnected):
                # terraform may close its port before it has answered.
                if url.startswith(self.origin):
                    raise
                return Answer(0, url, {}, "")

    def submit(self, page, number=0, button=None, **fields):
        """The form as it stands on the page, with these fields filled in."""
        form = page.forms[number]
        values = {**form["fields"], **fields, **({button[0]: button[1]} if button else {})}
        return self.open(urllib.parse.urljoin(page.url, form["action"] or page.url),
                         urllib.parse.urlencode(values).encode(),
                         headers={"Content-Type": "application/x-www-form-urlencoded"})

    def call(self, method, path, body=None):
        """A call of the API as the web UI makes it."""
        headers = {"Content-Type": "application/json"}
        if self.csrf:
            headers["X-CSRF-Token"] = self.csrf
        data = None if body is None else json.dumps(body).encode()
        answer = self.open(path, data, method, headers)
        if answer.text.startswith("{") and "csrf-token" in answer.json:
            self.csrf = answer.json["csrf-token"]
        return answer


PASSWORD = "correct horse battery"


def sign_in(server, name):
    """A browser in which somebody has just chosen and typed a password."""
    text = server.command("user", "setup-link", server.folder, name)
    browser = Browser(server)
    token = text.split("/setup#")[1].split()[0]
    done = browser.call("POST", "/api/web/v1/setup", {"token": token, "password": PASSWORD})
    assert done.status == 200, done.text
    if browser.call("GET", "/api/web/v1/session").status != 200:
        assert browser.call("POST", "/api/web/v1/session", {"username": name, "password": PASSWORD}).status == 200
    return browser


def document(of_type, **attributes):
    """What a change of a resource sends."""
    return {"data": {"type": of_type, "attributes": {name.replace("_", "-"): value for name, value in attributes.items()}}}
