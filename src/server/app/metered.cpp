#include "server/app/metered.h"

#include <chrono>

namespace tollgate::app {
namespace {

constexpr std::string_view kStoreSeconds = "tollgate_store_transaction_seconds";
constexpr std::string_view kStsSeconds = "tollgate_sts_call_seconds";
constexpr std::string_view kStsCalls = "tollgate_sts_calls_total";

// Notes the time from its construction on, also where the transaction throws.
class Stopwatch {
 public:
  Stopwatch(Metrics& metrics, std::string_view name, Metrics::Labels labels)
      : metrics_(metrics), name_(name), labels_(std::move(labels)) {}
  ~Stopwatch() {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    metrics_.observe(name_, took.count(), labels_);
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Metrics& metrics_;
  std::string_view name_;
  Metrics::Labels labels_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

MeteredStore::MeteredStore(domain::Store& store, Metrics& metrics) : store_(store), metrics_(metrics) {
  metrics.define(kStoreSeconds, Metrics::Kind::histogram,
                 "Transactions of the database, waiting for their turn included.",
                 {0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2});
}

void MeteredStore::read_transaction(const std::function<void(domain::Tables&)>& body) {
  const Stopwatch watch(metrics_, kStoreSeconds, {{"kind", "read"}});
  store_.read([&](domain::Tables& tables) {
    body(tables);
    return true;
  });
}

void MeteredStore::write_transaction(const std::function<bool(domain::Tables&)>& body) {
  const Stopwatch watch(metrics_, kStoreSeconds, {{"kind", "write"}});
  // What the error says is with who asked: the body keeps its own result.
  (void)store_.write([&](domain::Tables& tables) -> Result<void> {
    if (!body(tables)) return fail(Code::conflict, "rolled back");
    return {};
  });
}

MeteredSts::MeteredSts(runs::Sts& sts, Metrics& metrics) : sts_(sts), metrics_(metrics) {
  metrics.define(kStsCalls, Metrics::Kind::counter, "Calls of STS by what they answered: ok, or why not.");
  metrics.define(kStsSeconds, Metrics::Kind::histogram, "How long calls of STS took.",
                 {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15});
}

template <class F>
auto MeteredSts::measured(std::string_view call, F body) {
  const Stopwatch watch(metrics_, kStsSeconds, {{"call", call}});
  auto answer = body();
  metrics_.add(kStsCalls, {{"call", call}, {"outcome", answer ? "ok" : aws::mapped_kind_name(answer.error().kind)}});
  return answer;
}

aws::AwsResult<aws::CallerIdentity> MeteredSts::identify(const aws::Credentials& credentials,
                                                         const std::string& region) {
  return measured("GetCallerIdentity", [&] { return sts_.identify(credentials, region); });
}

aws::AwsResult<runs::StsSession> MeteredSts::session(const runs::StsSessionRequest& request) {
  return measured("GetSessionToken", [&] { return sts_.session(request); });
}

aws::AwsResult<aws::AssumedRole> MeteredSts::assume(const aws::Credentials& credentials, const std::string& region,
                                                    const aws::AssumeRoleRequest& request) {
  return measured("AssumeRole", [&] { return sts_.assume(credentials, region, request); });
}

}  // namespace tollgate::app
