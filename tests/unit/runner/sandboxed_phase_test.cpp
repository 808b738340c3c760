// The program itself with its sandbox: what a phase sees, what ends it, and what is left of it.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "runner/isolation/sandbox.h"
#include "tests/support/forked.h"
#include "tests/unit/runner/fixture.h"

namespace tollgate::runner {
namespace {

constexpr std::int64_t kRunUser = 62011;  // in no passwd file

bool runs(const std::string& mark) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::string line;
    std::getline(file, line);
    if (line.find(mark) != std::string::npos) return true;
  }
  return false;
}

class SandboxedPhase : public PhaseTest {
 protected:
  void SetUp() override {
    if (access("/usr/bin/bwrap", X_OK) != 0) GTEST_SKIP() << "bubblewrap is not installed";
    chmod(terraform_.c_str(), 0755);
  }
  Bundle isolated(Bundle made) const {
    made.unsandboxed = false;
    if (geteuid() == 0) made.uid = made.gid = kRunUser;
    return made;
  }
  // Runs this plan to its end; "go on" is as the fake does it.
  PhaseResult plan(const std::string& script, const std::function<void(Bundle&)>& change = {}) {
    Bundle given = isolated(bundle());
    if (change) change(given);
    auto client = start(spool_with({{"plan.sh", script}}, "plan-" + std::to_string(++number_)), given);
    if (!client) {
      ADD_FAILURE() << client.error().text();
      return {};
    }
    const PhaseResult result = result_of(*client);
    output_ = output_of(*client);
    EXPECT_FALSE(client->spool().has(spool_file::kWork)) << "nothing of the phase's own files stays";
    EXPECT_FALSE(std::filesystem::exists(client->spool().memory_directory()));
    return result;
  }

  std::string output_;

 private:
  int number_ = 0;
};

const std::string kPlanned = "for w; do case $w in -out=*) echo p >\"${w#-out=}\";; esac; done; exit 2\n";

TEST_F(SandboxedPhase, APlanFinishesAndItsLogSaysWhatIsInForce) {
  const PhaseResult result = plan("id -u; pwd; " + kPlanned);
  EXPECT_EQ(to_text(result.status), "finished") << result.sentence << output_;
  EXPECT_TRUE(result.has_changes);
  ASSERT_FALSE(result.isolation.empty());
  EXPECT_EQ(result.isolation.front(), "namespaces");
  const bool landlock = syscall(444, nullptr, 0, 1U) >= 2;
  EXPECT_NE(output_.find(fmt::format("Sandbox: namespaces, seccomp, no capabilities, {}network: none",
                                     landlock ? "landlock, " : "")),
            std::string::npos)
      << output_;
  const std::string user = std::to_string(geteuid() == 0 ? kRunUser : geteuid());
  EXPECT_NE(output_.find(fmt::format("{}\n{}/configuration\n", user, isolation::kWorkDirectory)), std::string::npos)
      << output_;
  EXPECT_EQ(output_.find("without a sandbox"), std::string::npos);
}

TEST_F(SandboxedPhase, AnApplyShipsItsStates) {
  Spool spool = spool_with({{"apply.sh",
                             "printf '{\"version\":4,\"serial\":5,\"lineage\":\"l\"}' >../state/terraform.tfstate\n"
                             "echo 'Apply complete! Resources: 3 added, 2 changed, 1 destroyed.'\n"}},
                           "apply-1");
  const Bundle given = isolated(apply_bundle(spool));
  auto client = start(std::move(spool), given);
  ASSERT_TRUE(client) << client.error().text();
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(to_text(result.status), "finished") << result.sentence;
  EXPECT_EQ(result.state_serial, 5);
  EXPECT_EQ(result.additions, 3);
}

TEST_F(SandboxedPhase, TheEnvironmentIsOursAlone) {
  ASSERT_EQ(setenv("TOLLGATE_CANARY", "inherited", 1), 0);
  plan("env -0 | tr '\\0' '\\n' | cut -d= -f1 | sort | tr '\\n' ' '; echo; exit 1\n", [](Bundle& given) {
    given.environment.push_back({"TFC_RUN_ID", Secret("run-1"), false});
    BundleVariable variable;
    variable.key = "REGION";
    variable.environment = true;
    given.variables.push_back(variable);
    variable.key = "LD_PRELOAD";
    given.variables.push_back(variable);
  });
  unsetenv("TOLLGATE_CANARY");
  EXPECT_NE(output_.find("AWS_EC2_METADATA_DISABLED CHECKPOINT_DISABLE GOGC HOME LANG PATH PWD REGION TFC_RUN_ID "
                         "TF_CLI_CONFIG_FILE TF_INPUT TF_IN_AUTOMATION TMPDIR \n"),
            std::string::npos)
      << output_;
  EXPECT_NE(output_.find("LD_PRELOAD is reserved"), std::string::npos);
}

TEST_F(SandboxedPhase, SecretsAreReadableAndGoneAfterwards) {
  const PhaseResult result = plan("cat \"$TF_CLI_CONFIG_FILE\"; cat zzzz_tollgate.auto.tfvars; exit 1\n");
  EXPECT_NE(output_.find("disable_checkpoint = true"), std::string::npos) << output_;
  EXPECT_EQ(output_.find("No such file"), std::string::npos) << output_;
  EXPECT_EQ(result.reason, reason::kTerraformFailed);
}

TEST_F(SandboxedPhase, NothingOfTheServerIsThere) {
  test::write_test_file(place_.file("canary"), "canary-5e1", 0644);
  plan("cat " + place_.file("canary") + " /etc/shadow; ls " + place_.path() + "; ls /root /home /var; kill -0 " +
       std::to_string(getpid()) + " && echo seen; echo x >/usr/x && echo wrote; exit 1\n");
  for (const char* found : {"canary-5e1", "root:", "spools", "seen", "wrote"})
    EXPECT_EQ(output_.find(fmt::format("{}\n", found)), std::string::npos) << output_;
  EXPECT_EQ(output_.find("canary-5e1"), std::string::npos);
}

TEST_F(SandboxedPhase, LimitsEndAPhaseAndAreNamed) {
  const PhaseResult disk = plan("head -c 8000000 /dev/zero >big; while :; do head -c 8000000 /dev/zero >>big; done\n",
                                [](Bundle& given) { given.limits.disk_bytes = 16 << 20; });
  EXPECT_EQ(disk.status, PhaseStatus::errored);
  EXPECT_TRUE(disk.reason == reason::kLimitDisk || disk.reason == reason::kTerraformFailed) << disk.reason;
  const PhaseResult files = plan("for n in 1 2 3 4; do head -c 8000000 /dev/zero >big$n; done; sleep 30\n",
                                 [](Bundle& given) { given.limits.disk_bytes = 16 << 20; });
  EXPECT_EQ(files.reason, reason::kLimitDisk) << files.sentence;
  EXPECT_NE(files.sentence.find("16 MiB of disk"), std::string::npos) << files.sentence;

  const PhaseResult memory =
      plan("exec /usr/bin/tail /dev/zero\n", [](Bundle& given) { given.limits.memory_bytes = 64 << 20; });
  EXPECT_EQ(memory.status, PhaseStatus::errored);
  if (memory.warnings.empty()) {
    EXPECT_EQ(memory.reason, reason::kLimitMemory) << memory.sentence;
  }
  const PhaseResult processes =
      plan("for n in $(seq 60); do sleep 20 & done; exit 1\n", [](Bundle& given) { given.limits.processes = 30; });
  EXPECT_EQ(processes.status, PhaseStatus::errored);
  if (processes.warnings.empty()) {
    EXPECT_EQ(processes.reason, reason::kLimitProcesses) << processes.sentence;
  }
}

TEST_F(SandboxedPhase, ALimitThatDidNotEndItIsNoFailure) {
  const PhaseResult result = plan("(for n in $(seq 60); do sleep 0.2 & done); " + kPlanned,
                                  [](Bundle& given) { given.limits.processes = 30; });
  EXPECT_EQ(to_text(result.status), "finished") << result.sentence;
}

TEST_F(SandboxedPhase, CancelIsOneInterruptHoweverOftenItIsSaid) {
  Spool spool = spool_with({{"apply.sh", R"(trap 'n=$((n+1)); echo "interrupt $n"' INT
trap '' TERM
echo ready
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.05; done
printf '{"version":4,"serial":1,"lineage":"l"}' >../state/terraform.tfstate
exit 1
)"}},
                           "apply-1");
  const Bundle given = isolated(apply_bundle(spool));
  auto client = start(std::move(spool), given);
  ASSERT_TRUE(client) << client.error().text();
  ASSERT_TRUE(shows(*client, "ready\n"));
  for (int times = 0; times < 5; ++times)
    EXPECT_TRUE(client->cancel());
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.reason, reason::kCanceled);
  EXPECT_EQ(result.state_serial, 1) << "what it saved on its way out";
  EXPECT_NE(output_of(*client).find("interrupt 1"), std::string::npos);
  EXPECT_EQ(output_of(*client).find("interrupt 2"), std::string::npos);
}

TEST_F(SandboxedPhase, WhatIgnoresEverythingIsKilledInTheEnd) {
  Bundle given = isolated(bundle());
  given.limits.cancel_grace_seconds = 0;
  given.limits.kill_grace_seconds = 0;
  auto client = start(spool_with({{"plan.sh", "trap '' INT TERM\necho ready\nwhile :; do sleep 0.05; done\n"}}), given);
  ASSERT_TRUE(client) << client.error().text();
  ASSERT_TRUE(shows(*client, "ready\n"));
  ASSERT_TRUE(client->cancel());
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(result.status, PhaseStatus::canceled);
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
}

TEST_F(SandboxedPhase, ADaemonDiesWithItsPhaseAndHoldsNothingUp) {
  const std::string mark = "33" + std::to_string(getpid());
  const PhaseResult result = plan("setsid sh -c 'setsid sh -c \"trap \\\"\\\" HUP INT TERM; sleep " + mark +
                                  "\" & exit 0' & sleep 0.1; echo done; exit 1\n");
  EXPECT_EQ(result.reason, reason::kTerraformFailed);
  EXPECT_NE(output_.find("done\n"), std::string::npos);
  EXPECT_FALSE(runs(mark));
}

TEST_F(SandboxedPhase, AKilledRunnerTakesItsPhaseWithIt) {
  const std::string mark = "34" + std::to_string(getpid());
  Spool spool =
      spool_with({{"plan.sh", "trap '' TERM INT HUP; echo half; setsid sleep " + mark + " & sleep " + mark + "\n"}});
  const std::string path = spool.path();
  auto client = start(std::move(spool), isolated(bundle()));
  ASSERT_TRUE(client) << client.error().text();
  ASSERT_TRUE(shows(*client, "half\n"));
  EXPECT_TRUE(test::eventually([&] { return runs(mark); }));
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::string line;
    std::getline(file, line);
    if (line.find("tollgate-runner") != std::string::npos && line.find(path) != std::string::npos) {
      kill(std::stoi(entry.path().filename()), SIGKILL);
    }
  }
  EXPECT_TRUE(test::eventually([&] { return !client->alive() && !runs(mark); }));
  EXPECT_FALSE(*client->spool().result());
  ASSERT_TRUE(Spool::remove(path));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(SandboxedPhase, OneWithoutItsPartsIsNotStarted) {
  const PhaseResult result =
      plan("echo ran; exit 1\n", [](Bundle& given) { given.provider_mirrors = {"/nonexistent/mirror"}; });
  EXPECT_EQ(result.reason, reason::kSandboxUnavailable);
  EXPECT_NE(result.sentence.find("To do: "), std::string::npos) << result.sentence;
  EXPECT_EQ(output_.find("ran\n"), std::string::npos);
}

AwsSession session_until(std::chrono::seconds life) {
  AwsSession session;
  session.keys = {"ASIACANARY0000000001", Secret("canary-session-secret"), Secret("canary-session-token")};
  session.expires_at = SystemClock().now() + life;
  return session;
}

TEST_F(SandboxedPhase, ARoleThatIsRenewedIsServedInsideAndNothingOfItLiesInTheEnvironment) {
  const auto result = plan(
      R"(env | grep -q canary && echo in the environment
env | cut -d= -f1 | grep -E '^AWS_' | sort | tr '\n' ' '
port=${AWS_CONTAINER_CREDENTIALS_FULL_URI##*:}; port=${port%%/*}
ask() {
  bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$2"; printf "GET /credentials HTTP/1.1\r\nAuthorization: %s\r\n\r\n" "$1" >&3
    cat <&3' - "$1" "$port" | tr -d '\r'; echo
}
echo "token $AWS_CONTAINER_AUTHORIZATION_TOKEN"
ask "$AWS_CONTAINER_AUTHORIZATION_TOKEN" >answer
cut -c1-8 answer | head -1
tail -1 answer
grep -c canary-session-secret answer
ask guess | head -1
exit 1
)",
      [](Bundle& given) {
        given.aws = session_until(std::chrono::hours(1));
        given.aws->renewal.emplace();
        given.aws->renewal->session = {"ASIAPARENT", Secret("canary-parent-secret"), Secret("canary-parent-token")};
        given.aws->renewal->sts.endpoint = "http://127.0.0.1:1";
      });
  EXPECT_EQ(result.reason, reason::kTerraformFailed);
  EXPECT_EQ(output_.find("in the environment"), std::string::npos) << output_;
  EXPECT_NE(output_.find("AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_CREDENTIALS_FULL_URI "
                         "AWS_EC2_METADATA_DISABLED "),
            std::string::npos)
      << output_;
  EXPECT_EQ(output_.find("AWS_ACCESS_KEY_ID "), std::string::npos) << output_;
  EXPECT_NE(output_.find("HTTP/1.1 403 Forbidden"), std::string::npos) << output_;
  EXPECT_NE(output_.find("\"SecretAccessKey\":\"***\""), std::string::npos) << output_;
  EXPECT_NE(output_.find("\n1\n"), std::string::npos) << "what it got is the session's: " << output_;
  EXPECT_NE(output_.find("token ***\n"), std::string::npos) << output_;
  EXPECT_EQ(output_.find("canary"), std::string::npos) << output_;
}

TEST_F(SandboxedPhase, AnEndingSessionInterruptsInTimeForTheStateToBeSaved) {
  Spool spool = spool_with({{"apply.sh", R"(trap 'printf "{\"version\":4,\"serial\":2,\"lineage\":\"l\"}" \
  >../state/terraform.tfstate; exit 1' INT
echo "key $AWS_ACCESS_KEY_ID"
while :; do sleep 0.05; done
)"}},
                           "apply-1");
  Bundle given = isolated(apply_bundle(spool));
  given.aws = session_until(std::chrono::seconds(8));
  const TimePoint end = *given.aws->expires_at;
  auto client = start(std::move(spool), given);
  ASSERT_TRUE(client) << client.error().text();
  const PhaseResult result = result_of(*client);
  EXPECT_EQ(to_text(result.status), "errored");
  EXPECT_EQ(result.reason, reason::kCredentialsExpired);
  EXPECT_NE(result.sentence.find("its AWS session ends at " + format_iso8601(end)), std::string::npos)
      << result.sentence;
  EXPECT_EQ(result.state_serial, 2);
  EXPECT_LT(result.ended_at, end + std::chrono::seconds(60));
  const std::string output = output_of(*client);
  EXPECT_NE(output.find("The apply is stopped at"), std::string::npos) << output;
  EXPECT_NE(output.find("key ***\n"), std::string::npos) << output;
}

TEST_F(SandboxedPhase, OnlyTheLoopbackPortsThatWereGivenLeadOut) {
  const auto listening = [] {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd.get(), 8) != 0) abort();
    getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return std::pair(std::move(fd), static_cast<std::uint16_t>(ntohs(address.sin_port)));
  };
  const auto [given_fd, given_port] = listening();
  const auto [other_fd, other_port] = listening();
  const std::uint16_t let_in = given_port;
  plan(fmt::format("bash -c ': </dev/tcp/127.0.0.1/{}' && echo let in; bash -c ': </dev/tcp/127.0.0.1/{}' || echo "
                   "refused; exit 1\n",
                   let_in, other_port),
       [&](Bundle& given) { given.network.loopback_ports = {let_in}; });
  EXPECT_NE(output_.find("let in\n"), std::string::npos) << output_;
  EXPECT_NE(output_.find("refused\n"), std::string::npos) << output_;
}

}  // namespace
}  // namespace tollgate::runner
