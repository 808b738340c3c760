#include "sandbox/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "sandbox/rows.h"
#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  tollgate::test::TemporaryDirectory folder_;
  os::PrivateDirectory state_ = *os::PrivateDirectory::create(folder_.file("state"));

  Journal open(test::SandboxWorld& sandbox) {
    auto journal = Journal::open(state_, sandbox.world, sandbox.clock.now());
    if (!journal) throw std::runtime_error(journal.error().text());
    return std::move(*journal);
  }
  std::string text() const { return tollgate::test::read_whole_file(state_.path() + "/journal.jsonl"); }
};

TEST_F(JournalTest, SessionsAndUsedCodesSurviveARestart) {
  test::SandboxWorld before;
  Journal journal = open(before);
  const Principal caller = before.session("ana", true);
  const std::string code = before.code(test::kAnaSerial);
  journal.save(before.world);

  test::SandboxWorld after;
  after.clock.advance(before.clock.now() - after.clock.now());
  open(after);
  const Session* session = after.world.sessions.find(caller.session->access_key_id);
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->token, caller.session->token);
  EXPECT_EQ(session->secret, caller.session->secret);
  EXPECT_EQ(session->mfa_at, caller.session->mfa_at);
  EXPECT_EQ(session->expires, caller.session->expires);
  const Answer again =
      after.sts(after.user("ana"), "GetSessionToken", {{"SerialNumber", test::kAnaSerial}, {"TokenCode", code}});
  EXPECT_EQ(again.code, "AccessDenied") << "the code was used before the restart";
}

TEST_F(JournalTest, ChangesWinOverTheWorldFile) {
  test::SandboxWorld before;
  Journal journal = open(before);
  Role role = *before.world.role_by_arn(test::kDeploy);
  role.max_session_duration = 7200;
  before.world.roles.put(role);
  before.world.users.erase("111111111111/bob");
  journal.save(before.world);
  for (int restart = 0; restart < 3; ++restart) {
    test::SandboxWorld after;
    open(after);
    EXPECT_EQ(after.world.role_by_arn(test::kDeploy)->max_session_duration, 7200);
    EXPECT_FALSE(after.world.users.has("111111111111/bob")) << restart;
    EXPECT_TRUE(after.world.users.has("111111111111/ana"));
  }
}

TEST_F(JournalTest, ATornLastLineIsIgnored) {
  test::SandboxWorld before;
  Journal journal = open(before);
  before.session("ana", true);
  journal.save(before.world);
  const std::string whole = text();
  for (const std::size_t cut : {1U, 10U, 100U}) {
    std::ofstream(state_.path() + "/journal.jsonl", std::ios::binary) << whole.substr(0, whole.size() - cut);
    test::SandboxWorld after;
    EXPECT_TRUE(Journal::open(state_, after.world, after.clock.now())) << cut;
  }
}

TEST_F(JournalTest, AMalformedLineIsNamed) {
  std::ofstream(state_.path() + "/journal.jsonl") << "{\"kind\":\"user\",\"key\":\"a/b\",\"row\":{}}\n";
  ASSERT_EQ(::chmod((state_.path() + "/journal.jsonl").c_str(), 0600), 0);
  test::SandboxWorld sandbox;
  const auto journal = Journal::open(state_, sandbox.world, sandbox.clock.now());
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Code::invalid);
  EXPECT_NE(journal.error().place.find("journal.jsonl:1"), std::string::npos) << journal.error().place;
}

TEST_F(JournalTest, OldSessionsAndSupersededLinesAreDropped) {
  test::SandboxWorld sandbox;
  {
    Journal journal = open(sandbox);
    for (int i = 0; i < 5; ++i) {
      sandbox.session("ana", true);
      journal.save(sandbox.world);
    }
  }
  const std::size_t before = text().size();
  test::SandboxWorld after;
  after.clock.advance(std::chrono::hours(24 * 3));
  open(after);
  EXPECT_EQ(after.world.sessions.all().size(), 0U);
  EXPECT_LT(text().size(), before / 3);
}

template <class Row>
void expect_round_trip(const Row& row) {
  const json::Value written = to_json(row);
  Row loaded;
  const auto done = from_json(json::Reader(written), loaded);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(json::to_text(to_json(loaded)), json::to_text(written));
}

TEST(Rows, TravelWhole) {
  test::SandboxWorld sandbox;
  const World& world = sandbox.world;
  sandbox.role_session(test::kDeploy);
  for (const auto& [key, row] : world.accounts.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.users.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.roles.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.managed.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.access_keys.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.devices.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.used_steps.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.sessions.all())
    expect_round_trip(row);
  for (const auto& [key, row] : world.buckets.all())
    expect_round_trip(row);
  Object object{"b", "a/\"x\"\n", 7, "etag", TimePoint(Duration(1)), "body", {{"content-type", "text/plain"}}};
  expect_round_trip(object);
  Upload upload{"id", "b", "n", {{"x", "y"}}, {{2, {5, "e", "f"}}}, TimePoint(Duration(2))};
  expect_round_trip(upload);
}

}  // namespace
}  // namespace tollgate::sandbox
