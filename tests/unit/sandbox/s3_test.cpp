#include "sandbox/s3.h"

#include <gtest/gtest.h>

#include "aws/xml.h"
#include "common/base/encoding.h"
#include "sandbox/checksum.h"
#include "tests/unit/sandbox/sandbox_world.h"

namespace tollgate::sandbox {
namespace {

class S3 : public ::testing::Test {
 protected:
  test::SandboxWorld sandbox_;
  MemoryObjects objects_;
  Principal deploy_ = sandbox_.role_session(test::kDeploy);

  http::Response send(const std::string& method, const std::string& target, http::Headers headers = {},
                      std::string body = "") {
    return send_as(deploy_, method, target, std::move(headers), std::move(body));
  }
  http::Response send_as(const Principal& caller, const std::string& method, const std::string& target,
                         http::Headers headers = {}, std::string body = "") {
    http::Request request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    request.body = std::move(body);
    S3Call call = read_s3(request);
    call.call.principal = caller;
    call.call.region = "eu-central-1";
    call.call.now = sandbox_.clock.now();
    call.call.random = &sandbox_.random;
    call.call.request_id = "id";
    return s3_response(call, handle_s3(sandbox_.world, objects_, call));
  }
  static std::string code(const http::Response& response) { return test::element_text(response.body, "Code"); }
  static std::string header(const http::Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  static std::vector<std::string> texts(const http::Response& response, const char* parent, const char* child) {
    std::vector<std::string> found;
    const auto xml = aws::parse_xml(response.body);
    if (!xml) return {"not XML"};
    for (const auto& element : xml->children) {
      if (element.name == parent) found.emplace_back(element.text_of(child));
    }
    return found;
  }
  void put(const std::string& name, const std::string& body = "x") {
    ASSERT_EQ(send("PUT", "/tollgate-state/" + percent_encode(name, "/"), {}, body).status, 200) << name;
  }
};

TEST_F(S3, RequestsNameTheirOperation) {
  struct Case {
    const char* method;
    const char* target;
    http::Headers headers;
    const char* operation;
  };
  for (const auto& c : std::vector<Case>{
           {"GET", "/", {}, "ListBuckets"},
           {"GET", "/b", {}, "ListObjects"},
           {"GET", "/b/", {}, "ListObjects"},
           {"GET", "/b?list-type=2&prefix=env%3A%2F", {}, "ListObjectsV2"},
           {"GET", "/b?location", {}, "GetBucketLocation"},
           {"GET", "/b?versioning", {}, "GetBucketVersioning"},
           {"GET", "/b?acl", {}, ""},
           {"HEAD", "/b", {}, "HeadBucket"},
           {"PUT", "/b", {}, "CreateBucket"},
           {"DELETE", "/b", {}, "DeleteBucket"},
           {"POST", "/b?delete", {}, "DeleteObjects"},
           {"POST", "/b", {}, ""},
           {"GET", "/b/k", {}, "GetObject"},
           {"GET", "/b/k?tagging", {}, ""},
           {"HEAD", "/b/k", {}, "HeadObject"},
           {"PUT", "/b/k", {}, "PutObject"},
           {"PUT", "/b/k", {{"X-Amz-Copy-Source", "/a/b"}}, "CopyObject"},
           {"DELETE", "/b/k", {}, "DeleteObject"},
           {"POST", "/b/k?uploads", {}, "CreateMultipartUpload"},
           {"PUT", "/b/k?partNumber=1&uploadId=x", {}, "UploadPart"},
           {"POST", "/b/k?uploadId=x", {}, "CompleteMultipartUpload"},
           {"DELETE", "/b/k?uploadId=x", {}, "AbortMultipartUpload"},
           {"GET", "/b/k?uploadId=x", {}, "ListParts"},
           {"PATCH", "/b/k", {}, ""},
           {"GET", "/%zz", {}, ""},
       }) {
    http::Request request;
    request.method = c.method;
    request.target = c.target;
    request.headers = c.headers;
    EXPECT_EQ(read_s3(request).call.action, c.operation) << c.method << " " << c.target;
  }
}

TEST_F(S3, KeysAreDecodedOnceAndPlusStaysPlus) {
  http::Request request;
  request.method = "GET";
  request.target = "/b/a%20b+c%2525/d%C3%BC";
  EXPECT_EQ(read_s3(request).name, "a b+c%25/d\xc3\xbc");
}

TEST_F(S3, PutsGetsAndDeletes) {
  const auto written =
      send("PUT", "/tollgate-state/a/b.txt", {{"Content-Type", "text/plain"}, {"x-amz-meta-who", "ana"}}, "hello");
  EXPECT_EQ(written.status, 200);
  EXPECT_EQ(header(written, "ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  const auto read = send("GET", "/tollgate-state/a/b.txt");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, "hello");
  EXPECT_EQ(header(read, "content-type"), "text/plain");
  EXPECT_EQ(header(read, "x-amz-meta-who"), "ana");
  EXPECT_EQ(header(read, "Last-Modified"), format_http_date(sandbox_.clock.now()));
  const auto head = send("HEAD", "/tollgate-state/a/b.txt");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(header(head, "Content-Length"), "5");
  EXPECT_EQ(send("DELETE", "/tollgate-state/a/b.txt").status, 204);
  EXPECT_EQ(send("DELETE", "/tollgate-state/a/b.txt").status, 204);
  EXPECT_EQ(code(send("GET", "/tollgate-state/a/b.txt")), "NoSuchKey");
  EXPECT_EQ(send("HEAD", "/tollgate-state/a/b.txt").status, 404);
}

TEST_F(S3, OverwritingLeavesNoBytesBehind) {
  put("a", "one");
  const std::string before = sandbox_.world.objects.find("tollgate-state/a")->body;
  put("a", "two");
  EXPECT_FALSE(objects_.get(before));
  EXPECT_EQ(send("GET", "/tollgate-state/a").body, "two");
}

TEST_F(S3, ALockFileIsWrittenOnlyOnce) {
  EXPECT_EQ(send("PUT", "/tollgate-state/x.tflock", {{"If-None-Match", "*"}}, "one").status, 200);
  const auto second = send("PUT", "/tollgate-state/x.tflock", {{"If-None-Match", "*"}}, "two");
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(code(second), "PreconditionFailed");
  EXPECT_EQ(test::element_text(second.body, "Message"),
            "At least one of the pre-conditions you specified did not hold");
  EXPECT_EQ(send("GET", "/tollgate-state/x.tflock").body, "one");
  const std::string etag = header(send("HEAD", "/tollgate-state/x.tflock"), "ETag");
  EXPECT_EQ(send("PUT", "/tollgate-state/x.tflock", {{"If-Match", "\"no\""}}, "two").status, 412);
  EXPECT_EQ(send("PUT", "/tollgate-state/x.tflock", {{"If-Match", etag}}, "two").status, 200);
  EXPECT_EQ(send("PUT", "/tollgate-state/none", {{"If-Match", etag}}, "two").status, 404);
}

TEST_F(S3, Ranges) {
  put("r", "0123456789");
  struct Case {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
  };
  for (const auto& c : std::vector<Case>{
           {"bytes=0-3", 206, "0123", "bytes 0-3/10"},
           {"bytes=8-", 206, "89", "bytes 8-9/10"},
           {"bytes=-3", 206, "789", "bytes 7-9/10"},
           {"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
           {"bytes=5-99", 206, "56789", "bytes 5-9/10"},
           {"bytes=5-4", 200, "0123456789", ""},
           {"bytes=0-1,3-4", 200, "0123456789", ""},
           {"lines=1-2", 200, "0123456789", ""},
       }) {
    const auto response = send("GET", "/tollgate-state/r", {{"Range", c.range}});
    EXPECT_EQ(response.status, c.status) << c.range;
    EXPECT_EQ(response.body, c.body) << c.range;
    EXPECT_EQ(header(response, "Content-Range"), c.content_range) << c.range;
  }
  EXPECT_EQ(code(send("GET", "/tollgate-state/r", {{"Range", "bytes=10-"}})), "InvalidRange");
  put("empty", "");
  EXPECT_EQ(send("GET", "/tollgate-state/empty", {{"Range", "bytes=0-0"}}).status, 416);
}

TEST_F(S3, ReadConditions) {
  put("c", "x");
  const std::string etag = header(send("HEAD", "/tollgate-state/c"), "ETag");
  const std::string now = format_http_date(sandbox_.clock.now());
  const std::string before = format_http_date(sandbox_.clock.now() - std::chrono::hours(1));
  EXPECT_EQ(send("GET", "/tollgate-state/c", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(send("GET", "/tollgate-state/c", {{"If-None-Match", "\"no\", W/" + etag}}).status, 304);
  EXPECT_EQ(send("GET", "/tollgate-state/c", {{"If-None-Match", "\"no\""}}).status, 200);
  EXPECT_EQ(send("GET", "/tollgate-state/c", {{"If-Match", "\"no\""}}).status, 412);
  EXPECT_EQ(send("GET", "/tollgate-state/c", {{"If-Modified-Since", now}}).status, 304);
  EXPECT_EQ(send("GET", "/tollgate-state/c", {{"If-Modified-Since", before}}).status, 200);
  EXPECT_EQ(send("GET", "/tollgate-state/c", {{"If-Unmodified-Since", before}}).status, 412);
}

TEST_F(S3, ListsByPrefixAndDelimiter) {
  for (const char* name : {"a/1", "a/2", "a/b/3", "b", "env:/x/state", "z/1"})
    put(name);
  const auto all = send("GET", "/tollgate-state?list-type=2");
  EXPECT_EQ(texts(all, "Contents", "Key"),
            (std::vector<std::string>{"a/1", "a/2", "a/b/3", "b", "env:/x/state", "z/1"}));
  const auto top = send("GET", "/tollgate-state?list-type=2&delimiter=%2F");
  EXPECT_EQ(texts(top, "Contents", "Key"), std::vector<std::string>{"b"});
  EXPECT_EQ(texts(top, "CommonPrefixes", "Prefix"), (std::vector<std::string>{"a/", "env:/", "z/"}));
  EXPECT_EQ(test::element_text(top.body, "KeyCount"), "4");
  const auto below = send("GET", "/tollgate-state?list-type=2&delimiter=/&prefix=a/");
  EXPECT_EQ(texts(below, "Contents", "Key"), (std::vector<std::string>{"a/1", "a/2"}));
  EXPECT_EQ(texts(below, "CommonPrefixes", "Prefix"), std::vector<std::string>{"a/b/"});
  EXPECT_EQ(texts(send("GET", "/tollgate-state?list-type=2&max-keys=1000&prefix=env:/"), "Contents", "Key"),
            std::vector<std::string>{"env:/x/state"});
  EXPECT_EQ(texts(send("GET", "/tollgate-state?list-type=2&prefix=nope"), "Contents", "Key").size(), 0U);
}

TEST_F(S3, PagesCoverEverythingOnce) {
  for (const char* name : {"a/1", "a/2", "b", "c/1", "c/2", "d"})
    put(name);
  for (const char* delimiter : {"", "/"}) {
    const std::string base = std::string("/tollgate-state?list-type=2&max-keys=1&delimiter=") + delimiter;
    std::vector<std::string> seen;
    std::string target = base;
    for (int page = 0; page < 10; ++page) {
      const auto response = send("GET", target);
      for (const auto& key : texts(response, "Contents", "Key"))
        seen.push_back(key);
      for (const auto& prefix : texts(response, "CommonPrefixes", "Prefix"))
        seen.push_back(prefix);
      if (test::element_text(response.body, "IsTruncated") == "false") break;
      target =
          base + "&continuation-token=" + percent_encode(test::element_text(response.body, "NextContinuationToken"));
    }
    EXPECT_EQ(seen, *delimiter == '\0' ? (std::vector<std::string>{"a/1", "a/2", "b", "c/1", "c/2", "d"})
                                       : (std::vector<std::string>{"a/", "b", "c/", "d"}));
  }
  EXPECT_EQ(texts(send("GET", "/tollgate-state?marker=b"), "Contents", "Key"),
            (std::vector<std::string>{"c/1", "c/2", "d"}));
  EXPECT_EQ(code(send("GET", "/tollgate-state?list-type=2&max-keys=x")), "InvalidArgument");
  EXPECT_EQ(texts(send("GET", "/tollgate-state?list-type=2&max-keys=0"), "Contents", "Key").size(), 0U);
}

TEST_F(S3, DigestsAreCompared) {
  const std::string body = "hello";
  EXPECT_EQ(send("PUT", "/tollgate-state/d", {{"Content-MD5", base64_encode(md5(body))}}, body).status, 200);
  EXPECT_EQ(code(send("PUT", "/tollgate-state/d", {{"Content-MD5", base64_encode(md5("x"))}}, body)), "BadDigest");
  EXPECT_EQ(code(send("PUT", "/tollgate-state/d", {{"Content-MD5", "?"}}, body)), "InvalidDigest");
  const std::string crc = base64_encode(crc32(body));
  const auto written = send("PUT", "/tollgate-state/d", {{"x-amz-checksum-crc32", crc}}, body);
  EXPECT_EQ(header(written, "x-amz-checksum-crc32"), crc);
  EXPECT_EQ(header(send("GET", "/tollgate-state/d", {{"x-amz-checksum-mode", "ENABLED"}}), "x-amz-checksum-crc32"),
            crc);
  EXPECT_EQ(header(send("GET", "/tollgate-state/d"), "x-amz-checksum-crc32"), "");
  EXPECT_EQ(code(send("PUT", "/tollgate-state/d", {{"x-amz-checksum-crc32", crc}}, "other")), "BadDigest");
}

TEST_F(S3, ChunkedCodingIsNotKept) {
  send("PUT", "/tollgate-state/e", {{"Content-Encoding", "aws-chunked"}}, "x");
  EXPECT_EQ(header(send("GET", "/tollgate-state/e"), "content-encoding"), "");
  send("PUT", "/tollgate-state/e", {{"Content-Encoding", "aws-chunked, gzip"}}, "x");
  EXPECT_EQ(header(send("GET", "/tollgate-state/e"), "content-encoding"), "gzip");
}

TEST_F(S3, UploadsInParts) {
  const auto begun = send("POST", "/tollgate-state/big?uploads", {{"Content-Type", "text/x"}});
  const std::string id = test::element_text(begun.body, "UploadId");
  ASSERT_FALSE(id.empty());
  const std::string first(5 << 20, 'a');
  const std::string etag1 = header(send("PUT", "/tollgate-state/big?partNumber=1&uploadId=" + id, {}, first), "ETag");
  const std::string etag2 = header(send("PUT", "/tollgate-state/big?partNumber=2&uploadId=" + id, {}, "end"), "ETag");
  EXPECT_EQ(send("GET", "/tollgate-state/big").status, 404);
  const auto part = [](const std::string& number, const std::string& etag) {
    return "<Part><PartNumber>" + number + "</PartNumber><ETag>" + etag + "</ETag></Part>";
  };
  const auto complete = [&](const std::string& parts) {
    return send("POST", "/tollgate-state/big?uploadId=" + id, {},
                "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>");
  };
  EXPECT_EQ(code(complete(part("3", etag1))), "InvalidPart");
  EXPECT_EQ(code(complete(part("1", etag2))), "InvalidPart");
  EXPECT_EQ(code(complete(part("2", etag2) + part("1", etag1))), "InvalidPartOrder");
  EXPECT_EQ(code(complete("")), "MalformedXML");
  const auto done = complete(part("1", etag1) + part("2", etag2));
  EXPECT_EQ(done.status, 200);
  const auto read = send("GET", "/tollgate-state/big");
  EXPECT_EQ(read.body, first + "end");
  EXPECT_EQ(header(read, "content-type"), "text/x");
  EXPECT_EQ(header(read, "ETag").substr(33), "-2\"");
  EXPECT_EQ(code(complete(part("1", etag1))), "NoSuchUpload");
  const std::string other = test::element_text(send("POST", "/tollgate-state/big?uploads").body, "UploadId");
  EXPECT_EQ(send("DELETE", "/tollgate-state/big?uploadId=" + other).status, 204);
  EXPECT_EQ(code(send("PUT", "/tollgate-state/big?partNumber=1&uploadId=" + other, {}, "x")), "NoSuchUpload");
}

TEST_F(S3, CopiesAndDeletesSeveral) {
  put("a b", "one");
  const auto copied = send("PUT", "/tollgate-state/copy", {{"x-amz-copy-source", "tollgate-state/a%20b"}});
  EXPECT_EQ(copied.status, 200);
  EXPECT_EQ(send("GET", "/tollgate-state/copy").body, "one");
  EXPECT_EQ(code(send("PUT", "/tollgate-state/copy", {{"x-amz-copy-source", "tollgate-state/none"}})), "NoSuchKey");
  const auto deleted = send("POST", "/tollgate-state?delete", {},
                            "<Delete><Object><Key>a b</Key></Object><Object><Key>none</Key></Object></Delete>");
  EXPECT_EQ(texts(deleted, "Deleted", "Key"), (std::vector<std::string>{"a b", "none"}));
  EXPECT_EQ(code(send("POST", "/tollgate-state?delete", {}, "<x")), "MalformedXML");
}

TEST_F(S3, PoliciesDecide) {
  const Principal reader = sandbox_.role_session(test::kReadOnly);
  put("a", "x");
  EXPECT_EQ(send_as(reader, "GET", "/tollgate-state/a").status, 200);
  const auto refused = send_as(reader, "PUT", "/tollgate-state/a");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(test::element_text(refused.body, "Message"),
            "User: arn:aws:sts::222222222222:assumed-role/read-only/work is not authorized to perform: s3:PutObject on "
            "resource: &quot;arn:aws:s3:::tollgate-state/a&quot; because no identity-based policy allows the "
            "s3:PutObject action");
  EXPECT_EQ(send_as(reader, "DELETE", "/tollgate-state/a").status, 403);
  EXPECT_EQ(code(send_as(reader, "GET", "/tollgate-nothing/a")), "NoSuchBucket");
}

TEST_F(S3, WhoMayNotListDoesNotLearnWhatIsMissing) {
  Role role = *sandbox_.world.role_by_arn(test::kReadOnly);
  role.policies = {{"get", R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})"}};
  sandbox_.world.roles.put(role);
  const Principal reader = sandbox_.role_session(test::kReadOnly);
  EXPECT_EQ(send_as(reader, "GET", "/tollgate-state/none").status, 403);
  EXPECT_EQ(send("GET", "/tollgate-state/none").status, 404);
}

TEST_F(S3, ABucketPolicyCanOpenABucketToAnotherAccount) {
  put("a", "x");
  const Principal bob = sandbox_.user("bob");
  EXPECT_EQ(send_as(bob, "GET", "/tollgate-state/a").status, 403);
  Bucket bucket = *sandbox_.world.buckets.find("tollgate-state");
  bucket.policy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"s3:GetObject",
    "Resource":"arn:aws:s3:::tollgate-state/*"}]})";
  sandbox_.world.buckets.put(bucket);
  EXPECT_EQ(send_as(bob, "GET", "/tollgate-state/a").status, 200);
}

TEST_F(S3, BucketsComeAndGo) {
  const Principal root = sandbox_.root("222222222222");
  EXPECT_EQ(send_as(root, "PUT", "/new-bucket").status, 200);
  EXPECT_EQ(code(send_as(root, "PUT", "/new-bucket")), "BucketAlreadyOwnedByYou");
  EXPECT_EQ(code(send_as(sandbox_.root("111111111111"), "PUT", "/new-bucket")), "BucketAlreadyExists");
  EXPECT_EQ(code(send_as(root, "PUT", "/Bad_Name")), "InvalidBucketName");
  EXPECT_EQ(send_as(root, "PUT", "/new-bucket/x", {}, "x").status, 200);
  EXPECT_EQ(code(send_as(root, "DELETE", "/new-bucket")), "BucketNotEmpty");
  EXPECT_EQ(send_as(root, "DELETE", "/new-bucket/x").status, 204);
  EXPECT_EQ(send_as(root, "DELETE", "/new-bucket").status, 204);
  EXPECT_EQ(send_as(root, "HEAD", "/new-bucket").status, 404);
  EXPECT_EQ(texts(send_as(root, "GET", "/"), "Buckets", "Bucket").size(), 1U);
  EXPECT_EQ(test::element_text(send("GET", "/tollgate-state?location").body, "Code"), "");
  EXPECT_NE(send("GET", "/tollgate-state?location").body.find(">eu-central-1</LocationConstraint>"), std::string::npos);
}

TEST_F(S3, WhatIsMissingIsSaid) {
  EXPECT_EQ(send("GET", "/tollgate-state?acl").status, 501);
  EXPECT_EQ(code(send("GET", "/tollgate-state?acl")), "NotImplemented");
}

}  // namespace
}  // namespace tollgate::sandbox
