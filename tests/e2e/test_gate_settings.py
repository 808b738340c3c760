"""The gate's settings over the API, against tollgate-sandbox: who may change them, and what a test of an identity finds."""
import pytest

from tests.support.browser import document, sign_in
from tests.support.events import EventStream
from tests.support.gate import ACCOUNT, GateServer, keys


@pytest.fixture
def server(tmp_path, world):
    with GateServer(tmp_path / "server", world, level="never", people=()) as running:
        yield running


def code_of(answer):
    return answer["errors"][0]["code"]


SETTINGS = "/api/v2/organizations/acme/aws-mfa"
IDENTITIES = "/api/v2/organizations/acme/aws-identities"


def test_an_owner_on_the_page_sets_level_and_identity_and_nobody_else_does(server, world):
    ana, bob = sign_in(server, "ana"), sign_in(server, "bob")
    raise_level = document("aws-mfa-settings", level="applies-only", accounts=[ACCOUNT])
    status, refused = server.request("PATCH", SETTINGS, raise_level)
    assert (status, code_of(refused)) == (403, "web_session_required")
    answer = bob.call("PATCH", SETTINGS, raise_level)
    assert (answer.status, code_of(answer.json)) == (403, "permission")
    with EventStream(server) as owner, EventStream(server, token=server.tokens["bob"]) as member:
        assert owner.wait_for_id() and member.wait_for_id()
        answer = ana.call("PATCH", SETTINGS, raise_level)
        assert answer.status == 200, answer.text
        assert answer.json["data"]["attributes"]["level"] == "applies-only"
        assert owner.next() == ("notice", {"organization": "acme"})
        assert member.events.empty()
    key, secret = keys(world, "ana")
    identity = document("aws-identities", kind="organization", access_key_id=key, secret_access_key=secret,
                        mfa_serial=world.device("ana")["serial"], region="eu-central-1", device_owner="ana")
    status, refused = server.request("POST", IDENTITIES, identity)
    assert (status, code_of(refused)) == (403, "web_session_required")
    assert bob.call("POST", IDENTITIES, identity).status == 403
    made = ana.call("POST", IDENTITIES, identity)
    assert made.status == 201, made.text
    assert secret not in made.text and made.json["data"]["attributes"]["access-key-id"] == "..." + key[-4:]
    notices = [row["attributes"]["sentence"] for row in ana.call("GET", "/api/v2/organizations/acme/notices").json["data"]]
    assert notices[0] == "ana set up the organization's AWS identity."
    assert any(text.startswith("ana raised the level of AWS MFA from never to applies-only") for text in notices)
    assert bob.call("GET", "/api/v2/organizations/acme/notices").status == 403
    # A workspace may be stricter, never laxer.
    status, workspace = server.request("POST", "/api/v2/organizations/acme/workspaces", document("workspaces", name="net"))
    address = f"/api/v2/workspaces/{workspace['data']['id']}"
    laxer = ana.call("PATCH", address, document("workspaces", aws_mfa="never"))
    assert (laxer.status, code_of(laxer.json)) == (422, "laxer_than_organization")
    stricter = ana.call("PATCH", address, document("workspaces", aws_mfa="plans-and-applies"))
    assert stricter.json["data"]["attributes"]["aws-mfa"] == "plans-and-applies"
    assert "unbroken" in server.command("audit", "verify", server.folder)


def test_a_test_of_an_identity_says_what_aws_says(server, world):
    ana = sign_in(server, "ana")
    key, secret = keys(world, "ana")
    serial = world.device("ana")["serial"]
    made = ana.call("POST", IDENTITIES, document("aws-identities", kind="organization", access_key_id=key,
                                                 secret_access_key=secret, mfa_serial=serial, region="eu-central-1",
                                                 device_owner="ana"))
    assert made.status == 201, made.text
    role = {"arn": "arn:aws:iam::222222222222:role/team/read-only", "external-id": ""}
    assert ana.call("PATCH", SETTINGS, document("aws-mfa-settings", apply_role=role)).status == 200
    test = f"/api/v2/aws-identities/{made.json['data']['id']}/actions/test"
    plain = ana.call("POST", test)
    assert plain.status == 200, plain.text
    report = plain.json
    assert report["account"] == ACCOUNT and report["arn"] == f"arn:aws:iam::{ACCOUNT}:user/ana"
    assert report["account-allowed"] and abs(report["clock-skew-seconds"]) < 10
    assert report["closed-without-mfa"] is True and report["roles"][0]["ok"] is None
    before = len(world.calls("GetSessionToken"))
    code = world.fresh_code("ana")
    tried = ana.call("POST", test, {"code": code})
    assert tried.status == 200, tried.text
    assert tried.json["code-accepted"] and tried.json["roles"][0]["ok"] is True, tried.text
    assert "carries no MFA" in tried.json["roles"][0]["sentence"]
    again = ana.call("POST", test, {"code": code})
    assert (again.status, code_of(again.json)) == (429, "code_used")
    assert len(world.calls("GetSessionToken")) == before + 1, "a code goes to AWS once"
    wrong = ana.call("POST", test, {"code": world.wrong_code("ana")})
    assert (wrong.status, code_of(wrong.json)) == (422, "mfa_code_refused")
    shown = ana.call("GET", IDENTITIES).json["data"][0]["attributes"]
    assert shown["account"] == ACCOUNT and shown["tested-at"]


def test_the_three_variables_are_an_identity(server, world):
    ana = sign_in(server, "ana")
    key, secret = keys(world, "ana")
    variables = "/api/v2/organizations/acme/personal-vars"
    for name, value in (("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret),
                        ("AWS_MFA_SERIAL_NUMBER", world.device("ana")["serial"])):
        status, answer = server.request("POST", variables, document("vars", key=name, value=value, category="env"))
        assert status == 201, answer
    identity, = ana.call("GET", IDENTITIES).json["data"]
    assert identity["attributes"]["kind"] == "personal"
    assert identity["attributes"]["mfa-serial"] == world.device("ana")["serial"]
    status, answer = server.request("POST", f"/api/v2/aws-identities/{identity['id']}/actions/test")
    assert status == 200 and answer["account"] == ACCOUNT, answer
