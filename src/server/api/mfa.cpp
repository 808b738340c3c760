// What a person does at a gate: enter a code, lift the lock of too many. The code is a text of its own member and
// nowhere else: never in an address, never a number (which a log of requests might not hide).
#include "server/api/mfa.h"

#include "server/api/routes.h"
#include "server/api/runs.h"
#include "server/runs/mfa_authenticator.h"
#include "server/runs/mfa_view.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using runs::AuthenticateStatus;

json::Value text_or_null(std::string_view text) {
  return text.empty() ? json::Value() : json::Value(text);
}
json::Value time_or_null(const std::optional<TimePoint>& time) {
  return time ? json::Value(format_iso8601(*time)) : json::Value();
}
json::Value seconds_or_null(const std::optional<std::chrono::seconds>& seconds) {
  return seconds ? json::Value(static_cast<std::int64_t>(seconds->count())) : json::Value();
}

json::Value passed_by(const domain::GateRecord& gate) {
  return json::Value::object({{"username", gate.accepted_by_name},
                              {"at", time_or_null(gate.accepted_at)},
                              {"session-expires-at", time_or_null(gate.session_expires_at)}});
}

json::Value refusal_of(const domain::GateRecord& gate) {
  return json::Value::object({{"reason", gate.refusal.reason},
                              {"sentence", gate.refusal.sentence},
                              {"at", time_or_null(gate.refusal.at)},
                              {"by", text_or_null(gate.refusal.by)},
                              {"request-id", text_or_null(gate.refusal.request_id)}});
}

json::Value identity_of(const runs::MfaView& view) {
  if (!view.identity) return {};
  const bool personal = view.identity->kind == domain::IdentityKind::personal;
  return json::Value::object({{"kind", personal ? "personal" : "organization"},
                              {"owner", text_or_null(view.identity_owner)},
                              {"account", text_or_null(view.identity->account)},
                              {"arn", text_or_null(view.identity->arn)}});
}

int status_of(AuthenticateStatus status) {
  switch (status) {
    case AuthenticateStatus::accepted:
      return 200;
    case AuthenticateStatus::forbidden:
      return 403;
    case AuthenticateStatus::no_such_gate:
      return 409;
    case AuthenticateStatus::refused:
      return 422;
    case AuthenticateStatus::locked:
      return 423;
    case AuthenticateStatus::too_soon:
      return 429;
    case AuthenticateStatus::unknown:
      return 502;
    case AuthenticateStatus::unsent:
      return 503;
  }
  return 500;
}

http::Response refusal_document(const runs::AuthenticateAnswer& answer) {
  const int status = status_of(answer.status);
  std::string detail = answer.error.message;
  if (!answer.error.next.empty()) detail += "; " + answer.error.next;
  json::Value meta = json::Value::object();
  if (answer.next_code_in) meta.set("next-code-in", seconds_or_null(answer.next_code_in));
  if (answer.retry_after) meta.set("retry-after", seconds_or_null(answer.retry_after));
  if (answer.tries_left) meta.set("tries-left", *answer.tries_left);
  json::Value entry = json::Value::object({{"status", std::to_string(status)},
                                           {"title", status == 422 ? "MFA code refused" : "MFA"},
                                           {"detail", std::move(detail)},
                                           {"code", answer.error.reason},
                                           {"meta", std::move(meta)}});
  http::Response response =
      plain_json(status, json::Value::object({{"errors", json::Value::array({std::move(entry)})}}));
  for (auto& [name, value] : response.headers) {
    if (name == "Content-Type") value = kJsonApiType;
  }
  if (answer.retry_after) response.headers.emplace_back("Retry-After", std::to_string(answer.retry_after->count()));
  return response;
}

Result<runs::AuthenticateRequest> read_request(const Call& call) {
  TG_TRY(const json::Value document, json::parse(call.request.body));
  const json::Reader reader(document);
  runs::AuthenticateRequest request;
  request.run_id = call.subject.run->id;
  TG_TRY(const std::string phase, reader.text("phase"));
  const auto kind = domain::parse_phase_kind(phase);
  if (!kind) return fail(Error(Code::invalid, "must be plan or apply").at("/phase"));
  request.phase = *kind;
  TG_TRY(request.gate_id, reader.text("gate-id"));
  TG_TRY(std::string code, reader.text("code"));
  request.code = Secret::take(std::move(code));
  return request;
}

Result<http::Response> authenticate(const Call& call) {
  TG_TRY(const runs::AuthenticateRequest request, read_request(call));
  const runs::AuthenticateAnswer answer = call.context.authenticator.authenticate(request, call.actor());
  if (answer.status != AuthenticateStatus::accepted) return refusal_document(answer);
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    TG_TRY(const domain::Run run, again(tables.runs(), call.subject.run, "run"));
    return document(200, run_resource(tables, call, run));
  });
}

Result<http::Response> unlock(const Call& call) {
  if (!call.actor().person()) {
    return fail(Error(Code::forbidden,
                      "only owners of the organization may do this, and in person: not with an "
                      "organization's token")
                    .because("permission"));
  }
  TG_CHECK(call.context.authenticator.unlock(call.subject.run->id, call.actor()));
  return no_content();
}

}  // namespace

json::Value mfa_attribute(Tables& tables, const Call& call, const domain::Run& run, bool may_apply) {
  runs::MfaViewer viewer;
  viewer.user_id = call.actor().person() ? call.actor().user_id : "";
  viewer.may_apply = may_apply;
  const auto view = runs::mfa_view(tables, run, viewer, call.now);
  if (!view) return {};
  const bool passed = view->gate && view->gate->state == domain::GateState::passed;
  const bool refused = view->gate && !view->gate->refusal.reason.empty() && !passed;
  return json::Value::object({{"level", domain::to_text(view->level)},
                              {"phase", view->phase ? json::Value(domain::to_text(*view->phase)) : json::Value()},
                              {"state", view->state},
                              {"gate-id", text_or_null(view->gate_id)},
                              {"since", time_or_null(view->since)},
                              {"deadline", time_or_null(view->deadline)},
                              {"by", passed ? passed_by(*view->gate) : json::Value()},
                              {"refusal", refused ? refusal_of(*view->gate) : json::Value()},
                              {"tries-left", view->tries_left},
                              {"next-code-in", seconds_or_null(view->next_code_in)},
                              {"identity", identity_of(*view)},
                              {"you", json::Value::object({{"can", view->can},
                                                           {"serial", text_or_null(view->serial)},
                                                           {"reason", text_or_null(view->reason)}})}});
}

json::Value mfa_history_attribute(Tables& tables, const domain::Run& run) {
  json::Array history;
  for (const domain::GateRecord& gate : runs::mfa_history(tables, run)) {
    history.push_back(json::Value::object({{"phase", domain::to_text(gate.binding.phase)},
                                           {"username", gate.accepted_by_name},
                                           {"at", time_or_null(gate.accepted_at)},
                                           {"session-expires-at", time_or_null(gate.session_expires_at)},
                                           {"account", gate.account},
                                           {"arn", gate.arn},
                                           {"serial", gate.serial},
                                           {"request-id", text_or_null(gate.request_id)}}));
  }
  return history;
}

Routes mfa_routes() {
  return {
      {"POST", "/api/v2/runs/:run_id/actions/authenticate", Permission::workspace_apply, authenticate,
       "Passes the gate of a plan or an apply with a one-time code", Body::json},
      {"POST", "/api/v2/runs/:run_id/actions/unlock-mfa", Permission::workspace_manage, unlock,
       "Lets codes be tried again after too many were refused", Body::json},
  };
}

}  // namespace tollgate::api
