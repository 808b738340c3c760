// The 38 SigV4 cases of aws-c-auth, each in header and query form, signed and verified.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "aws/sigv4.h"
#include "common/json/value.h"
#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

struct RefereeCase {
  std::string name;
  net::Request request;
  Credentials credentials;
  Scope scope;
  TimePoint time;
  std::chrono::seconds expires{0};
  SigningOptions options;

  std::string text(const std::string& file) const {
    auto content = test::read_referee("aws-c-auth/signing-v4/" + name + "/" + file).value_or("");
    while (content.ends_with('\n'))
      content.pop_back();
    return content;
  }
};

// An HTTP/1.1 message as the data set writes it: folded headers are kept as one value with their line ends.
net::Request parse_message(const std::string& message) {
  net::Request request;
  std::size_t at = message.find('\n');
  const std::string line = message.substr(0, at);
  request.method = line.substr(0, line.find(' '));
  const std::string target = line.substr(line.find(' ') + 1, line.rfind(' ') - line.find(' ') - 1);
  ++at;
  while (at < message.size() && message[at] != '\n') {
    const auto end = std::min(message.find('\n', at), message.size());
    const std::string header = message.substr(at, end - at);
    if (header.starts_with(' ')) {
      request.headers.back().second += "\n" + header;
    } else {
      request.headers.emplace_back(header.substr(0, header.find(':')), header.substr(header.find(':') + 1));
    }
    at = end + 1;
  }
  if (at < message.size()) request.body = message.substr(at + 1);
  request.url = "https://example.amazonaws.com" + target;
  return request;
}

RefereeCase load(const std::string& name) {
  RefereeCase one;
  one.name = name;
  const auto context = *test::read_referee_json("aws-c-auth/signing-v4/" + name + "/context.json");
  const json::Reader reader(context);
  const auto keys = *reader.member("credentials");
  one.credentials.access_key_id = *keys.text("access_key_id");
  one.credentials.secret_access_key = Secret(*keys.text("secret_access_key"));
  one.credentials.session_token = Secret(keys.optional_text("token")->value_or(""));
  one.scope = {*reader.text("region"), *reader.text("service")};
  one.time = *parse_iso8601(*reader.text("timestamp"));
  one.expires = std::chrono::seconds(*reader.integer("expiration_in_seconds"));
  one.options.rules.normalise_path = *reader.boolean("normalize");
  one.options.content_sha256_header = *reader.boolean("sign_body");
  one.options.sign_session_token = !reader.optional_boolean("omit_session_token")->value_or(false);
  one.request = parse_message(*test::read_referee("aws-c-auth/signing-v4/" + name + "/request.txt"));
  return one;
}

std::vector<RefereeCase> cases() {
  std::vector<RefereeCase> all;
  const auto folder = test::referees_folder();
  for (const auto& entry : std::filesystem::directory_iterator(*folder + "/aws-c-auth/signing-v4")) {
    if (entry.is_directory()) all.push_back(load(entry.path().filename().string()));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

std::string target_of(const net::Request& request) {
  return request.url.substr(std::string("https://example.amazonaws.com").size());
}

WireRequest wire_of(const net::Request& request, const std::string& target) {
  return {request.method, target, request.headers, request.body};
}

struct Tally {
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviations;

  void note(const std::string& name, bool agrees, const std::string& reason) {
    EXPECT_TRUE(agrees) << name << ": " << reason;
    if (agrees)
      ++agreeing;
    else
      deviations.emplace_back(name, reason);
  }
  void record(const std::string& dataset) {
    test::record_agreement(dataset, agreeing + static_cast<int>(deviations.size()), agreeing, deviations);
  }
};

constexpr const char* kProbe = "aws-c-auth/signing-v4/get-vanilla/context.json";

TEST(SigV4Referee, SignsHeaders) {
  TG_SKIP_WITHOUT_REFEREE(kProbe);
  Tally tally;
  for (auto& one : cases()) {
    sign(one.request, one.credentials, one.scope, one.time, one.options);
    const auto* header = net::find_header(one.request.headers, "Authorization");
    ASSERT_NE(header, nullptr);
    const net::Request expected = parse_message(one.text("header-signed-request.txt") + "\n");
    const std::string target = target_of(one.request);
    const auto parsed = parse_authorization(wire_of(one.request, target));
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto made =
        expected_signature(wire_of(one.request, target), *parsed, one.credentials.secret_access_key, one.options.rules);
    EXPECT_EQ(made.canonical_request, one.text("header-canonical-request.txt")) << one.name;
    EXPECT_EQ(made.string_to_sign, one.text("header-string-to-sign.txt")) << one.name;
    tally.note(one.name,
               *header == *net::find_header(expected.headers, "Authorization") &&
                   parsed->signature == one.text("header-signature.txt"),
               *header);
  }
  EXPECT_EQ(tally.agreeing, 38);
  tally.record("sigv4-header-sign");
}

TEST(SigV4Referee, SignsQueries) {
  TG_SKIP_WITHOUT_REFEREE(kProbe);
  Tally tally;
  for (auto& one : cases()) {
    presign(one.request, one.credentials, one.scope, one.time, one.expires, one.options);
    const net::Request expected = parse_message(one.text("query-signed-request.txt") + "\n");
    tally.note(one.name, one.request.url == expected.url, one.request.url + "\n" + expected.url);
  }
  EXPECT_EQ(tally.agreeing, 38);
  tally.record("sigv4-query-sign");
}

TEST(SigV4Referee, VerifiesWhatTheRefereeSigned) {
  TG_SKIP_WITHOUT_REFEREE(kProbe);
  Tally tally;
  for (const auto& one : cases()) {
    for (const std::string form : {"header", "query"}) {
      net::Request request = parse_message(one.text(form + "-signed-request.txt") + "\n");
      if (request.body.ends_with('\n')) request.body.pop_back();
      const std::string target = target_of(request);
      const auto parsed = parse_authorization(wire_of(request, target));
      ASSERT_TRUE(parsed) << one.name << " " << form << ": " << parsed.error().message;
      EXPECT_EQ(parsed->access_key_id, one.credentials.access_key_id);
      EXPECT_EQ(parsed->scope.service, one.scope.service);
      EXPECT_EQ(parsed->time, one.time);
      EXPECT_EQ(parsed->security_token, one.credentials.session_token.reveal());
      const auto& secret = one.credentials.secret_access_key;
      const auto check = [&](const net::Request& changed, const std::string& changed_target) {
        return verify(wire_of(changed, changed_target), *parsed, secret, one.options.rules);
      };
      tally.note(one.name + " (" + form + ")", check(request, target) == Verdict::valid, "refused");

      EXPECT_EQ(verify(wire_of(request, target), *parsed, Secret("another"), one.options.rules),
                Verdict::signature_differs);
      net::Request changed = request;
      changed.method = "PUT";
      EXPECT_EQ(check(changed, target), Verdict::signature_differs) << one.name;
      changed = request;
      changed.body += "x";
      EXPECT_NE(check(changed, target), Verdict::valid) << one.name;
      changed = request;
      changed.headers.emplace_back("Host", "evil.example");
      EXPECT_EQ(check(changed, target), Verdict::signature_differs) << one.name;
      const auto extra = target.find('?') == std::string::npos ? "?a=b" : "&a=b";
      EXPECT_EQ(check(request, target + extra), Verdict::signature_differs) << one.name;
      changed = request;
      changed.headers.emplace_back("X-Amz-Target", "other");
      EXPECT_EQ(check(changed, target), Verdict::header_unsigned) << one.name;
    }
  }
  EXPECT_EQ(tally.agreeing, 76);
  tally.record("sigv4-verify");
}

}  // namespace
}  // namespace tollgate::aws
