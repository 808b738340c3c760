// A small S3, path style: what Terraform's S3 backend (with its lock file), the AWS CLI's `s3` commands and the basic
// `s3api` calls need. Not there: versions, tags, ACLs, virtual-host addresses, lifecycle, encryption (it is echoed, not
// done). One call at a time: the caller holds the world's lock.
//
// Source of the rules: Amazon S3 API Reference, per operation; "Actions defined by Amazon S3" for the permissions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/server.h"
#include "sandbox/authorize.h"
#include "sandbox/call.h"
#include "sandbox/object_store.h"

namespace tollgate::sandbox {

// A request, taken apart. `call` is filled with the caller once the signature was checked.
struct S3Call {
  Call call;  // action = the operation's name, PutObject; parameters = the query string
  std::string method;
  std::string bucket;     // decoded; empty: the service itself
  std::string name;       // the object's key, decoded; empty: the bucket itself
  http::Headers headers;  // as sent, and the trailers of a streamed body
  std::string body;       // with aws-chunked coding undone

  // The first of that name, in any case; "" if there is none.
  std::string_view header(std::string_view header_name) const;
  bool has(std::string_view parameter) const { return call.find(parameter) != nullptr; }
};

// What a request is about, before anybody looks at its signature. The operation is "" where S3 has it and this S3 does
// not. The body is taken as it is.
S3Call read_s3(const http::Request& request);

struct S3Answer {
  Answer outcome;           // its `result` is XML that goes into an <Error> beside Code and Message
  http::Response response;  // of a success; failures are worded by s3_response
};

S3Answer handle_s3(World& world, ObjectStore& objects, const S3Call& call);

// The response with the headers that all of S3's have; an error in S3's form.
http::Response s3_response(const S3Call& call, S3Answer answer);

// ---- Shared between the operations (s3_objects.cpp, s3_buckets.cpp, s3_multipart.cpp) ----

S3Answer s3_refuse(int status, std::string_view code, std::string message, std::string extra = "");
S3Answer s3_xml(std::string_view root, std::string_view inner);  // 200 with the S3 namespace

// nullopt where the caller's policies and the bucket's allow it.
std::optional<S3Answer> s3_authorize(const World& world, const S3Call& call, const Bucket& bucket,
                                     std::string_view action, std::string_view resource, const ContextKeys& extra = {});
std::string bucket_arn(std::string_view bucket);
std::string object_arn(std::string_view bucket, std::string_view name);

// Compares Content-MD5 and x-amz-checksum-* with the body. nullopt: all agree, or none was sent.
std::optional<S3Answer> check_digests(const S3Call& call);
// The headers of a request that are kept with an object, names in lower case.
std::map<std::string, std::string> kept_headers(const S3Call& call);
std::string quoted(std::string_view etag);
// 2026-01-02T03:04:05.000Z, as S3 writes times into XML.
std::string s3_time(TimePoint time);

using S3Handler = S3Answer (*)(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer list_buckets(World& world, const S3Call& call);
S3Answer create_bucket(World& world, const S3Call& call);
S3Answer head_bucket(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer delete_bucket(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer get_bucket_location(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer get_bucket_versioning(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer list_objects(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer get_object(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer put_object(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer copy_object(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer delete_object(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer delete_objects(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer create_multipart_upload(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer upload_part(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer complete_multipart_upload(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer abort_multipart_upload(World&, ObjectStore&, const S3Call&, const Bucket&);
S3Answer list_parts(World&, ObjectStore&, const S3Call&, const Bucket&);

// If-Match and If-None-Match of a write: 412 where they do not hold (and 404 NoSuchKey for If-Match on nothing).
std::optional<S3Answer> check_write_conditions(const World& world, const S3Call& call);
// Puts an object in place of whatever bears its name.
void replace_object(World& world, ObjectStore& objects, Object object);

}  // namespace tollgate::sandbox
