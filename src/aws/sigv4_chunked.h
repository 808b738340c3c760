// The aws-chunked content coding of S3 uploads: signed chunks, unsigned chunks, trailers. Not HTTP's own chunked
// transfer coding, which the server has undone before. Source: S3 API Reference, "Signature Calculations for the
// Authorization Header: Transferring Payload in Multiple Chunks". Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "common/base/error.h"

namespace tollgate::aws {

struct ChunkedBody {
  std::string body;
  net::Headers trailers;  // names in lower case; x-amz-trailer-signature is left out
};

// Whether this x-amz-content-sha256 announces an aws-chunked body.
bool is_chunked_payload(std::string_view payload_hash);

// Undoes STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD and ...-PAYLOAD-TRAILER; for the signed
// ones every chunk (and the trailer) is checked against the chain that starts with the request's own signature, which
// must already have been verified. Errors: reason IncompleteBody (torn or malformed), SignatureDoesNotMatch.
Result<ChunkedBody> decode_chunked(std::string_view encoded, const Authorization& authorization,
                                   const Secret& secret_access_key);

// The opposite, for tests and for clients: one signed chunk per `chunk_bytes`, and the closing one.
std::string encode_signed_chunks(std::string_view body, std::size_t chunk_bytes, const Authorization& authorization,
                                 const Secret& secret_access_key);

}  // namespace tollgate::aws
