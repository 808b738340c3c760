#include "server/app/own_certificate.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "common/os/atomic_file.h"
#include "server/app/application.h"
#include "server/app/host.h"
#include "server/audit/audit.h"

namespace tollgate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::chrono::hours kSoon{24 * 30};
constexpr const char* kAuthorityName = "tollgate authority";
constexpr const char* kAuthority = "ca.pem";
constexpr const char* kCertificate = "server.pem";
constexpr const char* kPrivateKey = "server-key.pem";

Error not_ours(std::string why, const std::string& place) {
  return Error(Code::conflict, fmt::format("this certificate was not made by init: {}", why))
      .at(place)
      .do_next("get a new one from whoever signed it, put it in the same place, and reload the server (SIGHUP)");
}

// The first certificate of a PEM text.
std::string first_of(const std::string& pem) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const std::size_t end = pem.find(kEnd);
  return end == pem.npos ? pem : pem.substr(0, end + kEnd.size()) + "\n";
}

struct Present {
  http::CertificateFacts certificate;
  std::string authority;  // PEM
};

// The certificate in use, if it is one of init's or of an earlier renewal. It may have ended.
Result<Present> present_certificate(const std::string& directory, const ServerPaths& paths) {
  const std::string folder = directory + "/tls/";
  if (paths.tls_certificate != folder + kCertificate || paths.tls_private_key != folder + kPrivateKey) {
    return fail(not_ours("the settings name another file", paths.tls_certificate));
  }
  TG_TRY(const std::string chain, os::read_file(paths.tls_certificate, kMaxFile));
  const auto authority = os::read_file(paths.tls_authority, kMaxFile);
  if (!authority) return fail(not_ours(fmt::format("there is no {}{}", folder, kAuthority), paths.tls_certificate));
  Present present;
  present.authority = first_of(*authority);
  TG_TRY(present.certificate, http::describe_certificate(chain));
  TG_TRY(const http::CertificateFacts signer, http::describe_certificate(present.authority));
  if (!signer.self_issued || signer.subject != fmt::format("CN={}", kAuthorityName)) {
    return fail(not_ours(fmt::format("{}{} is of {}", folder, kAuthority, signer.subject), paths.tls_certificate));
  }
  TG_TRY(std::string key, os::read_private_file(paths.tls_private_key, kMaxFile));
  // As of its last minute.
  const auto fits = http::check_server_certificate(chain + present.authority, Secret::take(std::move(key)),
                                                   present.certificate.not_after - std::chrono::minutes(1));
  if (!fits) return fail(not_ours(fits.error().message, paths.tls_certificate));
  return present;
}

Result<void> write_files(const os::PrivateDirectory& folder, const std::vector<std::string>& names, TimePoint now,
                         const std::string& trusted_before) {
  TG_TRY(const http::CertificatePair authority, http::make_authority(kAuthorityName, now));
  TG_TRY(const http::CertificatePair server, http::make_server_certificate(authority, names, now));
  TG_CHECK(folder.write(kAuthority, authority.certificate + trusted_before, {.mode = 0644, .durable = true}));
  TG_CHECK(folder.write(kCertificate, server.certificate, {.mode = 0644, .durable = true}));
  return folder.write(kPrivateKey, server.private_key.reveal(), {.mode = 0600, .durable = true});
}

// Both directories change their names in one step: whoever reads finds three files that belong together.
Result<void> exchange(const std::string& one, const std::string& other, const os::PrivateDirectory& parent) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0 || ::fsync(parent.fd()) != 0) {
    return fail(
        Error(Code::io, fmt::format("putting the new files in place: {}", std::strerror(errno)))
            .at(other)
            .do_next("see that the file system may be written to, and try again: the certificate is as it was"));
  }
  return {};
}

// What else a person has put there stays; the old key does not.
void clear_away(const std::string& old, const std::string& current) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(old, ignored)) {
    const std::string name = entry.path().filename();
    if (name != kAuthority && name != kCertificate && name != kPrivateKey) {
      fs::rename(entry.path(), current + "/" + name, ignored);
    }
  }
  fs::remove_all(old, ignored);
}

Result<void> record(const std::string& directory, const http::CertificateFacts& made, TimePoint now) {
  TG_TRY(const Opened opened, open_records_of(directory));
  return opened.records->store().write([&](domain::Tables& tables) -> Result<void> {
    audit::append(tables, operator_of_this_host(),
                  {"", "certificate.renewed", "certificate", made.sha256,
                   json::Value::object({{"until", format_iso8601(made.not_after)}})},
                  now);
    return {};
  });
}

}  // namespace

std::string host_of(std::string_view url) {
  const std::size_t start = url.find("://");
  std::string_view rest = start == url.npos ? url : url.substr(start + 3);
  rest = rest.substr(0, rest.find('/'));
  if (rest.starts_with('[')) return std::string(rest.substr(1, rest.find(']') - 1));
  return std::string(rest.substr(0, rest.find(':')));
}

std::vector<std::string> usual_names(const std::string& url) {
  std::vector<std::string> names{host_of(url)};
  for (const char* local : {"localhost", "127.0.0.1", "::1"}) {
    if (names.front() != local) names.emplace_back(local);
  }
  return names;
}

Result<void> write_own_certificate(const std::string& directory, const std::vector<std::string>& names, TimePoint now) {
  TG_TRY(const auto folder, os::PrivateDirectory::create(directory + "/tls"));
  return write_files(folder, names, now, "");
}

Result<void> run_certificate_renew(const CertificateRenewal& request) {
  TG_TRY(const auto parent, os::PrivateDirectory::open(request.directory));
  TG_TRY(const Configuration configuration, load_configuration(request.directory, os::current_environment()));
  if (!configuration.tls_enabled) {
    return fail(Error(Code::conflict, "tls.enabled is false: this server shows no certificate")
                    .do_next("renew the one of the proxy in front of it"));
  }
  const ServerPaths paths = server_paths(request.directory, configuration);
  TG_TRY(const Present present, present_certificate(request.directory, paths));
  const TimePoint now = SystemClock().now();
  const std::string current = request.directory + "/tls";
  const std::string next = request.directory + "/tls.new";
  std::error_code ignored;
  fs::remove_all(next, ignored);  // of a renewal that was killed
  TG_TRY(const auto folder, os::PrivateDirectory::create(next));
  TG_CHECK(
      write_files(folder, request.names.empty() ? present.certificate.names : request.names, now, present.authority));
  TG_TRY(const std::string chain, os::read_file(fmt::format("{}/{}", next, kCertificate), kMaxFile));
  TG_TRY(std::string key, os::read_private_file(fmt::format("{}/{}", next, kPrivateKey), kMaxFile));
  std::vector<std::string> needed;
  if (!configuration.url.empty()) needed.push_back(host_of(configuration.url));
  const auto made = http::check_server_certificate(chain, Secret::take(std::move(key)), now, needed);
  if (!made) {
    fs::remove_all(next, ignored);
    return fail(made.error());
  }
  TG_CHECK(record(request.directory, *made, now));
  TG_CHECK(exchange(next, current, parent));
  clear_away(next, current);
  fmt::print(
      "{0}/server.pem   a new certificate for {1}, until {2}\n"
      "{0}/ca.pem       what clients trust: the new authority, and the one before\n\n"
      "Next:\n"
      "  give {0}/ca.pem to clients; with it they trust the server before and after\n"
      "  then reload the server, which goes on with the old certificate until then: kill -HUP PID,\n"
      "  or systemctl reload tollgate-server\n",
      current, fmt::join(made->names, ", "), format_iso8601(made->not_after));
  std::fflush(stdout);
  return {};
}

std::string ends_soon(const http::CertificateFacts& certificate, TimePoint now) {
  if (certificate.not_after - now > kSoon) return {};
  const auto days = std::chrono::duration_cast<std::chrono::hours>(certificate.not_after - now).count() / 24;
  return fmt::format(
      "the certificate ends within {} days, on {}: renew it (the one that init made by tollgate-server certificate "
      "renew), then reload the server",
      days + 1, format_iso8601(certificate.not_after));
}

}  // namespace tollgate::app
