#include "common/http/x509_text.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

#include <algorithm>
#include <stdexcept>

namespace tollgate::http {
namespace {

constexpr std::size_t kMostPemBytes = 1 << 20;

BioPtr reading(std::string_view text) {
  BioPtr bio(BIO_new_mem_buf(text.empty() ? "" : text.data(), static_cast<int>(text.size())));
  require(bio != nullptr, "BIO_new_mem_buf");
  return bio;
}

BioPtr writing() {
  // A memory BIO wipes its buffer when it grows and when it goes.
  BioPtr bio(BIO_new(BIO_s_mem()));
  require(bio != nullptr, "BIO_new");
  return bio;
}

std::string_view written(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// In place of OpenSSL's own, which would ask at the terminal.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Error not_pem(std::string message) {
  ERR_clear_error();
  return Error(Code::config, std::move(message)).because("not_pem");
}

TimePoint time_of(const ASN1_TIME* time) {
  struct tm parts {};
  require(ASN1_TIME_to_tm(time, &parts) == 1, "ASN1_TIME_to_tm");
  return from_unix_seconds(::timegm(&parts));
}

bool is_label(std::string_view label) {
  const auto alphanumeric = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
}

}  // namespace

void require(bool done, const char* what) {
  if (done) return;
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  throw std::runtime_error(fmt::format("{} failed: {}", what, text));
}

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem) {
  if (pem.size() > kMostPemBytes) return fail(not_pem("the certificate's text is larger than 1 MiB"));
  const BioPtr bio = reading(pem);
  std::vector<X509Ptr> certificates;
  bool asked = false;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, refuse_passphrase, &asked))
    certificates.emplace_back(next);
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return fail(not_pem(fmt::format("certificate {} of the text is damaged", certificates.size() + 1)));
  if (certificates.empty()) {
    return fail(not_pem("the text holds no certificate in PEM form")
                    .do_next("Give a file that has a line -----BEGIN CERTIFICATE-----."));
  }
  return certificates;
}

Result<KeyPtr> read_private_key(const Secret& pem) {
  if (pem.size() > kMostPemBytes) return fail(not_pem("the private key's text is larger than 1 MiB"));
  const BioPtr bio = reading(pem.reveal());
  bool asked = false;
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &asked));
  ERR_clear_error();
  if (key) return key;
  if (asked) {
    return fail(Error(Code::config, "the private key is protected by a passphrase, which a server cannot type")
                    .because("key_encrypted")
                    .do_next("Write it without one: openssl pkey -in KEY -out NEW, with mode 0600."));
  }
  return fail(not_pem("the text holds no private key in PEM form")
                  .do_next("Give a file that has a line -----BEGIN PRIVATE KEY-----."));
}

std::string certificate_pem(X509& certificate) {
  const BioPtr bio = writing();
  require(PEM_write_bio_X509(bio.get(), &certificate) == 1, "PEM_write_bio_X509");
  return std::string(written(*bio));
}

Secret private_key_pem(EVP_PKEY& key) {
  const BioPtr bio = writing();
  require(PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "PEM_write_bio_PKCS8PrivateKey");
  return Secret(written(*bio));
}

std::string ip_bytes(std::string_view text) {
  const std::string terminated(text);
  // inet_pton would stop at a NUL and take what stands before it.
  if (terminated.find('\0') != terminated.npos) return {};
  std::string bytes(4, '\0');
  if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(16);
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
  return {};
}

std::string ip_text(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN];
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  return ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
}

Result<std::string> certificate_dns_name(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!name.empty() && name.back() == '.') name.pop_back();
  const auto refuse = [&](std::string_view why) {
    return fail(Error(Code::invalid, fmt::format("this is neither a DNS name nor an IP address: {}", why))
                    .at(std::string(text)));
  };
  if (name.empty() || name.size() > 253) return refuse("it has no or more than 253 characters");
  std::string_view rest = name;
  const bool wildcard = rest.substr(0, 2) == "*.";
  if (wildcard) rest.remove_prefix(2);
  std::size_t labels = 0;
  std::string_view label;
  for (std::size_t end = 0; end != rest.npos; ++labels) {
    end = rest.find('.');
    label = rest.substr(0, end);
    if (!is_label(label)) return refuse("a part of it is empty, too long, or holds more than letters, digits and -");
    if (end != rest.npos) rest.remove_prefix(end + 1);
  }
  if (wildcard && labels < 2) return refuse("clients take no * directly below a top-level domain");
  // RFC 3696 2; what looks like this is an IP address with a mistake in it.
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (std::all_of(label.begin(), label.end(), digit)) return refuse("its last part is a number");
  return name;
}

TimePoint not_before(const X509& certificate) {
  return time_of(X509_get0_notBefore(&certificate));
}
TimePoint not_after(const X509& certificate) {
  return time_of(X509_get0_notAfter(&certificate));
}

std::string name_text(const X509_NAME* name) {
  const BioPtr bio = writing();
  require(X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) >= 0, "X509_NAME_print_ex");
  return std::string(written(*bio));
}

}  // namespace tollgate::http
