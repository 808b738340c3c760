// The certificate of a server that nobody gave one: DIR/tls with an authority made for this one certificate (ca.pem,
// for clients to trust), the certificate and its key. The authority's own key is never kept, so that what clients trust
// signs nothing else; a renewal is therefore a new authority too, and ca.pem then holds both for as long as clients
// may meet either. Main thread.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/http/certificate.h"

namespace tollgate::app {

// What a certificate is for where nobody says more: the host of `url` and this machine's own names.
std::vector<std::string> usual_names(const std::string& url);
std::string host_of(std::string_view url);

// For `init`: the directory DIR/tls with new files.
Result<void> write_own_certificate(const std::string& directory, const std::vector<std::string>& names, TimePoint now);

struct CertificateRenewal {
  std::string directory;
  std::vector<std::string> names;  // empty: those that the present one has
};
// Puts a new certificate in place of the one that init made, all files at once, and says what is to be done next.
// Errors: Code::conflict where the certificate is the owner's own; what http::check_server_certificate refuses.
Result<void> run_certificate_renew(const CertificateRenewal& request);

// A sentence for a person where the certificate ends within 30 days; empty otherwise.
std::string ends_soon(const http::CertificateFacts& certificate, TimePoint now);

}  // namespace tollgate::app
