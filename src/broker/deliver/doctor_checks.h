// The single checks of doctor.h, one function each, in three files by what they look at. For doctor.cpp and tests.
#pragma once

#include "broker/deliver/doctor.h"

namespace tollgate::deliver {

// Gathers findings; the worst of them is the check's status.
class CheckBuilder {
 public:
  CheckBuilder(std::string id, std::string title) {
    check_.id = std::move(id);
    check_.title = std::move(title);
  }
  void add(CheckStatus status, std::string place, std::string message, std::string fix);
  void fail(const Error& error) { add(CheckStatus::fail, error.place, error.message, error.next); }
  Check done(std::string message_if_ok);
  Check skip(std::string why);

 private:
  Check check_;
};

// What the files say of the profile asked about.
struct Target {
  std::optional<aws::Chain> chain;
  std::optional<Error> error;
};
Target target_of(const Surroundings& around);

// doctor_files.cpp: AWS files, environment, Terraform code.
Check check_files(const Surroundings& around);
Check check_profile(const Surroundings& around, const Target& target);
Check check_mfa_device(const Surroundings& around, const Target& target);
Check check_durations(const Surroundings& around, const Target& target);
Check check_plain_keys(const Surroundings& around);
Check check_environment(const Surroundings& around);
Check check_terraform_code(const Surroundings& around);

// doctor_machine.cpp: storage, terminal, programs.
Check check_storage(const Surroundings& around);
Check check_session_key(const Surroundings& around);
Check check_stored_keys(const Surroundings& around);
Check check_overlay(const Surroundings& around);
Check check_terminal(const Surroundings& around);
Check check_fetch(const Surroundings& around);
Check check_programs(const Surroundings& around);

// doctor_aws.cpp: what AWS says. Each makes at most two calls.
struct Reached {
  bool answered = false;
  Duration skew{0};  // AWS's clock minus ours
};
Check check_endpoint(const Surroundings& around, const Target& target, Reached& reached);
Check check_clock(const Surroundings& around, const Reached& reached);
struct Caller {
  std::optional<aws::Credentials> keys;  // long-term
  std::string arn;
  Duration clock_offset{0};  // learnt on the way
};
Check check_credentials(const Surroundings& around, const Target& target, const Reached& reached, Caller& caller);
Check check_user_devices(const Surroundings& around, const Target& target, const Caller& caller);
Check check_gate(const Surroundings& around, const Target& target, const Caller& caller);

}  // namespace tollgate::deliver
