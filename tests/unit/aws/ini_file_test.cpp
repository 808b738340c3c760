#include "aws/ini_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "aws/ini_remarks.h"
#include "common/json/value.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

// "profile foo:2{key=value@3,...}" for every section that counts.
std::string shown(const IniFile& file) {
  std::string text;
  for (const IniSection& section : file.sections) {
    if (section.kind == SectionKind::ignored) continue;
    const char* kind = section.kind == SectionKind::profile    ? ""
                       : section.kind == SectionKind::services ? "services "
                                                               : "sso ";
    text += kind + std::string(section.name) + ":" + std::to_string(section.line) + "{";
    for (const IniSetting& setting : section.settings) {
      text += std::string(setting.key) + "=" + std::string(setting.value);
      for (const IniNested& nested : setting.nested) {
        text += "(" + std::string(nested.key) + "=" + std::string(nested.value) + ")";
      }
      text += "@" + std::to_string(setting.line) + ";";
    }
    text += "}";
  }
  return text;
}

std::string notes(const IniFile& file) {
  std::string text;
  for (const IniNote& note : file.notes) {
    text += std::string(remark_name(note.remark)) + "@" + std::to_string(note.line) + " ";
  }
  return text;
}

// Every expectation on what is read follows internal/ini of aws-sdk-go-v2 (the reader of Terraform 1.11).
TEST(IniFile, Table) {
  struct Case {
    const char* name;
    FileKind kind;
    std::string text;
    std::string wanted;
    std::string noted;
  };
  constexpr FileKind C = FileKind::config;
  constexpr FileKind K = FileKind::credentials;
  const Case cases[] = {
      {"empty", C, "", "", ""},
      {"blank lines and comments", C, "\n \t\n# c\n  ; c\n\r\n", "", ""},
      {"no-break space alone is a blank line", C, "\xC2\xA0\n[profile a]\nk = v\n", "a:2{k=v@3;}", ""},
      {"one profile", C, "[profile a]\nk = v\n", "a:1{k=v@2;}", ""},
      {"no final newline", C, "[profile a]\nk = v", "a:1{k=v@2;}", ""},
      {"CRLF", C, "[profile a]\r\nk = v\r\nl = w # c\r\n", "a:1{k=v@2;l=w@3;}", "inline_comment@3 "},
      {"tab after profile", C, "[profile\ta]\n", "a:1{}", ""},
      {"name with inner blanks", C, "[profile a  b]\n", "a  b:1{}", "blank_in_section_name@1 "},
      {"name in quotes", C, "[profile \"a b\"]\n", "\"a b\":1{}", "quoted_section_name@1 "},
      {"padded", C, "[ profile a ]\n", "a:1{}", "padded_section_name@1 "},
      {"indented header", C, " [profile a]\nk=v\n", "a:1{k=v@2;}", "indented_section@1 "},
      {"header in a comment", C, "[profile a]#]\n", "a:1{}", ""},
      {"hash in a name closes nothing", C, "[profile a#b]\nk = v\n", "", "unclosed_section@1 setting_outside@2 "},
      {"text after the bracket", C, "[profile a] x\n", "", "unclosed_section@1 "},
      {"unclosed with a colon is a setting", C, "[profile a]\n[profile b:c\n", "a:1{[profile b=c@2;}",
       "colon_separator@2 "},
      {"default", C, "[default]\nk = v\n", "default:1{k=v@2;}", ""},
      {"DEFAULT is another name", C, "[DEFAULT]\nk = v\n", "DEFAULT:1{k=v@2;}", ""},
      {"prefixed default first", C, "[profile default]\na=1\n[default]\nb=2\n", "default:1{a=1@2;}",
       "default_twice@3 "},
      {"prefixed default last", C, "[default]\nb=2\n[profile default]\na=1\n", "default:3{a=1@4;}", "default_twice@1 "},
      {"bare section of the config file", C, "[a]\nk=v\n", "", "bare_section@1 "},
      {"other word", C, "[plugins x]\nk=v\n", "", "unknown_section@1 "},
      {"profile without a name", C, "[profile]\nk=v\n", "", "bare_section@1 "},
      {"empty name", C, "[profile a]\n[]\nk=v\n", "a:1{}", "empty_section_name@2 setting_outside@3 "},
      {"sso-session and services", C, "[sso-session s]\na=1\n[services t]\ns3 =\n  endpoint_url = u\n",
       "sso s:1{a=1@2;}services t:3{s3=(endpoint_url=u)@4;}", ""},
      {"credentials", K, "[a]\nk=v\n[b c]\n", "a:1{k=v@2;}b c:3{}", "blank_in_section_name@3 "},
      {"prefixed section of the credentials file", K, "[profile a]\nk=v\n", "", "prefixed_section@1 "},
      {"sso-session in the credentials file", K, "[sso-session s]\na=1\n", "sso s:1{a=1@2;}",
       "section_of_other_file@1 "},
      {"same section again", K, "[a]\nk=1\nl=1\n[b]\n[a]\nk=2\n", "a:1{k=2@6;l=1@3;}b:4{}",
       "duplicate_section@5 duplicate_setting@6 "},
      {"key twice", K, "[a]\nk=1\nK=2\n", "a:1{k=2@3;}", "upper_case_key@3 duplicate_setting@3 "},
      {"colon", K, "[a]\nk : v\nl:=w\nm=:x\n", "a:1{k=v@2;l==w@3;m=:x@4;}", "colon_separator@2 colon_separator@3 "},
      {"comment needs a blank", K, "[a]\nk = v#w\nl = v; w\nm = v\t;w\n", "a:1{k=v#w@2;l=v; w@3;m=v@4;}",
       "comment_in_value@3 inline_comment@4 "},
      {"comment instead of a value", K, "[a]\nk = # c\n", "a:1{k=@2;}", "inline_comment@2 "},
      {"comment before the separator", K, "[a]\nk # = v\n", "a:1{}", "unknown_line@2 "},
      {"quotes", K, "[a]\nk = \"v\"\nl = 'v'\nm = \"v'\nn = \"x\" \"y\"\no = \"\"\n",
       "a:1{k=v@2;l=v@3;m=\"v'@4;n=x\" \"y@5;o=@6;}", "quoted_value@2 quoted_value@3 quoted_value@5 quoted_value@6 "},
      {"quotes and comment", K, "[a]\nk = \"v\" # c\n", "a:1{k=v@2;}", "inline_comment@2 quoted_value@2 "},
      {"a lone quote", K, "[a]\nk = \"\n", "a:1{k=\"@2;}", "lone_quote@2 "},
      {"no-break space around", K, "[a]\nk\xC2\xA0=\xC2\xA0v\xC2\xA0\n", "a:1{k=v@2;}", ""},
      {"backslashes stay", K, "[a]\nk = C:\\new\n", "a:1{k=C:\\new@2;}", ""},
      {"empty key", K, "[a]\n= v\n", "a:1{=v@2;}", "empty_key@2 "},
      {"junk", K, "[a]\njunk\nk=v\n", "a:1{k=v@3;}", "unknown_line@2 "},
      {"outside", K, "k=v\n[a]\n", "a:2{}", "setting_outside@1 "},
      {"continued", K, "[a]\nk = v\n  -w\n\t-x # y\nl = m\n", "a:1{k=v\n-w\n-x # y@2;l=m@5;}", ""},
      {"continued after an empty value", K, "[a]\nk =\n  -w\n", "a:1{k=@2;}", "stray_continuation@3 "},
      {"continued after nothing", K, "[a]\n  -w\n", "a:1{}", "stray_continuation@2 "},
      {"continued across a header", K, "[a]\nk=v\n[a]\n  -w\n", "a:1{k=v@2;}",
       "duplicate_section@3 stray_continuation@4 "},
      {"nested", C, "[profile a]\ns3 =\n  X = 1 # kept\n\n  y = \"2\"\nr = q\n", "a:1{s3=(x=1 # kept)(y=2)@2;r=q@6;}",
       ""},
      {"nested and then continued", C, "[profile a]\ns3 =\n  x = 1\n  junk\n", "a:1{s3=(x=1)@2;}",
       "stray_continuation@4 "},
      {"set anew, nested gone", C, "[profile a]\ns3 =\n  x = 1\ns3 = v\n", "a:1{s3=v@4;}", "duplicate_setting@4 "},
      {"all indented alike", K, "[a]\n  k = v\n  l = w # c\n", "a:1{k=v@2;l=w@3;}", ""},
      {"indented under a value", K, "[a]\nk = v\n  l = w\n", "a:1{k=v@2;l=w@3;}", "orphan_nested@3 "},
      {"indented under an empty value is nested", K, "[a]\nk =\nl = w\n  m = x\n", "a:1{k=@2;l=w@3;m=x@4;}",
       "orphan_nested@4 "},
      {"byte order mark", K, "\xEF\xBB\xBF[a]\nk=v\n[b]\nl=w\n", "b:3{l=w@4;}", "byte_order_mark@1 setting_outside@2 "},
      {"carriage returns only", K, "[a]\rk = v\r", "", "carriage_returns_only@1 setting_outside@1 "},
      {"control characters", K, std::string("[a\x01]\nk = v\0w\nl = \x1b[2J\n", 21),
       "a\x01:1{k=v" + std::string(1, '\0') + "w@2;l=\x1b[2J@3;}",
       "control_character@1 control_character@2 control_character@3 "},
  };
  for (const Case& one : cases) {
    const IniFile file = parse_ini(one.text, one.kind);
    EXPECT_EQ(shown(file), one.wanted) << one.name;
    EXPECT_EQ(notes(file), one.noted) << one.name;
  }
}

TEST(IniFile, NamesAreTakenAsTheyAre) {
  for (const char* name :
       {"a/b:c@d+e", "some-thing:long/the_one%only.foo@bar+", "foo!bar", "\xC3\xA9t\xC3\xA9", "profile"}) {
    const std::string text = "[profile " + std::string(name) + "]\nk = v\n";
    const IniFile file = parse_ini(text, FileKind::config);
    ASSERT_EQ(file.sections.size(), 1u) << name;
    EXPECT_EQ(file.sections[0].name, name);
  }
}

TEST(IniFile, NaughtyStringsAsValuesNamesAndLines) {
  TG_SKIP_WITHOUT_REFEREE("naughty-strings/blns.json");
  const auto strings = test::read_referee_json("naughty-strings/blns.json");
  ASSERT_TRUE(strings);
  for (const json::Value& one : *strings->if_array()) {
    const std::string& naughty = *one.if_string();
    std::string text = "[a]\nk = ";
    text += naughty;
    text += "\n[profile ";
    text += naughty;
    text += "]\n";
    text += naughty;
    text += "\nlast = 1\n[z]\nk = v\n";
    for (const FileKind kind : {FileKind::config, FileKind::credentials}) {
      const IniFile file = parse_ini(text, kind);
      for (const IniNote& note : file.notes) {
        const Diagnostic diagnostic = describe(note, "file");
        for (const char c : diagnostic.message + diagnostic.next) {
          EXPECT_GE(static_cast<unsigned char>(c), 0x20) << "a control character reached a message: " << naughty;
        }
      }
      if (kind == FileKind::credentials && naughty.find('\n') == std::string::npos) {
        EXPECT_NE(shown(file).find("z:"), std::string::npos) << naughty;
      }
    }
  }
}

TEST(IniFile, ManySettingsInOneSection) {
  std::string text = "[a]\n";
  for (int i = 0; i < 20000; ++i)
    text += "key" + std::to_string(i) + " = " + std::to_string(i) + "\n";
  text += "[a]\nkey7 = again\nkey19999 = again\nkey20000 = new\n";
  const IniFile file = parse_ini(text, FileKind::credentials);
  ASSERT_EQ(file.sections.size(), 1u);
  EXPECT_EQ(file.sections[0].settings.size(), 20001u);
  EXPECT_EQ(file.sections[0].find("key7")->value, "again");
  EXPECT_EQ(file.sections[0].find("key19999")->value, "again");
  EXPECT_EQ(file.sections[0].find("key20000")->line, 20005);
}

TEST(IniFile, AMillionLinesOfAnythingAreRead) {
  for (const char* line :
       {"[a]\n", "[profile x", "k=v\n", " k=v\n", " x\n", "\n", "[", "=", "#", "\xEF\xBB\xBF", "\"\n"}) {
    std::string text = "[a]\nk = v\n";
    for (int i = 0; i < 100000; ++i)
      text += line;
    for (const FileKind kind : {FileKind::config, FileKind::credentials}) {
      EXPECT_LE(parse_ini(text, kind).sections.size(), 2u) << line;
    }
  }
}

TEST(IniRemarks, PrintableCutsAtWholeCharacters) {
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a?[31mb?");
  EXPECT_EQ(printable(std::string(100, 'x')), std::string(80, 'x') + "...");
  std::string accents;
  for (int i = 0; i < 60; ++i)
    accents += "\xC3\xA9";
  const std::string cut = printable("x" + accents);
  EXPECT_TRUE(cut.ends_with("\xC3\xA9...")) << cut;
}

TEST(IniRemarks, EveryRemarkHasWords) {
  for (int i = 0; i <= static_cast<int>(IniRemark::control_character); ++i) {
    const Diagnostic diagnostic = describe({static_cast<IniRemark>(i), 7, "{name}"}, "/etc/aws");
    EXPECT_EQ(diagnostic.place, "/etc/aws:7");
    EXPECT_FALSE(diagnostic.message.empty());
    EXPECT_FALSE(diagnostic.next.empty());
    EXPECT_FALSE(diagnostic.topic.empty());
  }
}

}  // namespace
}  // namespace tollgate::aws
