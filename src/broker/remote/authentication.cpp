#include "broker/remote/authentication.h"

#include <algorithm>

#include "broker/remote/document_fields.h"

namespace tollgate::remote {
namespace {

// A wait that a person at a terminal sits out; beyond it the answer is to come back later.
constexpr std::int64_t kLongestWait = 120;

struct Answer {
  std::string sentence;
  std::string reason;
  std::optional<std::int64_t> tries_left;
  std::optional<std::int64_t> wait;  // seconds
};

Answer read_answer(const net::Response& response) {
  Answer answer;
  const auto document = json::parse(response.body);
  const json::Array* errors = document ? member(*document, "errors").if_array() : nullptr;
  if (errors == nullptr || errors->empty()) return answer;
  const json::Value& first = errors->front();
  if (const std::string* detail = member(first, "detail").if_string()) answer.sentence = *detail;
  if (const std::string* code = member(first, "code").if_string()) answer.reason = *code;
  const json::Value& meta = member(first, "meta");
  if (const std::int64_t* tries = member(meta, "tries-left").if_integer()) answer.tries_left = *tries;
  for (const char* name : {"next-code-in", "retry-after"}) {
    if (const std::int64_t* seconds = member(meta, name).if_integer()) answer.wait = *seconds;
  }
  return answer;
}

class Authentication {
 public:
  Authentication(ApiClient& api, const RunView& run, mfa::CodeSource& codes) : api_(api), run_(run), codes_(codes) {}

  Result<Authenticated> pass(mfa::DeviceGate& device_gate) {
    mfa::GateCallbacks callbacks;
    callbacks.recheck = [this] { return has_changed(); };
    callbacks.spend = [this](const Secret& code) { return spend(code); };
    mfa::CodePrompt prompt;
    prompt.serial = run_.gate->your_serial;
    prompt.asked_by = fmt::format("the {} of {}", run_.gate->phase, run_.id);
    auto outcome = device_gate.pass({run_.gate->your_serial, "run server " + api_.host()}, prompt, callbacks);
    if (!outcome) {
      if (outcome.error().reason == "mfa_needed") {
        outcome.error().do_next(
            fmt::format("run `tollgate authenticate {}` in a terminal, or give --mfa-process", run_.id));
      }
      return fail(std::move(outcome).error());
    }
    if (*outcome == mfa::GateOutcome::passed) return Authenticated{std::move(after_), false};
    if (unreadable_) return fail(std::move(*unreadable_));
    if (after_.gate && after_.gate->state == "passed") return Authenticated{std::move(after_), true};
    return fail(no_such_gate("the gate is not open any more"));
  }

 private:
  Error no_such_gate(std::string sentence) const {
    return Error(Code::conflict, std::move(sentence))
        .because("no_such_gate")
        .do_next(fmt::format("`tollgate run show {}` says how it stands", run_.id));
  }

  // While we waited for the device somebody may have answered, or time may have run out.
  bool has_changed() {
    const auto document = api_.get(fmt::format("runs/{}?include={}", run_.id, kRunIncludes));
    auto now = document ? parse_run(*document) : Result<RunView>(fail(document.error()));
    if (!now) {
      unreadable_ = std::move(now).error();
      return true;
    }
    after_ = std::move(*now);
    return !after_.gate || after_.gate->gate_id != run_.gate->gate_id || !after_.gate->open();
  }

  std::string body_with(const Secret& code) const {
    std::string body =
        json::to_text(json::Value::object({{"phase", run_.gate->phase}, {"gate-id", run_.gate->gate_id}}));
    body.pop_back();
    body.reserve(body.size() + 32);  // growing would leave copies of the code behind
    body += R"(,"code":")";
    body += code.reveal();  // six digits
    body += "\"}";
    return body;
  }

  mfa::Attempt spend(const Secret& code) {
    auto outcome = api_.send("POST", fmt::format("runs/{}/actions/authenticate", run_.id), body_with(code));
    if (!outcome) {
      const bool unsent = outcome.error().delivery == net::Delivery::not_sent;
      Error error = remote::error_of(std::move(outcome).error(), api_.host());
      if (!unsent) return mfa::Attempt::failed(spent(std::move(error)));
      return mfa::Attempt::failed(std::move(error), true);
    }
    return attempt_of(*outcome);
  }

  Error spent(Error error) const {
    error.code = Code::unknown;
    error.message += "; the code counts as used";
    return std::move(error).do_next(
        fmt::format("`tollgate run show {}` says whether it was taken; if not, give the next code", run_.id));
  }

  mfa::Attempt attempt_of(const net::Response& response) {
    const Answer answer = read_answer(response);
    Error error = api_.error_of(response);
    switch (response.status) {
      case 200:
        return accepted(response);
      case 409:
        return mfa::Attempt::failed(
            no_such_gate(answer.sentence.empty() ? "there is no such gate now" : answer.sentence));
      case 422:
        return refused(answer, std::move(error));
      case 423:
        error.code = Code::forbidden;
        return mfa::Attempt::failed(
            std::move(error).because("locked").do_next("an owner of the organization has to unlock the run"));
      case 429:
        return too_soon(answer, std::move(error));
      case 503:
        error.code = Code::unavailable;
        return mfa::Attempt::failed(
            std::move(error).do_next("the code was not sent to AWS: run the command again in a moment"), true);
      default:
        return mfa::Attempt::failed(response.status >= 500 ? spent(std::move(error)) : std::move(error));
    }
  }

  mfa::Attempt accepted(const net::Response& response) {
    const auto document = json::parse(response.body);
    auto run = document ? parse_run(*document) : Result<RunView>(fail(document.error()));
    after_ = run ? *run : run_;
    return mfa::Attempt::accepted();
  }

  mfa::Attempt refused(const Answer& answer, Error error) const {
    // Only where another code can help does the server count tries.
    if (!answer.tries_left || *answer.tries_left <= 0) {
      error.code = Code::forbidden;
      if (answer.tries_left) error.do_next("an owner of the organization has to unlock the run");
      return mfa::Attempt::failed(std::move(error));
    }
    return mfa::Attempt::refused(
        fmt::format("{} ({} {} left)", answer.sentence, *answer.tries_left, *answer.tries_left == 1 ? "try" : "tries"));
  }

  // The server did not send the code on, but it may have been used: the next one is asked for, after the wait.
  mfa::Attempt too_soon(const Answer& answer, Error error) {
    const std::int64_t seconds = std::max<std::int64_t>(answer.wait.value_or(kLongestWait + 1), 1);
    const bool another =
        codes_.kind() == mfa::CodeSource::Kind::person || codes_.kind() == mfa::CodeSource::Kind::program;
    if (seconds > kLongestWait || !another) {
      if (answer.wait) error.do_next(fmt::format("try again in {}", format_duration(std::chrono::seconds(seconds))));
      return mfa::Attempt::failed(std::move(error));
    }
    if (auto waited = codes_.wait(std::chrono::seconds(seconds), "the next code can be given"); !waited) {
      return mfa::Attempt::failed(std::move(waited).error());
    }
    return mfa::Attempt::refused(answer.sentence);
  }

  ApiClient& api_;
  const RunView& run_;
  mfa::CodeSource& codes_;
  RunView after_;
  std::optional<Error> unreadable_;
};

}  // namespace

Result<Authenticated> authenticate(ApiClient& api, const RunView& run, mfa::DeviceGate& device_gate,
                                   mfa::CodeSource& codes) {
  return Authentication(api, run, codes).pass(device_gate);
}

}  // namespace tollgate::remote
