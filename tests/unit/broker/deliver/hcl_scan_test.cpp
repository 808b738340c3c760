#include "broker/deliver/hcl_scan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace tollgate::deliver {
namespace {

// "line attribute" of each remark, in one text.
std::string found(std::string_view text) {
  std::string all;
  for (const HclRemark& remark : scan_hcl(text)) {
    all += fmt::format("{}:{}{} ", remark.line, remark.attribute, remark.value.empty() ? "" : "=" + remark.value);
  }
  return all;
}

struct HclCase {
  std::string name;
  std::string text;
  std::string expected;
};

class ScanHcl : public testing::TestWithParam<HclCase> {};

TEST_P(ScanHcl, Finds) {
  EXPECT_EQ(found(GetParam().text), GetParam().expected) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Code, ScanHcl,
    testing::Values(
        HclCase{"Nothing", "", ""},  //
        HclCase{"PlainProvider", "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n", ""},
        HclCase{"NamedFiles",
                "provider \"aws\" {\n  shared_config_files      = [\"~/.aws/config\"]\n"
                "  shared_credentials_files = [\"~/.aws/credentials\"]\n}\n",
                "2:shared_config_files 3:shared_credentials_files "},
        HclCase{"ListOverLines",
                "provider \"aws\" {\n  shared_config_files = [\n    \"a\",\n  ]\n  profile = \"p\"\n}\n",
                "2:shared_config_files 5:profile=p "},
        HclCase{"EmptyListIsAsNone",
                "provider \"aws\" {\n  shared_config_files = []\n  shared_credentials_files = [\n  ]\n"
                "  profile = \"p\"\n}\n",
                "5:profile=p "},
        HclCase{"NullIsAsNone", "provider \"aws\" {\n  shared_config_files = null\n  profile = \"\"\n}\n", ""},
        HclCase{"FromAVariable", "provider \"aws\" {\n  shared_config_files = var.files\n  profile = var.profile\n}\n",
                "2:shared_config_files "},
        HclCase{"StaticKeys", "provider \"aws\" {\n  access_key = \"A\"\n  secret_key = var.s\n}\n",
                "2:access_key 3:secret_key "},
        HclCase{"Backend",
                "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    shared_credentials_file = \"x\"\n"
                "    profile = \"state\"\n  }\n}\n",
                "4:shared_credentials_file 5:profile=state "},
        HclCase{"RemoteState",
                "data \"terraform_remote_state\" \"net\" {\n  backend = \"s3\"\n  config = {\n    profile = \"net\"\n"
                "    access_key = \"A\"\n  }\n}\n",
                "4:profile=net 5:access_key "},
        HclCase{"ObjectOnOneLine",
                "data \"terraform_remote_state\" \"net\" {\n  config = { bucket = \"b\", profile = \"net\" }\n}\n",
                "2:profile=net "},
        HclCase{"OtherBlocksDoNotCount",
                "provider \"google\" {\n  access_key = \"A\"\n}\nresource \"aws_x\" \"y\" {\n  profile = \"z\"\n"
                "  token = \"t\"\n}\nvariable \"shared_config_files\" {}\n",
                ""},
        HclCase{"AfterAClosedBlock",
                "provider \"aws\" {\n  assume_role {\n    role_arn = \"r\"\n  }\n}\nprofile = \"x\"\n", ""},
        HclCase{"NestedBlockInside",
                "provider \"aws\" {\n  assume_role {\n    role_arn = \"r\"\n  }\n  profile = \"p\"\n}\n",
                "5:profile=p "},
        HclCase{"Comments",
                "# provider \"aws\" { profile = \"a\" }\n// x\n/* provider \"aws\" {\n profile = \"b\" */\n"
                "provider \"aws\" { # {\n  # profile = \"c\"\n  profile = \"d\" // }\n}\n",
                "7:profile=d "},
        HclCase{"StringsWithBraces",
                "provider \"aws\" {\n  alias = \"a}b\"\n  region = \"${var.x == \"}\" ? \"a\" : \"b\"}\"\n"
                "  profile = \"p\"\n}\n",
                "4:profile=p "},
        HclCase{"Interpolation", "provider \"aws\" {\n  profile = \"${var.env}-admin\"\n}\n", ""},
        HclCase{"HeredocOfOtherText", "locals {\n  x = <<EOT\nprovider \"aws\" is a word {\nEOT\n}\n", ""},
        HclCase{"GeneratedByTerragrunt",
                "generate \"provider\" {\n  path = \"p.tf\"\n  contents = <<-EOF\n    provider \"aws\" {\n"
                "      shared_config_files = [\"x\"]\n    }\n  EOF\n}\n",
                "5:shared_config_files "},
        HclCase{"TerragruntRemoteState",
                "remote_state {\n  backend = \"s3\"\n  config = {\n    profile = \"state\"\n  }\n}\n",
                "4:profile=state "},
        HclCase{"LineEndsOfWindows", "provider \"aws\" {\r\n  profile = \"p\"\r\n}\r\n", "2:profile=p "},
        HclCase{"Unfinished", "provider \"aws\" {\n  profile = \"p", "2:profile=p "},
        HclCase{"TooManyEnds", "}\n}\nprovider \"aws\" {\n  profile = \"p\"\n}\n", "4:profile=p "}),
    [](const testing::TestParamInfo<HclCase>& parameter) { return parameter.param.name; });

TEST(ScanHclBlocks, AreNamed) {
  const auto remarks = scan_hcl("provider \"aws\" {\n  token = \"t\"\n}\n");
  ASSERT_EQ(remarks.size(), 1u);
  EXPECT_EQ(remarks[0].block, "provider \"aws\"");
  EXPECT_EQ(remarks[0].value, "");  // a secret stays where it is
}

TEST(ScanHclBlocks, DeepNestingAndGarbageEnd) {
  EXPECT_TRUE(scan_hcl(std::string(100000, '{')).empty());
  EXPECT_TRUE(scan_hcl(std::string(100000, '"')).empty());
  std::string all;
  for (int c = 0; c < 256; ++c)
    all += static_cast<char>(c);
  scan_hcl(all + all + "<<" + all);
}

TEST(ScanHclDirectory, CodeOfOneFolder) {
  const test::TemporaryDirectory folder;
  const std::string code = "provider \"aws\" {\n  profile = \"p\"\n}\n";
  for (const char* name : {"b.tf", "a.tofu", "terragrunt.hcl", ".terraform.lock.hcl", "x.tf.bak", "notes.md"})
    test::write_test_file(folder.file(name), code);
  std::string names;
  for (const HclFileRemark& remark : scan_hcl_directory(folder.path()))
    names += remark.path + " ";
  EXPECT_EQ(names, "a.tofu b.tf terragrunt.hcl ");
  EXPECT_TRUE(scan_hcl_directory(folder.file("none")).empty());
}

TEST(AnyHclRemark, LooksBelowButNotEverywhere) {
  const test::TemporaryDirectory folder;
  const auto found_in = [&](const std::string& below) {
    const test::TemporaryDirectory tree;
    std::filesystem::create_directories(tree.file(below));
    test::write_test_file(tree.file(below) + "/x.tf", "provider \"aws\" {\n  profile = \"p\"\n}\n");
    return any_hcl_remark(tree.path(), [](const HclRemark& remark) { return remark.value == "p"; });
  };
  EXPECT_TRUE(found_in("."));
  EXPECT_TRUE(found_in("a/b"));
  EXPECT_TRUE(found_in("1/2/3/4/5/6/7/8"));
  EXPECT_FALSE(found_in("1/2/3/4/5/6/7/8/9"));
  EXPECT_FALSE(found_in(".terraform/modules"));
  EXPECT_FALSE(any_hcl_remark(folder.file("none"), [](const HclRemark&) { return true; }));

  // A link that leads back must not be a way without end.
  std::filesystem::create_directory_symlink(folder.path(), folder.file("again"));
  EXPECT_FALSE(any_hcl_remark(folder.path(), [](const HclRemark&) { return true; }));
}

TEST(AnyHclRemark, GivesUpInAFolderWithoutEnd) {
  const test::TemporaryDirectory folder;
  for (int i = 0; i < 1001; ++i)
    std::filesystem::create_directory(folder.file(fmt::format("{:04}", i)));
  const auto found = [&] { return any_hcl_remark(folder.path(), [](const HclRemark&) { return true; }); };
  test::write_test_file(folder.file("1000/x.tf"), "provider \"aws\" {\n  profile = \"p\"\n}\n");
  EXPECT_FALSE(found());
  test::write_test_file(folder.file("0500/x.tf"), "provider \"aws\" {\n  profile = \"p\"\n}\n");
  EXPECT_TRUE(found());
}

}  // namespace
}  // namespace tollgate::deliver
