// botocore's cases for answers of the Query protocol: a case's shapes are followed through the tree that parse_xml
// gives, and errors through parse_error_answer.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "aws/aws_error.h"
#include "aws/xml.h"
#include "common/base/encoding.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

const std::string& text_at(const json::Value& value, std::string_view key) {
  return *value.find(key)->if_string();
}

std::string name_or(const json::Value& reference, std::string otherwise) {
  const json::Value* name = reference.find("locationName");
  return name == nullptr ? otherwise : *name->if_string();
}

class ShapeReader {
 public:
  explicit ShapeReader(const json::Value& shapes) : shapes_(shapes) {}

  json::Value structure(const json::Value& shape, const XmlElement& element) {
    json::Value result = json::Value::object();
    for (const auto& [name, reference] : *shape.find("members")->if_object()) {
      const json::Value& member = shape_of(reference);
      const std::string type = text_at(member, "type");
      const bool flattened = reference.find("flattened") != nullptr || member.find("flattened") != nullptr;
      std::string wire = name_or(reference, name);
      if (flattened && type == "list") wire = name_or(reference, name_or(*member.find("member"), name));
      if (flattened && element.find(wire) == nullptr) wire = name_or(reference, name);
      if (element.find(wire) == nullptr) continue;
      if (flattened)
        result.set(name, items(member, type, element, wire));
      else
        result.set(name, value(member, *element.find(wire)));
    }
    return result;
  }

 private:
  const json::Value& shape_of(const json::Value& reference) { return *shapes_.find(text_at(reference, "shape")); }

  // The children of that name, as list or map.
  json::Value items(const json::Value& shape, const std::string& type, const XmlElement& element,
                    const std::string& wire) {
    json::Value result = type == "list" ? json::Value::array() : json::Value::object();
    for (const auto& child : element.children) {
      if (child.name != wire) continue;
      if (type == "list") {
        result.push(value(shape_of(*shape.find("member")), child));
      } else {
        const json::Value& key = *shape.find("key");
        const json::Value& content = *shape.find("value");
        result.set(std::string(child.text_of(name_or(key, "key"))),
                   value(shape_of(content), *child.find(name_or(content, "value"))));
      }
    }
    return result;
  }

  json::Value value(const json::Value& shape, const XmlElement& element) {
    const std::string type = text_at(shape, "type");
    if (type == "structure") return structure(shape, element);
    if (type == "list") return items(shape, type, element, name_or(*shape.find("member"), "member"));
    if (type == "map") return items(shape, type, element, "entry");
    if (type == "boolean") return element.text == "true";
    if (type == "blob") return base64_decode(element.text).value_or("?");
    if (type == "timestamp") return timestamp(element.text);
    if (type != "string" && json::parse(element.text)) return *json::parse(element.text);
    return element.text;
  }

  static json::Value timestamp(const std::string& text) {
    if (const auto number = json::parse(text); number && number->if_integer()) return *number;
    auto time = parse_iso8601(text);
    if (!time) time = parse_http_date(text);
    if (!time) return "?";
    const auto milliseconds = time->time_since_epoch().count();
    if (milliseconds % 1000 == 0) return std::int64_t{milliseconds / 1000};
    return static_cast<double>(milliseconds) / 1000;
  }

  const json::Value& shapes_;
};

bool same(const json::Value& a, const json::Value& b) {
  if (a.is_object() && b.is_object()) {
    if (a.if_object()->size() != b.if_object()->size()) return false;
    for (const auto& [name, value] : *a.if_object()) {
      if (b.find(name) == nullptr || !same(value, *b.find(name))) return false;
    }
    return true;
  }
  return a == b;
}

TEST(QueryOutputReferee, ReadsTheCasesOfBotocore) {
  TG_SKIP_WITHOUT_REFEREE("botocore/query-protocol-output.json");
  const auto suites = *test::read_referee_json("botocore/query-protocol-output.json");
  int cases = 0;
  int agreeing = 0;
  std::vector<std::pair<std::string, std::string>> deviations;
  for (const auto& suite : *suites.if_array()) {
    for (const auto& one : *suite.find("cases")->if_array()) {
      ++cases;
      const std::string id = text_at(one, "id");
      const json::Value& wire = *one.find("response");
      net::Response response;
      response.status = static_cast<int>(*wire.find("status_code")->if_integer());
      if (wire.find("body") != nullptr) response.body = text_at(wire, "body");
      bool agrees = false;
      std::string got;
      if (one.find("errorCode") != nullptr) {
        const ErrorAnswer answer = parse_error_answer(response);
        const json::Value* message = one.find("errorMessage");
        got = answer.code + ": " + answer.message;
        agrees = answer.code == text_at(one, "errorCode") && answer.request_id == "foo-id" &&
                 (message == nullptr || !message->is_string() || answer.message == *message->if_string());
      } else {
        const json::Value* output = one.find("given")->find("output");
        json::Value made = json::Value::object();
        if (output != nullptr && !response.body.empty()) {
          const auto root = parse_xml(response.body);
          ASSERT_TRUE(root) << id << ": " << root.error().message;
          const XmlElement* result = root->find(text_at(*one.find("given"), "name") + "Result");
          ASSERT_NE(result, nullptr) << id;
          const json::Value& shapes = *suite.find("shapes");
          made = ShapeReader(shapes).structure(*shapes.find(text_at(*output, "shape")), *result);
        }
        got = json::to_text(made);
        agrees = same(made, *one.find("result"));
      }
      EXPECT_TRUE(agrees) << id << ": " << got;
      if (agrees)
        ++agreeing;
      else
        deviations.emplace_back(id, got);
    }
  }
  EXPECT_EQ(cases, 38);
  test::record_agreement("query-protocol-output", cases, agreeing, deviations);
}

}  // namespace
}  // namespace tollgate::aws
