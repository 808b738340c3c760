#include "server/runs/aws_probe.h"
#include "tests/unit/server/api/api_world.h"

namespace tollgate::api::test {
namespace {

constexpr std::string_view kKey = "AKIAIOSFODNN7EXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kDevice = "arn:aws:iam::111122223333:mfa/";

// An AWS that takes one code, and whose roles ask for MFA.
class FakeAws final : public runs::Sts, public runs::AwsProbe {
 public:
  runs::Identified identify_with_clock(const aws::Credentials& credentials, const std::string& region) override {
    return {identify(credentials, region), std::chrono::seconds(2)};
  }
  aws::AwsResult<aws::CallerIdentity> identify(const aws::Credentials&, const std::string&) override {
    if (refuse) return tl::unexpected(refused(*refuse));
    return aws::CallerIdentity{"111122223333", "arn:aws:iam::111122223333:user/ana", "AIDA"};
  }
  aws::AwsResult<std::vector<aws::AccessKey>> access_keys(const aws::Credentials& credentials,
                                                          const std::string&) override {
    aws::AccessKey key;
    key.access_key_id = credentials.access_key_id;
    key.created = created;
    return std::vector{key};
  }
  aws::AwsResult<runs::StsSession> session(const runs::StsSessionRequest& request) override {
    ++sessions;
    if (request.mfa->code.reveal() != "123456") return tl::unexpected(refused(aws::MappedKind::mfa_code_refused));
    runs::StsSession given;
    given.credentials.session_token = Secret("session");
    return given;
  }
  aws::AwsResult<aws::AssumedRole> assume(const aws::Credentials& credentials, const std::string&,
                                          const aws::AssumeRoleRequest& request) override {
    if (credentials.session_token.empty() && request.role_arn.find("open") == std::string::npos) {
      return tl::unexpected(refused(aws::MappedKind::not_authorized));
    }
    return aws::AssumedRole{};
  }
  static aws::MappedError refused(aws::MappedKind kind) {
    aws::MappedError error;
    error.kind = kind;
    error.code = aws::CodeFate::spent;
    error.error = Error(Code::forbidden, "AWS said no");
    return error;
  }

  TimePoint created{};
  int sessions = 0;
  std::optional<aws::MappedKind> refuse;
};

class AwsIdentities : public ApiWorld {
 protected:
  AwsIdentities() : browser(sign_in_as("alice")) { context.connection_test = &connection; }

  std::string list() const { return path("organizations/acme/aws-identities"); }
  static json::Value attributes(std::string_view kind, std::string_view device = "ana") {
    return json::Value::object({{"kind", kind},
                                {"access-key-id", kKey},
                                {"secret-access-key", kSecret},
                                {"mfa-serial", fmt::format("{}{}", kDevice, device)}});
  }
  static std::string with(json::Value values) { return body("aws-identities", std::move(values)); }
  static std::string code_of(const http::Response& answer) {
    const auto document = json::parse(answer.body);
    const json::Value* errors = document ? document->find("errors") : nullptr;
    const json::Value* code = errors != nullptr ? errors->if_array()->at(0).find("code") : nullptr;
    return code != nullptr ? *code->if_string() : "";
  }
  std::size_t rows(const http::Response& answer) { return json::parse(answer.body)->find("data")->if_array()->size(); }
  std::string of_organization() {
    const auto made = send(browser, "POST", list(), with(attributes("organization")));
    EXPECT_EQ(made.status, 201) << made.body;
    return text_of(made, "");
  }
  std::string one(const std::string& id) const { return path("aws-identities/" + id); }
  std::size_t notices() {
    return store.read([](Tables& tables) { return tables.notices().list("org-acme", {1, 100}); }).rows.size();
  }
  std::optional<AwsIdentity> organization_identity() {
    return store.read([](Tables& tables) { return tables.aws_identities().of_organization_itself("org-acme"); });
  }

  FakeAws aws;
  runs::ConnectionTest connection{{store, aws, aws, clock, random, Secret(std::string(32, 'c'))}};
  Browser browser;
};

TEST_F(AwsIdentities, APersonalOneIsItsPersonsAndNobodyElses) {
  const auto made = send("POST", list(), member, with(attributes("personal", "bob")));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(text_of(made, "access-key-id"), "...MPLE");
  EXPECT_EQ(made.body.find(kSecret), std::string::npos);
  const std::string id = text_of(made, "");
  EXPECT_EQ(rows(send("GET", list(), member)), 1U);
  EXPECT_EQ(rows(send("GET", list(), owner)), 0U);
  for (const std::string& token : {owner, organization_token, foreign})
    EXPECT_EQ(send("GET", one(id), token).status, 404);
  const auto again = send("POST", list(), member, with(attributes("personal", "bob")));
  EXPECT_EQ(again.status, 409);
  // What a form sends back unchanged keeps key and secret.
  const auto changed = send("PATCH", one(id), member,
                            with(json::Value::object({{"access-key-id", "...MPLE"}, {"region", "eu-central-1"}})));
  EXPECT_EQ(text_of(changed, "region"), "eu-central-1") << changed.body;
  const auto row = *store.read([&](Tables& tables) { return tables.aws_identities().find(id); });
  EXPECT_EQ(row.access_key_id, kKey);
  EXPECT_EQ(row.secret_access_key.reveal(), kSecret);
  EXPECT_EQ(send("DELETE", one(id), owner).status, 404);
  EXPECT_EQ(send("DELETE", one(id), member).status, 204);
  EXPECT_EQ(send("POST", list(), organization_token, with(attributes("personal"))).status, 403);
  EXPECT_EQ(notices(), 0U);
}

TEST_F(AwsIdentities, TheOrganizationsIsAnOwnersOnThePage) {
  EXPECT_EQ(code_of(send("POST", list(), owner, with(attributes("organization")))), "web_session_required");
  EXPECT_EQ(code_of(send("POST", list(), organization_token, with(attributes("organization")))),
            "web_session_required");
  EXPECT_EQ(send(sign_in_as("bob"), "POST", list(), with(attributes("organization"))).status, 403);
  const std::string id = of_organization();
  const auto seen = send("GET", one(id), member);
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body.find(kSecret), std::string::npos);
  EXPECT_EQ(send("PATCH", one(id), member, with(json::Value::object({{"shared", true}}))).status, 403);
  EXPECT_EQ(code_of(send("DELETE", one(id), owner)), "web_session_required");
  EXPECT_EQ(send("GET", one(id), foreign).status, 404);
  EXPECT_EQ(send(browser, "PATCH", one(id), with(json::Value::object({{"shared", true}}))).status, 200);
  clock.advance(kReauthenticationLife + std::chrono::seconds(1));
  EXPECT_EQ(code_of(send(browser, "DELETE", one(id))), "reauthentication_required");
  EXPECT_EQ(notices(), 2U);
}

TEST_F(AwsIdentities, ADeviceIsOnePersons) {
  const std::string id = of_organization();
  const auto serial = [](std::string_view name) {
    return body("aws-devices", json::Value::object({{"serial", fmt::format("{}{}", kDevice, name)}}));
  };
  EXPECT_EQ(send("POST", one(id) + "/devices", member, serial("bob")).status, 201);
  const auto taken = send(browser, "POST", one(id) + "/devices", serial("bob"));
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(code_of(taken), "serial_taken");
  EXPECT_EQ(send("POST", one(id) + "/devices", owner, serial("alice")).status, 201);
  EXPECT_EQ(rows(send("GET", one(id) + "/devices", member)), 1U);
  EXPECT_EQ(rows(send("GET", one(id) + "/devices", owner)), 2U);
  EXPECT_EQ(send("DELETE", one(id) + "/devices", member).status, 204);
  EXPECT_EQ(send("DELETE", one(id) + "/devices", member).status, 404);
  EXPECT_EQ(send("POST", one(id) + "/devices", organization_token, serial("x")).status, 403);
}

TEST_F(AwsIdentities, TheThreeVariablesMeanTheSameIdentity) {
  const std::string vars = path("organizations/acme/vars");
  const auto variable = [](std::string_view key, std::string_view value) {
    return body("vars", json::Value::object({{"key", key}, {"value", value}, {"category", "env"}}));
  };
  const std::string serial = fmt::format("{}ana", kDevice);
  // Without the serial they are variables like any other.
  EXPECT_EQ(send("POST", vars, organization_token, variable("AWS_ACCESS_KEY_ID", kKey)).status, 201);
  const auto secret = send("POST", vars, organization_token, variable("AWS_SECRET_ACCESS_KEY", kSecret));
  EXPECT_EQ(secret.status, 201);
  EXPECT_EQ(secret.body.find(kSecret), std::string::npos) << "nobody reads it back";
  EXPECT_FALSE(organization_identity());
  EXPECT_EQ(code_of(send("POST", vars, owner, variable("AWS_MFA_SERIAL_NUMBER", serial))), "web_session_required");
  EXPECT_FALSE(organization_identity());
  ASSERT_EQ(send(browser, "POST", vars, variable("AWS_MFA_SERIAL_NUMBER", serial)).status, 201);
  ASSERT_TRUE(organization_identity());
  EXPECT_EQ(organization_identity()->mfa_serial, serial);
  EXPECT_EQ(organization_identity()->secret_access_key.reveal(), kSecret);
  // From now on each of them is the identity.
  const auto all = send("GET", vars, owner);
  const json::Array rows_now = *json::parse(all.body)->find("data")->if_array();
  ASSERT_EQ(rows_now.size(), 3U);
  std::string key_variable;
  for (const json::Value& row : rows_now) {
    if (*row.find("attributes")->find("key")->if_string() == "AWS_ACCESS_KEY_ID")
      key_variable = *row.find("id")->if_string();
  }
  const std::string other = "AKIAIOSFODNN8EXAMPLE";
  const auto patch = body("vars", json::Value::object({{"value", other}}));
  EXPECT_EQ(code_of(send("PATCH", vars + "/" + key_variable, owner, patch)), "web_session_required");
  EXPECT_EQ(send(browser, "PATCH", vars + "/" + key_variable, patch).status, 200);
  EXPECT_EQ(organization_identity()->access_key_id, other);
  // And the other way.
  const std::string id = organization_identity()->id;
  EXPECT_EQ(send(browser, "PATCH", one(id),
                 with(json::Value::object({{"access-key-id", kKey}, {"secret-access-key", kSecret}})))
                .status,
            200);
  EXPECT_NE(send("GET", vars + "/" + key_variable, owner).body.find(kKey), std::string::npos);
  EXPECT_EQ(send(browser, "DELETE", vars + "/" + key_variable).status, 204);
  EXPECT_FALSE(organization_identity());
  EXPECT_EQ(notices(), 4U);
}

TEST_F(AwsIdentities, PersonalVariablesAreAPersonalIdentityAlsoWhereTheGateStands) {
  ASSERT_EQ(send(browser, "PATCH", path("organizations/acme/aws-mfa"),
                 body("aws-mfa-settings", json::Value::object({{"level", "applies-only"}})))
                .status,
            200);
  const auto write = [&](const std::string& vars, std::string_view key, std::string_view value) {
    return send("POST", path(vars), member,
                body("vars", json::Value::object({{"key", key}, {"value", value}, {"category", "env"}})));
  };
  const std::string personal = "organizations/acme/personal-vars";
  EXPECT_EQ(write(personal, "AWS_ACCESS_KEY_ID", kKey).status, 201);
  EXPECT_EQ(write(personal, "AWS_SECRET_ACCESS_KEY", kSecret).status, 201);
  EXPECT_EQ(write(personal, "AWS_MFA_SERIAL_NUMBER", "nonsense").status, 422);
  EXPECT_EQ(write(personal, "AWS_MFA_SERIAL_NUMBER", fmt::format("{}bob", kDevice)).status, 201);
  const auto identity =
      store.read([](Tables& tables) { return tables.aws_identities().of_user("org-acme", "user-bob"); });
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->access_key_id, kKey);
  // Workspaces have none.
  const std::string workspace = new_workspace("net", owner);
  EXPECT_EQ(write("workspaces/" + workspace + "/vars", "AWS_ACCESS_KEY_ID", kKey).status, 422);
}

TEST_F(AwsIdentities, ATestSaysWhatAwsSaysAndKeepsIt) {
  const std::string id = of_organization();
  GateSettings settings;
  settings.id = "org-acme";
  settings.apply_role.arn = "arn:aws:iam::111122223333:role/apply";
  settings.read_only_plan_role.arn = "arn:aws:iam::111122223333:role/open";
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    tables.gate_settings().set(settings);
    return {};
  }));
  aws.created = clock.now() - std::chrono::hours(24 * 91);
  const auto tested = send("POST", one(id) + "/actions/test", owner);
  ASSERT_EQ(tested.status, 200) << tested.body;
  for (const std::string_view part :
       {R"("account":"111122223333")", R"("account-allowed":true)", R"("clock-skew-seconds":2)", R"("key-age-days":91)",
        R"("closed-without-mfa":true)", R"("code-accepted":false)", R"("ok":null)", R"("ok":true)"}) {
    EXPECT_NE(tested.body.find(part), std::string::npos) << part << " " << tested.body;
  }
  EXPECT_EQ(organization_identity()->account, "111122223333");
  EXPECT_EQ(organization_identity()->tested_at, clock.now());
  settings.apply_role.arn = "arn:aws:iam::111122223333:role/open-apply";
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    tables.gate_settings().set(settings);
    return {};
  }));
  const auto open = send("POST", one(id) + "/actions/test", owner);
  EXPECT_NE(open.body.find(R"("closed-without-mfa":false)"), std::string::npos) << open.body;
  aws.refuse = aws::MappedKind::key_unknown;
  const auto refused = send("POST", one(id) + "/actions/test", owner);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(code_of(refused), "key_unknown");
  EXPECT_EQ(send("POST", one(id) + "/actions/test", organization_token).status, 403);
}

TEST_F(AwsIdentities, ACodeIsSpentOnceAndItsRefusalsAreLimited) {
  const auto made = send("POST", list(), member, with(attributes("personal", "bob")));
  const std::string test = one(text_of(made, "")) + "/actions/test";
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    GateSettings settings;
    settings.id = "org-acme";
    settings.accounts = {"999999999999"};
    tables.gate_settings().set(settings);
    return {};
  }));
  const auto with_code = [&](std::string_view code) {
    return send("POST", test, member, json::to_text(json::Value::object({{"code", code}})));
  };
  EXPECT_EQ(code_of(with_code("123456")), "account_not_allowed");
  EXPECT_EQ(aws.sessions, 0) << "no code is spent for an account that opens nothing";
  ASSERT_TRUE(store.write([&](Tables& tables) -> Result<void> {
    GateSettings settings;
    settings.id = "org-acme";
    settings.accounts = {"111122223333"};
    settings.apply_role.arn = "arn:aws:iam::111122223333:role/apply";
    tables.gate_settings().set(settings);
    return {};
  }));
  EXPECT_EQ(code_of(with_code("12345")), "malformed_code");
  const auto accepted = with_code("123456");
  EXPECT_EQ(accepted.status, 200) << accepted.body;
  EXPECT_NE(accepted.body.find(R"("code-accepted":true)"), std::string::npos);
  EXPECT_NE(accepted.body.find(R"("ok":true)"), std::string::npos) << accepted.body;
  EXPECT_EQ(code_of(with_code("123456")), "code_used");
  EXPECT_EQ(aws.sessions, 1);
  for (const std::string_view code : {"000001", "000002", "000003"})
    EXPECT_EQ(code_of(with_code(code)), "mfa_code_refused");
  const auto limited = with_code("000004");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(code_of(limited), "back_off");
  EXPECT_EQ(aws.sessions, 4);
  // The secret and the codes are nowhere in the audit.
  for (const AuditRecord& record : store.read([](Tables& tables) { return tables.audit().list("", 1, 1000); })) {
    EXPECT_EQ(record.details.find("123456"), std::string::npos);
    EXPECT_EQ(record.details.find(kSecret), std::string::npos);
  }
}

}  // namespace
}  // namespace tollgate::api::test
