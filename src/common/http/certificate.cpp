#include "common/http/certificate.h"

#include <openssl/bn.h>

#include <algorithm>

#include "common/http/x509_text.h"

namespace tollgate::http {
namespace {

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

constexpr std::size_t kMostNames = 100;
constexpr std::size_t kMostCommonName = 64;  // ub-common-name, RFC 5280 A.1

KeyPtr new_key() {
  char curve[] = "P-256";  // the macro EVP_EC_gen casts const away
  KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
  require(key != nullptr, "EVP_PKEY_Q_keygen");
  return key;
}

// Version 3, a random serial number of 127 bits (RFC 5280 4.1.2.2) and the public key.
X509Ptr new_certificate(EVP_PKEY& key) {
  X509Ptr certificate(X509_new());
  const NumberPtr serial(BN_new());
  require(certificate && serial, "X509_new");
  require(BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1, "BN_rand");
  require(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) != nullptr, "BN_to_ASN1_INTEGER");
  require(X509_set_version(certificate.get(), X509_VERSION_3) == 1, "X509_set_version");
  require(X509_set_pubkey(certificate.get(), &key) == 1, "X509_set_pubkey");
  return certificate;
}

void set_validity(X509& certificate, TimePoint first, TimePoint last) {
  require(ASN1_TIME_set(X509_getm_notBefore(&certificate), unix_seconds(first)) != nullptr, "ASN1_TIME_set");
  require(ASN1_TIME_set(X509_getm_notAfter(&certificate), unix_seconds(last)) != nullptr, "ASN1_TIME_set");
}

void set_common_name(X509& certificate, std::string_view name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  require(X509_NAME_add_entry_by_NID(X509_get_subject_name(&certificate), NID_commonName, MBSTRING_UTF8, bytes,
                                     static_cast<int>(name.size()), -1, 0) == 1,
          "X509_NAME_add_entry_by_NID");
}

// `value` is a constant of ours in OpenSSL's notation; what a user names never goes through it.
void add_extension(X509& certificate, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  require(extension && X509_add_ext(&certificate, extension.get(), -1) == 1, "X509V3_EXT_conf_nid");
}

void add_name(GENERAL_NAMES& names, int type, std::string_view bytes) {
  std::unique_ptr<GENERAL_NAME, Freer<GENERAL_NAME_free>> name(GENERAL_NAME_new());
  ASN1_STRING* text = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
  require(name && text != nullptr, "GENERAL_NAME_new");
  GENERAL_NAME_set0_value(name.get(), type, text);
  require(ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size())) == 1, "ASN1_STRING_set");
  require(sk_GENERAL_NAME_push(&names, name.release()) > 0, "sk_GENERAL_NAME_push");
}

// The names into subject alternative name, and the first that fits into the subject for people to see.
Result<void> add_names(X509& certificate, const std::vector<std::string>& names) {
  if (names.empty() || names.size() > kMostNames) {
    return fail(Code::invalid,
                fmt::format("a server certificate is for 1 to {} names, not {}", kMostNames, names.size()));
  }
  const NamesPtr list(GENERAL_NAMES_new());
  require(list != nullptr, "GENERAL_NAMES_new");
  std::vector<std::string> added;
  for (const std::string& name : names) {
    const std::string ip = ip_bytes(name);
    std::string canonical = ip_text(ip);
    if (ip.empty()) {
      TG_TRY(canonical, certificate_dns_name(name));
    }
    if (std::find(added.begin(), added.end(), canonical) != added.end()) continue;
    add_name(*list, ip.empty() ? GEN_DNS : GEN_IPADD, ip.empty() ? canonical : ip);
    added.push_back(std::move(canonical));
  }
  const auto fits = [](const std::string& name) { return name.size() <= kMostCommonName; };
  const auto shown = std::find_if(added.begin(), added.end(), fits);
  if (shown != added.end()) set_common_name(certificate, *shown);
  // Critical where there is no subject (RFC 5280 4.2.1.6).
  const int critical = shown == added.end() ? 1 : 0;
  require(X509_add1_ext_i2d(&certificate, NID_subject_alt_name, list.get(), critical, X509V3_ADD_DEFAULT) == 1,
          "X509_add1_ext_i2d");
  return {};
}

void sign(X509& certificate, EVP_PKEY& key) {
  require(X509_sign(&certificate, &key, EVP_sha256()) > 0, "X509_sign");
}

Result<void> check_authority(X509& certificate, EVP_PKEY& key, TimePoint now) {
  const auto refuse = [&](std::string message, const char* reason) {
    return fail(Error(Code::config, fmt::format("the authority {} cannot sign: {}",
                                                name_text(X509_get_subject_name(&certificate)), message))
                    .because(reason));
  };
  // 1: basicConstraints says so; every other value is a guess for certificates of another time.
  if (X509_check_ca(&certificate) != 1) return refuse("its certificate is not one of an authority", "not_an_authority");
  if (X509_check_private_key(&certificate, &key) != 1) return refuse("the key is not its key", "key_mismatch");
  if (now < not_before(certificate)) {
    return refuse(fmt::format("it is valid from {} on", format_iso8601(not_before(certificate))),
                  "certificate_not_yet_valid");
  }
  if (now >= not_after(certificate)) {
    return refuse(fmt::format("it has expired at {}", format_iso8601(not_after(certificate))), "certificate_expired");
  }
  return {};
}

}  // namespace

Result<CertificatePair> make_authority(std::string_view common_name, TimePoint now) {
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (common_name.empty() || common_name.size() > kMostCommonName ||
      !std::all_of(common_name.begin(), common_name.end(), printable)) {
    return fail(Code::invalid,
                fmt::format("an authority's name is 1 to {} printable ASCII characters", kMostCommonName));
  }
  const KeyPtr key = new_key();
  const X509Ptr certificate = new_certificate(*key);
  set_validity(*certificate, now - kBackdating, now + kAuthorityLifetime);
  set_common_name(*certificate, common_name);
  require(X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1,
          "X509_set_issuer_name");
  add_extension(*certificate, *certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(*certificate, *certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(*certificate, *certificate, NID_subject_key_identifier, "hash");
  sign(*certificate, *key);
  return CertificatePair{certificate_pem(*certificate), private_key_pem(*key)};
}

Result<CertificatePair> make_server_certificate(const CertificatePair& authority, const std::vector<std::string>& names,
                                                TimePoint now) {
  TG_TRY(const auto issuers, read_certificates(authority.certificate));
  TG_TRY(const auto issuer_key, read_private_key(authority.private_key));
  X509& issuer = *issuers.front();
  TG_CHECK(check_authority(issuer, *issuer_key, now));
  const KeyPtr key = new_key();
  const X509Ptr certificate = new_certificate(*key);
  const TimePoint first = std::max<TimePoint>(now - kBackdating, not_before(issuer));
  // Both ends count (RFC 5280 4.1.2.5), hence a second less.
  const TimePoint last = first + kServerLifetime - std::chrono::seconds(1);
  set_validity(*certificate, first, std::min(last, not_after(issuer)));
  require(X509_set_issuer_name(certificate.get(), X509_get_subject_name(&issuer)) == 1, "X509_set_issuer_name");
  TG_CHECK(add_names(*certificate, names));
  add_extension(*certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(*certificate, issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(*certificate, issuer, NID_ext_key_usage, "serverAuth");
  add_extension(*certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(*certificate, issuer, NID_authority_key_identifier, "keyid");
  sign(*certificate, *issuer_key);
  return CertificatePair{certificate_pem(*certificate), private_key_pem(*key)};
}

}  // namespace tollgate::http
