#include "sandbox/s3.h"

#include <array>

#include "aws/query.h"
#include "common/base/encoding.h"
#include "sandbox/checksum.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";
constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

struct Route {
  std::string_view operation;
  S3Handler handler;
};

constexpr std::array<Route, 17> kRoutes{{
    {"HeadBucket", head_bucket},
    {"DeleteBucket", delete_bucket},
    {"GetBucketLocation", get_bucket_location},
    {"GetBucketVersioning", get_bucket_versioning},
    {"ListObjectsV2", list_objects},
    {"ListObjects", list_objects},
    {"GetObject", get_object},
    {"HeadObject", get_object},
    {"PutObject", put_object},
    {"CopyObject", copy_object},
    {"DeleteObject", delete_object},
    {"DeleteObjects", delete_objects},
    {"CreateMultipartUpload", create_multipart_upload},
    {"UploadPart", upload_part},
    {"CompleteMultipartUpload", complete_multipart_upload},
    {"AbortMultipartUpload", abort_multipart_upload},
    {"ListParts", list_parts},
}};

// Subresources that choose another operation than the plain one on the same path.
bool has_foreign_subresource(const S3Call& call) {
  constexpr std::array<std::string_view, 24> kForeign{{"acl",
                                                       "accelerate",
                                                       "analytics",
                                                       "attributes",
                                                       "cors",
                                                       "encryption",
                                                       "intelligent-tiering",
                                                       "inventory",
                                                       "legal-hold",
                                                       "lifecycle",
                                                       "logging",
                                                       "metrics",
                                                       "notification",
                                                       "object-lock",
                                                       "ownershipControls",
                                                       "policy",
                                                       "policyStatus",
                                                       "publicAccessBlock",
                                                       "replication",
                                                       "requestPayment",
                                                       "restore",
                                                       "retention",
                                                       "tagging",
                                                       "versions"}};
  for (const std::string_view name : kForeign) {
    if (call.has(name)) return true;
  }
  return call.has("website") || call.has("torrent") || call.has("select");
}

std::string_view bucket_operation(const S3Call& call) {
  if (call.method == "PUT") return "CreateBucket";
  if (call.method == "DELETE") return "DeleteBucket";
  if (call.method == "HEAD") return "HeadBucket";
  if (call.method == "POST") return call.has("delete") ? "DeleteObjects" : "";
  if (call.method != "GET" || call.has("uploads")) return "";
  if (call.has("location")) return "GetBucketLocation";
  if (call.has("versioning")) return "GetBucketVersioning";
  return call.call.text("list-type") == "2" ? "ListObjectsV2" : "ListObjects";
}

std::string_view object_operation(const S3Call& call) {
  const bool of_upload = call.has("uploadId");
  if (call.method == "GET") return of_upload ? "ListParts" : "GetObject";
  if (call.method == "HEAD") return "HeadObject";
  if (call.method == "DELETE") return of_upload ? "AbortMultipartUpload" : "DeleteObject";
  if (call.method == "PUT") {
    const bool copy = !call.header("x-amz-copy-source").empty();
    if (of_upload) return copy ? "" : "UploadPart";
    return copy ? "CopyObject" : "PutObject";
  }
  if (call.method == "POST" && call.has("uploads")) return "CreateMultipartUpload";
  if (call.method == "POST" && of_upload) return "CompleteMultipartUpload";
  return "";
}

S3Handler find_handler(std::string_view operation) {
  for (const Route& route : kRoutes) {
    if (route.operation == operation) return route.handler;
  }
  return nullptr;
}

}  // namespace

std::string_view S3Call::header(std::string_view header_name) const {
  const std::string wanted = lower(header_name);
  for (const auto& [key, value] : headers) {
    if (lower(key) == wanted) return value;
  }
  return {};
}

S3Call read_s3(const http::Request& request) {
  S3Call call;
  call.call.service = "s3";
  call.method = request.method;
  call.headers = request.headers;
  call.body = request.body;
  const std::string_view path = request.path().substr(1);
  const std::size_t slash = path.find('/');
  const auto bucket = percent_decode(path.substr(0, slash));
  const auto name = percent_decode(slash == path.npos ? std::string_view() : path.substr(slash + 1));
  const auto query = aws::parse_query(request.query());
  if (!bucket || !name || !query) return call;
  call.bucket = *bucket;
  call.name = *name;
  for (const auto& [key, value] : query->all())
    call.call.parameters.emplace(key, value);
  if (has_foreign_subresource(call)) return call;
  if (call.bucket.empty()) {
    call.call.action = call.method == "GET" ? "ListBuckets" : "";
  } else {
    call.call.action = call.name.empty() ? bucket_operation(call) : object_operation(call);
  }
  return call;
}

S3Answer handle_s3(World& world, ObjectStore& objects, const S3Call& call) {
  const std::string& operation = call.call.action;
  if (operation == "ListBuckets") return list_buckets(world, call);
  if (operation == "CreateBucket") return create_bucket(world, call);
  const Bucket* bucket = world.buckets.find(call.bucket);
  if (bucket == nullptr) {
    return s3_refuse(404, "NoSuchBucket", "The specified bucket does not exist", element("BucketName", call.bucket));
  }
  if (call.call.region != bucket->region) {
    return s3_refuse(400, "AuthorizationHeaderMalformed",
                     fmt::format("The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                                 call.call.region, bucket->region),
                     element("Region", bucket->region));
  }
  const S3Handler handler = find_handler(operation);
  if (handler == nullptr) {
    return s3_refuse(501, "NotImplemented", "A header you provided implies functionality that is not implemented");
  }
  return handler(world, objects, call, *bucket);
}

http::Response s3_response(const S3Call& call, S3Answer answer) {
  http::Response response = std::move(answer.response);
  const std::string host_id = base64_encode(call.call.request_id);
  if (answer.outcome.failed()) {
    response = {};
    response.status = answer.outcome.status;
    response.headers.emplace_back("Content-Type", "application/xml");
    if (answer.outcome.code == "AuthorizationHeaderMalformed" || answer.outcome.code == "PermanentRedirect") {
      const std::string& extra = answer.outcome.result;
      const std::size_t begin = extra.find("<Region>");
      if (begin != extra.npos) {
        response.headers.emplace_back("x-amz-bucket-region",
                                      extra.substr(begin + 8, extra.find("</Region>") - begin - 8));
      }
    }
    // An answer to HEAD has no body, and 304 neither.
    if (call.method != "HEAD" && response.status != 304) {
      response.body =
          fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
                      enclose("Error", element("Code", answer.outcome.code) +
                                           element("Message", answer.outcome.message) + answer.outcome.result +
                                           element("RequestId", call.call.request_id) + element("HostId", host_id)));
    }
  }
  response.headers.emplace_back("x-amz-request-id", call.call.request_id);
  response.headers.emplace_back("x-amzn-RequestId", call.call.request_id);
  response.headers.emplace_back("x-amz-id-2", host_id);
  response.headers.emplace_back("Server", "AmazonS3");
  return response;
}

S3Answer s3_refuse(int status, std::string_view code, std::string message, std::string extra) {
  S3Answer answer;
  answer.outcome = refuse(status, code, std::move(message));
  answer.outcome.result = std::move(extra);
  return answer;
}

S3Answer s3_xml(std::string_view root, std::string_view inner) {
  S3Answer answer;
  answer.response.headers.emplace_back("Content-Type", "application/xml");
  answer.response.body =
      fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{0} xmlns=\"{1}\">{2}</{0}>", root, kNamespace, inner);
  return answer;
}

std::optional<S3Answer> s3_authorize(const World& world, const S3Call& call, const Bucket& bucket,
                                     std::string_view action, std::string_view resource, const ContextKeys& extra) {
  const Principal& caller = call.call.principal;
  if (caller.kind == Principal::Kind::root && caller.account == bucket.account) return std::nullopt;
  policy::EvaluationRequest request = evaluation_request(world, call.call, action, resource, extra);
  request.resource_account = bucket.account;
  if (!bucket.policy.empty()) request.resource_policy = named_policy("policy of bucket " + bucket.name, bucket.policy);
  const policy::Decision decision = policy::evaluate(request);
  if (decision.allowed()) {
    call.call.allowed_because = decision.reason;
    return std::nullopt;
  }
  // S3 writes the resource in quotes, unlike the Query services.
  S3Answer answer = s3_refuse(403, "AccessDenied",
                              fmt::format("User: {} is not authorized to perform: {} on resource: \"{}\" {}",
                                          caller.arn, action, resource, decision.aws_because));
  answer.outcome.resource = resource;
  answer.outcome.reason = decision.reason;
  return answer;
}

std::string bucket_arn(std::string_view bucket) {
  return fmt::format("arn:aws:s3:::{}", bucket);
}

std::string object_arn(std::string_view bucket, std::string_view name) {
  return fmt::format("arn:aws:s3:::{}/{}", bucket, name);
}

std::optional<S3Answer> check_digests(const S3Call& call) {
  if (const std::string_view sent = call.header("Content-MD5"); !sent.empty()) {
    const auto digest = base64_decode(sent);
    if (!digest || digest->size() != 16)
      return s3_refuse(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
    if (*digest != md5(call.body)) {
      return s3_refuse(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
    }
  }
  for (const auto& [key, value] : call.headers) {
    const std::string name = lower(key);
    if (name.compare(0, kChecksumPrefix.size(), kChecksumPrefix) != 0) continue;
    const std::string algorithm = name.substr(kChecksumPrefix.size());
    const auto computed = checksum(algorithm, call.body);
    if (computed && base64_encode(*computed) != value) {
      std::string shown = algorithm;
      for (char& c : shown) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
      }
      return s3_refuse(400, "BadDigest",
                       fmt::format("The {} you specified did not match the calculated checksum.", shown));
    }
  }
  return std::nullopt;
}

std::map<std::string, std::string> kept_headers(const S3Call& call) {
  constexpr std::array<std::string_view, 8> kKept{{"content-type", "cache-control", "content-disposition",
                                                   "content-encoding", "content-language", "expires",
                                                   "x-amz-server-side-encryption", "x-amz-website-redirect-location"}};
  std::map<std::string, std::string> kept;
  for (const auto& [key, value] : call.headers) {
    const std::string name = lower(key);
    const bool meta = name.compare(0, 11, "x-amz-meta-") == 0;
    const bool digest = name.compare(0, kChecksumPrefix.size(), kChecksumPrefix) == 0 &&
                        name != "x-amz-checksum-algorithm" && name != "x-amz-checksum-mode";
    if (meta || digest || std::find(kKept.begin(), kKept.end(), name) != kKept.end()) kept[name] = value;
  }
  // aws-chunked is how the body travelled, not what it is.
  if (const auto coding = kept.find("content-encoding"); coding != kept.end()) {
    std::string rest;
    std::string_view list = coding->second;
    while (!list.empty()) {
      const std::size_t comma = list.find(',');
      std::string_view item = list.substr(0, comma);
      list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
      while (!item.empty() && item.front() == ' ')
        item.remove_prefix(1);
      if (!item.empty() && item != "aws-chunked") rest.append(rest.empty() ? "" : ",").append(item);
    }
    if (rest.empty()) {
      kept.erase(coding);
    } else {
      coding->second = rest;
    }
  }
  kept.emplace("content-type", "binary/octet-stream");
  return kept;
}

std::string quoted(std::string_view etag) {
  return fmt::format("\"{}\"", etag);
}

std::string s3_time(TimePoint time) {
  std::string text = format_iso8601(time);
  text.insert(text.size() - 1, ".000");
  return text;
}

}  // namespace tollgate::sandbox
