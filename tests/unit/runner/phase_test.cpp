// The program itself, with a terraform that each test scripts.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "common/crypto/hash.h"
#include "tests/support/forked.h"
#include "tests/support/referees.h"
#include "tests/unit/runner/fixture.h"

namespace tollgate::runner {
namespace {

// The runner of a spool: the one process whose command line names it.
pid_t runner_of(const Spool& spool) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::string line;
    std::getline(file, line);
    if (line.find("tollgate-runner") != std::string::npos && line.find(spool.path()) != std::string::npos) {
      return std::stoi(entry.path().filename());
    }
  }
  return -1;
}

bool runs(const std::string& mark) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::string line;
    std::getline(file, line);
    if (line.find(mark) != std::string::npos) return true;
  }
  return false;
}

TEST_F(PhaseTest, APlanGivesItsPlanAndItsCounts) {
  const Files files{{"plan.sh",
                     "echo 'Plan: 1 to add'; echo warned >&2\n"
                     "for w; do case $w in -out=*) echo planned >\"${w#-out=}\";; esac; done; exit 2\n"},
                    {"show.sh", R"(echo '{"format_version":"1.2","terraform_version":"1.2.3","resource_changes":[
                       {"mode":"managed","type":"t","provider_name":"p","change":{"actions":["create"],"before":null,
                        "after":{"s":"canary"},"after_sensitive":{"s":true}}}]}')"}};
  auto client = start(spool_with(files), bundle());
  ASSERT_TRUE(client) << client.error().text();
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(to_text(result.status), "finished") << result.sentence;
  EXPECT_TRUE(result.has_changes);
  EXPECT_EQ(result.additions, 1);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.terraform_version, "1.2.3");
  EXPECT_EQ(result.plan_sha256, crypto::sha256_hex("planned\n"));
  EXPECT_EQ(**client->spool().read(spool_file::kPlanOut), "planned\n");
  EXPECT_NE((*client->spool().read(spool_file::kPlanJson))->find("canary"), std::string::npos);
  EXPECT_EQ((*client->spool().read(spool_file::kPlanRedacted))->find("canary"), std::string::npos);
  const std::string output = output_of(*client);
  EXPECT_NE(output.find("Plan: 1 to add\n"), std::string::npos) << output;
  EXPECT_NE(output.find("warned\n"), std::string::npos);
  EXPECT_NE(output.find("without a sandbox"), std::string::npos) << "it says so in every log";
  EXPECT_EQ(output.size(), result.output_bytes);
  EXPECT_FALSE(client->spool().has(spool_file::kWork)) << "nothing of the phase's own files stays";
  EXPECT_FALSE(std::filesystem::exists(client->spool().memory_directory()));
}

TEST_F(PhaseTest, APlanWithoutChangesHasNone) {
  const Files files{{"plan.sh", "for w; do case $w in -out=*) echo p >\"${w#-out=}\";; esac; done\n"}};
  auto client = start(spool_with(files), bundle());
  ASSERT_TRUE(client);
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.status, PhaseStatus::finished);
  EXPECT_FALSE(result.has_changes);
}

TEST_F(PhaseTest, FailuresSayWhichAndWhy) {
  int number = 0;
  const auto outcome = [&](const Files& files, const std::function<void(Bundle&)>& change = {}) {
    Bundle given = bundle();
    if (change) change(given);
    auto client = start(spool_with(files, "plan-" + std::to_string(++number)), given);
    EXPECT_TRUE(client);
    const PhaseResult result = result_of(*client);
    EXPECT_EQ(result.status, PhaseStatus::errored);
    return std::pair(result.reason, output_of(*client));
  };
  auto [failed, failed_log] = outcome({{"plan.sh", "echo 'Error: broken' >&2; exit 1\n"}});
  EXPECT_EQ(failed, reason::kTerraformFailed);
  EXPECT_NE(failed_log.find("Error: broken"), std::string::npos);
  auto [init, init_log] = outcome({{"init.sh", "echo 'no such provider'; exit 1\n"}});
  EXPECT_EQ(init, reason::kTerraformFailed);
  EXPECT_NE(init_log.find("no such provider"), std::string::npos);
  EXPECT_EQ(outcome({{"plan.sh", "kill -9 $$\n"}}).first, reason::kTerraformKilled);
  EXPECT_EQ(outcome({{"plan.sh", "exit 2\n"}}).first, reason::kTerraformFailed) << "there is no plan";
  EXPECT_EQ(outcome({{"init.sh", "exit 0\n"}}).first, reason::kConfigurationRefused) << "another backend";
  EXPECT_EQ(outcome({{"a", ""}}, [](Bundle& given) { given.working_directory = "missing"; }).first,
            reason::kConfigurationRefused);
  EXPECT_EQ(outcome({{"a", ""}}, [](Bundle& given) { given.terraform = "/nonexistent/terraform"; }).first,
            reason::kTerraformUnusable);
  EXPECT_EQ(outcome({{"plan.sh", "trap 'exit 1' INT; echo waits; sleep 50 & wait\n"}},
                    [](Bundle& given) { given.limits.seconds = 1; })
                .first,
            reason::kLimitSeconds);
}

TEST_F(PhaseTest, WithoutASandboxNothingRunsUnlessAllowed) {
  Bundle given = bundle();
  given.unsandboxed = false;
  Files files{{"plan.sh", "echo ran; exit 1\n"}};
  auto client = start(spool_with(files), given);
  ASSERT_TRUE(client);
  const PhaseResult result = result_of(*client);
  // With a sandbox it runs in it.
  if (result.reason != reason::kSandboxUnavailable) {
    EXPECT_NE(result.isolation, std::vector<std::string>{"none"});
  } else {
    EXPECT_EQ(output_of(*client).find("ran\n"), std::string::npos);
  }
}

TEST_F(PhaseTest, AnApplyTakesThePlanThatWasConfirmedAndNoOther) {
  const Files files{{"apply.sh",
                     "cat .terraform.lock.hcl; eval last=\\${$#}; head -c 2 \"$last\"; echo\n"
                     "echo 'Apply complete! Resources: 3 added, 2 changed, 1 destroyed.'\n"}};
  Spool spool = spool_with(files, "apply-1");
  const Bundle given = apply_bundle(spool);
  auto client = start(std::move(spool), given);
  ASSERT_TRUE(client);
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(to_text(result.status), "finished") << result.sentence;
  EXPECT_EQ(result.additions, 3);
  EXPECT_EQ(result.destructions, 1);
  EXPECT_EQ(result.plan_sha256, given.plan_sha256);
  EXPECT_NE(output_of(*client).find("# locked\nPK\n"), std::string::npos) << output_of(*client);

  Spool second = spool_with(files, "apply-2");
  Bundle swapped = apply_bundle(second);
  ASSERT_TRUE(second.write(spool_file::kPlanIn, stored_archive("tfplan", "another")));
  auto refused = start(std::move(second), swapped);
  ASSERT_TRUE(refused);
  const PhaseResult mismatch = result_of(*refused);
  EXPECT_EQ(mismatch.reason, reason::kPlanHashMismatch);
  EXPECT_EQ(output_of(*refused).find("Apply complete"), std::string::npos);
}

TEST_F(PhaseTest, EveryStateIsShippedWhileTheApplyRuns) {
  const Files files{{"apply.sh", R"(f=../state/terraform.tfstate
cat $f; echo
for n in 8 9 10; do
  printf '{"version":4,"serial":%s,"lineage":"l","outputs":{"o":{"value":1,"type":"number"}}}' $n >$f
  echo "wrote $n"
  while ! [ -e "$MARK/$n" ]; do sleep 0.01; done
done
printf '{"version":4,"serial":11,' >$f
kill -9 $$
)"}};
  Spool spool = spool_with(files, "apply-1");
  Bundle given = apply_bundle(spool);
  given.environment.push_back({"MARK", Secret(place_.path()), false});
  ASSERT_TRUE(spool.write(spool_file::kStateIn, state(7)));
  auto client = start(std::move(spool), given);
  ASSERT_TRUE(client);
  for (const int serial : {8, 9, 10}) {
    // Shipped before terraform goes on: it waits for the mark.
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (client->wait(Duration(100)).state_serial != serial && std::chrono::steady_clock::now() < limit) {
    }
    EXPECT_EQ(client->spool().state_serials().back(), serial);
    test::write_test_file(place_.file(std::to_string(serial)), "");
  }
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.reason, reason::kTerraformKilled);
  EXPECT_EQ(result.state_serial, 10) << "the last whole one";
  EXPECT_EQ(client->spool().state_serials(), (std::vector<std::int64_t>{8, 9, 10}));
  EXPECT_NE(output_of(*client).find(state(7)), std::string::npos) << "it starts from the server's state";
  EXPECT_NE((*client->spool().read(spool_file::kOutputs))->find("\"o\""), std::string::npos);
}

TEST_F(PhaseTest, CancelIsOneInterruptHoweverOftenItIsSaid) {
  const Files files{{"apply.sh", R"(trap 'n=$((n+1)); echo "interrupt $n"' INT
trap '' TERM
echo ready
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.05; done
printf '{"version":4,"serial":1,"lineage":"l"}' >../state/terraform.tfstate
exit 1
)"}};
  Spool spool = spool_with(files, "apply-1");
  const Bundle given = apply_bundle(spool);
  auto client = start(std::move(spool), given);
  ASSERT_TRUE(client);
  ASSERT_TRUE(shows(*client, "ready\n"));
  for (int times = 0; times < 5; ++times)
    EXPECT_TRUE(client->cancel());
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.status, PhaseStatus::canceled) << result.sentence;
  EXPECT_EQ(result.reason, reason::kCanceled);
  EXPECT_EQ(result.state_serial, 1) << "what it saved on its way out";
  const std::string output = output_of(*client);
  EXPECT_NE(output.find("interrupt 1"), std::string::npos);
  EXPECT_EQ(output.find("interrupt 2"), std::string::npos);
}

TEST_F(PhaseTest, WhatIgnoresEverythingIsKilledInTheEnd) {
  const Files files{{"plan.sh", "trap '' INT TERM\necho ready\nwhile :; do sleep 0.05; done\n"}};
  Bundle given = bundle();
  given.limits.cancel_grace_seconds = 0;
  given.limits.kill_grace_seconds = 0;
  auto client = start(spool_with(files), given);
  ASSERT_TRUE(client);
  ASSERT_TRUE(shows(*client, "ready\n"));
  ASSERT_TRUE(client->cancel());
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.status, PhaseStatus::canceled);
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_NE(result.sentence.find("killed"), std::string::npos);
}

TEST_F(PhaseTest, TheResultComesOnlyWhenEveryProcessIsGone) {
  const std::string mark = "31" + std::to_string(getpid());
  const Files files{{"plan.sh", "(trap '' INT TERM HUP; setsid sleep " + mark + ") &\nsetsid sh -c 'sleep " + mark +
                                    " & sleep " + mark + "' &\necho ready; sleep " + mark + "\n"}};
  auto client = start(spool_with(files), bundle());
  ASSERT_TRUE(client);
  ASSERT_TRUE(shows(*client, "ready\n"));
  EXPECT_TRUE(test::eventually([&] { return runs(mark); }));
  ASSERT_TRUE(client->kill());
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.reason, reason::kForceCanceled);
  EXPECT_FALSE(runs(mark));
}

TEST_F(PhaseTest, AGrandchildThatKeepsThePipeHoldsNothingUp) {
  const std::string mark = "32" + std::to_string(getpid());
  const Files files{{"plan.sh", "setsid sleep " + mark + " &\necho done; exit 1\n"}};
  auto client = start(spool_with(files), bundle());
  ASSERT_TRUE(client);
  EXPECT_EQ(result_of(*client).reason, reason::kTerraformFailed);
  EXPECT_FALSE(runs(mark));
}

TEST_F(PhaseTest, AKilledRunnerLeavesTheTruth) {
  const Files files{{"apply.sh",
                     "printf '{\"version\":4,\"serial\":3,\"lineage\":\"l\"}' >../state/terraform.tfstate\n"
                     "echo half; sleep 50\n"}};
  Spool spool = spool_with(files, "apply-1");
  const std::string path = spool.path();
  const Bundle given = apply_bundle(spool);
  auto client = start(std::move(spool), given);
  ASSERT_TRUE(client);
  ASSERT_TRUE(shows(*client, "half\n"));
  EXPECT_TRUE(test::eventually([&] { return !client->spool().state_serials().empty(); }));
  EXPECT_TRUE(client->alive());
  const pid_t runner = runner_of(client->spool());
  ASSERT_GT(runner, 0);
  kill(runner, SIGKILL);
  EXPECT_TRUE(test::eventually([&] { return !client->alive(); }));
  EXPECT_TRUE(client->wait(Duration(10000)).ended);
  EXPECT_FALSE(*client->spool().result()) << "no result and no runner: lost";
  EXPECT_EQ(client->spool().state_serials(), (std::vector<std::int64_t>{3}));
  EXPECT_NE(output_of(*client).find("half\n"), std::string::npos);
  EXPECT_EQ(client->cancel().error().reason, "no_runner");
  ASSERT_TRUE(Spool::remove(path));
  EXPECT_FALSE(std::filesystem::exists(client->spool().memory_directory()));
}

TEST_F(PhaseTest, AnotherProcessOfTheServerGoesOnFollowing) {
  const Files files{{"plan.sh",
                     "echo first; while ! [ -e \"$MARK/go\" ]; do sleep 0.01; done\n"
                     "for w; do case $w in -out=*) echo p >\"${w#-out=}\";; esac; done; exit 2\n"}};
  Bundle given = bundle();
  given.environment.push_back({"MARK", Secret(place_.path()), false});
  Spool spool = spool_with(files);
  const std::string path = spool.path();
  // The server that starts it dies at once.
  test::Forked server([&] { return start(std::move(spool), given) ? 0 : 1; });
  ASSERT_EQ(server.exit_code(), 0);
  auto second = PhaseClient::attach(path);
  auto third = PhaseClient::attach(path);
  ASSERT_TRUE(second && third);
  EXPECT_TRUE(second->alive());
  ASSERT_TRUE(shows(*second, "first\n"));
  ASSERT_TRUE(shows(*third, "first\n"));
  const auto again = start(*Spool::open(path), given);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "spool_busy") << "no phase is started twice";
  test::write_test_file(place_.file("go"), "");
  EXPECT_EQ(result_of(*second).status, PhaseStatus::finished);
  EXPECT_EQ(result_of(*third).status, PhaseStatus::finished);
  EXPECT_TRUE(test::eventually([&] { return !second->alive(); }));
  EXPECT_EQ(start(*Spool::open(path), given).error().reason, "phase_over");
}

TEST_F(PhaseTest, ARunnerThatCannotReadItsBundleStartsNothing) {
  Bundle given = bundle();
  given.working_directory = "../elsewhere";
  const auto client = start(spool_with({{"a", ""}}), given);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().reason, "runner_refused");
  EXPECT_NE(client.error().message.find("working-directory"), std::string::npos) << client.error().message;
}

TEST_F(PhaseTest, SecretsReachTerraformAndNotTheLog) {
  const std::string secret = "canary-7f3a/=+%\"x";
  const Files files{{"main.tf", "variable \"password\" {}\nvariable \"region\" {}\n"},
                    {"plan.sh",
                     "cat zzzz_tollgate.auto.tfvars; echo \"token $TOKEN\"; printf %s \"$TOKEN\" | base64; "
                     "printf 'canary-7f'; sleep 0.1; printf '3a/=+%%\"x\\n'; tr '\\0' ' ' </proc/$$/cmdline; "
                     "exit 1\n"}};
  Bundle given = bundle();
  const auto add = [&](const char* key, const std::string& value, bool sensitive) {
    BundleVariable variable;
    variable.key = key;
    variable.value = Secret(value);
    variable.sensitive = sensitive;
    given.variables.push_back(std::move(variable));
  };
  add("password", secret, true);
  add("region", "eu-west-1", false);
  add("undeclared", "value", false);
  given.environment.push_back({"TOKEN", Secret("token-canary-1234567890"), true});
  auto client = start(spool_with(files), given);
  ASSERT_TRUE(client);
  result_of(*client);
  const std::string output = output_of(*client);
  EXPECT_NE(output.find("password = \"***\"\nregion = \"eu-west-1\"\n"), std::string::npos) << output;
  EXPECT_EQ(output.find("undeclared"), std::string::npos) << "terraform would warn of it";
  EXPECT_EQ(output.find("canary"), std::string::npos) << output;
  EXPECT_NE(output.find("token ***\n"), std::string::npos);
}

TEST_F(PhaseTest, TheLogEndsAtItsLimitAndTheRunGoesOn) {
  const Files files{{"plan.sh",
                     "yes 0123456789abcde | head -c 4000000\n"
                     "for w; do case $w in -out=*) echo p >\"${w#-out=}\";; esac; done; exit 2\n"}};
  Bundle given = bundle();
  given.limits.log_bytes = 100000;
  auto client = start(spool_with(files), given);
  ASSERT_TRUE(client);
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.status, PhaseStatus::finished);
  EXPECT_TRUE(result.output_truncated);
  const std::string output = output_of(*client);
  EXPECT_GE(output.size(), 100000U);
  EXPECT_LE(output.size(), 100400U);
  EXPECT_NE(output.find("has reached its limit of 100000 bytes"), std::string::npos);
}

TEST_F(PhaseTest, NotesInAStructuredLogAreStructured) {
  Bundle given = bundle();
  given.log_format = LogFormat::json;
  auto client = start(spool_with({{"plan.sh", "echo '{\"@message\":\"x\"}'; exit 1\n"}}), given);
  ASSERT_TRUE(client);
  result_of(*client);
  const std::string output = output_of(*client);
  for (std::string_view rest = output; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    EXPECT_EQ(rest.front(), '{') << output;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

TEST_F(PhaseTest, PlantedLinksAreNotReadBack) {
  test::write_test_file(place_.file("canary"), "canary");
  const Files files{
      {"plan.sh", "for w; do case $w in -out=*) ln -s \"$MARK/canary\" \"${w#-out=}\";; esac; done; exit 2\n"}};
  Bundle given = bundle();
  given.environment.push_back({"MARK", Secret(place_.path()), false});
  auto client = start(spool_with(files), given);
  ASSERT_TRUE(client);
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.status, PhaseStatus::errored);
  EXPECT_FALSE(client->spool().has(spool_file::kPlanOut));
  EXPECT_EQ(test::read_whole_file(place_.file("canary")), "canary");
}

TEST_F(PhaseTest, ALongPathOfASpoolIsNoObstacle) {
  auto client = start(spool_with({{"a", ""}}, std::string(120, 'x')), bundle());
  ASSERT_TRUE(client) << client.error().text();
  EXPECT_EQ(result_of(*client).status, PhaseStatus::finished);
}

}  // namespace
}  // namespace tollgate::runner
