// tollgate keys add, list, import, remove: long-term keys off the disk in clear.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "broker/cli/keys_shared.h"
#include "broker/cli/output.h"
#include "broker/deliver/key_import.h"
#include "broker/deliver/overlay.h"
#include "common/json/value.h"
#include "common/os/terminal.h"

namespace tollgate::cli {
namespace {

constexpr std::size_t kMaxStdinBytes = 64 << 10;

struct AddInput {
  std::string profile;
  bool from_stdin = false;
  bool replace = false;
  ProtectionFlags protection;
};

struct ListInput {
  bool json = false;
};

struct RemoveInput {
  std::string profile;
  bool yes = false;
};

// AccessKeyId, SecretAccessKey: IAM API reference, 16 to 128 characters of [\w]. Temporary ids start with ASIA.
Result<vault::LongTermKey> checked(std::string id, Secret secret, TimePoint now) {
  const auto is_word = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (id.starts_with("ASIA")) {
    return fail(Error(Code::invalid, "this is the id of a temporary key, which ends by itself")
                    .do_next("store the long-term key, whose id starts with AKIA")
                    .because("temporary_keys"));
  }
  if (id.size() < 16 || id.size() > 128 || !std::all_of(id.begin(), id.end(), is_word)) {
    return fail(Error(Code::invalid, "this is no access key id")
                    .do_next("it is 20 letters and digits that start with AKIA; the secret is asked for after it"));
  }
  if (secret.empty()) return fail(Error(Code::invalid, "the secret access key is empty"));
  return vault::LongTermKey{std::move(id), std::move(secret), now};
}

Secret trimmed(const Secret& text) {
  std::string_view view = text.reveal();
  while (!view.empty() && std::string_view(" \t\r\n").find(view.front()) != std::string_view::npos)
    view.remove_prefix(1);
  while (!view.empty() && std::string_view(" \t\r\n").find(view.back()) != std::string_view::npos)
    view.remove_suffix(1);
  return Secret(view);
}

Result<vault::LongTermKey> ask_for_key(const std::string& profile, TimePoint now) {
  auto terminal = os::Terminal::open();
  if (!terminal) {
    return fail(Error(Code::needs_person, "there is no terminal to type the keys on")
                    .do_next("pipe them in as JSON: `... | tollgate keys add NAME --from-stdin`"));
  }
  TG_TRY(const Secret id, terminal->ask({.text = fmt::format("tollgate: the long-term keys of profile {}\n", profile),
                                         .label = "Access key id: "}));
  TG_TRY(const Secret secret, terminal->ask({.text = "", .label = "Secret access key: ", .echo = false}));
  return checked(std::string(trimmed(id).reveal()), trimmed(secret), now);
}

// {"AccessKeyId": ..., "SecretAccessKey": ...}, also as the member AccessKey, as `aws iam create-access-key` prints it.
Result<vault::LongTermKey> read_key(TimePoint now) {
  std::string text;
  text.reserve(kMaxStdinBytes);
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (text.size() + static_cast<std::size_t>(got) > kMaxStdinBytes) {
      wipe(text);
      return fail(Error(Code::invalid, "stdin holds more than one key"));
    }
    text.append(buffer, static_cast<std::size_t>(got));
  }
  std::fill(std::begin(buffer), std::end(buffer), '\0');
  const auto document = json::parse(text);
  wipe(text);
  const auto shape = [](Error error) {
    return std::move(error)
        .while_doing("the keys on stdin")
        .do_next(R"(pipe in {"AccessKeyId": "...", "SecretAccessKey": "..."})");
  };
  if (!document) return fail(shape(Error(Code::invalid, "not JSON")));
  const json::Value* inner = document->find("AccessKey");
  const json::Reader reader(inner == nullptr ? *document : *inner);
  if (const auto token = reader.optional_text("SessionToken"); token && *token) {
    return fail(Error(Code::invalid, "the keys on stdin are temporary: they end by themselves")
                    .do_next("store long-term keys")
                    .because("temporary_keys"));
  }
  auto id = reader.text("AccessKeyId");
  if (!id) return fail(shape(std::move(id.error())));
  auto secret = reader.text("SecretAccessKey");
  if (!secret) return fail(shape(std::move(secret.error())));
  return checked(std::move(*id), Secret::take(std::move(*secret)), now);
}

// Stores a key under the profile's name, beside the same one or, if told so, in place of another.
Result<void> store(App& app, const std::string& profile, vault::LongTermKey key, std::string origin, bool replace) {
  TG_TRY(KeyVault* const vault, app.vault());
  TG_TRY(const vault::LongTermKeys* const records, vault->records());
  TG_TRY(const os::PrivateDirectory* const locks, app.lock_directory());
  TG_TRY(const os::FileLock lock, vault::LongTermKeys::lock(*locks, profile, kKeyLockPatience, app.clock()));
  TG_TRY(const auto present, records->get(profile));
  vault::KeyRecord record{std::move(key), std::move(origin), "", {}};
  if (present) {
    if (present->rotation) return fail(unfinished_rotation(profile));
    const bool same = present->current.access_key_id == record.current.access_key_id;
    if (!same && !replace) {
      return fail(Error(Code::conflict, fmt::format("the key {} is stored for profile {} already",
                                                    last_four(present->current.access_key_id), profile))
                      .do_next("add --replace to forget it, or use `tollgate keys rotate` for a new one of the same "
                               "user"));
    }
    if (same) record.identity = present->identity;
  }
  TG_CHECK(records->put(profile, record));
  // What cannot be read back must not be relied on.
  TG_TRY(const auto back, records->get(profile));
  if (!back || !(back->current.secret_access_key == record.current.secret_access_key)) {
    return fail(Code::io, "the stored keys cannot be read back");
  }
  return {};
}

Result<void> add(App& app, const AddInput& input) {
  TG_CHECK(ensure_vault(app, input.protection));
  TG_TRY(vault::LongTermKey key,
         input.from_stdin ? read_key(app.clock().now()) : ask_for_key(input.profile, app.clock().now()));
  const std::string shown = last_four(key.access_key_id);
  TG_CHECK(store(app, input.profile, std::move(key), input.from_stdin ? "stdin" : "typed", input.replace));
  print_notice(fmt::format("{} is stored for profile {}", shown, input.profile));
  const auto set = app.profiles();
  const aws::Profile* profile = set ? (*set)->find(input.profile) : nullptr;
  const aws::Setting* in_file = profile == nullptr ? nullptr : profile->find("aws_access_key_id");
  if (in_file != nullptr) {
    print_notice(fmt::format("{}: other programs still find keys there; `tollgate keys import {}` takes them out",
                             (*set)->place(*in_file), input.profile));
  }
  return {};
}

json::Value to_json(const vault::KeySummary& summary) {
  json::Value value = json::Value::object({{"profile", summary.profile},
                                           {"access_key", summary.last_four},
                                           {"created", format_iso8601(summary.created)},
                                           {"origin", summary.origin}});
  value.set("rotation", summary.rotation_step.empty()
                            ? json::Value()
                            : json::Value::object({{"step", summary.rotation_step},
                                                   {"started", format_iso8601(summary.rotation_started)}}));
  return value;
}

Result<void> list(App& app, const ListInput& input) {
  TG_TRY(KeyVault* const vault, app.vault());
  TG_TRY(const auto summaries, vault->list());
  TG_TRY(const auto protection, vault->protection());
  for (const vault::KeySummary& summary : summaries) {
    if (!summary.problem.empty()) print_notice(fmt::format("{}: {}", summary.file, summary.problem));
  }
  if (input.json) {
    json::Value keys = json::Value::array();
    for (const vault::KeySummary& summary : summaries) {
      if (summary.problem.empty()) keys.push(to_json(summary));
    }
    return print_json(json::Value::object({{"schema", "tollgate.keys.v1"},
                                           {"locked_with", protection ? json::Value(describe(*protection)) : nullptr},
                                           {"keys", std::move(keys)}}));
  }
  if (summaries.empty()) {
    print_notice("no keys are stored. Next: `tollgate keys import PROFILE` takes them out of ~/.aws/credentials");
    return {};
  }
  std::vector<std::vector<std::string>> rows{{"PROFILE", "KEY", "AGE", "FROM", ""}};
  for (const vault::KeySummary& summary : summaries) {
    if (!summary.problem.empty()) continue;
    const auto days = std::chrono::duration_cast<std::chrono::hours>(app.clock().now() - summary.created).count() / 24;
    rows.push_back({summary.profile, summary.last_four, fmt::format("{} d", std::max<std::int64_t>(0, days)),
                    summary.origin, summary.rotation_step.empty() ? "" : "rotation unfinished"});
  }
  TG_CHECK(print(table(rows)));
  if (protection) print_notice(fmt::format("locked with {}", describe(*protection)));
  return {};
}

Result<void> import_keys(App& app, const AddInput& input) {
  TG_TRY(const std::string program, durable_program_path(app));
  TG_TRY(const std::string process, deliver::credential_process_value(program, input.profile));
  auto plan = deliver::plan_import(aws::locate_files(app.lookup()), input.profile, process);
  if (!plan) {
    if (plan.error().reason == "already_imported" && app.has_vault_keys()(input.profile)) {
      print_notice(fmt::format("{} and are stored", plan.error().text()));
      return {};
    }
    if (plan.error().reason == "already_imported") {
      plan.error().do_next(fmt::format("nothing is stored either: `tollgate keys add {}`", input.profile));
    }
    return fail(std::move(plan.error()));
  }
  TG_CHECK(ensure_vault(app, input.protection));
  TG_TRY(vault::LongTermKey key, checked(plan->access_key_id, plan->secret_access_key, app.clock().now()));
  TG_CHECK(store(app, input.profile, std::move(key), "import", input.replace));
  TG_TRY(const auto backups, deliver::apply_import(*plan, app.clock().now()));
  print_notice(fmt::format("{} of profile {} is stored; {} calls tollgate now", last_four(plan->access_key_id),
                           input.profile, plan->place));
  for (const std::string& backup : backups) {
    print_notice(fmt::format("the file as it was is {}, with the secret in clear: delete it when all works", backup));
  }
  return {};
}

// Where the files still call tollgate for keys that are gone.
void warn_of_process_lines(App& app, const std::string& profile) {
  const auto set = app.profiles();
  if (!set) return;
  for (const aws::Profile& each : (*set)->profiles) {
    const aws::Setting* process = each.find("credential_process");
    if (process != nullptr && deliver::own_process_profile(process->value) == profile) {
      print_notice(fmt::format("{}: this line has nothing to call for any more; remove it", (*set)->place(*process)));
    }
  }
}

Result<void> remove(App& app, const RemoveInput& input) {
  TG_TRY(KeyVault* const vault, app.vault());
  if (!vault->has(input.profile)) {
    return fail(Error(Code::not_found, fmt::format("no keys are stored for profile {}", input.profile))
                    .do_next("`tollgate keys list` shows what is")
                    .because("no_stored_key"));
  }
  TG_TRY(const vault::LongTermKeys* const records, vault->records());
  TG_TRY(const os::PrivateDirectory* const locks, app.lock_directory());
  TG_TRY(const os::FileLock lock, vault::LongTermKeys::lock(*locks, input.profile, kKeyLockPatience, app.clock()));
  const auto summary = records->summary(input.profile);
  const bool known = summary && *summary;
  if (!input.yes) {
    if (known && !(*summary)->rotation_step.empty()) return fail(unfinished_rotation(input.profile));
    auto terminal = os::Terminal::open();
    if (!terminal) {
      return fail(Error(Code::needs_person, "removing keys needs a word of agreement, and there is no terminal")
                      .do_next("add --yes"));
    }
    TG_TRY(const Secret typed,
           terminal->ask({.text = fmt::format("tollgate: the secret of {} will be gone from this machine for good.\n",
                                              known ? (*summary)->last_four : "this key"),
                          .label = fmt::format("Type {} to remove it: ", input.profile)}));
    if (typed.reveal() != input.profile) return fail(Error(Code::cancelled, "nothing was removed"));
  }
  TG_CHECK(records->remove(input.profile));
  print_notice(fmt::format("the keys of profile {} are removed here; in AWS they are valid until you delete them there",
                           input.profile));
  warn_of_process_lines(app, input.profile);
  return {};
}

int finish(const Result<void>& done) {
  return done ? 0 : report(done.error());
}

}  // namespace

Command keys_add_command() {
  auto input = std::make_shared<AddInput>();
  Command command;
  command.name = "keys add";
  command.summary = "Store a long-term access key, sealed";
  command.examples =
      "tollgate keys add work\n"
      "aws iam create-access-key --output json |\n"
      "  tollgate keys add work --from-stdin\n"
      "tollgate keys add ci --key-file /etc/tollgate/key --from-stdin < key.json";
  command.details =
      "The key id and the secret are asked for on the terminal, never taken from arguments or variables. They are kept "
      "in ~/.local/share/tollgate, sealed with a key that is itself locked with a passphrase (default), a key file or "
      "a "
      "command. The kernel's keyring remembers that key for 12 hours, so that the passphrase is asked for rarely.\n\n"
      "The profile need not be in any file; others can name it as their source_profile.\n\n"
      "For scripts: TOLLGATE_PASSPHRASE_FD=3 with the passphrase on descriptor 3.";
  command.positionals = {{"PROFILE", "The name to store them under.", &input->profile, true}};
  command.options = {
      {"--from-stdin", "", R"(Read {"AccessKeyId": "...", "SecretAccessKey": "..."} from stdin.)", &input->from_stdin},
      {"--replace", "", "Forget another key that is stored under this name.", &input->replace},
  };
  for (Option& option : protection_flags(input->protection))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) { return finish(add(app, *input)); };
  return command;
}

Command keys_list_command() {
  auto input = std::make_shared<ListInput>();
  Command command;
  command.name = "keys list";
  command.summary = "List the stored keys, without their secrets";
  command.examples = "tollgate keys list\ntollgate keys list --json";
  command.options = {{"--json", "", "Print JSON (schema tollgate.keys.v1).", &input->json}};
  command.run = [input](App& app) { return finish(list(app, *input)); };
  return command;
}

Command keys_import_command() {
  auto input = std::make_shared<AddInput>();
  Command command;
  command.name = "keys import";
  command.summary = "Move a profile's keys out of the AWS files";
  command.examples = "tollgate keys import default\ntollgate keys import work --key-command 'pass show tollgate'";
  command.details =
      "The key is stored as `keys add` stores it. Its two lines in ~/.aws/credentials (or config) give way to one "
      "credential_process line that calls tollgate, so that the AWS CLI and every SDK go on working; all other lines, "
      "comments too, stay as they are. The old file is kept beside it, readable by you alone, until you delete it.";
  command.positionals = {{"PROFILE", "The profile whose keys to move.", &input->profile, true}};
  command.options = {{"--replace", "", "Forget another key that is stored under this name.", &input->replace}};
  for (Option& option : protection_flags(input->protection))
    command.options.push_back(std::move(option));
  command.run = [input](App& app) { return finish(import_keys(app, *input)); };
  return command;
}

Command keys_remove_command() {
  auto input = std::make_shared<RemoveInput>();
  Command command;
  command.name = "keys remove";
  command.summary = "Forget a stored key";
  command.examples = "tollgate keys remove work\ntollgate keys remove work --yes";
  command.positionals = {{"PROFILE", "The name that they are stored under.", &input->profile, true}};
  command.options = {{"--yes", "", "Do not ask.", &input->yes}};
  command.run = [input](App& app) { return finish(remove(app, *input)); };
  return command;
}

}  // namespace tollgate::cli
