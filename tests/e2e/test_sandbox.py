"""The sandbox, asked by boto3 (an implementation of SigV4 and of the protocols that is not ours): it has to refuse."""
import datetime
import importlib.util
import json

import botocore.auth
import pytest

from tests.support import aws, terraform


@pytest.fixture
def sts(world):
    return aws.client(world, "sts", aws.static_keys(world))


@pytest.fixture
def session(world, sts):
    """A session that an accepted code stands for."""
    return sts.get_session_token(SerialNumber=world.device()["serial"], TokenCode=world.fresh_code())["Credentials"]


@pytest.fixture
def role(world):
    profile = aws.profile(world)
    return {"RoleArn": profile["role_arn"], "ExternalId": profile["external_id"], "RoleSessionName": "test"}


def shift_clock(monkeypatch, **offset):
    """botocore signs as if it were earlier or later."""
    class Shifted(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.utcnow() + datetime.timedelta(**offset)

    class Module:
        timezone = datetime.timezone
        datetime = Shifted

    monkeypatch.setattr(botocore.auth, "datetime", Module)
    # Where the AWS Common Runtime is installed, botocore signs with that.
    if importlib.util.find_spec("awscrt"):
        monkeypatch.setattr("botocore.crt.auth.datetime", Module)


def test_identity_of_a_static_key(world, sts):
    answer = sts.get_caller_identity()
    assert answer["Account"] in answer["Arn"]
    assert ":user/" in answer["Arn"]


def test_bad_signature(world):
    key, secret = aws.static_keys(world)
    status, code, _ = aws.refusal(aws.client(world, "sts", (key, secret[:-1] + "x")).get_caller_identity)
    assert (status, code) == (403, "SignatureDoesNotMatch")


def test_unknown_key(world):
    _, secret = aws.static_keys(world)
    status, code, _ = aws.refusal(aws.client(world, "sts", ("AKIAUNKNOWN000000000", secret)).get_caller_identity)
    assert (status, code) == (403, "InvalidClientTokenId")


@pytest.mark.parametrize("minutes, granted", [(-16, False), (-14, True), (14, True), (16, False)])
def test_clock_skew(monkeypatch, sts, minutes, granted):
    shift_clock(monkeypatch, minutes=minutes)
    if granted:
        assert sts.get_caller_identity()["Arn"]
    else:
        status, code, message = aws.refusal(sts.get_caller_identity)
        assert (status, code) == (403, "SignatureDoesNotMatch")
        assert "Signature expired" in message or "not yet current" in message


def test_session_needs_the_right_code(world, sts):
    serial = world.device()["serial"]
    status, code, message = aws.refusal(sts.get_session_token, SerialNumber=serial, TokenCode=world.wrong_code())
    assert (status, code) == (403, "AccessDenied")
    assert message == "MultiFactorAuthentication failed with invalid MFA one time pass code."


def test_code_counts_once(world, sts):
    serial, code = world.device()["serial"], world.fresh_code()
    assert sts.get_session_token(SerialNumber=serial, TokenCode=code)["Credentials"]["AccessKeyId"].startswith("ASIA")
    status, error, message = aws.refusal(sts.get_session_token, SerialNumber=serial, TokenCode=code)
    assert (status, error) == (403, "AccessDenied")
    assert "invalid MFA one time pass code" in message


def test_code_counts_once_across_a_restart(world, sts):
    serial, code = world.device()["serial"], world.fresh_code()
    sts.get_session_token(SerialNumber=serial, TokenCode=code)
    world.stop()
    world.start()
    again = aws.client(world, "sts", aws.static_keys(world))
    assert aws.refusal(again.get_session_token, SerialNumber=serial, TokenCode=code)[0] == 403


def test_device_of_somebody_else(world, sts):
    serial = world.device()["serial"].rsplit("/", 1)[0] + "/somebody-else"
    status, code, message = aws.refusal(sts.get_session_token, SerialNumber=serial, TokenCode=world.code())
    assert (status, code) == (403, "AccessDenied")
    assert "unable to validate MFA code" in message


def test_half_of_the_proof(world, sts):
    status, code, message = aws.refusal(sts.get_session_token, SerialNumber=world.device()["serial"])
    assert (status, code) == (403, "AccessDenied")
    assert "must provide both MFA serial number and one time pass code" in message


@pytest.mark.parametrize("seconds", [899, 129601])
def test_session_duration_outside_the_limits(world, sts, seconds):
    assert aws.refusal(sts.get_session_token, DurationSeconds=seconds)[:2] == (400, "ValidationError")


def test_session_lives_as_long_as_asked(world, sts):
    before = datetime.datetime.now(datetime.timezone.utc)
    answer = sts.get_session_token(SerialNumber=world.device()["serial"], TokenCode=world.fresh_code(),
                                   DurationSeconds=129600)
    assert abs((answer["Credentials"]["Expiration"] - before).total_seconds() - 129600) < 60


def test_session_may_not_make_sessions(world, session):
    status, code, message = aws.refusal(aws.client(world, "sts", session).get_session_token)
    assert (status, code) == (403, "AccessDenied")
    assert message == "Cannot call GetSessionToken with session credentials"


def test_role_after_mfa(world, session, role):
    answer = aws.client(world, "sts", session).assume_role(**role)
    assert answer["AssumedRoleUser"]["Arn"].endswith("/test")
    inside = aws.client(world, "sts", answer["Credentials"]).get_caller_identity()
    assert inside["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert inside["Account"] == role["RoleArn"].split(":")[4]


def test_role_with_the_code_directly(world, sts, role):
    answer = sts.assume_role(**role, SerialNumber=world.device()["serial"], TokenCode=world.fresh_code())
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_role_without_mfa(sts, role):
    status, code, message = aws.refusal(sts.assume_role, **role)
    assert (status, code) == (403, "AccessDenied")
    assert "is not authorized to perform: sts:AssumeRole on resource: " + role["RoleArn"] in message


def test_role_with_a_session_without_mfa(world, sts, role):
    plain = sts.get_session_token()["Credentials"]
    assert aws.refusal(aws.client(world, "sts", plain).assume_role, **role)[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("external_id", [None, "wrong-id"])
def test_role_without_its_external_id(world, session, role, external_id):
    request = {name: value for name, value in role.items() if name != "ExternalId"}
    if external_id:
        request["ExternalId"] = external_id
    assert aws.refusal(aws.client(world, "sts", session).assume_role, **request)[:2] == (403, "AccessDenied")


def test_role_that_does_not_exist(world, session, role):
    request = dict(role, RoleArn=role["RoleArn"] + "-no-such")
    assert aws.refusal(aws.client(world, "sts", session).assume_role, **request)[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("seconds, granted", [(899, False), (900, True), (3600, True), (3601, False), (43201, False)])
def test_role_duration_from_a_session(world, session, role, seconds, granted):
    call = aws.client(world, "sts", session).assume_role
    if granted:
        assert call(**role, DurationSeconds=seconds)["Credentials"]
    else:
        assert aws.refusal(call, **role, DurationSeconds=seconds)[:2] == (400, "ValidationError")


def test_identity_policy_denies_without_mfa(world):
    storage = aws.client(world, "s3", aws.static_keys(world))
    assert aws.refusal(storage.list_objects_v2, Bucket=terraform.BUCKET)[:2] == (403, "AccessDenied")


@pytest.fixture
def storage(world, session, role):
    return aws.client(world, "s3", aws.client(world, "sts", session).assume_role(**role)["Credentials"])


def test_objects_round_trip(storage):
    storage.put_object(Bucket=terraform.BUCKET, Key="a b/ä+%.txt", Body=b"content")
    assert storage.get_object(Bucket=terraform.BUCKET, Key="a b/ä+%.txt")["Body"].read() == b"content"
    listed = storage.list_objects_v2(Bucket=terraform.BUCKET, Prefix="a b/")
    assert [entry["Key"] for entry in listed["Contents"]] == ["a b/ä+%.txt"]
    storage.delete_object(Bucket=terraform.BUCKET, Key="a b/ä+%.txt")
    assert aws.refusal(storage.get_object, Bucket=terraform.BUCKET, Key="a b/ä+%.txt")[:2] == (404, "NoSuchKey")


def test_second_conditional_write_is_412(storage):
    def condition(request, **_):
        request.headers.add_header("If-None-Match", "*")

    storage.meta.events.register("before-sign.s3.PutObject", condition)
    storage.put_object(Bucket=terraform.BUCKET, Key="app.tflock", Body=b"first")
    assert aws.refusal(storage.put_object, Bucket=terraform.BUCKET, Key="app.tflock", Body=b"second")[:2] == (
        412, "PreconditionFailed")
    assert storage.get_object(Bucket=terraform.BUCKET, Key="app.tflock")["Body"].read() == b"first"


def test_no_such_bucket(storage):
    assert aws.refusal(storage.list_objects_v2, Bucket="no-such-bucket")[0] in (403, 404)


def test_log_tells_who_asked_and_why_it_was_refused(world, sts, role):
    aws.refusal(sts.assume_role, **role)
    entry = world.calls("AssumeRole")[-1]
    assert entry["decision"] == "denied"
    assert ":user/" in json.dumps(entry)
    assert entry["reason"]
    _, secret = aws.static_keys(world)
    assert secret not in world.sandbox("log", world.folder, "--json") + world.sandbox("log", world.folder)


def test_code_command_is_what_the_phone_shows(world):
    user = world.device()["user"]
    shown = world.sandbox("code", world.folder, user).strip()
    assert shown in {world.code(user, offset) for offset in (-1, 0, 1)}
    later = world.sandbox("code", world.folder, user, "--next").strip()
    assert later in {world.code(user, offset) for offset in (0, 1, 2)}


def test_state_survives_a_restart(world, session, role):
    identity = aws.client(world, "sts", session).get_caller_identity()["Arn"]
    world.stop()
    world.start()
    assert aws.client(world, "sts", session).get_caller_identity()["Arn"] == identity


def test_aws_cli(world, home, aws_cli):
    result = home.run(aws_cli, "--endpoint-url", world.url, "--profile", "base", "sts", "get-caller-identity")
    assert result.returncode == 0, result.stderr
    assert ":user/" in json.loads(result.stdout)["Arn"]
