"""Workspaces, configurations and runs by the API of a tests.support.server.Server."""
import io
import ssl
import tarfile
import time
import urllib.request


def data(kind, attributes=None, **relationships):
    related = {name: {"data": {"type": type_, "id": id_}} for name, (type_, id_) in relationships.items()}
    return {"data": {"type": kind, "attributes": attributes or {}, "relationships": related}}


def ask(server, method, path, body=None, status=200):
    answered, document = server.request(method, path, body)
    assert answered == status, (answered, document)
    return document


def archive(files):
    """The bytes of a .tar.gz: a name for each text."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def new_workspace(server, name, **attributes):
    document = ask(server, "POST", "/api/v2/organizations/acme/workspaces",
                   data("workspaces", {"name": name, **{key.replace("_", "-"): value for key, value in attributes.items()}}), 201)
    return document["data"]["id"]


def opened(server, request):
    """The answer to a request that carries no token, as bytes."""
    trusted = ssl.create_default_context(cafile=str(server.folder / "tls/ca.pem"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
    with opener.open(request, timeout=30) as answer:
        return answer.read()


def log_of(server, run, phase="apply"):
    """The whole log of a phase, markers included."""
    identity = ask(server, "GET", f"/api/v2/runs/{run}")["data"]["relationships"][phase]["data"]["id"]
    kind = {"plan": "plans", "apply": "applies"}[phase]
    address = ask(server, "GET", f"/api/v2/{kind}/{identity}")["data"]["attributes"]["log-read-url"]
    # Wherever the server is now: its address may be of before it was restored.
    address = server.url + "/" + address.split("/", 3)[3]
    whole = b""
    while piece := opened(server, f"{address}?limit=1000000&offset={len(whole)}"):
        whole += piece
    return whole.decode()


def upload(server, workspace, files):
    """A configuration of `files` that starts no run by itself."""
    document = ask(server, "POST", f"/api/v2/workspaces/{workspace}/configuration-versions",
                   data("configuration-versions", {"auto-queue-runs": False}), 201)
    request = urllib.request.Request(document["data"]["attributes"]["upload-url"], archive(files), method="PUT",
                                     headers={"Content-Type": "application/octet-stream"})
    opened(server, request)
    return document["data"]["id"]


def start_run(server, workspace, message="", **attributes):
    wanted = {"message": message, **{key.replace("_", "-"): value for key, value in attributes.items()}}
    return ask(server, "POST", "/api/v2/runs", data("runs", wanted, workspace=("workspaces", workspace)), 201)["data"]["id"]


def wait_for(server, run, *statuses, seconds=180):
    """The attributes of the run once it has one of the statuses."""
    for _ in range(seconds * 10):
        attributes = ask(server, "GET", f"/api/v2/runs/{run}")["data"]["attributes"]
        if attributes["status"] in statuses:
            return attributes
        time.sleep(0.1)
    raise AssertionError(f"{run} is {attributes['status']}: {attributes.get('error-detail')}")
