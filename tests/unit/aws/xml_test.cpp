#include "aws/xml.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate::aws {
namespace {

TEST(Xml, ReadsElementsAndTexts) {
  const auto root = parse_xml(
      "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><a:Root xmlns:a=\"urn:x\" at=\"1\">\n <B>x "
      "&amp; "
      "&lt;y&gt; &#65;<![CDATA[<z>]]></B><B>second</B><Empty/><Blank> </Blank><C><D>deep</D></C>\n</a:Root>\n");
  ASSERT_TRUE(root) << root.error().message;
  EXPECT_EQ(root->name, "Root");
  EXPECT_EQ(root->text, "");
  EXPECT_EQ(root->text_of("B"), "x & <y> A<z>");
  EXPECT_EQ(root->children.size(), 5U);
  EXPECT_EQ(root->text_of("Empty"), "");
  EXPECT_EQ(root->text_of("Blank"), " ");
  ASSERT_NE(root->at({"C", "D"}), nullptr);
  EXPECT_EQ(root->at({"C", "D"})->text, "deep");
  EXPECT_EQ(root->at({"C", "X", "D"}), nullptr);
  EXPECT_EQ(root->text_of("X"), "");
}

TEST(Xml, RefusesWhatIsNotOnePlainDocument) {
  const std::string secret = "wJalrXUtnFEMI";
  for (const std::string& text :
       {std::string(), std::string("   "), std::string("no xml"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a/><b/>"), "<a><SecretAccessKey>" + secret + "</SecretAccessKey>",
        std::string("<!DOCTYPE html><html></html>"),
        std::string("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"), std::string("<a b></a>"),
        std::string("{\"Code\":\"x\"}"), std::string("<a>\0</a>", 8)}) {
    const auto root = parse_xml(text);
    ASSERT_FALSE(root) << text;
    EXPECT_EQ(root.error().code, Code::invalid);
    EXPECT_EQ(root.error().message.find(secret), std::string::npos);
  }
}

TEST(Xml, DoesNotExpandEntities) {
  const auto root = parse_xml("<a>&x;&nbsp;</a>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->text, "&x;&nbsp;");
}

TEST(Xml, LimitsDepthAndSize) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
      text += "<a>";
    for (std::size_t i = 0; i < depth; ++i)
      text += "</a>";
    return text;
  };
  EXPECT_TRUE(parse_xml(nested(kMaxXmlDepth)));
  EXPECT_FALSE(parse_xml(nested(kMaxXmlDepth + 1)));
  EXPECT_FALSE(parse_xml(nested(100000)));
  EXPECT_FALSE(parse_xml("<a>" + std::string(kMaxXmlBytes, 'x') + "</a>"));
}

TEST(Xml, WipeLeavesNoText) {
  auto root = parse_xml("<a><b>secret</b></a>");
  ASSERT_TRUE(root);
  root->wipe();
  EXPECT_EQ(root->text_of("b"), "");
}

TEST(Xml, EscapeSurvivesReading) {
  const std::string text = "a<b>&\"c\" d\r\ne\tf 'g'";
  const auto root = parse_xml("<a>" + xml_escape(text) + "</a>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->text, text);
  EXPECT_EQ(xml_escape(std::string("\x01", 1)), "\xef\xbf\xbd");
}

}  // namespace
}  // namespace tollgate::aws
