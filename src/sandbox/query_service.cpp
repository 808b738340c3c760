#include "sandbox/query_service.h"

#include "aws/query.h"
#include "sandbox/sts.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

std::string_view version_of(std::string_view service) {
  return service == "iam" ? "2010-05-08" : "2011-06-15";
}

Answer invalid_action(std::string_view action, std::string_view version) {
  return refuse(400, "InvalidAction", fmt::format("Could not find operation {} for version {}", action, version));
}

std::optional<Answer> add_parameters(std::string_view encoded, Call& call) {
  const auto parsed = aws::parse_query(encoded);
  if (!parsed) return refuse(400, "MalformedQueryString", parsed.error().message);
  for (const auto& [name, value] : parsed->all()) {
    // The first one counts where a name repeats.
    call.parameters.emplace(name, value);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Answer> read_query(const http::Request& request, Call& call) {
  if (request.method == "POST") {
    if (auto fault = add_parameters(request.body, call)) return fault;
  }
  if (auto fault = add_parameters(request.query(), call)) return fault;
  call.action = call.text("Action");
  if (call.action.empty()) return refuse(400, "MissingAction", "The request must contain the parameter Action");
  const std::string* version = call.find("Version");
  if (version == nullptr) return invalid_action(call.action, "NO_VERSION_SPECIFIED");
  if (*version != version_of(call.service)) return invalid_action(call.action, *version);
  return std::nullopt;
}

Answer run_operation(World& world, const Call& call) {
  if (auto refused = session_restriction(call.principal, call.service, call.action)) return *refused;
  for (const Operation& operation : call.service == "iam" ? iam_operations() : sts_operations()) {
    if (operation.action == call.action) return operation.handler(world, call);
  }
  return invalid_action(call.action, version_of(call.service));
}

http::Response query_response(const Call& call, const Answer& answer) {
  http::Response response;
  response.status = answer.status;
  const std::string space =
      fmt::format("https://{}.amazonaws.com/doc/{}/", call.service == "iam" ? "iam" : "sts", version_of(call.service));
  if (answer.failed()) {
    response.body = fmt::format("<ErrorResponse xmlns=\"{}\">{}{}</ErrorResponse>\n", space,
                                enclose("Error", element("Type", answer.receiver_fault ? "Receiver" : "Sender") +
                                                     element("Code", answer.code) + element("Message", answer.message)),
                                element("RequestId", call.request_id));
  } else {
    const std::string result = answer.result.empty() ? "" : enclose(call.action + "Result", answer.result);
    response.body = fmt::format("<{0}Response xmlns=\"{1}\">{2}{3}</{0}Response>\n", call.action, space, result,
                                enclose("ResponseMetadata", element("RequestId", call.request_id)));
  }
  response.headers.emplace_back("x-amzn-RequestId", call.request_id);
  response.headers.emplace_back("Content-Type", "text/xml");
  return response;
}

}  // namespace tollgate::sandbox
