"""The IAM policies of docs/gate.md, as they stand there, against the AWS of tollgate-sandbox."""
from tests.support import aws
from tests.support.gate import ACCOUNT, as_documented, keys

ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
OWN = {"ExternalId": "the-servers-own"}


def session(world, user, code=True):
    more = {"SerialNumber": world.device(user)["serial"], "TokenCode": world.fresh_code(user)} if code else {}
    return aws.client(world, "sts", keys(world, user)).get_session_token(**more)["Credentials"]


def test_the_policies_of_the_page_do_what_it_says(make_world):
    world, _ = make_world(as_documented)

    def answer(credentials, role, name="run-1-ana", **more):
        """'' or the code of the refusal, for assuming a role."""
        sts = aws.client(world, "sts", credentials)
        try:
            sts.assume_role(RoleArn=ROLE + role, RoleSessionName=name, **more)
        except sts.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return ""
    key, plain, coded = keys(world, "ana"), session(world, "ana", code=False), session(world, "ana")
    for credentials, role, more, expected in (
            (coded, "terraform", {}, ""), (plain, "terraform", {}, "AccessDenied"), (key, "terraform", {}, "AccessDenied"),
            (coded, "terraform-apply", OWN, ""), (coded, "terraform-apply", {}, "AccessDenied"),
            (coded, "terraform-apply", {**OWN, "name": "ana"}, "AccessDenied"),
            (plain, "terraform-apply", OWN, "AccessDenied"), (key, "terraform-apply", OWN, "AccessDenied"),
            (key, "terraform-plan", OWN, "AccessDenied"),
            (keys(world, "bob"), "terraform-plan", OWN, ""), (keys(world, "bob"), "terraform-plan", {}, "AccessDenied"),
            (keys(world, "bob"), "terraform", {}, "AccessDenied"),
            (keys(world, "bob"), "terraform-apply", OWN, "AccessDenied"),
            (session(world, "bob"), "terraform-apply", OWN, "")):
        assert answer(credentials, role, **more) == expected, (role, more)
    # A key can say who it is and ask for a session, and nothing else; nobody gives themselves another device.
    assert aws.client(world, "sts", key).get_caller_identity()["Account"] == ACCOUNT
    for user in ("ana", "bob"):
        assert aws.refusal(aws.client(world, "iam", keys(world, user)).list_mfa_devices)[1] == "AccessDenied"
    for credentials in (key, coded, keys(world, "bob")):
        iam = aws.client(world, "iam", credentials)
        assert aws.refusal(iam.create_virtual_mfa_device, VirtualMFADeviceName="another")[1] == "AccessDenied"
