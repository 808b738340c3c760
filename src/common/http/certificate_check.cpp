#include <openssl/err.h>

#include "common/base/encoding.h"
#include "common/http/certificate.h"
#include "common/http/x509_text.h"

namespace tollgate::http {
namespace {

// 112 bits: what OpenSSL's security level 2, Debian's default, asks of a key (RSA 2048, P-224).
constexpr int kLeastSecurityBits = 112;

struct NamesDeleter {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::vector<std::string> alternative_names(const X509& certificate) {
  std::vector<std::string> texts;
  const std::unique_ptr<GENERAL_NAMES, NamesDeleter> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_DNS && type != GEN_IPADD) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                 static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (type == GEN_IPADD) {
      texts.push_back(ip_text(bytes));
    } else if (certificate_dns_name(bytes)) {  // anything else in it could not be shown, and matches nothing
      texts.emplace_back(bytes);
    }
  }
  return texts;
}

std::string key_text(EVP_PKEY* key) {
  if (key == nullptr) return "unknown";
  const char* type = EVP_PKEY_get0_type_name(key);
  return fmt::format("{} {}", type == nullptr ? "unknown" : type, EVP_PKEY_get_bits(key));
}

CertificateFacts facts_of(X509& certificate) {
  CertificateFacts facts;
  facts.subject = name_text(X509_get_subject_name(&certificate));
  facts.issuer = name_text(X509_get_issuer_name(&certificate));
  facts.not_before = not_before(certificate);
  facts.not_after = not_after(certificate);
  facts.names = alternative_names(certificate);
  facts.key = key_text(X509_get0_pubkey(&certificate));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(X509_digest(&certificate, EVP_sha256(), digest, &size) == 1, "X509_digest");
  facts.sha256 = hex_encode({reinterpret_cast<const char*>(digest), size});
  facts.authority = X509_check_ca(&certificate) == 1;
  facts.self_issued = X509_NAME_cmp(X509_get_subject_name(&certificate), X509_get_issuer_name(&certificate)) == 0;
  ERR_clear_error();
  return facts;
}

Error refusal(const char* reason, std::string message, std::string next) {
  return Error(Code::config, std::move(message)).because(reason).do_next(std::move(next));
}

Result<void> check_validity(const X509& certificate, TimePoint now) {
  const TimePoint first = not_before(certificate);
  const TimePoint last = not_after(certificate);
  const std::string subject = name_text(X509_get_subject_name(&certificate));
  if (now < first) {
    return fail(refusal("certificate_not_yet_valid",
                        fmt::format("the certificate of {} is valid from {} on, and it is {}", subject,
                                    format_iso8601(first), format_iso8601(now)),
                        "Check this machine's clock."));
  }
  // OpenSSL's clients count the last second as expired.
  if (now >= last) {
    return fail(refusal("certificate_expired",
                        fmt::format("the certificate of {} has expired at {}", subject, format_iso8601(last)),
                        "Renew it, and give the new chain and key."));
  }
  return {};
}

Result<void> check_chain(const std::vector<X509Ptr>& chain, TimePoint now) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    TG_CHECK(check_validity(*chain[i], now));
    if (i + 1 == chain.size()) break;
    X509& signer = *chain[i + 1];
    const bool signed_by_next = X509_check_issued(&signer, chain[i].get()) == X509_V_OK &&
                                X509_verify(chain[i].get(), X509_get0_pubkey(&signer)) == 1;
    ERR_clear_error();
    if (!signed_by_next) {
      return fail(refusal(
          "chain_broken",
          fmt::format("certificate {} of the chain ({}) did not sign the one before it ({})", i + 2,
                      name_text(X509_get_subject_name(&signer)), name_text(X509_get_subject_name(chain[i].get()))),
          "Put the server's certificate first, and behind each the one that signed it."));
    }
  }
  return {};
}

Result<void> check_purpose(X509& leaf, const CertificateFacts& facts) {
  const char* next = "Have one issued for a server (extended key usage serverAuth).";
  if (facts.authority) {
    return fail(refusal("wrong_purpose", fmt::format("{} is the certificate of an authority", facts.subject),
                        "Put the server's certificate first in the chain; the authority's is for those who connect."));
  }
  if (X509_check_purpose(&leaf, X509_PURPOSE_SSL_SERVER, 0) != 1) {
    ERR_clear_error();
    return fail(
        refusal("wrong_purpose", fmt::format("the certificate of {} is not one for servers", facts.subject), next));
  }
  if (facts.names.empty()) {
    return fail(refusal("no_names",
                        fmt::format("the certificate of {} has no subject alternative name, and clients do not look at "
                                    "the subject",
                                    facts.subject),
                        "Have one issued with the server's DNS names or IP addresses as subject alternative names."));
  }
  return {};
}

Result<void> check_key(X509& leaf, EVP_PKEY& key, const CertificateFacts& facts) {
  const int matches = X509_check_private_key(&leaf, &key);
  ERR_clear_error();
  if (matches != 1) {
    return fail(refusal("key_mismatch",
                        fmt::format("the private key ({}) is not the one of the certificate of {} ({})", key_text(&key),
                                    facts.subject, facts.key),
                        "Give the key that the certificate was requested with."));
  }
  if (EVP_PKEY_get_security_bits(&key) < kLeastSecurityBits) {
    return fail(refusal("weak_key", fmt::format("the key ({}) is too weak for TLS", facts.key),
                        "Use ECDSA P-256, or RSA with 2048 bits or more."));
  }
  return {};
}

Result<void> check_name(X509& leaf, const std::string& name, const CertificateFacts& facts) {
  const std::string ip = ip_bytes(name);
  int found = 0;
  if (ip.empty()) {
    TG_TRY(const std::string dns, certificate_dns_name(name));
    found = X509_check_host(&leaf, dns.data(), dns.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr);
  } else {
    found = X509_check_ip(&leaf, reinterpret_cast<const unsigned char*>(ip.data()), ip.size(), 0);
  }
  ERR_clear_error();
  if (found == 1) return {};
  return fail(refusal("name_missing",
                      fmt::format("the certificate is not for {}; it is for {}", name, fmt::join(facts.names, ", ")),
                      "Have one issued that names it, or change the address under which the server is known."));
}

}  // namespace

Result<CertificateFacts> describe_certificate(std::string_view pem) {
  TG_TRY(const auto certificates, read_certificates(pem));
  return facts_of(*certificates.front());
}

Result<CertificateFacts> check_server_certificate(std::string_view chain_pem, const Secret& key_pem, TimePoint now,
                                                  const std::vector<std::string>& names) {
  TG_TRY(const auto chain, read_certificates(chain_pem));
  TG_TRY(const auto key, read_private_key(key_pem));
  X509& leaf = *chain.front();
  CertificateFacts facts = facts_of(leaf);
  TG_CHECK(check_key(leaf, *key, facts));
  TG_CHECK(check_purpose(leaf, facts));
  TG_CHECK(check_chain(chain, now));
  for (const std::string& name : names)
    TG_CHECK(check_name(leaf, name, facts));
  return facts;
}

}  // namespace tollgate::http
