// OpenSSL's certificates and keys as owned objects, read from PEM text, and the names that go into them. Private to
// common/http. Pure functions.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/time.h"

namespace tollgate::http {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;

// For calls that fail only where memory or OpenSSL itself is broken: throws std::runtime_error, with OpenSSL's reason.
void require(bool done, const char* what);

// All certificates of a text, at least one. Code::config, reason not_pem.
Result<std::vector<X509Ptr>> read_certificates(std::string_view pem);
// Code::config, reason not_pem or key_encrypted.
Result<KeyPtr> read_private_key(const Secret& pem);
std::string certificate_pem(X509& certificate);
Secret private_key_pem(EVP_PKEY& key);

// 4 or 16 bytes in network order; empty where the text is no IP address (a zone or a prefix length makes it none).
std::string ip_bytes(std::string_view text);
std::string ip_text(std::string_view bytes);
// A DNS name as a certificate holds it: lower case, without the final dot. Code::invalid where it is none (RFC
// 1123 2.1, RFC 6125 6.4.3: a wildcard is the whole leftmost label).
Result<std::string> certificate_dns_name(std::string_view text);

TimePoint not_before(const X509& certificate);
TimePoint not_after(const X509& certificate);
std::string name_text(const X509_NAME* name);

}  // namespace tollgate::http
