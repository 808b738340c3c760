// Replaces a stored long-term key by a new one, so that a crash, a refusal or a lost answer at any moment leaves a
// working key in the vault and at most two at AWS, and the next run goes on where the last one ended. The journal is
// part of the key's own record (vault::RotationNote). Prints nothing and builds no client. One thread; holds the
// record's lock against other processes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/aws_error.h"
#include "aws/credentials.h"
#include "aws/iam_client.h"
#include "aws/sts_client.h"
#include "broker/vault/long_term_keys.h"
#include "common/base/error.h"
#include "common/base/time.h"

namespace tollgate::deliver {

// AWS as a rotation needs it; an empty user means the caller. Signed with what `sign` gave.
struct KeyService {
  // Credentials for the IAM calls: an MFA session where policies demand one, else `key` itself. `renew`: what it gave
  // last was not accepted.
  std::function<Result<aws::Credentials>(const vault::LongTermKey& key, bool renew)> sign;
  std::function<aws::AwsResult<std::vector<aws::AccessKey>>(const aws::Credentials&)> list;
  std::function<aws::AwsResult<aws::Credentials>(const aws::Credentials&)> create;
  std::function<aws::AwsResult<void>(const aws::Credentials&, const std::string& id, bool active)> set_active;
  std::function<aws::AwsResult<void>(const aws::Credentials&, const std::string& id)> remove;
  std::function<aws::AwsResult<aws::CallerIdentity>(const aws::Credentials&)> identity;
};

struct RotationOptions {
  // How long a new key may take until AWS accepts it everywhere (IAM is eventually consistent).
  Duration settle{60000};
  Duration lock_patience{5000};
};

struct RotationPorts {
  const vault::LongTermKeys& keys;
  const os::PrivateDirectory& locks;
  const Clock& clock;
  KeyService aws;
  std::function<void(std::string_view sentence)> say;       // what is being done, for the person
  std::function<void(std::string_view failpoint)> reached;  // for tests that end the process there
};

// The moments at which a test may end the process, in order.
inline constexpr std::string_view kRotationFailpoints[] = {
    "rotate_intent_written", "rotate_created",     "rotate_stored",  "rotate_verified",
    "rotate_switched",       "rotate_deactivated", "rotate_deleted", "rotate_finished"};

struct RotationOutcome {
  std::string arn;      // whose keys they are
  std::string old_key;  // last four
  std::string new_key;
  bool resumed = false;  // an earlier run had begun it
};

// Order: the intent is written; CreateAccessKey; the new key is stored beside the old one; GetCallerIdentity with it,
// again and again until AWS knows it; the vault switches to it; the old one is made inactive, and deleted once the new
// one has proven to work without it. A key that was made and whose secret was lost (a crash between the answer and the
// disk) is recognised by the intent and deleted.
//
// Errors: Code::not_found (reason no_stored_key); Code::conflict (reason two_keys: AWS allows two and a second one is
// there that is not ours to delete; reason root_user); Code::unavailable (reason key_not_yet_valid: the old key stays
// in use, run it again); those of the vault; AWS's refusals as aws::map_sts_error words them. After an error the vault
// holds a key that was working when AWS was asked last.
Result<RotationOutcome> rotate_key(std::string_view profile, const RotationPorts& ports,
                                   const RotationOptions& options = {});

}  // namespace tollgate::deliver
