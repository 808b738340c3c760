#include "aws/sigv4_chunked.h"

#include <charconv>

#include "common/base/encoding.h"
#include "common/crypto/hash.h"

namespace tollgate::aws {
namespace {

constexpr std::string_view kSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
constexpr std::string_view kSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
constexpr std::string_view kUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kChunkSignature = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

tl::unexpected<Error> torn(std::string message) {
  return fail(Error(Code::invalid, std::move(message)).because("IncompleteBody"));
}

// Each signature covers the one before it, from the request's own on.
class SignatureChain {
 public:
  SignatureChain(const Authorization& authorization, const Secret& secret_access_key)
      : key_(derive_signing_key(secret_access_key, authorization.date, authorization.scope)),
        prefix_(fmt::format("{}\n{}/{}/{}/aws4_request", format_amz_date(authorization.time), authorization.date,
                            authorization.scope.region, authorization.scope.service)),
        previous_(authorization.signature) {}

  const std::string& next_chunk(std::string_view data) {
    return advance(fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}", prefix_, previous_, kEmptyPayloadHash,
                               crypto::sha256_hex(data)));
  }
  const std::string& trailer(std::string_view canonical) {
    return advance(
        fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}", prefix_, previous_, crypto::sha256_hex(canonical)));
  }

 private:
  const std::string& advance(const std::string& text) {
    previous_ = hex_encode(crypto::hmac_sha256(key_.reveal(), text));
    return previous_;
  }
  Secret key_;
  std::string prefix_;
  std::string previous_;
};

// Up to the next CRLF, which is taken too; nullopt if there is none.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find(kLineEnd);
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + kLineEnd.size());
  return line;
}

struct ChunkHead {
  std::size_t size = 0;
  std::string_view signature;
};

std::optional<ChunkHead> read_head(std::string_view line) {
  ChunkHead head;
  const auto semicolon = std::min(line.find(';'), line.size());
  const auto parsed = std::from_chars(line.data(), line.data() + semicolon, head.size, 16);
  if (semicolon == 0 || parsed.ec != std::errc() || parsed.ptr != line.data() + semicolon) return std::nullopt;
  line.remove_prefix(std::min(semicolon + 1, line.size()));
  if (line.starts_with(kChunkSignature)) head.signature = line.substr(kChunkSignature.size());
  return head;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// Lines "name:value" to an empty line or the end. Some clients end the last line with \n alone.
Result<ChunkedBody> read_trailers(std::string_view rest, ChunkedBody body, SignatureChain* chain) {
  std::string canonical;
  std::string_view signature;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return torn("a trailer is not of the form name:value");
    std::string name(trim(line.substr(0, colon)));
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const auto value = trim(line.substr(colon + 1));
    if (name == kTrailerSignature) {
      signature = value;
      continue;
    }
    canonical.append(name).append(":").append(value).append("\n");
    body.trailers.emplace_back(std::move(name), value);
  }
  if (chain != nullptr && !crypto::constant_time_equal(chain->trailer(canonical), signature)) {
    return fail(Error(Code::unauthorized, "the trailer's signature differs").because("SignatureDoesNotMatch"));
  }
  return body;
}

}  // namespace

bool is_chunked_payload(std::string_view payload_hash) {
  return payload_hash == kSigned || payload_hash == kSignedTrailer || payload_hash == kUnsignedTrailer;
}

Result<ChunkedBody> decode_chunked(std::string_view encoded, const Authorization& authorization,
                                   const Secret& secret_access_key) {
  const std::string_view kind = authorization.payload_hash;
  if (!is_chunked_payload(kind)) return torn("the payload is not of a chunked kind");
  std::optional<SignatureChain> chain;
  if (kind != kUnsignedTrailer) chain.emplace(authorization, secret_access_key);
  ChunkedBody body;
  while (true) {
    const auto line = take_line(encoded);
    const auto head = line ? read_head(*line) : std::nullopt;
    if (!head) return torn("a chunk's head is missing or malformed");
    if (head->size > encoded.size()) return torn("a chunk is cut short");
    const auto data = encoded.substr(0, head->size);
    if (chain && !crypto::constant_time_equal(chain->next_chunk(data), head->signature)) {
      return fail(Error(Code::unauthorized, "a chunk's signature differs").because("SignatureDoesNotMatch"));
    }
    if (head->size == 0) break;
    body.body += data;
    encoded.remove_prefix(head->size);
    if (!encoded.starts_with(kLineEnd)) return torn("a chunk is not followed by a line end");
    encoded.remove_prefix(kLineEnd.size());
  }
  return read_trailers(encoded, std::move(body), kind == kSignedTrailer ? &*chain : nullptr);
}

std::string encode_signed_chunks(std::string_view body, std::size_t chunk_bytes, const Authorization& authorization,
                                 const Secret& secret_access_key) {
  SignatureChain chain(authorization, secret_access_key);
  std::string encoded;
  while (true) {
    const auto data = body.substr(0, chunk_bytes);
    encoded += fmt::format("{:x};{}{}\r\n", data.size(), kChunkSignature, chain.next_chunk(data));
    encoded.append(data).append(kLineEnd);
    if (data.empty()) return encoded;
    body.remove_prefix(data.size());
  }
}

}  // namespace tollgate::aws
