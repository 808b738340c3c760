#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>

#include "common/http/response_stream.h"
#include "common/http/server.h"
#include "tests/unit/common/http/raw_client.h"

namespace tollgate::http {
namespace {

using test::RawClient;

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

// A key and a certificate that it signs itself, as PEM files.
TlsFiles write_certificate(const std::string& folder) {
  char curve[] = "P-256";  // the macro EVP_EC_gen casts const away
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  TlsFiles files{folder + "/chain.pem", folder + "/key.pem"};
  const File chain_file(std::fopen(files.certificate_chain.c_str(), "w"), std::fclose);
  const File key_file(std::fopen(files.private_key.c_str(), "w"), std::fclose);
  PEM_write_X509(chain_file.get(), certificate.get());
  PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return files;
}

class HttpsServer : public ::testing::Test {
 protected:
  HttpsServer() {
    std::filesystem::create_directories(folder_);
    options_.tls = write_certificate(folder_);
  }
  ~HttpsServer() override { std::filesystem::remove_all(folder_); }

  // Speaks TLS of at most that version and sends one request; nullopt where the handshake fails.
  static std::optional<std::string> exchange(std::uint16_t port, int most, const std::string& request) {
    RawClient raw(port);
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), most);
    SSL_CTX_set_security_level(context.get(), 0);
    const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
    SSL_set_fd(ssl.get(), raw.fd());
    if (SSL_connect(ssl.get()) != 1) return std::nullopt;
    SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
    std::string answer;
    char chunk[4096];
    for (int count = 0; (count = SSL_read(ssl.get(), chunk, sizeof(chunk))) > 0;) {
      answer.append(chunk, static_cast<std::size_t>(count));
    }
    return answer;
  }

  std::string folder_ = ::testing::TempDir() + "/https_server_test";
  ServerOptions options_;
};

TEST_F(HttpsServer, StreamsAndEndsInOrder) {
  const auto stream = std::make_shared<ResponseStream>();
  std::promise<void> handled;
  const auto server = start_server(options_, [&](const Request&) {
                        stream->write("one");
                        handled.set_value();
                        return event_stream(stream);
                      }).value();
  auto answer = std::async(std::launch::async, [&] {
    return exchange(server->port(), TLS1_3_VERSION, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  });
  handled.get_future().wait();
  EXPECT_TRUE(stream->write("two"));
  std::promise<void> ended;
  stream->on_end([&] { ended.set_value(); });
  stream->close();
  const auto text = answer.get();
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("one"), std::string::npos);
  EXPECT_NE(text->find("two"), std::string::npos);
  EXPECT_TRUE(text->ends_with("0\r\n\r\n")) << *text;
  ended.get_future().wait();
}

TEST_F(HttpsServer, SpeaksTls12AndNewer) {
  const auto server = start_server(options_, [](const Request& request) {
    Response response;
    response.body = request.tls ? "secret " + request.body : "open";
    return response;
  });
  ASSERT_TRUE(server) << server.error().text();
  const std::string body(100000, 'x');
  const std::string request =
      fmt::format("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto answer = exchange((*server)->port(), version, request);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->substr(0, 17), "HTTP/1.1 200 OK\r\n");
    EXPECT_EQ(answer->substr(answer->size() - body.size() - 7), "secret " + body);
  }
  EXPECT_FALSE(exchange((*server)->port(), TLS1_1_VERSION, request));
}

TEST_F(HttpsServer, PlainHttpAndGarbageEndTheConnection) {
  const auto server = start_server(options_, [](const Request&) { return Response(); });
  ASSERT_TRUE(server);
  for (const char* text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02", ""}) {
    RawClient client((*server)->port());
    client.send(text);
    client.finish_sending();
    EXPECT_FALSE(client.receive()) << text;
  }
}

TEST_F(HttpsServer, StopsWithOpenConnections) {
  auto server = start_server(options_, [](const Request&) { return Response(); });
  ASSERT_TRUE(server);
  RawClient silent((*server)->port());
  EXPECT_TRUE(exchange((*server)->port(), TLS1_3_VERSION, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  (*server)->stop(std::chrono::milliseconds(20));
  EXPECT_TRUE(silent.ended());
}

TEST_F(HttpsServer, DrainEndsAnIdleConnectionInOrder) {
  auto server = start_server(options_, [](const Request&) { return Response(); });
  ASSERT_TRUE(server);
  RawClient raw((*server)->port());
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_fd(ssl.get(), raw.fd());
  ASSERT_EQ(SSL_connect(ssl.get()), 1);
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  char chunk[4096];
  SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
  EXPECT_GT(SSL_read(ssl.get(), chunk, sizeof(chunk)), 0);
  auto drained = std::async(std::launch::async, [&] { return (*server)->drain(std::chrono::seconds(20)); });
  const int count = SSL_read(ssl.get(), chunk, sizeof(chunk));
  EXPECT_EQ(SSL_get_error(ssl.get(), count), SSL_ERROR_ZERO_RETURN);  // close_notify, not a cut
  SSL_shutdown(ssl.get());
  raw.finish_sending();
  EXPECT_TRUE(drained.get());
}

TEST_F(HttpsServer, AKeyThatDoesNotBelongToTheCertificateIsRefused) {
  const std::string other = folder_ + "/other";
  std::filesystem::create_directories(other);
  options_.tls->private_key = write_certificate(other).private_key;
  const auto server = start_server(options_, [](const Request&) { return Response(); });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, Code::config);
  EXPECT_EQ(server.error().place, options_.tls->private_key);
}

}  // namespace
}  // namespace tollgate::http
