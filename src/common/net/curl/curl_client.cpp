#include "common/net/curl/curl_client.h"

#include <curl/curl.h>
#include <strings.h>

#include <array>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "common/net/url.h"

namespace tollgate::net {
namespace {

// A connection idle for longer is not used again: servers close idle ones, and a request on a connection that closes
// under it has an unknown outcome.
constexpr long kMaxIdleSeconds = 5;

void initialise_once() {
  static std::once_flag once;
  static CURLcode outcome = CURLE_FAILED_INIT;
  std::call_once(once, [] { outcome = curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (outcome != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// A header list for libcurl. Its copies hold tokens, so they are overwritten before they are freed.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() {
    for (curl_slist* item = list_; item != nullptr; item = item->next) {
      explicit_bzero(item->data, std::strlen(item->data));
    }
    curl_slist_free_all(list_);
  }
  void add(std::string text) {
    curl_slist* longer = curl_slist_append(list_, text.c_str());
    explicit_bzero(text.data(), text.size());
    if (longer == nullptr) throw std::bad_alloc();
    list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// What the callbacks of one transfer write to.
struct Transfer {
  Response response;
  std::size_t limit = 0;
  std::size_t received = 0;
  bool too_large = false;
  bool head_complete = false;  // the empty line after the headers came; libcurl does not insist on it
  bool may_repeat = false;     // sending it twice does no harm (RFC 9110 9.2.2)
  int starts = 0;              // how often a connection stood ready and the request was about to go out
};

bool admit(Transfer& transfer, std::size_t bytes) {
  if (bytes > transfer.limit - transfer.received)
    transfer.too_large = true;
  else
    transfer.received += bytes;
  return !transfer.too_large;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!admit(transfer, size)) return 0;
  transfer.response.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!admit(transfer, size)) return 0;
  std::string_view line(data, size);
  while (line.ends_with('\r') || line.ends_with('\n'))
    line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();  // an interim answer (100) came before
    transfer.head_complete = false;
    return size;
  }
  if (line.empty()) transfer.head_complete = true;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t'))
    value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t'))
    value.remove_suffix(1);
  transfer.response.headers.emplace_back(line.substr(0, colon), value);
  return size;
}

// libcurl calls this when the connection, TLS and a proxy's tunnel stand, before the first byte of the request. It
// also starts a request again by itself when a kept connection dies under it: that may not happen to a one-time code.
int on_start(void* context, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(context);
  ++transfer.starts;
  return transfer.starts == 1 || transfer.may_repeat ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (curl_easy_setopt(handle, option, value) != CURLE_OK) {
    throw std::runtime_error(fmt::format("libcurl does not know option {}", static_cast<int>(option)));
  }
}

Failure unsendable(std::string message) {
  return {Delivery::not_sent, Error(Code::invalid, std::move(message))};
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

std::string next_step(CURLcode outcome) {
  switch (outcome) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "check the network and the endpoint's host name";
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY";
    case CURLE_SSL_CACERT_BADFILE:
      return "check AWS_CA_BUNDLE";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "if a proxy inspects TLS here, point AWS_CA_BUNDLE at its certificate authority; otherwise do not go on";
    case CURLE_SSL_CONNECT_ERROR:
      return "check that the endpoint speaks https, and the proxy";
    default:
      return "check the network, the endpoint and the proxy";
  }
}

std::string_view reason_of(CURLcode outcome) {
  if (outcome == CURLE_PEER_FAILED_VERIFICATION) return kNotTrusted;
  return outcome == CURLE_SSL_CACERT_BADFILE ? kBadCaFile : "";
}

class CurlClient final : public Client {
 public:
  explicit CurlClient(CurlOptions options) : options_(std::move(options)) {
    initialise_once();
    handle_ = curl_easy_init();
    if (handle_ == nullptr) throw std::runtime_error("libcurl cannot be initialised");
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;
  ~CurlClient() override { curl_easy_cleanup(handle_); }

  tl::expected<Response, Failure> send(const Request& request) override;

 private:
  void set_transport(const Request& request, const Url& url);
  void set_content(const Request& request);
  Failure describe(CURLcode outcome, const Transfer& transfer, const Url& url) const;

  CurlOptions options_;
  CURL* handle_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

void CurlClient::set_transport(const Request& request, const Url& url) {
  set(handle_, CURLOPT_NOSIGNAL, 1L);
  set(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  set(handle_, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  set(handle_, CURLOPT_URL, request.url.c_str());
  set(handle_, CURLOPT_PATH_AS_IS, 1L);  // the path as it was signed
  set(handle_, CURLOPT_USERAGENT, options_.user_agent.c_str());
  if (!options_.ca_file.empty()) {
    set(handle_, CURLOPT_CAINFO, options_.ca_file.c_str());
    set(handle_, CURLOPT_PROXY_CAINFO, options_.ca_file.c_str());
  }
  // Always set, for libcurl would otherwise look into the environment itself.
  const bool proxied = request.use_proxy && !is_loopback_host(url.host);
  const std::string& proxy = url.secure() ? options_.https_proxy : options_.http_proxy;
  set(handle_, CURLOPT_PROXY, proxied ? proxy.c_str() : "");
  set(handle_, CURLOPT_NOPROXY, options_.no_proxy.c_str());
  set(handle_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void CurlClient::set_content(const Request& request) {
  set(handle_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") {
    set(handle_, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    set(handle_, CURLOPT_POST, 1L);
    set(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(handle_, CURLOPT_POSTFIELDS, request.body.data());
  }
}

tl::expected<Response, Failure> CurlClient::send(const Request& request) {
  const auto url = parse_url(request.url);
  if (!url) return tl::unexpected(unsendable(url.error().message));
  HeaderList headers;
  bool content_type = false;
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || has_line_break(name) || has_line_break(value) || name.find(':') != std::string::npos) {
      return tl::unexpected(unsendable(fmt::format("a header of the request to {} has a line break", url->host)));
    }
    content_type = content_type || same_name(name, "Content-Type");
    if (same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding")) continue;  // libcurl's own
    headers.add(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  headers.add("Expect:");
  if (!content_type) headers.add("Content-Type:");

  HeaderList pinned;
  if (!request.connect_to.empty()) {
    const bool six = request.connect_to.find(':') != std::string::npos;
    pinned.add(fmt::format("::{}:{}", six ? fmt::format("[{}]", request.connect_to) : request.connect_to, url->port));
  }

  Transfer transfer;
  transfer.limit = request.max_response_bytes;
  transfer.may_repeat = request.method != "POST" && request.method != "PATCH";
  curl_easy_reset(handle_);
  error_[0] = '\0';
  set_transport(request, *url);
  set_content(request);
  set(handle_, CURLOPT_HTTPHEADER, headers.get());
  if (!request.connect_to.empty()) set(handle_, CURLOPT_CONNECT_TO, pinned.get());
  set(handle_, CURLOPT_ERRORBUFFER, error_.data());
  set(handle_, CURLOPT_WRITEFUNCTION, &on_body);
  set(handle_, CURLOPT_WRITEDATA, &transfer);
  set(handle_, CURLOPT_HEADERFUNCTION, &on_header);
  set(handle_, CURLOPT_HEADERDATA, &transfer);
  set(handle_, CURLOPT_PREREQFUNCTION, &on_start);
  set(handle_, CURLOPT_PREREQDATA, &transfer);
  const CURLcode outcome = curl_easy_perform(handle_);
  // The handle outlives this call's buffers.
  curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(handle_, CURLOPT_CONNECT_TO, nullptr);
  curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, nullptr);
  if (outcome != CURLE_OK) return tl::unexpected(describe(outcome, transfer, *url));
  if (!transfer.head_complete) return tl::unexpected(describe(CURLE_PARTIAL_FILE, transfer, *url));
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

Failure CurlClient::describe(CURLcode outcome, const Transfer& transfer, const Url& url) const {
  Failure failure;
  failure.delivery = transfer.starts == 0 ? Delivery::not_sent : Delivery::unknown;
  if (transfer.starts == 0) {
    // libcurl's sentences about connecting name hosts and certificates; those about answers may quote them.
    const std::string why = error_[0] != '\0' ? std::string(error_.data()) : curl_easy_strerror(outcome);
    failure.error = Error(Code::unavailable, fmt::format("{} cannot be reached: {}", url.authority(), why));
    failure.error.next = next_step(outcome);
    failure.error.reason = reason_of(outcome);
    return failure;
  }
  std::string why = curl_easy_strerror(outcome);
  if (transfer.too_large)
    why = fmt::format("it is larger than {} bytes", transfer.limit);
  else if (transfer.starts > 1)
    why = "the connection was closed before it came";
  failure.error = Error(Code::unknown, fmt::format("the answer of {} did not arrive: {}", url.authority(), why));
  failure.error.next = next_step(CURLE_RECV_ERROR);
  return failure;
}

}  // namespace

CurlOptions curl_options_from(const std::function<std::optional<std::string>(std::string_view)>& variable) {
  const auto first_of = [&](std::initializer_list<std::string_view> names) -> std::string {
    for (const auto name : names) {
      if (auto value = variable(name); value && !value->empty()) return std::move(*value);
    }
    return "";
  };
  CurlOptions options;
  options.ca_file = first_of({"AWS_CA_BUNDLE", "SSL_CERT_FILE"});
  options.https_proxy = first_of({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  // A CGI client sets HTTP_PROXY by sending a "Proxy" header (httpoxy, CVE-2016-5385).
  options.http_proxy = variable("REQUEST_METHOD") ? first_of({"http_proxy", "all_proxy", "ALL_PROXY"})
                                                  : first_of({"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"});
  options.no_proxy = first_of({"no_proxy", "NO_PROXY"});
  return options;
}

std::unique_ptr<Client> make_curl_client(CurlOptions options) {
  return std::make_unique<CurlClient>(std::move(options));
}

}  // namespace tollgate::net
