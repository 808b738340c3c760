#include "broker/vault/vault_key.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/encoding.h"
#include "tests/support/forked.h"
#include "tests/support/manual_clock.h"
#include "tests/support/referees.h"
#include "tests/support/temporary_directory.h"

namespace tollgate::vault {
namespace {

const Protection kPassphrase;
const PersonOptions kAnyone;

// The cheapest parameters that libsodium takes: what they cost is password_key's test.
VaultKeyOptions cheap(bool use_keyring) {
  VaultKeyOptions options;
  options.use_keyring = use_keyring;
  options.passphrase_cost.passes = 1;
  options.passphrase_cost.memory_bytes = 8 << 10;
  return options;
}

class VaultKeyTest : public testing::Test {
 protected:
  VaultKeyTest() : directory_(os::PrivateDirectory::open(folder_.path()).value()) {}

  VaultKey vault(bool use_keyring = false) {
    return VaultKey(
        directory_, directory_,
        [this](const PassphraseRequest& request) -> Result<Secret> {
          asked_.push_back(request);
          if (answers_.empty()) return fail(Code::needs_person, "nobody is there");
          Secret answer = answers_.front();
          answers_.erase(answers_.begin());
          return answer;
        },
        [this](const std::string& command) -> Result<Secret> {
          ++ran_;
          if (command == "changes") return Secret(fmt::format("a secret {}\n", ran_));
          return Secret(printed_);
        },
        random_, clock_, cheap(use_keyring), service());
  }
  SecretService service() {
    SecretService service;
    service.lookup = [this](const std::string& item) -> Result<Secret> {
      const auto found = desktop_.find(item);
      if (found == desktop_.end()) return fail(Code::not_found, "no such secret");
      return Secret(found->second);
    };
    service.store = [this](const std::string& item, const Secret& secret) -> Result<void> {
      if (!desktop_is_there_) return fail(Error(Code::unavailable, "no service").because("no_secret_service"));
      desktop_[item] = secret.reveal();
      return {};
    };
    service.clear = [this](const std::string& item) -> Result<void> {
      desktop_.erase(item);
      return {};
    };
    return service;
  }
  void answer(std::initializer_list<std::string_view> texts) {
    for (const std::string_view text : texts)
      answers_.emplace_back(text);
  }

  test::TemporaryDirectory folder_;
  os::PrivateDirectory directory_;
  SystemRandom random_;
  test::ManualClock clock_;
  std::vector<Secret> answers_;
  std::vector<PassphraseRequest> asked_;
  std::string printed_ = "printed secret\n";
  int ran_ = 0;
  std::map<std::string, std::string> desktop_;  // what the Secret Service holds
  bool desktop_is_there_ = true;
};

const Protection kDesktop{Protection::Kind::secret_service, "", ""};

TEST_F(VaultKeyTest, WithoutAVault) {
  EXPECT_EQ(vault().protection().value().has_value(), false);
  const auto key = vault().obtain();
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, "no_vault");
  EXPECT_EQ(vault().protect_by(kPassphrase).error().reason, "no_vault");
  EXPECT_TRUE(vault().forget_cached());
  EXPECT_TRUE(asked_.empty());
}

TEST_F(VaultKeyTest, APassphraseUnlocksWhatItLocked) {
  answer({"correct horse", "correct horse"});
  VaultKey made = vault();
  ASSERT_TRUE(made.create(kPassphrase));
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_TRUE(asked_[0].is_new);
  const auto first = made.obtain();  // no question: it was made here
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 32u);
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_TRUE(vault().obtain().value() == *first);
  EXPECT_FALSE(asked_[1].is_new);

  struct stat info {};
  ASSERT_EQ(::stat(folder_.file("vault-key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const std::string file = test::read_whole_file(folder_.file("vault-key"));
  EXPECT_EQ(file.find("correct horse"), file.npos);
  EXPECT_EQ(file.find(base64_encode(first->reveal())), file.npos);
}

TEST_F(VaultKeyTest, AWrongPassphraseIsAskedForAgainTwice) {
  answer({"correct horse", "wrong one", "wrong two", "correct horse"});
  ASSERT_TRUE(vault().create(kPassphrase));
  EXPECT_TRUE(vault().obtain());
  EXPECT_EQ(asked_.back().attempt, 3);

  answer({"wrong one", "wrong two", "wrong three"});
  const auto key = vault().obtain();
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().reason, "wrong_passphrase");
  EXPECT_EQ(key.error().message.find("wrong three"), std::string::npos);
}

TEST_F(VaultKeyTest, ThereIsOnlyOneVault) {
  answer({"correct horse", "another one"});
  ASSERT_TRUE(vault().create(kPassphrase));
  const auto again = vault().create(kPassphrase);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
}

TEST_F(VaultKeyTest, NobodyToAsk) {
  EXPECT_EQ(vault().create(kPassphrase).error().code, Code::needs_person);
  EXPECT_FALSE(vault().protection().value());
}

TEST_F(VaultKeyTest, AKeyFileIsMadeWhereItIsMissing) {
  const Protection file{Protection::Kind::key_file, folder_.file("the-key"), ""};
  ASSERT_TRUE(vault().create(file));
  struct stat info {};
  ASSERT_EQ(::stat(file.key_file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0400u);
  EXPECT_EQ(vault().protection().value()->key_file, file.key_file);
  EXPECT_TRUE(vault().obtain());

  ::unlink(file.key_file.c_str());
  EXPECT_EQ(vault().obtain().error().code, Code::not_found);
  test::write_test_file(file.key_file, std::string(40, 'x'));
  EXPECT_EQ(vault().obtain().error().reason, "wrong_key_file");
  ::chmod(file.key_file.c_str(), 0644);
  EXPECT_EQ(vault().obtain().error().code, Code::forbidden);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(VaultKeyTest, AKeyFileMustBeLongAndAbsolute) {
  test::write_test_file(folder_.file("short"), "too short");
  EXPECT_FALSE(vault().create({Protection::Kind::key_file, folder_.file("short"), ""}));
  EXPECT_EQ(vault().create({Protection::Kind::key_file, "relative", ""}).error().code, Code::usage);
  EXPECT_FALSE(vault().protection().value());
}

TEST_F(VaultKeyTest, ACommandPrintsTheSecret) {
  const Protection command{Protection::Kind::command, "", "pass show tollgate"};
  ASSERT_TRUE(vault().create(command));
  EXPECT_EQ(ran_, 2);  // what changes cannot be a key
  EXPECT_TRUE(vault().obtain());
  printed_ = "printed secret";  // the line end is not part of it
  EXPECT_TRUE(vault().obtain());
  printed_ = "something else";
  EXPECT_EQ(vault().obtain().error().reason, "wrong_command_output");
  printed_ = "short";
  EXPECT_EQ(vault().obtain().error().code, Code::invalid);
}

TEST_F(VaultKeyTest, ACommandThatPrintsSomethingElseEachTimeIsRefused) {
  EXPECT_EQ(vault().create({Protection::Kind::command, "", "changes"}).error().code, Code::config);
  EXPECT_FALSE(vault().protection().value());
}

TEST_F(VaultKeyTest, TheDesktopsKeyringHoldsTheSecret) {
  VaultKey made = vault();
  ASSERT_TRUE(made.create(kDesktop));
  ASSERT_EQ(desktop_.size(), 1u);
  const Secret key = made.obtain().value();
  EXPECT_TRUE(vault().obtain().value() == key);
  EXPECT_TRUE(asked_.empty());
  const std::string file = test::read_whole_file(folder_.file("vault-key"));
  EXPECT_EQ(file.find(desktop_.begin()->second), file.npos);
  EXPECT_EQ(vault().protection().value()->kind, Protection::Kind::secret_service);

  const auto held = *desktop_.begin();
  desktop_[held.first] = "something else";
  EXPECT_EQ(vault().obtain().error().reason, "wrong_secret");
  desktop_.clear();
  EXPECT_EQ(vault().obtain().error().code, Code::not_found);
}

TEST_F(VaultKeyTest, ADesktopsSecretIsReplacedAndNotOverwritten) {
  ASSERT_TRUE(vault().create(kDesktop));
  const Secret key = vault().obtain().value();
  const std::string item = desktop_.begin()->first;
  ASSERT_TRUE(vault().protect_by(kDesktop));
  ASSERT_EQ(desktop_.size(), 1u);
  EXPECT_NE(desktop_.begin()->first, item);
  EXPECT_TRUE(vault().obtain().value() == key);

  answer({"correct horse", "correct horse"});
  ASSERT_TRUE(vault().protect_by(kPassphrase));
  EXPECT_TRUE(desktop_.empty());
  EXPECT_TRUE(vault().obtain().value() == key);
}

TEST_F(VaultKeyTest, WithoutADesktopNothingChanges) {
  desktop_is_there_ = false;
  EXPECT_EQ(vault().create(kDesktop).error().reason, "no_secret_service");
  EXPECT_FALSE(vault().protection().value());
  answer({"correct horse", "correct horse", "correct horse"});
  ASSERT_TRUE(vault().create(kPassphrase));
  EXPECT_EQ(vault().protect_by(kDesktop).error().reason, "no_secret_service");
  EXPECT_TRUE(vault().obtain());
}

// Its item is part of what is sealed: a file that names another one does not open.
TEST_F(VaultKeyTest, AChangedItemDoesNotOpen) {
  ASSERT_TRUE(vault().create(kDesktop));
  std::string file = test::read_whole_file(folder_.file("vault-key"));
  const std::string item = desktop_.begin()->first;
  desktop_["other"] = desktop_.begin()->second;
  file.replace(file.find(item), item.size(), "other");
  ASSERT_TRUE(directory_.write("vault-key", file, {.mode = 0600}));
  EXPECT_EQ(vault().obtain().error().reason, "wrong_secret");
}

TEST_F(VaultKeyTest, AnotherProtectionKeepsTheKey) {
  answer({"correct horse", "correct horse"});
  VaultKey made = vault();
  ASSERT_TRUE(made.create(kPassphrase));
  const Secret key = made.obtain().value();
  const Protection file{Protection::Kind::key_file, folder_.file("the-key"), ""};
  ASSERT_TRUE(vault().protect_by(file));
  EXPECT_TRUE(vault().obtain().value() == key);
  EXPECT_EQ(asked_.size(), 2u);

  answer({"a new passphrase", "a new passphrase"});
  ASSERT_TRUE(vault().protect_by(kPassphrase));
  EXPECT_TRUE(asked_.back().is_new);
  EXPECT_TRUE(vault().obtain().value() == key);
}

TEST_F(VaultKeyTest, EveryChangedByteIsFoundOrHarmless) {
  answer({"correct horse"});
  VaultKey made = vault();
  ASSERT_TRUE(made.create(kPassphrase));
  const Secret key = made.obtain().value();
  const std::string file = test::read_whole_file(folder_.file("vault-key"));
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    // A change of the figures may ask for gigabytes and much time: refused by limits, tested there.
    const std::size_t line = file.rfind('\n', i == 0 ? 0 : i - 1);
    const std::string_view text = std::string_view(file).substr(line == file.npos ? 0 : line);
    if (text.starts_with("\n  \"memory_bytes\"") || text.starts_with("\n  \"passes\"")) continue;
    test::write_test_file(folder_.file("vault-key"), changed);
    answers_.clear();
    answer({"correct horse", "correct horse", "correct horse"});
    const auto opened = vault().obtain();
    EXPECT_TRUE(!opened || *opened == key) << "byte " << i;
  }
}

TEST_F(VaultKeyTest, TheKeyringSavesTheQuestion) {
  answer({"correct horse", "correct horse"});
  VaultKey made = vault(true);
  ASSERT_TRUE(made.create(kPassphrase));
  VaultKey second = vault(true);
  const auto key = second.obtain();
  if (asked_.size() == 2) GTEST_SKIP() << "the kernel gives no keyring here";
  ASSERT_TRUE(key);
  ASSERT_TRUE(second.forget_cached());
  EXPECT_TRUE(vault(true).obtain());
  EXPECT_EQ(asked_.size(), 2u);
  EXPECT_TRUE(vault(true).forget_cached());
}

TEST_F(VaultKeyTest, OnlyOneProcessAsks) {
  const auto held = os::FileLock::acquire(directory_, "vault-key.lock", Duration(0), clock_);
  ASSERT_TRUE(held);
  EXPECT_EQ(vault().create(kPassphrase).error().reason, "unlock_elsewhere");
}

TEST(PassphraseFromPerson, DescriptorIsReadLineByLine) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const std::string text = "old passphrase\nnew passphrase\n";
  ASSERT_EQ(::write(writing.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  writing.reset();
  os::Environment environment;
  environment.set(kPassphraseDescriptorVariable, fmt::format("{}", reading.get()));
  const PassphraseSource source = passphrase_from_person(environment, kAnyone);
  EXPECT_EQ(source({}).value().reveal(), "old passphrase");
  EXPECT_EQ(source({.is_new = true, .attempt = 1}).value().reveal(), "new passphrase");
  EXPECT_EQ(source({}).error().code, Code::usage);  // at its end
  EXPECT_EQ(source({.is_new = false, .attempt = 2}).error().reason, "wrong_passphrase");
}

TEST(PassphraseFromPerson, BadDescriptors) {
  for (const std::string_view value : {"x", "-1", "3x", "987654"}) {
    os::Environment environment;
    environment.set(kPassphraseDescriptorVariable, value);
    EXPECT_EQ(passphrase_from_person(environment, kAnyone)({}).error().code, Code::usage) << value;
  }
}

TEST(PassphraseFromPerson, AskedOnTheTerminalWithoutEcho) {
  test::OnTerminal person([] {
    const auto typed = passphrase_from_person({}, kAnyone)({});
    return typed && typed->reveal() == "correct horse" ? 0 : 1;
  });
  person.wait_for("Passphrase of the stored keys: ");
  EXPECT_FALSE(person.echoes());
  person.type("correct horse\n");
  EXPECT_EQ(person.exit_code(), 0);
  EXPECT_EQ(person.shown().find("horse"), std::string::npos);
}

TEST(PassphraseFromPerson, ANewOneIsAskedForUntilItWillDo) {
  test::OnTerminal person([] {
    const auto typed = passphrase_from_person({}, kAnyone)({.is_new = true, .attempt = 1});
    return !typed && typed.error().code == Code::cancelled ? 0 : 1;
  });
  person.wait_for("New passphrase: ");
  person.type("short\n");
  person.wait_for("At least 8 characters, please: ");
  person.type("correct horse\n");
  person.wait_for("The same again: ");
  person.type("correct house\n");
  person.wait_for("once more: ");
  person.type("\x03");  // a second round ends as the first did
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(PassphraseFromPerson, ANewOneTypedTwiceIsTaken) {
  test::OnTerminal person([] {
    const auto typed = passphrase_from_person({}, kAnyone)({.is_new = true, .attempt = 1});
    return typed && typed->reveal() == "correct horse" ? 0 : 1;
  });
  person.wait_for("New passphrase: ");
  person.type("correct horse\n");
  person.wait_for("The same again: ");
  person.type("correct horse\n");
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(PassphraseFromPerson, NobodyMayBeAsked) {
  const PersonOptions nobody{.may_ask = false, .time_limit = Duration(1000)};
  test::OnTerminal person([&] {
    const auto typed = passphrase_from_person({}, nobody)({});
    return !typed && typed.error().reason == "passphrase_needed" ? 0 : 1;
  });
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(PassphraseFromPerson, TheQuestionHasItsTime) {
  const PersonOptions hasty{.may_ask = true, .time_limit = Duration(100)};
  test::OnTerminal person([&] {
    const auto typed = passphrase_from_person({}, hasty)({});
    return !typed && typed.error().code == Code::needs_person ? 0 : 1;
  });
  EXPECT_EQ(person.exit_code(), 0);
}

TEST(PassphraseFromPerson, NoTerminal) {
  test::Forked alone([] {
    ::setsid();
    const auto typed = passphrase_from_person({}, kAnyone)({});
    return !typed && typed.error().reason == "passphrase_needed" ? 0 : 1;
  });
  EXPECT_EQ(alone.exit_code(), 0);
}

TEST(ShellSecretCommand, OutputAndFailure) {
  os::Environment environment;
  environment.set("PATH", "/usr/bin:/bin").set("WORD", "hello there");
  const SecretCommand run = shell_secret_command(environment);
  EXPECT_EQ(run("echo \"$WORD\"").value().reveal(), "hello there\n");
  EXPECT_EQ(run("exit 3").error().reason, "unlock_command_failed");
  EXPECT_EQ(shell_secret_command(environment, Duration(50))("sleep 20").error().reason, "timed_out");
}

}  // namespace
}  // namespace tollgate::vault
