"""The stock AWS provider manages the sandbox's IAM: apply, nothing left to do, change in place, destroy."""
import pathlib
import shutil

FIXTURE = pathlib.Path(__file__).resolve().parent / "fixtures/iam"


def test_provider_applies_changes_and_destroys_every_iam_resource(make_world, tmp_path, aws_provider,
                                                                  terraform_program):
    founder = (FIXTURE / "founder.toml").read_text()
    world, home = make_world(lambda text: text + "\n" + founder)
    keys = next(user for user in world.toml["user"] if user["name"] == "founder")["access_key"][0]
    environment = {"AWS_ACCESS_KEY_ID": keys["id"], "AWS_SECRET_ACCESS_KEY": keys["secret"], "AWS_REGION": "us-east-1"}
    project = tmp_path / "iam"
    project.mkdir()
    shutil.copy(FIXTURE / "main.tf", project / "main.tf")

    def terraform(*arguments):
        return home.run(terraform_program, *arguments, "-input=false" if arguments[0] != "destroy" else "-auto-approve",
                        "-no-color", cwd=project, environment=environment, timeout=300)

    done = terraform("init")
    assert done.returncode == 0, done.stdout + done.stderr
    done = terraform("apply", "-auto-approve")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 added" in done.stdout
    done = terraform("plan", "-detailed-exitcode")
    assert done.returncode == 0, done.stdout + done.stderr
    done = terraform("apply", "-auto-approve", "-var", "revision=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 added" in done.stdout and "0 destroyed" in done.stdout
    done = terraform("destroy", "-var", "revision=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 destroyed" in done.stdout
