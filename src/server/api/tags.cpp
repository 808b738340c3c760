// The tags of a workspace, in both of the forms that clients know.
#include "server/api/tags.h"

#include "server/api/routes.h"

namespace tollgate::api {

namespace {

using domain::Tables;
using domain::TagBinding;
using Tags = std::vector<TagBinding>;

constexpr std::size_t kMaxTags = 100;

// {"type": "tag-bindings", "attributes": {"key", "value"}} or {"type": "tags", "attributes": {"name"}}
Result<TagBinding> read_tag(const json::Reader& element) {
  TG_TRY(const json::Reader attributes, element.member("attributes"));
  TG_TRY(const auto key, attributes.optional_text("key"));
  TG_TRY(const auto name, attributes.optional_text("name"));
  TG_TRY(const auto value, attributes.optional_text("value"));
  TagBinding tag{"", key ? *key : name.value_or(""), value.value_or("")};
  const auto fits = [](const std::string& text) {
    return text.size() <= 255 && text.find(',') == std::string::npos && text.find('\0') == std::string::npos;
  };
  if (tag.key.empty() || !fits(tag.key) || !fits(tag.value)) {
    return fail(attributes.error("must have a key of 1 to 255 bytes and a value of at most 255, without commas"));
  }
  return tag;
}

void put(Tags& tags, TagBinding tag) {
  for (TagBinding& present : tags) {
    if (present.key == tag.key) {
      present.value = std::move(tag.value);
      return;
    }
  }
  tags.push_back(std::move(tag));
}

Result<void> read_all(const std::vector<json::Reader>& elements, Tags& tags) {
  for (const json::Reader& element : elements) {
    TG_TRY(TagBinding tag, read_tag(element));
    put(tags, std::move(tag));
  }
  if (tags.size() > kMaxTags) return fail(Code::invalid, fmt::format("a workspace has at most {} tags", kMaxTags));
  return {};
}

json::Value binding_resource(std::string_view type, const TagBinding& tag) {
  Resource resource(type, tag.workspace_id + "/" + tag.key);
  resource.attribute("key", tag.key).attribute("value", tag.value);
  return std::move(resource).build();
}

Result<http::Response> list_as(const Call& call, std::string_view type) {
  return call.store().read([&](Tables& tables) -> Result<http::Response> {
    json::Array rows;
    for (TagBinding& tag : tables.workspaces().tags(call.subject.workspace->id)) {
      tag.workspace_id = call.subject.workspace->id;
      rows.push_back(binding_resource(type, tag));
    }
    return document(200, std::move(rows));
  });
}

Result<http::Response> list_bindings(const Call& call) {
  return list_as(call, "tag-bindings");
}

Result<http::Response> list_effective_bindings(const Call& call) {
  return list_as(call, "effective-tag-bindings");
}

// Reads, lets `change` change, and stores the tags.
template <class Change>
Result<void> rewrite(const Call& call, Change change) {
  return call.store().write([&](Tables& tables) -> Result<void> {
    TG_TRY(const domain::Workspace workspace, again(tables.workspaces(), call.subject.workspace, "workspace"));
    Tags tags = tables.workspaces().tags(workspace.id);
    TG_CHECK(change(tags));
    for (TagBinding& tag : tags)
      tag.workspace_id = workspace.id;
    tables.workspaces().set_tags(workspace.id, tags);
    call.audit(tables, workspace.organization_id, "workspace.tags_updated", "workspace", workspace.id);
    return {};
  });
}

Result<http::Response> add_bindings(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse_list(call.request.body));
  TG_TRY(const auto elements, body.elements());
  TG_CHECK(rewrite(call, [&](Tags& tags) { return read_all(elements, tags); }));
  return list_bindings(call);
}

Result<http::Response> add_tags(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse_list(call.request.body));
  TG_TRY(const auto elements, body.elements());
  TG_CHECK(rewrite(call, [&](Tags& tags) { return read_all(elements, tags); }));
  return no_content();
}

Result<http::Response> remove_tags(const Call& call) {
  TG_TRY(const RequestDocument body, RequestDocument::parse_list(call.request.body));
  TG_TRY(const auto elements, body.elements());
  Tags gone;
  TG_CHECK(read_all(elements, gone));
  TG_CHECK(rewrite(call, [&](Tags& tags) -> Result<void> {
    std::erase_if(tags, [&](const TagBinding& tag) {
      return std::any_of(gone.begin(), gone.end(), [&](const TagBinding& other) { return other.key == tag.key; });
    });
    return {};
  }));
  return no_content();
}

}  // namespace

Result<std::optional<Tags>> tags_in_relationships(const RequestDocument& body) {
  const json::Value* data = body.root().find("data");
  const json::Value* relationships = data != nullptr ? data->find("relationships") : nullptr;
  if (relationships == nullptr) return std::nullopt;
  std::optional<Tags> tags;
  for (const std::string_view name : {"tag-bindings", "tags"}) {
    const json::Value* relationship = relationships->find(name);
    const json::Value* list = relationship != nullptr ? relationship->find("data") : nullptr;
    if (list == nullptr || list->is_null()) continue;
    if (!tags) tags.emplace();
    TG_TRY(const auto elements, json::Reader(*list, fmt::format("/data/relationships/{}/data", name)).items());
    TG_CHECK(read_all(elements, *tags));
  }
  return tags;
}

Routes tag_routes() {
  constexpr std::string_view kBindings = "/api/v2/workspaces/:workspace_id/tag-bindings";
  constexpr std::string_view kTags = "/api/v2/workspaces/:workspace_id/relationships/tags";
  return {
      {"GET", kBindings, Permission::workspace_visible, list_bindings, "Tags of a workspace"},
      {"PATCH", kBindings, Permission::workspace_update, add_bindings, "Adds or changes tags", Body::json},
      {"GET", "/api/v2/workspaces/:workspace_id/effective-tag-bindings", Permission::workspace_visible,
       list_effective_bindings, "Tags of a workspace, inherited ones included"},
      {"POST", kTags, Permission::workspace_update, add_tags, "Adds plain tags", Body::json},
      {"DELETE", kTags, Permission::workspace_update, remove_tags, "Removes tags", Body::json},
  };
}

}  // namespace tollgate::api
