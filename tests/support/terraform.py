"""Terraform code of the kind that teams have, written into a folder. It names profiles and nothing of tollgate."""
import pathlib

from tests.support import clients

# The names that `tollgate-sandbox init` gives.
PROFILE = "prod"
BUCKET = "tollgate-state"
REGION = "eu-central-1"


def backend(key, profile=PROFILE):
    return f"""  backend "s3" {{
    bucket         = "{BUCKET}"
    key            = "{key}"
    region         = "{REGION}"
    profile        = "{profile}"
    use_path_style = true
    use_lockfile   = true
  }}
"""


def backend_project(folder, _home, profile=PROFILE, key="app/terraform.tfstate"):
    """State and lock in the bucket, no provider that has to be installed. Returns the folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text(f"""terraform {{
{backend(key, profile)}}}

resource "terraform_data" "greeting" {{
  input = "hello from the state bucket"
}}

output "greeting" {{
  value = terraform_data.greeting.output
}}
""")
    return folder


REMOTE_STATE = f"""
data "terraform_remote_state" "app" {{
  backend = "s3"
  config = {{
    bucket         = "{BUCKET}"
    key            = "app/terraform.tfstate"
    region         = "{REGION}"
    profile        = "{PROFILE}"
    use_path_style = true
  }}
}}
"""


def provider_project(folder, home, remote=True):
    """Four aliases of the AWS provider over two accounts and the line of the classic question, whose author keeps the
    keys in ~/.aws/config. `remote`: with state in the bucket, and the first project's outputs from there."""
    home.keys_in_config()
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    text = f"""terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{clients.provider_version(clients.provider_mirror())}"
    }}
  }}
{backend("providers/terraform.tfstate") if remote else ""}}}
{REMOTE_STATE if remote else ""}"""
    outputs = ["greeting = data.terraform_remote_state.app.outputs.greeting"] if remote else []
    for alias, name in {"deploy": PROFILE, "read_only": "read-only", "audit": "audit", "self": "base"}.items():
        text += f"""
provider "aws" {{
  alias                    = "{alias}"
  region                   = "{REGION}"
  profile                  = "{name}"
  shared_credentials_files = [pathexpand("~/.aws/config")]
}}

data "aws_caller_identity" "{alias}" {{
  provider = aws.{alias}
}}
"""
        outputs.append(f"{alias} = data.aws_caller_identity.{alias}.arn")
    lines = "".join(f"    {line}\n" for line in outputs)
    text += f"""
resource "terraform_data" "callers" {{
  input = {{
{lines}  }}
}}

output "callers" {{
  value = terraform_data.callers.output
}}
"""
    (folder / "main.tf").write_text(text)
    return folder
