#include "sandbox/iam_request.h"

#include <set>

#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

class IamRequestTest : public IamTest {
 protected:
  static Call with(Arguments arguments) {
    Call call;
    call.parameters = Parameters(arguments.begin(), arguments.end());
    return call;
  }
};

TEST_F(IamRequestTest, PagesFollowOneAnotherWithoutGaps) {
  for (int n = 0; n < 25; ++n)
    add_user("user" + std::to_string(n), "");
  std::set<std::string> seen;
  std::string marker;
  int pages = 0;
  do {
    Parameters parameters{{"MaxItems", "10"}};
    if (!marker.empty()) parameters["Marker"] = marker;
    const aws::XmlElement result = tree(call_as(principal("admin"), "ListUsers", parameters));
    for (const aws::XmlElement& user : result.find("Users")->children)
      seen.insert(std::string(user.text_of("UserName")));
    marker = result.text_of("Marker");
    EXPECT_EQ(result.text_of("IsTruncated"), marker.empty() ? "false" : "true");
    ++pages;
  } while (!marker.empty() && pages < 10);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen.size(), 27U);
}

TEST_F(IamRequestTest, MarkersAreNotGuessed) {
  for (const char* marker : {"1", "!", "OTk5", ""}) {
    EXPECT_EQ(call("ListUsers", {{"Marker", marker}}).code, "ValidationError") << marker;
  }
  EXPECT_EQ(call("ListUsers", {{"MaxItems", "0"}}).code, "ValidationError");
  EXPECT_EQ(call("ListUsers", {{"MaxItems", "1001"}}).code, "ValidationError");
}

TEST_F(IamRequestTest, Paths) {
  EXPECT_EQ(iam_path(with({})).value(), "/");
  EXPECT_EQ(iam_path(with({{"Path", "/a/b/"}})).value(), "/a/b/");
  for (const char* wrong : {"", "a", "/a", "a/", "/a b/", "/\xC3\xA4/"}) {
    EXPECT_FALSE(iam_path(with({{"Path", wrong}}))) << wrong;
  }
}

TEST_F(IamRequestTest, TagsHaveLimits) {
  EXPECT_FALSE(iam_tags(with({{"Tags.member.1.Key", std::string(129, 'k')}, {"Tags.member.1.Value", ""}})));
  EXPECT_FALSE(iam_tags(with({{"Tags.member.1.Key", "k"}, {"Tags.member.1.Value", std::string(257, 'v')}})));
  Call many;
  for (int n = 1; n <= 51; ++n) {
    many.parameters["Tags.member." + std::to_string(n) + ".Key"] = "k" + std::to_string(n);
  }
  EXPECT_FALSE(iam_tags(many));
  Tags present;
  for (int n = 0; n < 50; ++n)
    present["k" + std::to_string(n)] = "";
  EXPECT_TRUE(add_tags({{"new", ""}}, present));
  EXPECT_FALSE(add_tags({{"k1", "x"}}, present));
  EXPECT_EQ(present["k1"], "x");
}

TEST_F(IamRequestTest, DocumentsAreCountedWithoutBlanks) {
  EXPECT_EQ(document_size(" {\n\t} \r"), 2U);
}

}  // namespace
}  // namespace tollgate::sandbox
