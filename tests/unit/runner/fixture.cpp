#include "tests/unit/runner/fixture.h"

#include <chrono>
#include <filesystem>
#include <fstream>

#include "common/crypto/hash.h"
#include "common/os/child_process.h"
#include "tests/support/referees.h"

namespace tollgate::runner {
namespace {

constexpr const char* kFakeTerraform = R"(#!/bin/sh
[ -f "$1.sh" ] && exec /bin/sh "./$1.sh" "$@"
case $1 in
  init)
    mkdir -p .terraform
    path=$(sed -n 's/^ *path *= //p' zzzz_tollgate_override.tf)
    printf '{"backend":{"type":"local","config":{"path":%s}}}' "$path" >.terraform/terraform.tfstate ;;
  plan)
    for word; do case $word in -out=*) echo 'the plan' >"${word#-out=}" ;; esac; done
    exit 2 ;;
  show) echo '{"format_version":"1.2","terraform_version":"9.9.9","resource_changes":[]}' ;;
  apply) echo 'Apply complete! Resources: 1 added, 0 changed, 0 destroyed.' ;;
  *) exit 127 ;;
esac
)";

std::string little_endian(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i)
    bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

}  // namespace

std::string stored_archive(const std::string& name, const std::string& content) {
  const std::string sizes = little_endian(content.size(), 4) + little_endian(content.size(), 4);
  const std::string local = std::string("PK\3\4") + std::string(14, '\0') + sizes + little_endian(name.size(), 2) +
                            little_endian(0, 2) + name + content;
  const std::string central = std::string("PK\1\2") + std::string(16, '\0') + sizes + little_endian(name.size(), 2) +
                              std::string(16, '\0') + name;
  return local + central + std::string("PK\5\6") + std::string(4, '\0') + little_endian(1, 2) + little_endian(1, 2) +
         little_endian(central.size(), 4) + little_endian(local.size(), 4) + little_endian(0, 2);
}

PhaseTest::PhaseTest() : terraform_(place_.file("terraform")) {
  test::write_test_file(terraform_, kFakeTerraform, 0700);
}

std::string PhaseTest::archive_of(const Files& files) {
  const test::TemporaryDirectory tree;
  for (const auto& [name, content] : files) {
    std::filesystem::create_directories(std::filesystem::path(tree.file(name)).parent_path());
    test::write_test_file(tree.file(name), content);
  }
  os::Command command;
  command.argv = {"/bin/tar", "-C", tree.path(), "-czf", "-", "."};
  command.environment.set("PATH", "/usr/bin:/bin");
  auto captured = os::capture(std::move(command));
  if (!captured || !captured->succeeded()) throw std::runtime_error("tar failed");
  return std::string(captured->output.reveal());
}

Spool PhaseTest::spool_with(const Files& configuration, const std::string& name) {
  Spool spool = *Spool::create(place_.file("spools/" + name));
  if (!spool.write(spool_file::kConfiguration, archive_of(configuration))) throw std::runtime_error("writing failed");
  return spool;
}

Bundle PhaseTest::bundle(Phase phase) const {
  Bundle made;
  made.run_id = "run-1";
  made.phase = phase;
  made.phase_id = "phase-1";
  made.terraform = terraform_;
  made.network.mode = NetworkMode::none;
  made.limits.seconds = 60;
  made.unsandboxed = true;
  return made;
}

Bundle PhaseTest::apply_bundle(const Spool& spool) const {
  const std::string plan = stored_archive(".terraform.lock.hcl", "# locked\n");
  EXPECT_TRUE(spool.write(spool_file::kPlanIn, plan));
  Bundle made = bundle(Phase::apply);
  made.plan_sha256 = crypto::sha256_hex(plan);
  return made;
}

Result<PhaseClient> PhaseTest::start(Spool spool, const Bundle& given) const {
  return PhaseClient::start(TOLLGATE_RUNNER, std::move(spool), given);
}

PhaseResult PhaseTest::result_of(PhaseClient& client) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!client.wait(Duration(1000)).ended && std::chrono::steady_clock::now() < limit) {
  }
  const auto result = client.spool().result();
  if (!result || !*result) {
    ADD_FAILURE() << "the phase has no result";
    return {};
  }
  return **result;
}

std::string PhaseTest::output_of(const PhaseClient& client) {
  return client.spool().read_output(0, std::size_t{64} << 20).value_or("");
}

bool PhaseTest::shows(PhaseClient& client, const std::string& text) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < limit) {
    const bool ended = client.wait(Duration(200)).ended;
    if (output_of(client).find(text) != std::string::npos) return true;
    if (ended) return false;
  }
  return false;
}

std::string PhaseTest::state(int serial, const std::string& filler) {
  return fmt::format(R"({{"version":4,"terraform_version":"9.9.9","serial":{},"lineage":"l","outputs":{{}},"x":"{}"}})",
                     serial, filler);
}

}  // namespace tollgate::runner
