"""boto3 clients with exactly the credentials named, for questions put to the sandbox directly."""
import configparser

import boto3
import botocore.config
import botocore.exceptions


def client(world, service, credentials=None, **options):
    """`credentials`: STS's Credentials dictionary, or (key id, secret)."""
    if isinstance(credentials, dict):
        options.update(aws_access_key_id=credentials["AccessKeyId"], aws_secret_access_key=credentials["SecretAccessKey"],
                       aws_session_token=credentials["SessionToken"])
    elif credentials:
        options.update(aws_access_key_id=credentials[0], aws_secret_access_key=credentials[1])
    config = botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, proxies={}, parameter_validation=False)
    return boto3.session.Session().client(service, region_name="eu-central-1", endpoint_url=world.url, config=config,
                                          **options)


def _read(path):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    return parser


def static_keys(world, profile="base"):
    """(key id, secret) from the world's credentials file."""
    section = _read(world.folder / "aws/credentials")[profile]
    return section["aws_access_key_id"], section["aws_secret_access_key"]


def profile(world, name="prod"):
    """The settings of a profile in the world's config file."""
    return dict(_read(world.folder / "aws/config")[f"profile {name}"])


def refusal(call, **arguments):
    """(HTTP status, code, message) of a call that AWS refuses; fails the test where it is granted."""
    try:
        answer = call(**arguments)
    except botocore.exceptions.ClientError as error:
        answer = error.response
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]
    raise AssertionError(f"granted: {answer}")
