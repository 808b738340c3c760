// Uploads in parts, which the AWS CLI makes from 8 MB on.
#include <algorithm>

#include "aws/xml.h"
#include "common/base/encoding.h"
#include "sandbox/checksum.h"
#include "sandbox/s3.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::uint64_t kLeastPart = 5 << 20;
constexpr std::int64_t kMostParts = 10000;

const Upload* find_upload(const World& world, const S3Call& call) {
  const Upload* upload = world.uploads.find(std::string(call.call.text("uploadId")));
  const bool same = upload != nullptr && upload->bucket == call.bucket && upload->name == call.name;
  return same ? upload : nullptr;
}

S3Answer no_such_upload() {
  return s3_refuse(404, "NoSuchUpload",
                   "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
                   "aborted or completed.");
}

std::int64_t part_number(std::string_view text) {
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > kMostParts) return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string_view unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
  return etag;
}

// The parts that the client names, checked; in their order.
struct Selection {
  std::optional<S3Answer> fault;
  std::vector<const Upload::Part*> parts;
};

Selection select_parts(const Upload& upload, const aws::XmlElement& request) {
  Selection selection;
  std::int64_t last = 0;
  for (const aws::XmlElement& item : request.children) {
    if (item.name != "Part") continue;
    const std::int64_t number = part_number(item.text_of("PartNumber"));
    const auto found = upload.parts.find(number);
    if (found == upload.parts.end() || unquoted(item.text_of("ETag")) != found->second.etag) {
      selection.fault = s3_refuse(400, "InvalidPart",
                                  "One or more of the specified parts could not be found.  The part may not have been "
                                  "uploaded, or the specified entity tag may not match the part's entity tag.");
      return selection;
    }
    if (number <= last) {
      selection.fault =
          s3_refuse(400, "InvalidPartOrder",
                    "The list of parts was not in ascending order. Parts must be ordered by part number.");
      return selection;
    }
    last = number;
    selection.parts.push_back(&found->second);
  }
  for (std::size_t i = 0; i + 1 < selection.parts.size(); ++i) {
    if (selection.parts[i]->size < kLeastPart) {
      selection.fault =
          s3_refuse(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
      return selection;
    }
  }
  if (selection.parts.empty()) {
    selection.fault =
        s3_refuse(400, "MalformedXML",
                  "The XML you provided was not well-formed or did not validate against our published schema");
  }
  return selection;
}

void forget_upload(World& world, ObjectStore& objects, const Upload& upload) {
  for (const auto& [number, part] : upload.parts)
    objects.remove(part.body);
  world.uploads.erase(std::string(upload.id));
}

}  // namespace

S3Answer create_multipart_upload(World& world, ObjectStore&, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:PutObject", object_arn(bucket.name, call.name)))
    return *refused;
  Upload upload;
  upload.id = hex_encode(call.call.random->bytes(24));
  upload.bucket = bucket.name;
  upload.name = call.name;
  upload.headers = kept_headers(call);
  upload.created = call.call.now;
  S3Answer answer = s3_xml("InitiateMultipartUploadResult",
                           element("Bucket", bucket.name) + element("Key", call.name) + element("UploadId", upload.id));
  world.uploads.put(std::move(upload));
  return answer;
}

S3Answer upload_part(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:PutObject", object_arn(bucket.name, call.name)))
    return *refused;
  const Upload* present = find_upload(world, call);
  if (present == nullptr) return no_such_upload();
  const std::int64_t number = part_number(call.call.text("partNumber"));
  if (number < 1 || number > kMostParts) {
    return s3_refuse(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  }
  if (auto refused = check_digests(call)) return *refused;
  Upload upload = *present;
  if (const auto before = upload.parts.find(number); before != upload.parts.end()) objects.remove(before->second.body);
  Upload::Part part;
  part.size = call.body.size();
  part.etag = hex_encode(md5(call.body));
  part.body = objects.put(call.body);
  S3Answer answer;
  answer.response.headers.emplace_back("ETag", quoted(part.etag));
  for (const auto& [name, value] : kept_headers(call)) {
    if (name.compare(0, 15, "x-amz-checksum-") == 0) answer.response.headers.emplace_back(name, value);
  }
  upload.parts[number] = std::move(part);
  world.uploads.put(std::move(upload));
  return answer;
}

S3Answer complete_multipart_upload(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:PutObject", object_arn(bucket.name, call.name)))
    return *refused;
  const Upload* upload = find_upload(world, call);
  if (upload == nullptr) return no_such_upload();
  const auto request = aws::parse_xml(call.body);
  if (!request) {
    return s3_refuse(400, "MalformedXML",
                     "The XML you provided was not well-formed or did not validate against our published schema");
  }
  const Selection selection = select_parts(*upload, *request);
  if (selection.fault) return *selection.fault;
  if (auto refused = check_write_conditions(world, call)) return *refused;
  std::string bytes;
  std::string digests;
  for (const Upload::Part* part : selection.parts) {
    const auto piece = objects.get(part->body);
    if (!piece) return s3_refuse(500, "InternalError", "We encountered an internal error. Please try again.");
    bytes += *piece;
    digests += md5(*piece);
  }
  Object object;
  object.bucket = bucket.name;
  object.name = call.name;
  object.size = bytes.size();
  object.etag = fmt::format("{}-{}", hex_encode(md5(digests)), selection.parts.size());
  object.modified = call.call.now;
  object.headers = upload->headers;
  object.body = objects.put(bytes);
  const std::string result = element("Location", "/" + bucket.name + "/" + call.name) + element("Bucket", bucket.name) +
                             element("Key", call.name) + element("ETag", quoted(object.etag));
  forget_upload(world, objects, *upload);
  replace_object(world, objects, std::move(object));
  return s3_xml("CompleteMultipartUploadResult", result);
}

S3Answer abort_multipart_upload(World& world, ObjectStore& objects, const S3Call& call, const Bucket& bucket) {
  const std::string arn = object_arn(bucket.name, call.name);
  if (auto refused = s3_authorize(world, call, bucket, "s3:AbortMultipartUpload", arn)) return *refused;
  const Upload* upload = find_upload(world, call);
  if (upload == nullptr) return no_such_upload();
  forget_upload(world, objects, *upload);
  S3Answer answer;
  answer.response.status = 204;
  return answer;
}

S3Answer list_parts(World& world, ObjectStore&, const S3Call& call, const Bucket& bucket) {
  const std::string arn = object_arn(bucket.name, call.name);
  if (auto refused = s3_authorize(world, call, bucket, "s3:ListMultipartUploadParts", arn)) return *refused;
  const Upload* upload = find_upload(world, call);
  if (upload == nullptr) return no_such_upload();
  std::string parts = element("Bucket", bucket.name) + element("Key", call.name) + element("UploadId", upload->id) +
                      element("IsTruncated", "false");
  for (const auto& [number, part] : upload->parts) {
    parts += enclose("Part", element("PartNumber", std::to_string(number)) + element("ETag", quoted(part.etag)) +
                                 element("Size", std::to_string(part.size)));
  }
  return s3_xml("ListPartsResult", parts);
}

}  // namespace tollgate::sandbox
