"""The AWS CLI and boto3 through a session that is already there, and through one prompt of their own."""
import json

from tests.support import clients

BOTO = """
import boto3, json, os
session = boto3.Session()
client = session.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
print(json.dumps(client.get_caller_identity()["Arn"]))
"""


def identity_command(world):
    return [clients.aws_cli(), "--endpoint-url", world.url, "sts", "get-caller-identity"]


def test_aws_cli_through_the_session_without_a_prompt(world, home, aws_cli):
    home.login()
    calls = len(world.calls("GetSessionToken"))
    result = home.run("tollgate", "exec", "prod", "--", *identity_command(world))
    assert result.returncode == 0, result.stderr
    assert ":assumed-role/" in json.loads(result.stdout)["Arn"]
    assert len(world.calls("GetSessionToken")) == calls


def test_boto3_through_the_session_without_a_prompt(world, home):
    home.login()
    for options in ((), ("--env",)):
        result = home.run("tollgate", "exec", "prod", *options, "--", "/usr/bin/python3", "-c", BOTO)
        assert result.returncode == 0, result.stderr
        assert ":assumed-role/" in json.loads(result.stdout)
    assert len(world.calls("GetSessionToken")) == 1


def test_another_profile_inside_the_same_exec(world, home, aws_cli):
    home.login()
    result = home.run("tollgate", "exec", "prod", "--", *identity_command(world), "--profile", "base")
    assert result.returncode == 0, result.stderr
    assert ":user/" in json.loads(result.stdout)["Arn"]


def test_a_profile_that_calls_credential_process_itself(world, home, aws_cli):
    """Without exec: one line in the user's own file, for tools that only read files."""
    home.login()
    config = home.folder / "by-hand"
    config.write_text("[profile by-hand]\nregion = us-east-1\ncredential_process = tollgate credential-process --profile prod\n")
    result = home.run(*identity_command(world), "--profile", "by-hand", environment={
        "AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "TOLLGATE_AWS_CONFIG_FILE": str(home.folder / ".aws/config"),
        "TOLLGATE_AWS_SHARED_CREDENTIALS_FILE": str(home.folder / ".aws/credentials")})
    assert result.returncode == 0, result.stderr
    assert ":assumed-role/" in json.loads(result.stdout)["Arn"]


def test_prompt_inside_a_program_that_calls_us(world, home, aws_cli):
    """--lazy: the AWS CLI starts credential-process, which finds the terminal although all its streams are pipes."""
    result = home.on_pty("tollgate", "exec", "prod", "--lazy", "--", *identity_command(world))
    assert (result.status, result.prompts) == (0, 1), result.output
