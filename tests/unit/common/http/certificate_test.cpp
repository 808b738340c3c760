#include "common/http/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "common/http/server.h"
#include "tests/unit/common/http/raw_client.h"

namespace tollgate::http {
namespace {

using test::RawClient;

template <class T, void (*Free)(T*)>
struct Free_ {
  void operator()(T* object) const { Free(object); }
};
template <class T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Free_<T, Free>>;
using Certificate = Owned<X509, X509_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;

const TimePoint kNow = *parse_iso8601("2026-03-01T12:00:00Z");

CertificatePair authority(TimePoint now = kNow) {
  return make_authority("Example authority", now).value();
}

Certificate parse(const std::string& pem) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

std::string pem_of(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  char pass[] = "pass";
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, cipher != nullptr ? pass : nullptr, cipher != nullptr ? 4 : 0,
                                nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

// As a strict client would: with the authority as the only root, for this purpose and name, at that time.
int verify(const CertificatePair& root, const CertificatePair& server, const char* name, TimePoint at = kNow) {
  const Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  const Certificate trusted = parse(root.certificate);
  const Certificate leaf = parse(server.certificate);
  X509_STORE_add_cert(store.get(), trusted.get());
  const Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, unix_seconds(at));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_VERIFY_PARAM_set_auth_level(parameters, 2);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name) != 1) X509_VERIFY_PARAM_set1_host(parameters, name, 0);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(HttpCertificate, AnAuthorityMaySignServersOnly) {
  const CertificatePair made = authority();
  const Certificate certificate = parse(made.certificate);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_check_ca(certificate.get()), 1);
  EXPECT_EQ(X509_get_pathlen(certificate.get()), 0);
  EXPECT_EQ(X509_get_key_usage(certificate.get()), static_cast<unsigned>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  for (const int nid : {NID_basic_constraints, NID_key_usage}) {
    X509_EXTENSION* extension = X509_get_ext(certificate.get(), X509_get_ext_by_NID(certificate.get(), nid, -1));
    EXPECT_EQ(X509_EXTENSION_get_critical(extension), 1) << nid;
  }
  const auto facts = describe_certificate(made.certificate).value();
  EXPECT_EQ(facts.subject, "CN=Example authority");
  EXPECT_EQ(facts.key, "EC 256");
  EXPECT_TRUE(facts.authority);
  EXPECT_TRUE(facts.self_issued);
  EXPECT_EQ(facts.not_before, kNow - kBackdating);
  EXPECT_EQ(format_iso8601(facts.not_after), "2036-02-29T12:00:00Z");
  EXPECT_EQ(facts.sha256.size(), 64U);
  EXPECT_EQ(made.private_key.reveal().substr(0, 27), "-----BEGIN PRIVATE KEY-----");
  EXPECT_NE(authority().certificate, made.certificate);
}

TEST(HttpCertificate, ClientsTakeItWithTheAuthorityAndForItsNamesOnly) {
  const CertificatePair root = authority();
  const auto server =
      make_server_certificate(root, {"Tollgate.Example.", "*.runs.example", "127.0.0.1", "2001:DB8::1"}, kNow);
  ASSERT_TRUE(server) << server.error().text();
  for (const char* name : {"tollgate.example", "TOLLGATE.example", "a.runs.example", "127.0.0.1", "2001:db8::1"})
    EXPECT_EQ(verify(root, *server, name), X509_V_OK) << name;
  for (const char* name : {"runs.example", "a.b.runs.example", "other.example"})
    EXPECT_EQ(verify(root, *server, name), X509_V_ERR_HOSTNAME_MISMATCH) << name;
  for (const char* name : {"127.0.0.2", "::1"})
    EXPECT_EQ(verify(root, *server, name), X509_V_ERR_IP_ADDRESS_MISMATCH) << name;
  EXPECT_NE(verify(authority(), *server, "tollgate.example"), X509_V_OK);
  const TimePoint last = kNow - kBackdating + kServerLifetime - std::chrono::seconds(1);
  EXPECT_EQ(verify(root, *server, "tollgate.example", last - std::chrono::seconds(1)), X509_V_OK);
  EXPECT_EQ(verify(root, *server, "tollgate.example", last), X509_V_ERR_CERT_HAS_EXPIRED);

  const auto facts = check_server_certificate(server->certificate, server->private_key, kNow, {"x.runs.example"});
  ASSERT_TRUE(facts) << facts.error().text();
  EXPECT_EQ(facts->names, (std::vector<std::string>{"tollgate.example", "*.runs.example", "127.0.0.1", "2001:db8::1"}));
  EXPECT_EQ(facts->subject, "CN=tollgate.example");
  EXPECT_EQ(facts->issuer, "CN=Example authority");
  EXPECT_EQ(facts->not_after, last);
  EXPECT_FALSE(facts->authority);
  EXPECT_TRUE(check_server_certificate(server->certificate + root.certificate, server->private_key, kNow));
}

TEST(HttpCertificate, RepeatedAndLongNames) {
  const CertificatePair root = authority();
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + ".example";
  const auto server = make_server_certificate(root, {longest, longest + "."}, kNow);
  ASSERT_TRUE(server);
  const auto facts = describe_certificate(server->certificate).value();
  EXPECT_EQ(facts.names, std::vector<std::string>{longest});
  EXPECT_EQ(facts.subject, "");
  EXPECT_EQ(verify(root, *server, longest.c_str()), X509_V_OK);
}

TEST(HttpCertificate, NamesThatAreNoneAreRefused) {
  const CertificatePair root = authority();
  const std::string nul("a.example\0.evil", 15);
  for (const std::string& name :
       {std::string(), std::string("."), std::string("a b"), std::string("a,DNS:evil.example"), std::string("a\nb"),
        nul, std::string("*"), std::string("*.com"), std::string("a.*.example"), std::string("-a.example"),
        std::string("a..example"), std::string("under_score.example"), std::string("10.0.0.300"),
        std::string("10.0.0.0/8"), std::string("[::1]"), std::string("fe80::1%eth0"), std::string("\xc3\xa4.example"),
        std::string(64, 'a'), std::string("https://a.example")}) {
    const auto server = make_server_certificate(root, {"ok.example", name}, kNow);
    ASSERT_FALSE(server) << name;
    EXPECT_EQ(server.error().code, Code::invalid);
    EXPECT_EQ(server.error().place, name);
  }
  EXPECT_EQ(make_server_certificate(root, {}, kNow).error().code, Code::invalid);
  EXPECT_EQ(make_server_certificate(root, std::vector<std::string>(101, "a.example"), kNow).error().code,
            Code::invalid);
  EXPECT_EQ(make_authority("", kNow).error().code, Code::invalid);
  EXPECT_EQ(make_authority("a\nb", kNow).error().code, Code::invalid);
  EXPECT_EQ(make_authority(std::string(65, 'a'), kNow).error().code, Code::invalid);
}

TEST(HttpCertificate, AnAuthorityThatCannotSignIsRefused) {
  const CertificatePair root = authority();
  const CertificatePair server = make_server_certificate(root, {"a.example"}, kNow).value();
  EXPECT_EQ(make_server_certificate(server, {"b.example"}, kNow).error().reason, "not_an_authority");
  CertificatePair mixed = root;
  mixed.private_key = authority().private_key;
  EXPECT_EQ(make_server_certificate(mixed, {"b.example"}, kNow).error().reason, "key_mismatch");
  EXPECT_EQ(make_server_certificate(root, {"b.example"}, kNow + kAuthorityLifetime).error().reason,
            "certificate_expired");
  EXPECT_EQ(make_server_certificate(root, {"b.example"}, kNow - std::chrono::hours(1)).error().reason,
            "certificate_not_yet_valid");
  // In the last year of the authority its servers end with it.
  const TimePoint late = kNow + kAuthorityLifetime - std::chrono::hours(24);
  const CertificatePair last = make_server_certificate(root, {"b.example"}, late).value();
  EXPECT_EQ(describe_certificate(last.certificate)->not_after, kNow + kAuthorityLifetime);
}

TEST(HttpCertificate, TheCheckSaysWhatIsWrong) {
  const CertificatePair root = authority();
  const CertificatePair other = authority();
  const CertificatePair server = make_server_certificate(root, {"a.example"}, kNow).value();
  const CertificatePair second = make_server_certificate(root, {"b.example"}, kNow).value();
  const Certificate leaf = parse(server.certificate);
  const Key rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(1024)));
  const Secret locked = Secret::take(pem_of(rsa.get(), EVP_aes_256_cbc()));
  std::string damaged = server.certificate;
  damaged.erase(100, 4);
  struct Case {
    const char* reason;
    std::string chain;
    Secret key;
    TimePoint at = kNow;
    std::vector<std::string> names = {};
  };
  const auto year = std::chrono::hours(24 * 365);
  std::vector<Case> cases;
  cases.push_back({"not_pem", "", server.private_key});
  cases.push_back({"not_pem", "hello", server.private_key});
  cases.push_back({"not_pem", damaged, server.private_key});
  cases.push_back({"not_pem", server.certificate + damaged, server.private_key});
  cases.push_back({"not_pem", server.certificate, Secret("hello")});
  cases.push_back({"not_pem", server.certificate, Secret()});
  cases.push_back({"not_pem", std::string(server.private_key.reveal()), server.private_key});
  cases.push_back({"key_encrypted", server.certificate, locked});
  cases.push_back({"key_mismatch", server.certificate, second.private_key});
  cases.push_back({"key_mismatch", server.certificate, Secret::take(pem_of(rsa.get()))});
  cases.push_back({"certificate_expired", server.certificate, server.private_key, kNow + 3 * year});
  cases.push_back({"certificate_not_yet_valid", server.certificate, server.private_key, kNow - year});
  cases.push_back({"chain_broken", server.certificate + other.certificate, server.private_key});
  cases.push_back({"chain_broken", server.certificate + second.certificate, server.private_key});
  cases.push_back({"wrong_purpose", root.certificate, root.private_key});
  cases.push_back({"name_missing", server.certificate, server.private_key, kNow, {"a.example", "b.example"}});
  cases.push_back({"name_missing", server.certificate, server.private_key, kNow, {"127.0.0.1"}});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const auto checked = check_server_certificate(c.chain, c.key, c.at, c.names);
    ASSERT_FALSE(checked) << i << " " << c.reason;
    EXPECT_EQ(checked.error().reason, c.reason) << i << " " << checked.error().text();
    EXPECT_EQ(checked.error().code, Code::config);
    EXPECT_EQ(checked.error().text().find('\n'), std::string::npos) << i;
    EXPECT_EQ(ERR_peek_error(), 0UL) << i << ": a later TLS call would report it as its own";
  }
  EXPECT_TRUE(check_server_certificate(server.certificate, server.private_key, kNow, {"a.example"}));
}

// A certificate that others made, with as little in it as asked for.
CertificatePair foreign(EVP_PKEY* key, const char* usage, const char* names) {
  const Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), unix_seconds(kNow));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), unix_seconds(kNow) + 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("x\ny"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  for (const auto& [nid, value] : {std::pair(NID_ext_key_usage, usage), std::pair(NID_subject_alt_name, names)}) {
    if (value == nullptr) continue;
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate.get(), key, EVP_sha256());
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(bio.get(), certificate.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {std::string(data, static_cast<std::size_t>(size)), Secret::take(pem_of(key))};
}

TEST(HttpCertificate, CertificatesOfOthersAreJudgedAsClientsDo) {
  char curve[] = "P-256";
  const Key ec(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
  const Key rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(1024)));
  const auto reason = [](const CertificatePair& pair) {
    const auto checked = check_server_certificate(pair.certificate, pair.private_key, kNow);
    return checked ? std::string() : checked.error().reason;
  };
  EXPECT_EQ(reason(foreign(ec.get(), nullptr, "DNS:a.example")), "");
  EXPECT_EQ(reason(foreign(ec.get(), "serverAuth,clientAuth", "IP:10.0.0.1")), "");
  EXPECT_EQ(reason(foreign(ec.get(), "clientAuth", "DNS:a.example")), "wrong_purpose");
  EXPECT_EQ(reason(foreign(ec.get(), nullptr, nullptr)), "no_names");
  EXPECT_EQ(reason(foreign(ec.get(), nullptr, "email:a@b.example")), "no_names");
  EXPECT_EQ(reason(foreign(rsa.get(), nullptr, "DNS:a.example")), "weak_key");
  const auto facts = describe_certificate(foreign(ec.get(), nullptr, "DNS:a.example").certificate).value();
  EXPECT_EQ(facts.subject, "CN=x\\0Ay");
}

TEST(HttpCertificate, AServerUsesThePairAndAClientWithTheAuthorityTrustsIt) {
  const std::string folder = ::testing::TempDir() + "/http_certificate_test";
  std::filesystem::create_directories(folder);
  const TimePoint now = SystemClock().now();
  const CertificatePair root = authority(now);
  const CertificatePair made = make_server_certificate(root, {"localhost", "127.0.0.1"}, now).value();
  ServerOptions options;
  options.tls = TlsFiles{folder + "/chain.pem", folder + "/key.pem"};
  std::ofstream(options.tls->certificate_chain) << made.certificate;
  std::ofstream(options.tls->private_key) << made.private_key.reveal();
  const auto server = start_server(options, [](const Request&) { return Response(); });
  ASSERT_TRUE(server) << server.error().text();
  const auto connects = [&](const CertificatePair& trusted, const char* name) {
    RawClient raw((*server)->port());
    const Owned<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), parse(trusted.certificate).get());
    const Owned<SSL, SSL_free> ssl(SSL_new(context.get()));
    SSL_set1_host(ssl.get(), name);
    SSL_set_fd(ssl.get(), raw.fd());
    const bool connected = SSL_connect(ssl.get()) == 1;
    ERR_clear_error();
    return connected;
  };
  EXPECT_TRUE(connects(root, "localhost"));
  EXPECT_FALSE(connects(root, "other.example"));
  EXPECT_FALSE(connects(authority(now), "localhost"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tollgate::http
