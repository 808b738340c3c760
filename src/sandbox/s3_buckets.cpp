// Buckets, and the listing of what is in them.
#include <algorithm>

#include "aws/xml.h"
#include "common/base/encoding.h"
#include "sandbox/s3.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kMostKeys = 1000;

struct Listing {
  std::string prefix;
  std::string delimiter;
  std::string after;  // keys beyond this one
  std::size_t most = kMostKeys;
  bool url_encoded = false;

  std::vector<const Object*> objects;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string last;  // the last key or common prefix that is in the listing
};

void collect(const World& world, const std::string& bucket, Listing& listing) {
  const auto& all = world.objects.all();
  const std::string begin = bucket + "/" + std::max(listing.prefix, listing.after);
  for (auto it = all.lower_bound(begin); it != all.end(); ++it) {
    const Object& object = it->second;
    if (object.bucket != bucket || object.name.compare(0, listing.prefix.size(), listing.prefix) != 0) break;
    if (!listing.after.empty() && object.name <= listing.after) continue;
    std::string group;
    if (!listing.delimiter.empty()) {
      const std::size_t end = object.name.find(listing.delimiter, listing.prefix.size());
      if (end != std::string::npos) group = object.name.substr(0, end + listing.delimiter.size());
    }
    // The page before may have ended with this very group.
    if (!group.empty() && (group == listing.last || group == listing.after)) continue;
    if (listing.objects.size() + listing.common_prefixes.size() == listing.most) {
      listing.truncated = true;
      return;
    }
    if (group.empty()) {
      listing.objects.push_back(&object);
      listing.last = object.name;
    } else {
      listing.common_prefixes.push_back(group);
      listing.last = group;
    }
  }
}

std::string contents(const Listing& listing) {
  const auto shown = [&](std::string_view key) {
    return listing.url_encoded ? percent_encode(key, "/") : std::string(key);
  };
  std::string xml;
  for (const Object* object : listing.objects) {
    xml +=
        enclose("Contents", element("Key", shown(object->name)) + element("LastModified", s3_time(object->modified)) +
                                element("ETag", quoted(object->etag)) + element("Size", std::to_string(object->size)) +
                                element("StorageClass", "STANDARD"));
  }
  for (const std::string& group : listing.common_prefixes) {
    xml += enclose("CommonPrefixes", element("Prefix", shown(group)));
  }
  return xml;
}

std::optional<std::size_t> parse_most(std::string_view text) {
  if (text.empty()) return kMostKeys;
  std::size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > 1000000) return std::nullopt;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  return std::min(value, kMostKeys);
}

// 3 to 63 of a-z 0-9 . -, beginning and ending with a letter or digit (S3 User Guide, "Bucket naming rules").
bool valid_bucket_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '.' || c == '-'; });
}

}  // namespace

S3Answer list_buckets(World& world, const S3Call& call) {
  if (auto refused = authorize(world, call.call, "s3:ListAllMyBuckets", "*")) {
    S3Answer answer = s3_refuse(403, "AccessDenied", refused->message);
    answer.outcome.reason = refused->reason;
    answer.outcome.resource = "*";
    return answer;
  }
  std::string buckets;
  for (const auto& [name, bucket] : world.buckets.all()) {
    if (bucket.account != call.call.principal.account) continue;
    buckets += enclose("Bucket", element("Name", name) + element("CreationDate", s3_time(bucket.created)) +
                                     element("BucketRegion", bucket.region));
  }
  return s3_xml("ListAllMyBucketsResult",
                enclose("Owner", element("ID", call.call.principal.account)) + enclose("Buckets", buckets));
}

S3Answer create_bucket(World& world, const S3Call& call) {
  const std::string& account = call.call.principal.account;
  Bucket bucket;
  bucket.name = call.bucket;
  bucket.account = account;
  bucket.region = call.call.region;
  bucket.created = call.call.now;
  if (auto refused = s3_authorize(world, call, bucket, "s3:CreateBucket", bucket_arn(call.bucket))) return *refused;
  if (!valid_bucket_name(call.bucket)) {
    return s3_refuse(400, "InvalidBucketName", "The specified bucket is not valid.",
                     element("BucketName", call.bucket));
  }
  if (!call.body.empty()) {
    const auto xml = aws::parse_xml(call.body);
    if (!xml) {
      return s3_refuse(400, "MalformedXML",
                       "The XML you provided was not well-formed or did not validate against our published schema");
    }
    if (const std::string_view wish = xml->text_of("LocationConstraint"); !wish.empty()) bucket.region = wish;
  }
  if (const Bucket* present = world.buckets.find(call.bucket)) {
    return present->account == account
               ? s3_refuse(409, "BucketAlreadyOwnedByYou",
                           "Your previous request to create the named bucket succeeded and you already own it.")
               : s3_refuse(
                     409, "BucketAlreadyExists",
                     "The requested bucket name is not available. The bucket namespace is shared by all users of the "
                     "system. Please select a different name and try again.");
  }
  world.buckets.put(std::move(bucket));
  S3Answer answer;
  answer.response.headers.emplace_back("Location", "/" + call.bucket);
  return answer;
}

S3Answer head_bucket(World& world, ObjectStore&, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:ListBucket", bucket_arn(bucket.name))) return *refused;
  S3Answer answer;
  answer.response.headers.emplace_back("x-amz-bucket-region", bucket.region);
  answer.response.headers.emplace_back("Content-Type", "application/xml");
  return answer;
}

S3Answer delete_bucket(World& world, ObjectStore&, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:DeleteBucket", bucket_arn(bucket.name))) return *refused;
  Listing listing;
  listing.most = 1;
  collect(world, bucket.name, listing);
  if (!listing.objects.empty()) {
    return s3_refuse(409, "BucketNotEmpty", "The bucket you tried to delete is not empty",
                     element("BucketName", bucket.name));
  }
  world.buckets.erase(std::string(bucket.name));
  S3Answer answer;
  answer.response.status = 204;
  return answer;
}

S3Answer get_bucket_location(World& world, ObjectStore&, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:GetBucketLocation", bucket_arn(bucket.name)))
    return *refused;
  // us-east-1 is the empty location, for historical reasons.
  return s3_xml("LocationConstraint", bucket.region == "us-east-1" ? "" : bucket.region);
}

S3Answer get_bucket_versioning(World& world, ObjectStore&, const S3Call& call, const Bucket& bucket) {
  if (auto refused = s3_authorize(world, call, bucket, "s3:GetBucketVersioning", bucket_arn(bucket.name))) {
    return *refused;
  }
  return s3_xml("VersioningConfiguration", "");
}

S3Answer list_objects(World& world, ObjectStore&, const S3Call& call, const Bucket& bucket) {
  const bool second = call.call.action == "ListObjectsV2";
  Listing listing;
  listing.prefix = call.call.text("prefix");
  listing.delimiter = call.call.text("delimiter");
  listing.url_encoded = call.call.text("encoding-type") == "url";
  const auto most = parse_most(call.call.text("max-keys"));
  if (!most) return s3_refuse(400, "InvalidArgument", "Provided max-keys not an integer or within integer range");
  listing.most = *most;
  ContextKeys keys;
  for (const char* name : {"prefix", "delimiter", "max-keys"}) {
    if (const std::string* value = call.call.find(name)) keys[std::string("s3:") + name] = {*value};
  }
  if (auto refused = s3_authorize(world, call, bucket, "s3:ListBucket", bucket_arn(bucket.name), keys)) return *refused;
  if (second) {
    listing.after = call.call.text("start-after");
    if (const std::string* token = call.call.find("continuation-token")) {
      const auto after = base64_decode(*token);
      if (!after) return s3_refuse(400, "InvalidArgument", "The continuation token provided is incorrect");
      listing.after = *after;
    }
  } else {
    listing.after = call.call.text("marker");
  }
  if (listing.most != 0) collect(world, bucket.name, listing);
  std::string xml = element("Name", bucket.name) + element("Prefix", listing.prefix);
  if (second) {
    xml += element("KeyCount", std::to_string(listing.objects.size() + listing.common_prefixes.size()));
    if (const std::string* token = call.call.find("continuation-token")) xml += element("ContinuationToken", *token);
    if (listing.truncated) xml += element("NextContinuationToken", base64_encode(listing.last));
    if (const std::string* start = call.call.find("start-after")) xml += element("StartAfter", *start);
  } else {
    xml += element("Marker", listing.after);
    if (listing.truncated && !listing.delimiter.empty()) xml += element("NextMarker", listing.last);
  }
  xml += element("MaxKeys", std::to_string(listing.most));
  if (!listing.delimiter.empty()) xml += element("Delimiter", listing.delimiter);
  if (listing.url_encoded) xml += element("EncodingType", "url");
  xml += element("IsTruncated", listing.truncated ? "true" : "false") + contents(listing);
  S3Answer answer = s3_xml("ListBucketResult", xml);
  answer.response.headers.emplace_back("x-amz-bucket-region", bucket.region);
  return answer;
}

}  // namespace tollgate::sandbox
