#include "aws/query.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/json/value.h"
#include "tests/support/agreement.h"
#include "tests/support/referees.h"

namespace tollgate::aws {
namespace {

TEST(Query, WritesScalarsListsAndStructures) {
  QueryParameters body("AssumeRole", "2011-06-15");
  body.add("RoleArn", "arn:aws:iam::123456789012:role/x").add("DurationSeconds", std::int64_t{3600});
  body.add_list("TransitiveTagKeys", std::vector<std::string>{"a", "b c"});
  QueryParameters tag;
  tag.add("Key", "team").add("Value", "a&b=c+d");
  body.add_list("Tags", std::vector<QueryParameters>{tag});
  EXPECT_EQ(body.encode(),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx&"
            "DurationSeconds=3600&TransitiveTagKeys.member.1=a&TransitiveTagKeys.member.2=b%20c&Tags.member.1.Key=team&"
            "Tags.member.1.Value=a%26b%3Dc%2Bd");
}

TEST(Query, ReadsBackWhatItWrote) {
  const auto body = parse_query(
      "Action=AssumeRole&A=b+c%2B&Empty=&Bare&&L.member.2=two&L.member.1=one&L.member.4=four&S.member.1.Key=k&"
      "S.member.1.Value=v&S.member.2.Key=k2&L.member.01=x&L.member.x=x&L.member.=x&Lx.member.1=x&A=second");
  ASSERT_TRUE(body);
  EXPECT_EQ(*body->find("A"), "b c+");
  EXPECT_EQ(*body->find("Empty"), "");
  EXPECT_EQ(*body->find("Bare"), "");
  EXPECT_EQ(body->find("Missing"), nullptr);
  EXPECT_EQ(body->list("L"), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(body->list("S").empty());
  const auto structures = body->structures("S");
  ASSERT_EQ(structures.size(), 2U);
  EXPECT_EQ(*structures[0].find("Value"), "v");
  EXPECT_EQ(*structures[1].find("Key"), "k2");
}

TEST(Query, RefusesMalformedBodies) {
  EXPECT_FALSE(parse_query("A=%"));
  EXPECT_FALSE(parse_query("A=%4"));
  EXPECT_FALSE(parse_query("%zz=1"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxQueryParameters; ++i)
    many += "a=b&";
  EXPECT_FALSE(parse_query(many));
}

TEST(Query, WipeLeavesNoValue) {
  QueryParameters body("GetSessionToken", "2011-06-15");
  body.add("TokenCode", "123456");
  body.wipe();
  EXPECT_EQ(body.encode().find("123456"), std::string::npos);
}

// Follows a case's shapes and makes of its parameters what this class can say; nullopt where STS and IAM never need it.
std::optional<QueryParameters> serialise(const json::Value& shapes, const json::Value& shape_ref,
                                         const json::Value& value);

std::optional<bool> add_scalar(QueryParameters& into, const std::string& name, const std::string& type,
                               const json::Value& shape, const json::Value& value) {
  if (const auto* text = value.if_string(); text && type == "string")
    return into.add(name, std::string_view(*text)), true;
  if (const auto* flag = value.if_bool(); flag && type == "boolean") return into.add(name, *flag), true;
  if (const auto* number = value.if_integer()) {
    if (type == "integer") return into.add(name, *number), true;
    if (type == "timestamp" && shape.find("timestampFormat") == nullptr) {
      return into.add(name, from_unix_seconds(*number)), true;
    }
    if (type == "timestamp") return into.add(name, *number), true;
  }
  return std::nullopt;
}

bool add_member(QueryParameters& into, const std::string& name, const json::Value& shapes, const json::Value& reference,
                const json::Value& value) {
  const json::Value& shape = *shapes.find(*reference.find("shape")->if_string());
  const std::string type = *shape.find("type")->if_string();
  if (reference.find("locationName") != nullptr || reference.find("flattened") != nullptr) return false;
  if (type == "structure") {
    const auto fields = serialise(shapes, shape, value);
    if (fields) into.add_structure(name, *fields);
    return fields.has_value();
  }
  if (type != "list") return add_scalar(into, name, type, shape, value).has_value();
  const json::Value& item = *shape.find("member");
  if (item.find("locationName") != nullptr) return false;
  std::vector<std::string> texts;
  std::vector<QueryParameters> structures;
  for (const auto& one : *value.if_array()) {
    if (const auto* text = one.if_string()) {
      texts.push_back(*text);
    } else {
      const auto fields = serialise(shapes, *shapes.find(*item.find("shape")->if_string()), one);
      if (!fields) return false;
      structures.push_back(*fields);
    }
  }
  if (structures.empty())
    into.add_list(name, texts);
  else
    into.add_list(name, structures);
  return true;
}

std::optional<QueryParameters> serialise(const json::Value& shapes, const json::Value& shape,
                                         const json::Value& value) {
  QueryParameters fields;
  for (const auto& [name, member] : *value.if_object()) {
    const json::Value* reference = shape.find("members")->find(name);
    if (reference == nullptr || !add_member(fields, name, shapes, *reference, member)) return std::nullopt;
  }
  return fields;
}

TEST(QueryReferee, WritesAndReadsTheCasesOfBotocore) {
  TG_SKIP_WITHOUT_REFEREE("botocore/query-protocol-input.json");
  const auto suites = *test::read_referee_json("botocore/query-protocol-input.json");
  int cases = 0;
  int written = 0;
  int read = 0;
  std::vector<std::pair<std::string, std::string>> deviations;
  for (const auto& suite : *suites.if_array()) {
    for (const auto& one : *suite.find("cases")->if_array()) {
      ++cases;
      const std::string id = *one.find("id")->if_string();
      const json::Value* body = one.find("serialized")->find("body");
      if (body == nullptr || !body->is_string() || !body->if_string()->starts_with("Action=")) {
        deviations.emplace_back(id, "about endpoints and content coding, not about the body");
        continue;
      }
      const auto parsed = parse_query(*body->if_string());
      ASSERT_TRUE(parsed) << id;
      EXPECT_EQ(parsed->encode(), *body->if_string()) << id;
      if (parsed->encode() == *body->if_string()) ++read;

      QueryParameters made(*one.find("given")->find("name")->if_string(), *parsed->find("Version"));
      const json::Value* input = one.find("given")->find("input");
      if (input != nullptr) {
        const json::Value& shapes = *suite.find("shapes");
        const auto fields = serialise(shapes, *shapes.find(*input->find("shape")->if_string()), *one.find("params"));
        if (!fields) {
          deviations.emplace_back(id,
                                  "maps, renamed or flattened lists, floats and blobs: no STS or IAM call has them");
          continue;
        }
        for (const auto& [name, value] : fields->all())
          made.add(name, std::string_view(value));
      }
      if (id == "QueryProtocolIdempotencyTokenAutoFill") {
        deviations.emplace_back(id, "idempotency tokens: no STS or IAM call has one");
        continue;
      }
      EXPECT_EQ(made.encode(), *body->if_string()) << id;
      if (made.encode() == *body->if_string())
        ++written;
      else
        deviations.emplace_back(id, made.encode());
    }
  }
  EXPECT_EQ(read, 36) << "every form body must survive reading and writing";
  test::record_agreement("query-protocol-input", cases, written, deviations);
}

}  // namespace
}  // namespace tollgate::aws
