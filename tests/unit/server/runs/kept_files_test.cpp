#include "server/runs/kept_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "common/crypto/sealed_box.h"
#include "server/runs/file_log_hub.h"
#include "server/store/file_blob_store.h"
#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::runs {
namespace {

using Names = std::set<std::string>;

// An organization with the workspaces "kept" and "gone", each with a configuration, a state, and a run with its plan
// and logs; on the disk as a server has them.
class KeptFilesTest : public testing::Test {
 protected:
  KeptFilesTest() {
    std::filesystem::create_directory(directory_.file("logs"));
    write([&](domain::Tables& tables) -> Result<void> {
      domain::Organization organization;
      organization.id = "org-1";
      organization.name = "acme";
      return tables.organizations().insert(organization);
    });
    for (const char* name : {"kept", "gone"})
      furnish(name);
  }

  template <class F>
  void write(F body) {
    const auto done = store_->write(body);
    if (!done) throw std::runtime_error(done.error().text());
  }
  void furnish(const std::string& name) {
    write([&](domain::Tables& tables) -> Result<void> {
      domain::Workspace workspace;
      workspace.id = "ws-" + name;
      workspace.organization_id = "org-1";
      workspace.name = name;
      TG_CHECK(tables.workspaces().insert(workspace));
      domain::ConfigurationVersion configuration;
      configuration.id = "cv-" + name;
      configuration.workspace_id = workspace.id;
      TG_CHECK(tables.configuration_versions().insert(configuration));
      domain::StateVersion state;
      state.id = "sv-" + name;
      state.organization_id = "org-1";
      state.workspace_id = workspace.id;
      TG_CHECK(tables.state_versions().insert(state));
      // More than one page of them.
      for (int i = 0; i < 120; ++i) {
        domain::Run run;
        run.id = fmt::format("run-{}{}", name, i);
        run.organization_id = "org-1";
        run.workspace_id = workspace.id;
        run.plan.id = fmt::format("plan-{}{}", name, i);
        run.apply.id = fmt::format("apply-{}{}", name, i);
        TG_CHECK(tables.runs().insert(run));
      }
      return {};
    });
    for (const char* kind : {"configuration/cv-", "state/sv-", "json-state/sv-"})
      blobs_->put(std::string(kind) + name, "x");
    for (const char* kind : {"plan/plan-", "plan-json/plan-", "plan-redacted/plan-"})
      blobs_->put(fmt::format("{}{}119", kind, name), "x");
    for (const char* phase : {"plan-", "apply-"}) {
      logs_.open(fmt::format("{}{}119", phase, name));
      logs_.close(fmt::format("{}{}119", phase, name));
    }
    logs_.open(fmt::format("plan-{}0", name));  // not finished
  }
  void erase_row(const std::string& workspace) {
    write([&](domain::Tables& tables) -> Result<void> {
      tables.workspaces().erase(workspace);
      return {};
    });
  }
  KeptFiles sweep(const KeptFiles& found) {
    return sweep_files(
        found, *store_, *blobs_, logs_, [] { return false; }, [&](const auto& text) { said_ += text; });
  }
  static Names names_of(const std::string& directory) {
    Names names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file()) names.insert(entry.path().lexically_relative(directory).string());
    }
    return names;
  }
  Names files() const {
    Names all = names_of(directory_.file("blobs"));
    all.merge(names_of(directory_.file("logs")));
    return all;
  }
  // Those of the workspace that stays.
  static Names kept() {
    return {"configuration/cv-kept.blob", "state/sv-kept.blob",          "json-state/sv-kept.blob",
            "plan/plan-kept119.blob",     "plan-json/plan-kept119.blob", "plan-redacted/plan-kept119.blob",
            "plan-kept119.log",           "apply-kept119.log",           "plan-kept0.open"};
  }

  tollgate::test::TemporaryDirectory directory_;
  SystemRandom random_;
  tollgate::test::ManualClock clock_;
  const store::KeyRing keys_ = store::KeyRing::generate(random_);
  std::unique_ptr<domain::Store> store_ =
      store::open_sqlite_store(directory_.file("tollgate.db"), keys_, random_, clock_).value();
  std::unique_ptr<domain::BlobStore> blobs_ =
      store::open_file_blob_store(directory_.file("blobs"), keys_, random_).value();
  FileLogHub logs_{{directory_.file("logs"), crypto::generate_seal_key(random_)}, random_};
  std::string said_;
};

TEST_F(KeptFilesTest, AWorkspaceIsGoneWithEveryFileAndNoOther) {
  ASSERT_EQ(files().size(), 2 * kept().size());
  KeptFiles own;
  write([&](domain::Tables& tables) -> Result<void> {
    own = files_of_workspace(tables, *tables.workspaces().find("ws-gone"));
    tables.workspaces().erase("ws-gone");
    return {};
  });
  remove_files(own, *blobs_, logs_);
  EXPECT_EQ(files(), kept());
}

TEST_F(KeptFilesTest, AnOrganizationIsGoneWithEveryFile) {
  const KeptFiles own = store_->read([](domain::Tables& tables) { return files_of_organization(tables, "org-1"); });
  remove_files(own, *blobs_, logs_);
  EXPECT_EQ(files(), Names());
}

TEST_F(KeptFilesTest, WhatAKillLeftIsSweptOnceItsRowIsGone) {
  const KeptFiles found = files_on_disk(*blobs_, logs_);
  EXPECT_EQ(sweep(found).blobs.size() + sweep(found).logs.size(), 0u) << "every file has its row";
  EXPECT_EQ(files().size(), 2 * kept().size());
  erase_row("ws-gone");
  const KeptFiles removed = sweep(found);
  EXPECT_EQ(removed.blobs.size(), 6u);
  EXPECT_EQ(removed.logs.size(), 3u);
  EXPECT_EQ(files(), kept());
  EXPECT_EQ(said_, "");
  EXPECT_EQ(sweep(files_on_disk(*blobs_, logs_)).blobs.size(), 0u) << "again finds nothing";
}

TEST_F(KeptFilesTest, WhatIsOfNoKnownKindStays) {
  blobs_->put("report/sv-gone", "a later version's");
  blobs_->put("state/other-gone", "not an id of a state");
  blobs_->put("state/sv-gone/part", "below");
  for (const char* name : {"blobs/state/sv-gone.txt", "blobs/notes.blob~", "logs/plan-gone.old", "logs/other-1.log"})
    tollgate::test::write_test_file(directory_.file(name), "of a person");
  erase_row("ws-gone");
  sweep(files_on_disk(*blobs_, logs_));
  Names expected = kept();
  expected.insert({"report/sv-gone.blob", "state/other-gone.blob", "state/sv-gone/part.blob", "state/sv-gone.txt",
                   "notes.blob~", "plan-gone.old", "other-1.log"});
  EXPECT_EQ(files(), expected);
}

TEST_F(KeptFilesTest, WhatCameAfterTheLookIsNotTouched) {
  const KeptFiles found = files_on_disk(*blobs_, logs_);
  blobs_->put("state/sv-new", "its row is not committed yet");
  sweep(found);
  EXPECT_TRUE(blobs_->get("state/sv-new"));
}

TEST_F(KeptFilesTest, AFileThatDoesNotGoKeepsNoOtherAndIsNamed) {
  erase_row("ws-gone");
  const KeptFiles found = files_on_disk(*blobs_, logs_);
  // Not even root removes a directory as a file.
  std::filesystem::remove(directory_.file("blobs/state/sv-gone.blob"));
  std::filesystem::create_directories(directory_.file("blobs/state/sv-gone.blob/in"));
  sweep(found);
  EXPECT_EQ(files(), kept());
  EXPECT_NE(said_.find("state/sv-gone is no longer needed and could not be removed"), std::string::npos) << said_;
}

TEST_F(KeptFilesTest, ALogThatWasTamperedWithCanBeErased) {
  erase_row("ws-gone");
  std::filesystem::resize_file(directory_.file("logs/plan-gone119.log"), 20);
  sweep(files_on_disk(*blobs_, logs_));
  EXPECT_EQ(files(), kept());
}

}  // namespace
}  // namespace tollgate::runs
