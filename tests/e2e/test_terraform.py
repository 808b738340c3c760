"""The purpose of the project: stock Terraform, which fails with an MFA profile, works inside `tollgate exec`."""
import json
import re
import shutil

import pexpect

from tests.support import clients, terraform

KNOWN_FAILURE = "assume role with MFA enabled, but AssumeRoleTokenProvider session option not set."


def script(*steps):
    return ["sh", "-ec", "\n".join(steps)]


def flat(text):
    """Terraform's boxes and line breaks taken out."""
    return re.sub(r"[\s│╷╵]+", " ", re.sub(r"\x1b\[[0-9;]*m", "", text))


def test_stock_terraform_cannot_ask_for_a_code(world, home, project, terraform_program):
    home.run(terraform_program, "init", "-backend=false", cwd=project)
    result = home.run(terraform_program, "init", "-input=false", "-no-color", cwd=project)
    assert result.returncode != 0
    assert KNOWN_FAILURE in flat(result.stderr)
    assert world.calls("AssumeRole") == []


def test_init_plan_and_apply_with_one_code(world, home, project):
    name = clients.terraform()
    result = home.on_pty(
        "tollgate", "exec", "prod", "--",
        *script(f"{name} init -input=false -no-color", f"{name} plan -input=false -no-color",
                f"{name} apply -input=false -no-color -auto-approve"), cwd=project)
    assert result.status == 0, result.output
    assert result.prompts == 1
    assert "Apply complete! Resources: 1 added" in result.output
    assert len(world.calls("GetSessionToken")) == 1
    assert not (project / "errored.tfstate").exists()
    # The lock was taken and given back.
    locks = [call for call in world.calls() if "tflock" in json.dumps(call)]
    assert any("PutObject" in call["action"] for call in locks)
    assert any("DeleteObject" in call["action"] for call in locks)

    # Later runs ask nothing, also without a terminal, and find the state.
    again = home.run("tollgate", "exec", "prod", "--", name, "plan", "-input=false", "-no-color", "-detailed-exitcode",
                     cwd=project)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "No changes." in again.stdout
    assert len(world.calls("GetSessionToken")) == 1


def test_profile_chosen_by_the_command_and_not_in_the_code(world, home, project):
    name = clients.terraform()
    code = project / "main.tf"
    code.write_text(re.sub(r'\n *profile .*', "", code.read_text()))
    result = home.on_pty("tollgate", "exec", "prod", "--", *script(
        f"{name} init -input=false -no-color", f"{name} apply -input=false -no-color -auto-approve"), cwd=project)
    assert result.status == 0, result.output
    assert result.prompts == 1


def test_stock_providers_cannot_ask_either(world, home, aws_provider, tmp_path):
    name, folder = clients.terraform(), terraform.provider_project(tmp_path / "stock", home, remote=False)
    assert home.run(name, "init", "-input=false", cwd=folder).returncode == 0
    result = home.run(name, "plan", "-input=false", "-no-color", cwd=folder)
    assert result.returncode == 1
    assert KNOWN_FAILURE in flat(result.stderr)
    assert world.calls("AssumeRole") == []


def test_four_aliases_two_accounts_and_remote_state_with_one_code(world, home, project, provider_project):
    name = clients.terraform()
    run = ("-input=false", "-no-color")
    result = home.on_pty("tollgate", "exec", "prod", "--", *script(
        f"(cd {project} && {name} init {' '.join(run)} && {name} apply -auto-approve {' '.join(run)})",
        f"{name} init {' '.join(run)}", f"{name} plan {' '.join(run)}", f"{name} apply -auto-approve {' '.join(run)}"),
        cwd=provider_project)
    assert result.status == 0, result.output
    assert result.prompts == 1
    assert len(world.calls("GetSessionToken")) == 1

    output = home.run("tollgate", "exec", "prod", "--", name, "output", "-json", "callers", cwd=provider_project)
    callers = json.loads(output.stdout)
    accounts = {alias: arn.split(":")[4] for alias, arn in callers.items() if alias != "greeting"}
    assert accounts["deploy"] == accounts["read_only"] != accounts["audit"] == accounts["self"]
    assert ":assumed-role/deploy/" in callers["deploy"]
    assert callers["self"].endswith(":user/ana")
    assert callers["greeting"] == "hello from the state bucket"


def test_the_classic_question_with_its_keys_in_the_credentials_file(world, home, aws_provider, tmp_path, monkeypatch):
    """`shared_credentials_files = ["~/.aws/config"]` while the keys lie in ~/.aws/credentials, also under the name of the
    role's profile: the provider's older SDK would look for the keys of AWS_PROFILE's role in the named file."""
    monkeypatch.setattr(type(home), "keys_in_config", lambda self: None)
    name, folder = clients.terraform(), terraform.provider_project(tmp_path / "classic", home, remote=False)
    home.login()
    result = home.run("tollgate", "exec", "prod", "--", *script(
        f"{name} init -input=false -no-color", f"{name} plan -input=false -no-color",
        f"{name} apply -input=false -no-color -auto-approve", 'tollgate whoami', 'echo "$AWS_PROFILE $AWS_VAULT"'),
        cwd=folder)
    assert result.returncode == 0, result.stderr
    assert ":assumed-role/deploy/" in result.stdout and ":assumed-role/audit/" in result.stdout
    assert result.stdout.splitlines()[-1] == "prod.tollgate prod"
    # -chdir names the folder as well; other code keeps the profile's name.
    inside = home.run("tollgate", "exec", "prod", "--", name, f"-chdir={folder}", "plan", "-input=false", "-no-color")
    assert inside.returncode == 0, inside.stderr
    assert home.run("tollgate", "exec", "prod", "--", "sh", "-c", "echo $AWS_PROFILE",
                    cwd=world.folder).stdout == "prod\n"
    # The same code as a module in a subfolder, and in a shell that has the overlay's variables.
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "main.tf").write_text('module "classic" {\n  source = "./modules/classic"\n}\n')
    shutil.copytree(folder, outside / "modules/classic", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    module = home.run("tollgate", "exec", "prod", "--", *script(
        f"{name} init -input=false -no-color", f"{name} plan -input=false -no-color"), cwd=outside)
    assert module.returncode == 0, module.stderr
    shell = home.run("sh", "-ec", f'eval "$(tollgate env prod --overlay)"; {name} plan -input=false -no-color; '
                     'echo "$AWS_PROFILE"', cwd=outside)
    assert (shell.returncode, shell.stdout.splitlines()[-1:]) == (0, ["prod.tollgate"]), shell.stderr


def test_the_same_with_static_keys_in_the_environment(world, home, project):
    """--env has no overlay: code that names no profile works, and one that names it fails as ever."""
    name = clients.terraform()
    code = project / "main.tf"
    code.write_text(re.sub(r'\n *profile .*', "", code.read_text()))
    result = home.on_pty("tollgate", "exec", "prod", "--env", "--", *script(
        f"{name} init -input=false -no-color", f"{name} apply -input=false -no-color -auto-approve"), cwd=project)
    assert result.status == 0, result.output
    assert result.prompts == 1


def test_a_held_lock_stops_the_second_run(world, home, project):
    name = clients.terraform()
    home.login()
    assert home.run("tollgate", "exec", "prod", "--", name, "init", "-input=false", cwd=project).returncode == 0
    # The first run keeps the lock while its provisioner sleeps.
    code = project / "main.tf"
    code.write_text(code.read_text().replace(
        'input = "hello from the state bucket"',
        'input = "hello from the state bucket"\n  provisioner "local-exec" {\n    command = "touch running; sleep 4"\n  }'))
    first = home.start("tollgate", "exec", "prod", "--", name, "apply", "-input=false", "-auto-approve", cwd=project)
    for line in first.stdout:
        if "local-exec" in line:
            break
    second = home.run("tollgate", "exec", "prod", "--", name, "plan", "-input=false", "-no-color", cwd=project)
    assert second.returncode == 1
    assert "Error acquiring the state lock" in second.stderr
    assert "PreconditionFailed" in second.stderr
    assert first.communicate(timeout=120) and first.returncode == 0


def test_plan_exit_status_comes_through(world, home, project):
    name = clients.terraform()
    home.login()
    inside = ("tollgate", "exec", "prod", "--", name)
    assert home.run(*inside, "init", "-input=false", cwd=project).returncode == 0
    assert home.run(*inside, "plan", "-input=false", "-detailed-exitcode", cwd=project).returncode == 2


def test_ctrl_c_reaches_terraform_once(home, tmp_path, terraform_program):
    """The second interrupt would make it drop everything, the state included."""
    (tmp_path / "main.tf").write_text("""resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "trap '' INT; echo the work begins; sleep 3"
  }
}
""")
    home.login()
    name = clients.terraform()
    child = home.spawn("tollgate", "exec", "prod", "--", "sh", "-ec",
                       f"{name} init -input=false -no-color; exec {name} apply -input=false -no-color -auto-approve",
                       cwd=str(tmp_path))
    child.expect("the work begins")
    child.sendintr()
    child.expect("Interrupt received")
    child.expect(pexpect.EOF)
    rest = child.before
    child.close()
    assert "nterrupt received" not in rest and "Two interrupts" not in rest, rest
    assert child.signalstatus is None
    assert "terraform_data" in (tmp_path / "terraform.tfstate").read_text()
