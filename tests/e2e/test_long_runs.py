"""Sessions that end while a program runs. The sandbox grants and enforces a fraction of every lifetime, so that hours
pass in seconds with stock clients."""
import re

from tests.support import clients


def shortened(divisor):
    return lambda text: re.sub(r"lifetime_divisor = \d+", f"lifetime_divisor = {divisor}", text)


def slow_project(folder, seconds):
    """State in the bucket, and a resource that takes its time between the lock and the final write."""
    folder.mkdir()
    (folder / "main.tf").write_text(f"""terraform {{
  backend "s3" {{
    bucket         = "tollgate-state"
    key            = "slow/terraform.tfstate"
    region         = "eu-central-1"
    profile        = "prod"
    use_path_style = true
    use_lockfile   = true
  }}
}}

resource "terraform_data" "slow" {{
  provisioner "local-exec" {{
    command = "sleep {seconds}"
  }}
}}
""")
    return folder


def test_an_apply_outlives_several_role_sessions_with_one_code(make_world, tmp_path, terraform_program):
    # A role session of an hour lasts 6 s, the MFA session of half a day 72 s.
    world, home = make_world(shortened(600))
    project = slow_project(tmp_path / "slow", 20)
    name = clients.terraform()
    result = home.on_pty("tollgate", "exec", "prod", "--", "sh", "-ec",
                         f"{name} init -input=false -no-color; {name} apply -input=false -no-color -auto-approve",
                         cwd=project)
    assert result.status == 0, result.output
    assert "Apply complete! Resources: 1 added" in result.output
    assert result.prompts == 1
    assert len(world.calls("GetSessionToken")) == 1
    # Terraform asks again only when it needs to: for the lock at the start, and for the state three lifetimes later.
    assert len(world.calls("AssumeRole")) >= 2
    assert not (project / "errored.tfstate").exists()
    assert [call for call in world.calls("PutObject") if "slow/terraform.tfstate" in call["resource"]]


def test_an_apply_whose_mfa_session_ends_asks_ahead(make_world, tmp_path, terraform_program):
    # The MFA session lasts 36 s; the question comes with a quarter of it left, while terraform goes on. The state is
    # written after the first session has ended.
    world, home = make_world(shortened(1200))
    project = slow_project(tmp_path / "slow", 40)
    name = clients.terraform()
    result = home.on_pty("tollgate", "exec", "prod", "--", "sh", "-ec",
                         f"{name} init -input=false -no-color; {name} apply -input=false -no-color -auto-approve",
                         cwd=project, timeout=150)
    assert result.status == 0, result.output
    assert "Apply complete! Resources: 1 added" in result.output
    assert result.prompts >= 2
    assert len(world.calls("GetSessionToken")) >= 2
    assert not [call for call in world.calls() if call["decision"] == "denied"]
    assert not (project / "errored.tfstate").exists()
