// A store and an STS that measure themselves: each hands everything on unchanged to another and notes how long it took
// and how it ended. Threads: as what lies behind.
#pragma once

#include "common/base/metrics.h"
#include "server/domain/store.h"
#include "server/runs/sts.h"

namespace tollgate::app {

class MeteredStore final : public domain::Store {
 public:
  MeteredStore(domain::Store& store, Metrics& metrics);

 private:
  void read_transaction(const std::function<void(domain::Tables&)>& body) override;
  void write_transaction(const std::function<bool(domain::Tables&)>& body) override;

  domain::Store& store_;
  Metrics& metrics_;
};

class MeteredSts final : public runs::Sts {
 public:
  MeteredSts(runs::Sts& sts, Metrics& metrics);
  aws::AwsResult<aws::CallerIdentity> identify(const aws::Credentials& credentials, const std::string& region) override;
  aws::AwsResult<runs::StsSession> session(const runs::StsSessionRequest& request) override;
  aws::AwsResult<aws::AssumedRole> assume(const aws::Credentials& credentials, const std::string& region,
                                          const aws::AssumeRoleRequest& request) override;

 private:
  template <class F>
  auto measured(std::string_view call, F body);

  runs::Sts& sts_;
  Metrics& metrics_;
};

}  // namespace tollgate::app
