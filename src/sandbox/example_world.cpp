#include "sandbox/example_world.h"

#include "common/base/encoding.h"
#include "sandbox/assume_role.h"

namespace tollgate::sandbox {
namespace {

constexpr const char* kRegion = "eu-central-1";

struct Keys {
  std::string id;
  std::string secret;
  std::string seed;  // base32
};

Keys new_keys(RandomSource& random) {
  return {new_access_key_id(random, "AKIA"), std::string(new_secret_access_key(random).reveal()),
          base32_encode(random.bytes(20))};
}

constexpr const char* kWorld =
    R"toml(# The AWS that tollgate-sandbox imitates. Edit it and start `tollgate-sandbox serve` again.
# What calls change at run time (sessions, used codes, S3 objects, IAM changes) lies in state/ and wins over this file;
# remove state/ to start over.

port = {port}

# Sessions are granted and enforced for 1/N of what was asked: with 720, twelve hours pass in a minute.
lifetime_divisor = 1

# ---- Account 111111111111: where people log in -----------------------------------------------------------------------

[[account]]
id = "111111111111"
alias = "people"

[[user]]
account = "111111111111"
name = "ana"

  [[user.access_key]]
  id = "{ana_id}"
  secret = "{ana_secret}"

  # `tollgate-sandbox code DIR ana` shows what ana's phone shows. Put the seed into an authenticator app if you like.
  [[user.mfa_device]]
  serial = "arn:aws:iam::111111111111:mfa/ana"
  seed = "{ana_seed}"

  # Without a one-time code: nothing but looking after one's own login. BoolIfExists, because requests with long-term
  # keys carry no aws:MultiFactorAuthPresent at all.
  [[user.policy]]
  name = "nothing-without-mfa"
  document = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Sid": "DenyMostWithoutMfa",
      "Effect": "Deny",
      "NotAction": ["iam:*", "sts:GetSessionToken", "sts:GetCallerIdentity"],
      "Resource": "*",
      "Condition": {{"BoolIfExists": {{"aws:MultiFactorAuthPresent": "false"}}}}
    }}
  ]
}}
'''

  [[user.policy]]
  name = "assume-and-read"
  document = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{"Sid": "AssumeRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}},
    {{"Sid": "Read", "Effect": "Allow", "Action": ["iam:Get*", "iam:List*", "s3:Get*", "s3:List*"], "Resource": "*"}}
  ]
}}
'''

[[user]]
account = "111111111111"
name = "bob"

  [[user.access_key]]
  id = "{bob_id}"
  secret = "{bob_secret}"

  [[user.mfa_device]]
  serial = "arn:aws:iam::111111111111:mfa/bob"
  seed = "{bob_seed}"

  [[user.policy]]
  name = "assume-and-read"
  document = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{"Sid": "AssumeRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}},
    {{"Sid": "Read", "Effect": "Allow", "Action": ["iam:Get*", "iam:List*", "s3:Get*", "s3:List*"], "Resource": "*"}}
  ]
}}
'''

# Anyone of this account, with a one-time code not older than an hour.
[[role]]
account = "111111111111"
name = "audit"
max_session_duration = 3600
attached_policies = ["arn:aws:iam::aws:policy/IAMReadOnlyAccess"]
trust_policy = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Principal": {{"AWS": "arn:aws:iam::111111111111:root"}},
      "Action": "sts:AssumeRole",
      "Condition": {{
        "Bool": {{"aws:MultiFactorAuthPresent": "true"}},
        "NumericLessThan": {{"aws:MultiFactorAuthAge": "3600"}}
      }}
    }}
  ]
}}
'''

# ---- Account 222222222222: where things run --------------------------------------------------------------------------

[[account]]
id = "222222222222"
alias = "production"

[[bucket]]
name = "tollgate-state"
account = "222222222222"
region = "{region}"

# Only ana, only with a one-time code, only with the external id.
[[role]]
account = "222222222222"
name = "deploy"
path = "/team/"
max_session_duration = 14400
trust_policy = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Principal": {{"AWS": "arn:aws:iam::111111111111:user/ana"}},
      "Action": "sts:AssumeRole",
      "Condition": {{
        "Bool": {{"aws:MultiFactorAuthPresent": "true"}},
        "StringEquals": {{"sts:ExternalId": "tollgate-example"}}
      }}
    }}
  ]
}}
'''

  [[role.policy]]
  name = "state-and-read"
  document = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketVersioning"],
     "Resource": "arn:aws:s3:::tollgate-state"}},
    {{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
     "Resource": "arn:aws:s3:::tollgate-state/*"}},
    {{"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "iam:Get*", "iam:List*", "sts:GetCallerIdentity"],
     "Resource": "*"}}
  ]
}}
'''

# Anyone of the people's account with a one-time code; may look and not touch.
[[role]]
account = "222222222222"
name = "read-only"
path = "/team/"
max_session_duration = 43200
trust_policy = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Principal": {{"AWS": "arn:aws:iam::111111111111:root"}},
      "Action": "sts:AssumeRole",
      "Condition": {{"Bool": {{"aws:MultiFactorAuthPresent": "true"}}}}
    }}
  ]
}}
'''

  [[role.policy]]
  name = "read"
  document = '''
{{
  "Version": "2012-10-17",
  "Statement": [
    {{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "iam:Get*", "iam:List*"], "Resource": "*"}}
  ]
}}
'''

# ---- Bad days --------------------------------------------------------------------------------------------------------
# `tollgate-sandbox fault DIR ACTION KIND` sets faults while the server runs; those written here are there from the
# start. Kinds: delay, 500, 503, throttling, reset-before, reset-after, truncated, html, clock.
#
# [[fault]]
# action = "sts:AssumeRole"  # * and ? match
# kind = "throttling"
# count = 2                  # the next two such calls; without it: always
# delay_ms = 500
#
# [[fault]]
# kind = "clock"
# offset_seconds = -1200     # AWS's clock is 20 minutes slow
)toml";

constexpr const char* kConfig =
    R"ini(# Profiles as teams have them: keys in one account, roles behind one-time codes in others.
[profile base]
region = {region}

[profile prod]
role_arn = arn:aws:iam::222222222222:role/team/deploy
source_profile = base
mfa_serial = arn:aws:iam::111111111111:mfa/ana
external_id = tollgate-example
region = {region}

[profile read-only]
role_arn = arn:aws:iam::222222222222:role/team/read-only
source_profile = base
mfa_serial = arn:aws:iam::111111111111:mfa/ana
region = {region}

[profile audit]
role_arn = arn:aws:iam::111111111111:role/audit
source_profile = base
mfa_serial = arn:aws:iam::111111111111:mfa/ana
region = {region}

[profile bob]
mfa_serial = arn:aws:iam::111111111111:mfa/bob
region = {region}

[profile bob-read-only]
role_arn = arn:aws:iam::222222222222:role/team/read-only
source_profile = bob
mfa_serial = arn:aws:iam::111111111111:mfa/bob
region = {region}
)ini";

constexpr const char* kCredentials = R"ini([base]
aws_access_key_id = {ana_id}
aws_secret_access_key = {ana_secret}

# The same keys again under the name of a role's profile: a common shape, in which clients disagree about what wins.
[prod]
aws_access_key_id = {ana_id}
aws_secret_access_key = {ana_secret}

[bob]
aws_access_key_id = {bob_id}
aws_secret_access_key = {bob_secret}
)ini";

// For a POSIX shell, whatever the text holds.
std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace

ExampleFiles example_files(RandomSource& random, std::uint16_t port) {
  const Keys ana = new_keys(random);
  const Keys bob = new_keys(random);
  ExampleFiles files;
  const auto fill = [&](const char* text) {
    return fmt::format(fmt::runtime(text), fmt::arg("port", port), fmt::arg("region", kRegion),
                       fmt::arg("ana_id", ana.id), fmt::arg("ana_secret", ana.secret), fmt::arg("ana_seed", ana.seed),
                       fmt::arg("bob_id", bob.id), fmt::arg("bob_secret", bob.secret), fmt::arg("bob_seed", bob.seed));
  };
  files.world_toml = fill(kWorld);
  files.config = fill(kConfig);
  files.credentials = fill(kCredentials);
  return files;
}

std::string env_file(const std::string& directory, std::uint16_t port) {
  return fmt::format(
      "# Written by tollgate-sandbox for a shell to source. It speaks to the sandbox from then on, and to AWS no "
      "more.\n"
      "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN "
      "AWS_SECURITY_TOKEN\n"
      "unset AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL_IAM AWS_ENDPOINT_URL_S3 AWS_IGNORE_CONFIGURED_ENDPOINT_URLS\n"
      "export AWS_CONFIG_FILE={0}\n"
      "export AWS_SHARED_CREDENTIALS_FILE={1}\n"
      "export AWS_ENDPOINT_URL='http://127.0.0.1:{2}'\n"
      "export AWS_EC2_METADATA_DISABLED=true\n"
      "export AWS_REGION={3}\n"
      "export AWS_DEFAULT_REGION={3}\n"
      "export NO_PROXY=\"127.0.0.1,localhost${{NO_PROXY:+,$NO_PROXY}}\"\n"
      "export no_proxy=\"127.0.0.1,localhost${{no_proxy:+,$no_proxy}}\"\n",
      shell_quoted(directory + "/aws/config"), shell_quoted(directory + "/aws/credentials"), port, kRegion);
}

}  // namespace tollgate::sandbox
