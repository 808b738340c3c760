// Certificates for a server that nobody gave one: an authority of our own and server certificates signed by it, and a
// check that a given pair of chain and key will serve, before anything listens with it. Not an authority for others: no
// requests, no revocation, no intermediates. Everything travels as PEM text; files are the caller's.
//
// Threads: pure functions of their arguments and of OpenSSL's random generator; may be called from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"

namespace tollgate::http {

struct CertificatePair {
  std::string certificate;  // PEM
  Secret private_key;       // PEM, PKCS#8, without a passphrase
};

inline constexpr std::chrono::hours kAuthorityLifetime{24 * 3652};  // ten years
// Apple's clients take no server certificate that is valid for longer, whoever signed it (support.apple.com/103769).
inline constexpr std::chrono::hours kServerLifetime{24 * 825};
// Both are valid from this much before `now`, for peers whose clock is behind.
inline constexpr std::chrono::minutes kBackdating{5};

// A self-signed authority with an ECDSA P-256 key, which may sign server certificates and no further authorities.
// `common_name` is what people see in their trust store, 1 to 64 bytes of printable ASCII: Code::invalid.
Result<CertificatePair> make_authority(std::string_view common_name, TimePoint now);

// A server certificate with an ECDSA P-256 key for `names`: DNS names (also "*.example.com") and IP addresses, 1 to 100
// of them. It never outlives its authority. Errors: Code::invalid for a name that is neither, with the name as place;
// Code::config where the authority cannot sign at `now` (the reasons of check_server_certificate, or not_an_authority).
Result<CertificatePair> make_server_certificate(const CertificatePair& authority, const std::vector<std::string>& names,
                                                TimePoint now);

// What a certificate says of itself, unchecked.
struct CertificateFacts {
  std::string subject;  // one line, as RFC 4514 writes it
  std::string issuer;
  TimePoint not_before{};
  TimePoint not_after{};
  std::vector<std::string> names;  // DNS names and IP addresses of the subject alternative name, in order
  std::string key;                 // "EC 256", "RSA 2048", "ED25519 256"
  std::string sha256;              // of the DER form: 64 hex digits, lower case
  bool authority = false;          // basicConstraints CA:TRUE
  bool self_issued = false;        // subject and issuer are the same
};

// The first certificate of a PEM text; other blocks before it are passed over. Code::config, reason not_pem.
Result<CertificateFacts> describe_certificate(std::string_view pem);

// Whether a server can use this chain (server certificate first, then what signed it, without or with the root) with
// this key at `now`, under `names`, which may be empty. What clients would refuse is refused here, with a sentence that
// says what to change. Errors: Code::config with one of the reasons
//   not_pem, key_encrypted, key_mismatch, weak_key, certificate_expired, certificate_not_yet_valid, chain_broken,
//   wrong_purpose (an authority's certificate, or one not for servers), no_names, name_missing.
// It does not ask whether clients trust the root. Never prompts for a passphrase.
Result<CertificateFacts> check_server_certificate(std::string_view chain_pem, const Secret& key_pem, TimePoint now,
                                                  const std::vector<std::string>& names = {});

}  // namespace tollgate::http
