// The texts that the runner writes and reads: configuration_files, terraform_command, apply_summary, schema_cache,
// plan_archive.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "common/base/encoding.h"
#include "runner/apply_summary.h"
#include "runner/configuration_files.h"
#include "runner/plan_archive.h"
#include "runner/schema_cache.h"
#include "runner/terraform_command.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/runner/fixture.h"

namespace tollgate::runner {
namespace {

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(ConfigurationFiles, TextBecomesALiteralAndNoTemplate) {
  EXPECT_EQ(hcl_quoted("plain"), "\"plain\"");
  EXPECT_EQ(hcl_quoted("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\te\"");
  EXPECT_EQ(hcl_quoted("${x} %{y} $z"), "\"$${x} %%{y} $z\"");
  EXPECT_EQ(hcl_quoted(std::string(1, '\1')), "\"\\u0001\"");
}

TEST(ConfigurationFiles, VariablesAreQuotedOrExpressions) {
  std::vector<BundleVariable> variables(3);
  variables[0].key = "name";
  variables[0].value = Secret("a\"b");
  variables[1].key = "list";
  variables[1].value = Secret("[1, 2]");
  variables[1].hcl = true;
  variables[2].key = "TF_LOG";
  variables[2].environment = true;
  EXPECT_EQ(variables_file(variables).reveal(), "name = \"a\\\"b\"\nlist = [1, 2]\n");
}

TEST(ConfigurationFiles, MirroredProvidersComeFromTheMirrorAlone) {
  test::TemporaryDirectory mirror;
  std::filesystem::create_directories(mirror.file("registry.terraform.io/hashicorp/aws/5.0.0"));
  const auto mirrored = providers_in_mirror(mirror.path());
  EXPECT_EQ(mirrored, (std::vector<std::string>{"registry.terraform.io/hashicorp/aws"}));
  Bundle bundle;
  bundle.provider_mirrors = {mirror.path()};
  const std::string text(cli_configuration(bundle, mirrored).reveal());
  EXPECT_NE(text.find("exclude = [\"registry.terraform.io/hashicorp/aws\"]"), std::string::npos) << text;
  bundle.network.mode = NetworkMode::none;
  EXPECT_EQ(cli_configuration(bundle, mirrored).reveal().find("direct"), std::string_view::npos);
  bundle.cli_configuration = Secret("provider_installation {}\n");
  EXPECT_EQ(cli_configuration(bundle, mirrored).reveal(), "disable_checkpoint = true\nprovider_installation {}\n");
}

TEST(TerraformCommand, OptionsBecomeFlags) {
  Bundle bundle;
  bundle.terraform = "/opt/terraform";
  bundle.options = {true, false, false, true, {"a.b"}, {"c.d"}};
  bundle.log_format = LogFormat::json;
  PhasePaths paths;
  paths.plan_file = "../plan/plan.out";
  paths.generated_file = "../plan/generated.tf";
  const auto words = plan_arguments(bundle, paths);
  for (const char* flag : {"-destroy", "-refresh=false", "-target=a.b", "-replace=c.d", "-json", "-input=false",
                           "-out=../plan/plan.out", "-generate-config-out=../plan/generated.tf"})
    EXPECT_TRUE(has(words, flag)) << flag;
  bundle.options.refresh_only = true;
  EXPECT_FALSE(has(plan_arguments(bundle, paths), "-refresh=false")) << "terraform refuses the two together";
  EXPECT_FALSE(has(init_arguments(bundle), "-lockfile=readonly"));
  bundle.phase = Phase::apply;
  EXPECT_TRUE(has(init_arguments(bundle), "-lockfile=readonly"));
  EXPECT_EQ(apply_arguments(bundle, paths).back(), "../plan/plan.out");
}

TEST(TerraformCommand, VariablesCannotChangeWhatIsRun) {
  Bundle bundle;
  for (const char* name : {"PATH", "TF_CLI_ARGS_plan", "LD_PRELOAD", "TF_DATA_DIR", "TF_WORKSPACE", "FINE"}) {
    BundleVariable variable;
    variable.key = name;
    variable.value = Secret("evil");
    variable.environment = true;
    bundle.variables.push_back(variable);
  }
  bundle.environment = {{"AWS_SESSION_TOKEN", Secret("t"), true}, {"FINE", Secret("wins"), false}};
  std::vector<std::string> left_out;
  const auto environment = phase_environment(bundle, {}, left_out);
  EXPECT_EQ(left_out.size(), 5U);
  for (const auto& [name, value] : environment.variables())
    EXPECT_NE(value, "evil") << name;
  EXPECT_EQ(environment.get("FINE"), "wins");
  EXPECT_EQ(environment.get("AWS_EC2_METADATA_DISABLED"), "true");
}

TEST(TerraformCommand, GarbageIsCollectedLessOftenWhereThereIsMemory) {
  Bundle bundle;
  std::vector<std::string> left_out;
  EXPECT_EQ(phase_environment(bundle, {}, left_out).get("GOGC"), "200");
  EXPECT_FALSE(phase_environment(bundle, {}, left_out).has("GOMEMLIMIT")) << "without a limit there is no half of it";
  bundle.limits.memory_bytes = 1000;
  EXPECT_EQ(phase_environment(bundle, {}, left_out).get("GOMEMLIMIT"), "500");
  BundleVariable own;
  own.key = "GOMEMLIMIT";
  own.value = Secret("1GiB");
  own.environment = true;
  bundle.variables.push_back(own);
  EXPECT_FALSE(phase_environment(bundle, {}, left_out).has("GOGC")) << "who sets one sets both";
  EXPECT_EQ(phase_environment(bundle, {}, left_out).get("GOMEMLIMIT"), "1GiB");
}

TEST(ApplySummary, IsFoundInBothFormats) {
  const auto counts = [](const std::string& text) {
    ApplySummary summary;
    for (const char c : text)
      summary.feed({&c, 1});
    return summary.counts();
  };
  EXPECT_EQ(counts("\x1b[0m\x1b[1m\x1b[32m\nApply complete! Resources: 4 imported, 3 added, 2 changed, 1 destroyed.\n"),
            (PlanCounts{3, 2, 1, 4, false}));
  EXPECT_EQ(counts("x\n\x1b[1mDestroy complete! Resources: 12 destroyed.\n"), (PlanCounts{0, 0, 12, 0, false}));
  EXPECT_EQ(counts(R"({"type":"change_summary","changes":{"add":1,"change":2,"import":3,"remove":4}})"
                   "\n"),
            (PlanCounts{1, 2, 4, 3, false}));
  EXPECT_FALSE(counts("Apply complete? Resources: 1 added\n"));
  EXPECT_FALSE(counts("x = \"Apply complete! Resources: 9 added\"\n")) << "an output that says so";
  EXPECT_FALSE(counts(std::string(100000, 'x') + "\n"));
}

constexpr const char* kLock =
    "# This file is maintained automatically\n\nprovider \"registry.terraform.io/hashicorp/aws\" {\n"
    "  version     = \"5.100.0\"\n  constraints = \"~> 5.0\"\n  hashes = [\n    \"zh:bb\",\n    \"h1:aa=\",\n  ]\n}\n";

TEST(SchemaCache, LockFilesAreRead) {
  const auto providers = read_lock_file(kLock);
  ASSERT_EQ(providers.size(), 1U);
  EXPECT_EQ(providers[0].address, "registry.terraform.io/hashicorp/aws");
  EXPECT_EQ(providers[0].version, "5.100.0");
  const auto again = read_lock_file(lock_file_of(providers));
  ASSERT_EQ(again.size(), providers.size());
  EXPECT_EQ(again[0].address, providers[0].address);
  EXPECT_EQ(again[0].version, providers[0].version);
  EXPECT_EQ(again[0].hashes, providers[0].hashes);
  EXPECT_EQ(lock_file_of({{"terraform.io/builtin/terraform", "", {}}}), "");
  EXPECT_TRUE(read_lock_file("provider \"a\"b\" {\n version = \"1\"\n hashes = [\n \"h1:x\",\n ]\n}").empty());
  EXPECT_TRUE(read_lock_file("provider \"a\" {\n version = \"1\"\n}").empty()) << "without checksums it is not certain";
}

TEST(SchemaCache, GivesBackWhatIsUsed) {
  test::TemporaryDirectory place;
  const SchemaCache cache(place.file("schemas"));
  const auto provider = read_lock_file(kLock)[0];
  const UsedTypes used{{"resource_schemas", {"b"}}};
  EXPECT_FALSE(cache.find(provider, "1.11.4", used));
  const auto schema = *json::parse(R"({"provider":{"v":1},"resource_schemas":{"a":{"v":2},"b":{"v":3}},
                                       "data_source_schemas":{"b":{"v":4}}})");
  cache.keep(provider, "1.11.4", schema);
  const auto found = cache.find(provider, "1.11.4", used);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->find("resource_schemas"), *json::parse(R"({"b":{"v":3}})"));
  EXPECT_EQ(*found->find("provider"), *json::parse(R"({"v":1})"));
  EXPECT_EQ(found->find("data_source_schemas"), nullptr);
  auto other = provider;
  other.hashes[0] = "h1:forged";
  EXPECT_FALSE(cache.find(other, "1.11.4", used)) << "other checksums are another provider";
  EXPECT_FALSE(cache.find(provider, "1.11.5", used));
}

TEST(PlanArchive, FindsTheLockFileOrSaysThereIsNone) {
  EXPECT_EQ(*lock_file_of_plan(stored_archive(".terraform.lock.hcl", "locked")), "locked");
  EXPECT_EQ(lock_file_of_plan(stored_archive("tfplan", "x")).error().code, Code::not_found);
  EXPECT_EQ(lock_file_of_plan("").error().code, Code::invalid);
}

TEST(PlanArchive, NoBrokenArchiveReadsOutside) {
  const std::string whole = stored_archive(".terraform.lock.hcl", "locked");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(lock_file_of_plan(std::string(whole.data(), size))) << size;
  int changed = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string broken = whole;
      broken[at] = value;
      // Whatever it says, the address sanitizer watches.
      [[maybe_unused]] const auto ignored = lock_file_of_plan(broken);
      ++changed;
    }
  }
  EXPECT_EQ(changed, static_cast<int>(whole.size() * 3));
}

TEST(SchemaTexts, AMissingSchemaIsAnEmptyOne) {
  json::Value schemas = *json::parse(R"({"p":{"provider":{},"resource_schemas":{"a":{"version":1,"block":{"x":1}}}}})");
  fill_with_empty(schemas, {{"p", {{"resource_schemas", {"a", "b"}}}}, {"q", {{"data_source_schemas", {"c"}}}}});
  EXPECT_EQ(schemas, *json::parse(R"({"p":{"provider":{},"resource_schemas":{"a":{"version":1,"block":{"x":1}},
      "b":{"block":{}}}},"q":{"data_source_schemas":{"c":{"block":{}}}}})"));
  json::Value none = json::Value::object();
  fill_with_empty(none, {});
  EXPECT_EQ(none, json::Value::object());
}

}  // namespace
}  // namespace tollgate::runner
