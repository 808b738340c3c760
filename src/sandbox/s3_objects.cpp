// Objects: reading, writing, copying, removing.
#include <algorithm>

#include "aws/xml.h"
#include "common/base/encoding.h"
#include "sandbox/checksum.h"
#include "sandbox/s3.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

S3Answer no_such_key(const std::string& name) {
  return s3_refuse(404, "NoSuchKey", "The specified key does not exist.", element("Key", name));
}

S3Answer precondition_failed(std::string_view condition) {
  return s3_refuse(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                   element("Condition", condition));
}

// Whether one of the comma-separated entity tags is this one; * is any.
bool names_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
    while (!item.empty() && item.front() == ' ')
      item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ')
      item.remove_suffix(1);
    if (item.substr(0, 2) == "W/") item.remove_prefix(2);
    if (item.size() >= 2 && item.front() == '"' && item.back() == '"') item = item.substr(1, item.size() - 2);
    if (item == "*" || item == etag) return true;
  }
  return false;
}

// RFC 9110 13.2.2, as far as S3 follows it.
std::optional<S3Answer> check_read_conditions(const S3Call& call, const Object& object) {
  const std::string_view match = call.header("If-Match");
  if (!match.empty() && !names_etag(match, object.etag)) return precondition_failed("If-Match");
  if (match.empty()) {
    const auto since = parse_http_date(call.header("If-Unmodified-Since"));
    if (since && unix_seconds(object.modified) > unix_seconds(*since))
      return precondition_failed("If-Unmodified-Since");
  }
  const std::string_view none = call.header("If-None-Match");
  bool unchanged = !none.empty() && names_etag(none, object.etag);
  if (none.empty()) {
    const auto since = parse_http_date(call.header("If-Modified-Since"));
    unchanged = since && unix_seconds(object.modified) <= unix_seconds(*since);
  }
  if (unchanged) return s3_refuse(304, "NotModified", "Not Modified");
  return std::nullopt;
}

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
enum class RangeVerdict { whole, part, unsatisfiable };

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// One range in bytes; anything else is ignored, as RFC 9110 14.2 allows and S3 does.
RangeVerdict read_range(std::string_view header, std::uint64_t size, ByteRange& range) {
  if (header.substr(0, 6) != "bytes=") return RangeVerdict::whole;
  header.remove_prefix(6);
  const std::size_t dash = header.find('-');
  if (dash == header.npos || header.find(',') != header.npos) return RangeVerdict::whole;
  const auto first = parse_number(header.substr(0, dash));
  const auto last = parse_number(header.substr(dash + 1));
  if (!first && !last) return RangeVerdict::whole;
  if (!first) {
    if (*last == 0 || size == 0) return RangeVerdict::unsatisfiable;
    range = {size - std::min(*last, size), size - 1};
    return RangeVerdict::part;
  }
  if (last && *last < *first) return RangeVerdict::whole;
  if (*first >= size) return RangeVerdict::unsatisfiable;
  range = {*first, last ? std::min(*last, size - 1) : size - 1};
  return RangeVerdict::part;
}

void add_object_headers(const S3Call& call, const Object& object, bool whole, http::Headers& headers) {
  for (const auto& [name, value] : object.headers) {
    const bool digest = name.compare(0, 15, "x-amz-checksum-") == 0;
    // A checksum of the whole must not be compared with a part.
    if (digest && (!whole || call.header("x-amz-checksum-mode") != "ENABLED")) continue;
    const std::string* wish = nullptr;
    if (name.compare(0, 6, "x-amz-") != 0) wish = call.call.find("response-" + name);
    headers.emplace_back(name, wish != nullptr ? *wish : value);
  }
  headers.emplace_back("ETag", quoted(object.etag));
  headers.emplace_back("Last-Modified", format_http_date(object.modified));
  headers.emplace_back("Accept-Ranges", "bytes");
}

void add_written_headers(const Object& object, http::Headers& headers) {
  headers.emplace_back("ETag", quoted(object.etag));
  for (const auto& [name, value] : object.headers) {
    if (name.compare(0, 15, "x-amz-checksum-") == 0 || name == "x-amz-server-side-encryption") {
      headers.emplace_back(name, value);
    }
  }
}

}  // namespace

void replace_object(World& world, ObjectStore& objects, Object object) {
  if (const Object* before = world.objects.find(object.key())) objects.remove(before->body);
  world.objects.put(std::move(object));
}

std::optional<S3Answer> check_write_conditions(const World& world, const S3Call& call) {
  const Object* present = world.objects.find(call.bucket + "/" + call.name);
  const std::string_view none = call.header("If-None-Match");
  if (!none.empty()) {
    if (none != "*") {
      return s3_refuse(501, "NotImplemented", "A header you provided implies functionality that is not implemented",
                       element("Header", "If-None-Match"));
    }
    if (present != nullptr) return precondition_failed("If-None-Match");
  }
  const std::string_view match = call.header("If-Match");
  if (!match.empty()) {
    if (present == nullptr) return no_such_key(call.name);
    if (!names_etag(match, present->etag)) return precondition_failed("If-Match");
  }
  return std::nullopt;
}

S3Answer get_object(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:GetObject", object_arn(bucket.name, call.name)))
    return *refused;
  const Object* object = world.objects.find(bucket.name + "/" + call.name);
  if (object == nullptr) {
    // Who may not list the bucket does not learn what is missing (S3 API, GetObject, Permissions).
    if (auto refused = s3_authorize(world, call, bucket, "s3:ListBucket", bucket_arn(bucket.name))) return *refused;
    return no_such_key(call.name);
  }
  if (auto refused = check_read_conditions(call, *object)) {
    if (refused->outcome.status == 304) refused->outcome.result.clear();
    return *refused;
  }
  ByteRange range;
  const RangeVerdict verdict = read_range(call.header("Range"), object->size, range);
  if (verdict == RangeVerdict::unsatisfiable) {
    return s3_refuse(
        416, "InvalidRange", "The requested range is not satisfiable",
        element("RangeRequested", call.header("Range")) + element("ActualObjectSize", std::to_string(object->size)));
  }
  S3Answer answer;
  answer.outcome.resource = object_arn(bucket.name, call.name);
  http::Response& response = answer.response;
  const bool whole = verdict == RangeVerdict::whole;
  add_object_headers(call, *object, whole, response.headers);
  std::uint64_t length = object->size;
  if (!whole) {
    response.status = 206;
    length = range.last - range.first + 1;
    response.headers.emplace_back("Content-Range",
                                  fmt::format("bytes {}-{}/{}", range.first, range.last, object->size));
  }
  if (call.method == "HEAD") {
    response.headers.emplace_back("Content-Length", std::to_string(length));
    return answer;
  }
  auto body = objects.get(object->body);
  if (!body) return s3_refuse(500, "InternalError", "We encountered an internal error. Please try again.");
  response.body = whole ? std::move(*body) : body->substr(range.first, length);
  return answer;
}

S3Answer put_object(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  const std::string arn = object_arn(bucket.name, call.name);
  if (auto refused = s3_authorize(world, call, bucket, "s3:PutObject", arn)) return *refused;
  if (call.name.size() > 1024) {
    return s3_refuse(400, "KeyTooLongError", "Your key is too long", element("Size", std::to_string(call.name.size())));
  }
  if (auto refused = check_digests(call)) return *refused;
  if (auto refused = check_write_conditions(world, call)) return *refused;
  Object object;
  object.bucket = bucket.name;
  object.name = call.name;
  object.size = call.body.size();
  object.etag = hex_encode(md5(call.body));
  object.modified = call.call.now;
  object.headers = kept_headers(call);
  object.body = objects.put(call.body);
  S3Answer answer;
  answer.outcome.resource = arn;
  add_written_headers(object, answer.response.headers);
  replace_object(world, objects, std::move(object));
  return answer;
}

S3Answer copy_object(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  std::string_view source_text = call.header("x-amz-copy-source");
  if (!source_text.empty() && source_text.front() == '/') source_text.remove_prefix(1);
  const auto source = percent_decode(source_text.substr(0, source_text.find('?')));
  const std::size_t slash = source ? source->find('/') : std::string::npos;
  if (slash == std::string::npos) {
    return s3_refuse(400, "InvalidArgument",
                     "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  }
  const Bucket* from = world.buckets.find(source->substr(0, slash));
  if (from == nullptr) return s3_refuse(404, "NoSuchBucket", "The specified bucket does not exist");
  const std::string from_name = source->substr(slash + 1);
  if (auto refused = s3_authorize(world, call, *from, "s3:GetObject", object_arn(from->name, from_name)))
    return *refused;
  if (auto refused = s3_authorize(world, call, bucket, "s3:PutObject", object_arn(bucket.name, call.name)))
    return *refused;
  const Object* original = world.objects.find(*source);
  const auto bytes = original == nullptr ? std::nullopt : objects.get(original->body);
  if (!bytes) return no_such_key(from_name);
  if (auto refused = check_write_conditions(world, call)) return *refused;
  Object object = *original;
  object.bucket = bucket.name;
  object.name = call.name;
  object.modified = call.call.now;
  if (call.header("x-amz-metadata-directive") == "REPLACE") object.headers = kept_headers(call);
  object.body = objects.put(*bytes);
  const std::string result = element("LastModified", s3_time(object.modified)) + element("ETag", quoted(object.etag));
  replace_object(world, objects, std::move(object));
  return s3_xml("CopyObjectResult", result);
}

S3Answer delete_object(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  const std::string arn = object_arn(bucket.name, call.name);
  if (auto refused = s3_authorize(world, call, bucket, "s3:DeleteObject", arn)) return *refused;
  if (const Object* object = world.objects.find(bucket.name + "/" + call.name)) {
    const std::string_view match = call.header("If-Match");
    if (!match.empty() && !names_etag(match, object->etag)) return precondition_failed("If-Match");
    objects.remove(object->body);
    world.objects.erase(bucket.name + "/" + call.name);
  }
  S3Answer answer;
  answer.outcome.resource = arn;
  answer.response.status = 204;
  return answer;
}

S3Answer delete_objects(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  if (auto refused = check_digests(call)) return *refused;
  const auto request = aws::parse_xml(call.body);
  if (!request || request->name != "Delete") {
    return s3_refuse(400, "MalformedXML",
                     "The XML you provided was not well-formed or did not validate against our published schema");
  }
  const bool quiet = request->text_of("Quiet") == "true";
  std::string result;
  for (const aws::XmlElement& item : request->children) {
    if (item.name != "Object") continue;
    const std::string name(item.text_of("Key"));
    if (auto refused = s3_authorize(world, call, bucket, "s3:DeleteObject", object_arn(bucket.name, name))) {
      result += enclose("Error", element("Key", name) + element("Code", refused->outcome.code) +
                                     element("Message", refused->outcome.message));
      continue;
    }
    if (const Object* object = world.objects.find(bucket.name + "/" + name)) {
      objects.remove(object->body);
      world.objects.erase(bucket.name + "/" + name);
    }
    if (!quiet) result += enclose("Deleted", element("Key", name));
  }
  return s3_xml("DeleteResult", result);
}

}  // namespace tollgate::sandbox
