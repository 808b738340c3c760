#include "broker/remote/log_text.h"

#include <gtest/gtest.h>

namespace tollgate::remote {
namespace {

TEST(LogText, PlainLinesStayWhatTheyAre) {
  EXPECT_EQ(log_text("Terraform v1.11.4", false), "Terraform v1.11.4\n");
  EXPECT_EQ(log_text("", false), "\n");
  EXPECT_EQ(log_text("{ not json", false), "{ not json\n");
  EXPECT_EQ(log_text(R"({"some": "json"})", false), "{\"some\": \"json\"}\n");
  EXPECT_EQ(log_text("a\tb", false), "a\tb\n");
}

TEST(LogText, StructuredLinesBecomeTheirMessage) {
  EXPECT_EQ(log_text(R"({"@level":"info","@message":"terraform_data.x: Creating...","type":"apply_start"})", false),
            "terraform_data.x: Creating...\n");
  EXPECT_EQ(log_text(R"({"@message":"Plan: 1 to add, 0 to change, 0 to destroy.","type":"change_summary"})", false),
            "\nPlan: 1 to add, 0 to change, 0 to destroy.\n");
  EXPECT_EQ(log_text(R"({"@message":"from the server","type":"of no known kind"})", false), "from the server\n");
}

TEST(LogText, DiagnosticsHavePlaceCodeAndDetail) {
  const std::string line =
      R"j({"@level":"error","@message":"Error: Invalid","type":"diagnostic","diagnostic":{"severity":"error",)j"
      R"j("summary":"Invalid function argument","detail":"Invalid value for \"path\":\nno such file.","range":)j"
      R"j({"filename":"main.tf","start":{"line":15,"column":16,"byte":1}},"snippet":{"context":"output \"broken\"",)j"
      R"j("code":"  value = file(\"x\")","start_line":15}}})j";
  EXPECT_EQ(log_text(line, false),
            "\nError: Invalid function argument\n\n  on main.tf line 15, in output \"broken\":\n"
            "  15:   value = file(\"x\")\n\nInvalid value for \"path\":\nno such file.\n\n");
  EXPECT_EQ(log_text(line, true).substr(0, 24), "\n\x1b[1m\x1b[31mError:\x1b[0m Inv");
  EXPECT_EQ(
      log_text(R"({"@message":"m","type":"diagnostic","diagnostic":{"severity":"warning","summary":"Old"}})", false),
      "\nWarning: Old\n\n");
}

TEST(LogText, OutputsHaveValuesWhereThereAreSome) {
  EXPECT_EQ(log_text(R"({"@message":"Outputs: 2","type":"outputs","outputs":{"a":{"sensitive":false,"type":"string",)"
                     R"("value":"hello"},"b":{"sensitive":true,"type":"string","value":"x"}}})",
                     false),
            "\nOutputs:\n\na = \"hello\"\nb = <sensitive>\n");
  EXPECT_EQ(
      log_text(R"({"@message":"Outputs: 1","type":"outputs","outputs":{"a":{"sensitive":false,"action":"create"}}})",
               false),
      "Outputs: 1\n");
}

TEST(SafeText, LetsColoursThroughWhereWantedAndNothingElse) {
  EXPECT_EQ(safe_text("\x1b[1;31mred\x1b[0m", true), "\x1b[1;31mred\x1b[0m");
  EXPECT_EQ(safe_text("\x1b[1;31mred\x1b[0m", false), "red");
  for (const char* steering : {"\x1b[2J", "\x1b[10;10H", "\x1b]0;title\a", "\x1b]52;c;AAAA\x1b\\", "\x1bPx\x1b\\",
                               "\x1b"
                               "c",
                               "\x1b[?25l", "\x1b(0", "\x07", "\x08"}) {
    EXPECT_EQ(safe_text(std::string("a") + steering + "b", true), std::string("a").append("b")) << steering + 1;
  }
  EXPECT_EQ(safe_text("a\x1b", true), "a");
  EXPECT_EQ(safe_text("a\x1b]0;never ended", true), "a");
  EXPECT_EQ(safe_text("\xc3\xa9\t\xe2\x9c\x93", false), "\xc3\xa9\t\xe2\x9c\x93");
}

TEST(SafeText, JsonCannotSmuggleControlCharacters) {
  EXPECT_EQ(log_text(R"({"@message":"a\u001b[2Jb\u0007","type":"x"})", true), "ab\n");
}

}  // namespace
}  // namespace tollgate::remote
