#include "server/app/installed_terraform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace tollgate::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void write_program(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
}

class InstalledTerraformTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::mkdir((folder_.path() + "/bin").c_str(), 0755), 0);
    ASSERT_EQ(::mkdir((folder_.path() + "/versions").c_str(), 0755), 0);
  }
  Result<InstalledTerraform> find() {
    return InstalledTerraform::find(folder_.path() + "/versions", true,
                                    os::Environment({{"PATH", folder_.path() + "/bin"}}));
  }
  test::TemporaryDirectory folder_;
};

TEST_F(InstalledTerraformTest, FindsFoldersByVersionAndAsksWhatIsOnPath) {
  ASSERT_EQ(::mkdir((folder_.path() + "/versions/1.9.8").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir((folder_.path() + "/versions/1.8.0").c_str(), 0755), 0);
  write_program(folder_.path() + "/versions/1.9.8/terraform", "#!/bin/sh\n");
  write_program(folder_.path() + "/bin/tofu", "#!/bin/sh\necho '{\"terraform_version\": \"1.10.1\"}'\n");
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_THAT(found->installed(), ElementsAre("1.10.1", "1.9.8"));
  ASSERT_NE(found->path_of("1.9.8"), nullptr);
  EXPECT_EQ(*found->path_of("1.9.8"), folder_.path() + "/versions/1.9.8/terraform");
  EXPECT_EQ(found->path_of("1.8.0"), nullptr);
}

TEST_F(InstalledTerraformTest, LeavesOutWhatDoesNotSayItsVersion) {
  write_program(folder_.path() + "/bin/terraform", "#!/bin/sh\necho Terraform v1.11.4\n");
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_THAT(found->installed(), IsEmpty());
}

}  // namespace
}  // namespace tollgate::app
