// A server's API over a store of its own: two organizations with their people and tokens, and runs that end only when a
// test says so.
#pragma once

#include <gtest/gtest.h>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"
#include "server/api/api.h"
#include "server/api/authentication.h"
#include "server/api/sign_in.h"
#include "server/domain/ids.h"
#include "server/store/file_blob_store.h"
#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/runs/fake_sts.h"

namespace tollgate::api::test {

using namespace domain;  // NOLINT: the rows are the subject of these tests

// Repeats itself, but never gives the same twice.
class CountingRandom final : public RandomSource {
 public:
  std::string bytes(std::size_t count) override {
    std::string bytes;
    while (bytes.size() < count)
      bytes += crypto::sha256(std::to_string(++calls_));
    return bytes.substr(0, count);
  }

 private:
  int calls_ = 0;
};

class FakeRuns final : public runs::RunService {
 public:
  FakeRuns(Store& store, const Clock& clock, RandomSource& random) : store_(store), clock_(clock), random_(random) {}

  Result<Run> create(const runs::NewRun& wish, const Actor& actor) override {
    return store_.write([&](Tables& tables) -> Result<Run> {
      const auto workspace = tables.workspaces().find(wish.workspace_id);
      if (!workspace) return fail(not_found("workspace"));
      Run run;
      run.id = new_id(id_prefix::kRun, random_);
      run.plan.id = new_id(id_prefix::kPlan, random_);
      run.apply.id = new_id(id_prefix::kApply, random_);
      run.organization_id = workspace->organization_id;
      run.workspace_id = workspace->id;
      run.configuration_version_id = wish.configuration_version_id.value_or("");
      run.created_by = actor.user_id;
      run.message = wish.message;
      run.source = wish.source;
      run.created_at = clock_.now();
      TG_CHECK(tables.runs().insert(run));
      return *tables.runs().find(run.id);
    });
  }
  Result<Run> confirm(std::string_view id, std::string comment, const Actor& actor) override {
    return change(id, [&](Run& run) { return domain::confirm(run, actor.user_id, comment, clock_.now()); });
  }
  Result<Run> discard(std::string_view id, std::string comment, const Actor&) override {
    return change(id, [&](Run& run) { return domain::discard(run, comment, clock_.now()); });
  }
  Result<Run> cancel(std::string_view id, std::string comment, const Actor& actor) override {
    return change(id, [&](Run& run) { return domain::request_cancel(run, actor.user_id, comment, clock_.now()); });
  }
  Result<Run> force_cancel(std::string_view id, std::string comment, const Actor&) override {
    return change(id, [&](Run& run) { return domain::request_force_cancel(run, comment, clock_.now()); });
  }
  void look_again() override { ++looks; }
  template <class F>
  Result<Run> change(std::string_view id, F transition) {
    return store_.write([&](Tables& tables) -> Result<Run> {
      auto run = tables.runs().find(id);
      if (!run) return fail(not_found("run"));
      TG_CHECK(transition(*run));
      TG_CHECK(tables.runs().update(*run));
      return *run;
    });
  }

  int looks = 0;  // that others asked for

 private:
  Store& store_;
  const Clock& clock_;
  RandomSource& random_;
};

class FakeLogs final : public runs::LogHub {
 public:
  void open(std::string_view id) override { logs_[std::string(id)] = "\x02"; }
  void append_system(std::string_view id, std::string_view line, bool) override { logs_[std::string(id)] += line; }
  void append_output(std::string_view id, std::uint64_t, std::string_view bytes) override {
    logs_[std::string(id)] += bytes;
  }
  std::uint64_t output_size(std::string_view id) override { return logs_[std::string(id)].size(); }
  void close(std::string_view id) override { logs_[std::string(id)] += "\x03"; }
  runs::LogSlice read(std::string_view id, std::uint64_t offset, std::uint64_t limit) override {
    const std::string& log = logs_[std::string(id)];
    runs::LogSlice slice;
    slice.bytes = offset < log.size() ? log.substr(offset, limit) : "";
    slice.size = log.size();
    return slice;
  }
  std::vector<runs::SystemSpan> system_spans(std::string_view) override { return {}; }
  void erase(std::string_view id) override { logs_.erase(std::string(id)); }
  std::unique_ptr<Subscription> subscribe(std::string_view, std::function<void()>) override { return nullptr; }
  std::unique_ptr<Subscription> subscribe_all(std::function<void(const std::string&)> changed) override {
    grown = std::move(changed);
    return nullptr;
  }
  std::function<void(const std::string&)> grown;

 private:
  std::map<std::string, std::string, std::less<>> logs_;
};

class ApiWorld : public ::testing::Test {
 protected:
  ApiWorld() {
    for (const std::string name : {"acme", "other"}) {
      Organization organization;
      organization.id = "org-" + name;
      organization.name = name;
      Project project;
      project.id = "prj-" + name;
      project.organization_id = organization.id;
      project.name = kDefaultProjectName;
      EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
        TG_CHECK(tables.organizations().insert(organization));
        return tables.projects().insert(project);
      }));
    }
    owner = add_user("alice", "org-acme", MembershipRole::owner);
    member = add_user("bob", "org-acme", MembershipRole::member);
    foreign = add_user("mallory", "org-other", MembershipRole::owner);
    Token token;
    token.kind = TokenKind::organization;
    token.organization_id = "org-acme";
    organization_token = add_token(token);
  }

  std::string add_token(Token token) {
    const Secret text = new_token_text(token.kind, random);
    token.id = new_id(id_prefix::kToken, random);
    token.hash = token_hash(context.token_key, text.reveal());
    EXPECT_TRUE(store.write([&](Tables& tables) { return tables.tokens().insert(token); }));
    return std::string(text.reveal());
  }

  std::string add_user(const std::string& name, const std::string& organization, MembershipRole role) {
    User user;
    user.id = "user-" + name;
    user.username = name;
    user.email = name + "@example.com";
    Membership membership;
    membership.id = "ou-" + name;
    membership.organization_id = organization;
    membership.user_id = user.id;
    membership.role = role;
    EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
      TG_CHECK(tables.users().insert(user));
      return tables.memberships().insert(membership);
    }));
    Token token;
    token.user_id = user.id;
    return add_token(token);
  }

  http::Response send(std::string_view method, std::string_view target, const std::string& token,
                      std::string body = "") {
    http::Request request;
    request.method = method;
    // Addresses in answers are absolute.
    request.target = target.rfind(context.base_url, 0) == 0 ? target.substr(context.base_url.size()) : target;
    if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
    request.body = std::move(body);
    request.peer = "192.0.2.1";
    return api.handle(request);
  }

  // What a browser of this server's pages sends.
  struct Browser {
    std::string cookie;  // "name=value"
    std::string csrf;
    std::string origin = "https://tollgate.example";
  };
  http::Response send(const Browser& browser, std::string_view method, std::string_view target, std::string body = "") {
    http::Request request;
    request.method = method;
    request.target = target;
    if (!browser.origin.empty()) request.headers.emplace_back("Origin", browser.origin);
    if (!browser.cookie.empty()) request.headers.emplace_back("Cookie", browser.cookie);
    if (!browser.csrf.empty()) request.headers.emplace_back("X-CSRF-Token", browser.csrf);
    request.body = std::move(body);
    request.peer = "192.0.2.1";
    return api.handle(request);
  }
  void set_password(const std::string& name, std::string_view password) {
    EXPECT_TRUE(store.write([&](Tables& tables) -> Result<void> {
      auto user = tables.users().find("user-" + name);
      TG_TRY(user->password_hash, crypto::hash_password(Secret(password), sign_in.cost()));
      return tables.users().update(*user);
    }));
  }
  // Takes over what the answer gave: cookie and token.
  static void follow(Browser& browser, const http::Response& answer) {
    if (const std::string* cookie = http::find_pair(answer.headers, "Set-Cookie")) {
      browser.cookie = cookie->substr(0, cookie->find(';'));
    }
    browser.csrf = member_of(answer, "csrf-token");
  }
  static std::string member_of(const http::Response& answer, std::string_view name) {
    const auto document = json::parse(answer.body);
    const json::Value* value = document ? document->find(name) : nullptr;
    return value != nullptr && value->if_string() != nullptr ? *value->if_string() : "";
  }
  http::Response try_to_sign_in(const Browser& browser, std::string_view name, std::string_view password) {
    return send(browser, "POST", "/api/web/v1/session",
                json::to_text(json::Value::object({{"username", name}, {"password", password}})));
  }
  Browser sign_in_as(const std::string& name) {
    set_password(name, "a good password");
    Browser browser;
    const auto answer = try_to_sign_in(browser, name, "a good password");
    EXPECT_EQ(answer.status, 200) << answer.body;
    follow(browser, answer);
    return browser;
  }
  std::string path(std::string_view rest) const { return "/api/v2/" + std::string(rest); }

  // data.attributes.name, or data.id where `name` is empty.
  static std::string text_of(const http::Response& response, std::string_view name) {
    const auto document = json::parse(response.body);
    const json::Value* data = document ? document->find("data") : nullptr;
    if (data == nullptr) return "";
    const json::Value* value = name.empty() ? data->find("id") : data->find("attributes")->find(name);
    return value != nullptr && value->if_string() != nullptr ? *value->if_string() : "";
  }
  static std::string body(std::string_view type, json::Value attributes,
                          json::Value relationships = json::Value::object()) {
    return json::to_text(json::Value::object(
        {{"data",
          json::Value::object(
              {{"type", type}, {"attributes", std::move(attributes)}, {"relationships", std::move(relationships)}})}}));
  }
  static json::Value relation(std::string_view type, std::string_view id) {
    return json::Value::object({{"data", json::Value::object({{"type", type}, {"id", id}})}});
  }
  std::string new_workspace(std::string_view name, const std::string& token, std::string_view organization = "acme") {
    const auto made = send("POST", path(fmt::format("organizations/{}/workspaces", organization)), token,
                           body("workspaces", json::Value::object({{"name", name}})));
    EXPECT_EQ(made.status, 201) << made.body;
    return text_of(made, "");
  }
  std::string new_run(const std::string& workspace, const std::string& token) {
    const auto made = send("POST", path("runs"), token,
                           body("runs", json::Value::object({{"message", "m"}}),
                                json::Value::object({{"workspace", relation("workspaces", workspace)}})));
    EXPECT_EQ(made.status, 201) << made.body;
    return text_of(made, "");
  }
  http::Response new_state(const std::string& workspace, const std::string& token, std::string_view bytes,
                           std::int64_t serial, json::Value more = json::Value::object()) {
    more.set("serial", serial).set("md5", hex_encode(crypto::md5(bytes)));
    more.set("lineage", "one");
    return send("POST", path("workspaces/" + workspace + "/state-versions"), token,
                body("state-versions", std::move(more)));
  }

  tollgate::test::ManualClock clock;
  CountingRandom random;
  tollgate::test::TemporaryDirectory directory;
  const store::KeyRing keys = store::KeyRing::generate(random);
  const std::unique_ptr<Store> opened_store =
      store::open_sqlite_store(directory.file("tollgate.db"), keys, random, clock).value();
  const std::unique_ptr<BlobStore> opened_blobs =
      store::open_file_blob_store(directory.file("blobs"), keys, random).value();
  Store& store = *opened_store;
  BlobStore& blobs = *opened_blobs;
  FakeRuns runs{store, clock, random};
  FakeLogs logs;
  SignIn sign_in{clock, {.cost = {1, 8U << 10}}};  // cheap
  runs::EventBus gate_events;
  runs::test::FakeSts sts{clock};
  runs::Authenticator authenticator{
      runs::AuthenticatorParts{store, sts, logs, gate_events, clock, random, Secret(std::string(32, 'c')), {}, {}}};
  Context context{store,
                  blobs,
                  runs,
                  logs,
                  clock,
                  random,
                  Secret(std::string(32, 't')),
                  Secret(std::string(32, 'u')),
                  "https://tollgate.example",
                  sign_in,
                  authenticator};
  Api api{context};
  std::string owner, member, foreign, organization_token;
};

}  // namespace tollgate::api::test
