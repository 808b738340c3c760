#include "runner/redactor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "common/base/encoding.h"
#include "runner/redaction_patterns.h"

namespace tollgate::runner {
namespace {

std::string redacted(Redactor& redactor, std::string_view text) {
  std::string out;
  redactor.feed(text, out);
  redactor.finish(out);
  return out;
}

std::string redacted(const std::vector<std::string>& patterns, std::string_view text) {
  Redactor redactor(patterns);
  return redacted(redactor, text);
}

// The same without an automaton: every byte that some occurrence covers, each run of them as one place holder.
std::string by_search(const std::vector<std::string>& patterns, const std::string& text) {
  std::vector<bool> covered(text.size(), false);
  for (const std::string& pattern : patterns) {
    for (std::size_t at = text.find(pattern); at != std::string::npos; at = text.find(pattern, at + 1))
      std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), pattern.size(), true);
  }
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!covered[at]) {
      out += text[at];
    } else if (at == 0 || !covered[at - 1]) {
      out += kRedacted;
    }
  }
  return out;
}

TEST(Redactor, BlanksWhatItKnows) {
  EXPECT_EQ(redacted({"secret-value"}, "a secret-value b"), "a *** b");
  EXPECT_EQ(redacted({"secret-value"}, "secret-value"), "***");
  EXPECT_EQ(redacted({"secret-value"}, "secret-valu"), "secret-valu");
  EXPECT_EQ(redacted(std::vector<std::string>{}, "anything"), "anything");
  EXPECT_EQ(redacted({"abcdabcd", "cdabcdxy"}, "-abcdabcdxy-"), "-***-") << "overlapping ones";
  EXPECT_EQ(redacted({"aaaa"}, "baaaaaab"), "b***b");
  EXPECT_EQ(redacted({"abcd", "xabcdy"}, "xabcdz"), "x***z") << "one within the beginning of another";
}

TEST(Redactor, AnythingCutAnywhereIsAsIfItWereWhole) {
  std::mt19937 random(20260102);
  const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  int chunkings = 0;
  for (int round = 0; round < 400; ++round) {
    // A small alphabet makes patterns overlap each other and themselves.
    const int letters = 2 + pick(3);
    const auto word = [&](int size) {
      std::string text;
      for (int i = 0; i < size; ++i)
        text += static_cast<char>('a' + pick(letters));
      return text;
    };
    std::vector<std::string> patterns;
    for (int count = 1 + pick(6); count > 0; --count)
      patterns.push_back(word(1 + pick(9)));
    const std::string text = word(200);
    const std::string expected = by_search(patterns, text);
    Redactor redactor(patterns);
    for (int cut = 0; cut < 50; ++cut) {
      std::string out;
      for (std::string_view rest = text; !rest.empty();) {
        const auto size = std::min<std::size_t>(rest.size(), static_cast<std::size_t>(1 + pick(cut < 10 ? 2 : 40)));
        redactor.feed(rest.substr(0, size), out);
        rest.remove_prefix(size);
      }
      redactor.finish(out);
      ASSERT_EQ(out, expected) << text;
      ++chunkings;
    }
  }
  EXPECT_EQ(chunkings, 20000);
}

TEST(RedactionPatterns, EveryDeclaredSpellingIsFound) {
  std::mt19937 random(7);
  int spellings = 0;
  for (int round = 0; round < 200; ++round) {
    std::string secret;
    for (std::size_t size = 8 + random() % 60; secret.size() < size;)
      secret += static_cast<char>(32 + random() % 95);
    Redactor redactor(redaction_patterns(secret));
    std::vector<std::string> found{secret, hex_encode(secret), percent_encode(secret)};
    std::string escaped;
    for (const char c : secret)
      escaped += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    found.push_back(escaped);
    for (const std::string& spelling : found) {
      EXPECT_EQ(redacted(redactor, "<" + spelling + ">"), "<***>") << secret;
      ++spellings;
    }
    // In base64 the characters at the borders also depend on what stands around: they may stay.
    for (const char* before : {"", "x", "xy", "xyz"}) {
      const std::string shown = redacted(redactor, base64_encode(before + secret + "tail"));
      EXPECT_NE(shown.find("***"), std::string::npos) << secret << " after " << before;
      EXPECT_LE(shown.size(), 16U) << shown;
      ++spellings;
    }
  }
  EXPECT_EQ(spellings, 1600);
}

TEST(RedactionPatterns, ShortValuesAreWordsAndStay) {
  EXPECT_TRUE(redaction_patterns("seven77").empty());
  EXPECT_FALSE(redaction_patterns("eight888").empty());
}

TEST(RedactionPatterns, LinesOfAKeyAreFoundWhereTheyAreIndented) {
  const std::string key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwggSjAgEAA\n-----END KEY-----\n";
  const std::string shown = redacted(
      redaction_patterns(key), "    -----BEGIN KEY-----\n    MIIEvQIBADANBgkqhkiG9w0\n  BAQEFAASCBKcwggSjAgEAA\n");
  EXPECT_EQ(shown, "    ***\n    ***\n  ***\n");
}

TEST(RedactionPatterns, ALongValueIsCoveredInPieces) {
  std::string secret;
  std::mt19937 random(3);
  while (secret.size() < 10000)
    secret += static_cast<char>('a' + random() % 26);
  EXPECT_EQ(redacted(redaction_patterns(secret), "<" + secret + ">"), "<***>");
}

// What is learnt in the middle of a stream is looked for from there on, and what was held back is not let go.
TEST(Redactor, LearnsWhileBytesAreHeldBack) {
  const std::vector<std::string> before{"first-secret"};
  const std::vector<std::string> after{"first-secret", "second-secret", "secret-that-overlaps"};
  const std::string text = "a first-secret b first-secret-that-overlaps c second-secret d first-sec e";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Redactor redactor(before);
    std::string shown;
    redactor.feed(std::string_view(text).substr(0, cut), shown);
    redactor.learn(after);
    redactor.feed(std::string_view(text).substr(cut), shown);
    redactor.finish(shown);
    EXPECT_EQ(shown.find("first-secret"), std::string::npos) << cut << shown;
    EXPECT_TRUE(shown.starts_with("a *** b ***")) << cut << shown;
    EXPECT_TRUE(shown.ends_with(" d first-sec e")) << cut << shown;
    // Nobody has a secret before it is learnt.
    if (cut <= text.find("second-secret")) {
      EXPECT_EQ(shown.find("second-secret"), std::string::npos) << cut << shown;
    }
  }
}

TEST(Redactor, MoreThanItCanHoldIsSaid) {
  std::vector<std::string> patterns;
  for (int number = 0; number < 3; ++number)
    patterns.emplace_back(std::size_t{4} << 20, static_cast<char>('a' + number));
  EXPECT_FALSE(Redactor(patterns).complete());
  EXPECT_TRUE(Redactor({patterns[0]}).complete());
}

}  // namespace
}  // namespace tollgate::runner
