#include "sandbox/fault.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace tollgate::sandbox {
namespace {

TEST(Fault, MatchesActionsAsPoliciesDo) {
  for (const auto& [pattern, action, expected] : std::vector<std::tuple<const char*, const char*, bool>>{
           {"*", "sts:AssumeRole", true},
           {"sts:*", "sts:AssumeRole", true},
           {"sts:*", "s3:GetObject", false},
           {"STS:assumerole", "sts:AssumeRole", true},
           {"s3:?etObject", "s3:GetObject", true},
           {"sts:AssumeRol", "sts:AssumeRole", false},
           {"*:*Object*", "s3:ListObjectsV2", true},
       }) {
    Fault fault;
    fault.action = pattern;
    EXPECT_EQ(fault_matches(fault, action), expected) << pattern << " " << action;
  }
}

TEST(Fault, NamesAreUnambiguous) {
  for (const std::string_view name : fault_kind_names()) {
    ASSERT_TRUE(fault_kind_by_name(name));
    EXPECT_EQ(fault_kind_name(*fault_kind_by_name(name)), name);
  }
  EXPECT_FALSE(fault_kind_by_name("rain"));
}

TEST(FaultFolder, CountsDownAndForgets) {
  tollgate::test::TemporaryDirectory folder;
  const auto state = os::PrivateDirectory::create(folder.file("state"));
  auto writer = FaultFolder::open(*state);
  auto reader = FaultFolder::open(*state);
  ASSERT_TRUE(writer && reader);
  EXPECT_TRUE(reader->take("sts:AssumeRole")->empty());
  Fault fault;
  fault.action = "sts:*";
  fault.kind = FaultKind::throttling;
  fault.count = 2;
  ASSERT_TRUE(writer->add(fault, "1"));
  fault.action = "*";
  fault.kind = FaultKind::clock;
  fault.count.reset();
  fault.offset_seconds = 30;
  ASSERT_TRUE(writer->add(fault, "2"));
  EXPECT_EQ(reader->take("s3:GetObject")->size(), 1U);
  EXPECT_EQ(reader->take("sts:AssumeRole")->size(), 2U);
  EXPECT_EQ(writer->list()->size(), 2U);
  EXPECT_EQ((*writer->list())[0].count, 1);
  EXPECT_EQ(reader->take("sts:AssumeRole")->size(), 2U);
  EXPECT_EQ(reader->take("sts:AssumeRole")->size(), 1U) << "the first is used up";
  EXPECT_EQ((*reader->take("sts:AssumeRole"))[0].offset_seconds, 30);
  ASSERT_TRUE(writer->clear());
  EXPECT_TRUE(reader->take("sts:AssumeRole")->empty());
}

}  // namespace
}  // namespace tollgate::sandbox
