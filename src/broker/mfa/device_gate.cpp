#include "broker/mfa/device_gate.h"

#include <unistd.h>

#include "broker/mfa/gate_note.h"
#include "common/crypto/hash.h"
#include "common/os/file_lock.h"
#include "common/os/terminal.h"

namespace tollgate::mfa {
namespace {

// A program that keeps giving a used code (its clock stands still, say) must not hold the gate for ever.
constexpr int kMaxUsedCodes = 4;
constexpr std::string_view kNextCode = "that code has been used; the next one comes";

std::string lock_name(const DeviceKey& device) {
  const std::string inputs = fmt::format("{} {}{}", device.serial.size(), device.serial, device.source_key_id);
  return "gate-" + crypto::sha256_hex(inputs).substr(0, 32) + ".lock";
}

Error still_asking(const GateNote& holder, Duration patience) {
  const bool known = holder.state == GateNote::State::asking;
  return Error(Code::needs_person,
               fmt::format("{} is asking for a code of the same device, and nobody answered within {}",
                           known ? holder.who() : "another process", format_duration(patience)))
      .because("mfa_prompt_elsewhere")
      .do_next(known && !holder.terminal.empty() ? "answer the question on " + holder.terminal
                                                 : std::string("answer the question there"));
}

// One passage with the lock held.
class Passage {
 public:
  Passage(const DeviceKey& device, CodePrompt prompt, const GateCallbacks& callbacks, CodeSource& source,
          UsedCodes& used_codes, const Clock& clock)
      : device_(device),
        prompt_(std::move(prompt)),
        callbacks_(callbacks),
        source_(source),
        used_codes_(used_codes),
        clock_(clock) {}

  Result<void> run(int tries) {
    prompt_.tries = tries;
    prompt_.refusal.clear();
    // The device still shows a code that AWS has taken: asking now could only bring that one.
    if (can_bring_another()) TG_CHECK(wait(used_codes_.until_next_code(device_.serial)));
    for (prompt_.attempt = 1; prompt_.attempt <= tries; ++prompt_.attempt) {
      TG_TRY(const Secret code, unused_code());
      Attempt attempt = callbacks_.spend(code);
      switch (attempt.outcome) {
        case Attempt::Outcome::accepted:
          // What is lost if this fails is a wait next time.
          static_cast<void>(used_codes_.mark_accepted(device_.serial, code));
          return {};
        case Attempt::Outcome::refused:
          prompt_.refusal = std::move(attempt.reason);
          if (source_.kind() == CodeSource::Kind::fixed) return fail(refused());
          break;
        case Attempt::Outcome::failed:
          if (attempt.provably_unsent) static_cast<void>(used_codes_.release(device_.serial, code));
          return fail(std::move(attempt.error));
      }
    }
    return fail(refused());
  }

 private:
  bool can_bring_another() const {
    return source_.kind() == CodeSource::Kind::person || source_.kind() == CodeSource::Kind::program;
  }

  Result<void> wait(Duration duration) {
    return duration > Duration(0) ? source_.wait(duration, kNextCode) : Result<void>();
  }

  // A code that was never sent, marked as sent from here on.
  Result<Secret> unused_code() {
    for (int used = 0;; ++used) {
      TG_TRY(Secret code, source_.ask(prompt_));
      auto claimed = used_codes_.claim(device_.serial, code);
      if (claimed) return code;
      if (claimed.error().code != Code::conflict || !can_bring_another() || used == kMaxUsedCodes) {
        return fail(std::move(claimed).error());
      }
      TG_CHECK(wait(until_next_step(clock_.now())));
      prompt_.refusal = "That code had been used already.";
    }
  }

  Error refused() const {
    return Error(Code::forbidden, prompt_.refusal.empty() ? std::string("AWS refused the code") : prompt_.refusal)
        .because("mfa_code_refused")
        .do_next("check that the device belongs to this access key's user, and that its clock is right");
  }

  const DeviceKey& device_;
  CodePrompt prompt_;
  const GateCallbacks& callbacks_;
  CodeSource& source_;
  UsedCodes& used_codes_;
  const Clock& clock_;
};

// What others are to know of an error. A network that failed is no answer for them: they may try themselves.
GateNote::State state_for(const Error& error) {
  if (error.code == Code::cancelled) return GateNote::State::cancelled;
  if (error.code == Code::needs_person && error.reason == "timed_out") return GateNote::State::unanswered;
  if (error.reason == "mfa_code_refused") return GateNote::State::refused;
  return GateNote::State::none;
}

}  // namespace

DeviceGate::DeviceGate(const os::PrivateDirectory& directory, CodeSource& source, UsedCodes& used_codes,
                       const Clock& clock, GateOptions options)
    : directory_(&directory), source_(&source), used_codes_(&used_codes), clock_(&clock), options_(options) {}

Result<GateOutcome> DeviceGate::pass(const DeviceKey& device, const CodePrompt& prompt,
                                     const GateCallbacks& callbacks) {
  const TimePoint began = clock_->now();
  const std::string name = lock_name(device);
  TG_TRY(std::optional<os::FileLock> lock, os::FileLock::try_acquire(*directory_, name));
  const bool waited = !lock.has_value();
  if (waited) {
    auto acquired = os::FileLock::acquire(*directory_, name, options_.patience, *clock_);
    if (!acquired && acquired.error().code == Code::locked) {
      return fail(still_asking(parse_note(os::FileLock::peek_note(*directory_, name)), options_.patience));
    }
    if (!acquired) return fail(std::move(acquired).error());
    lock = std::move(*acquired);
  }
  if (callbacks.recheck()) return waited ? GateOutcome::shared : GateOutcome::already_there;

  const GateNote last = parse_note(lock->read_note());
  const Duration age = clock_->now() - last.at;
  const bool while_we_waited = waited && last.at >= began;
  const bool just_now = !options_.fresh_request && age >= Duration(0) && age < options_.refusal_echo;
  if (while_we_waited || just_now) {
    if (auto error = error_of(last)) return fail(std::move(*error));
  }

  GateNote note{GateNote::State::asking, clock_->now(), getpid(), os::controlling_terminal_name(), prompt.asked_by};
  lock->write_note(to_text(note));
  auto passed = Passage(device, prompt, callbacks, *source_, *used_codes_, *clock_).run(options_.tries);
  note.state = passed ? GateNote::State::none : state_for(passed.error());
  note.at = clock_->now();
  lock->write_note(to_text(note));
  if (!passed) return fail(std::move(passed).error());
  return GateOutcome::passed;
}

}  // namespace tollgate::mfa
