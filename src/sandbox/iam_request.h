// What IAM's operations have in common: reading names, paths, tags and documents from a call, asking whether the caller
// may, and cutting lists into pages. Rules: IAM API Reference (version 2010-05-08) and "IAM and AWS STS quotas". Pure
// functions over World and Call; the caller holds the world's lock.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "sandbox/authorize.h"
#include "sandbox/call.h"
#include "sandbox/policy/document.h"

namespace tollgate::sandbox {

// A value, or the answer with which the call is refused.
template <class T>
using OrRefused = tl::expected<T, Answer>;

// A required name such as UserName: 1 to `most` characters of IAM's alphabet.
OrRefused<std::string> iam_name(const Call& call, std::string_view parameter, std::size_t most);
// A required text of `least` to `most` characters.
OrRefused<std::string> iam_text(const Call& call, std::string_view parameter, std::size_t least, std::size_t most);
// Path or NewPath; "/" where it was not sent.
OrRefused<std::string> iam_path(const Call& call, std::string_view parameter = "Path");
// PathPrefix; "/" where it was not sent.
std::string path_prefix(const Call& call);
// Tags.member.N.Key and .Value: at most 50, each key once without regard to case.
OrRefused<Tags> iam_tags(const Call& call);
// A required policy document: checked, and at most `most` characters that are not blanks. `quota_sentence` is what AWS
// says about a longer one.
OrRefused<std::string> iam_document(const Call& call, std::string_view parameter, policy::Kind kind, std::size_t most,
                                    std::string_view quota_sentence);
// Characters of a document as IAM counts them: without blanks.
std::size_t document_size(std::string_view document);

// Adds or replaces; refused where there would be more than 50. A key written in another case is the same key.
std::optional<Answer> add_tags(const Tags& added, Tags& tags);

// Condition keys of tags in the request (aws:RequestTag/..., aws:TagKeys) and on the resource (aws:ResourceTag/...,
// iam:ResourceTag/...).
ContextKeys tag_keys(const Tags* requested, const Tags* present);
// Whether the caller may do call.action on the resource; see authorize().
std::optional<Answer> authorize_iam(const World& world, const Call& call, std::string_view resource,
                                    const ContextKeys& extra = {});

// A success that the call log can name the resource of.
Answer done(std::string_view resource, std::string result = "");
Answer entity_already_exists(std::string message);  // 409 EntityAlreadyExists
Answer delete_conflict(std::string message);        // 409 DeleteConflict
Answer limit_exceeded(std::string message);         // 409 LimitExceeded

// <name><member>...</member>...</name><IsTruncated>...: the page that Marker and MaxItems ask for.
Answer page(const Call& call, std::string_view resource, std::string_view name,
            const std::vector<std::string>& members);

// A new unique id: "AIDA" + 17 characters.
std::string new_unique_id(RandomSource& random, std::string_view prefix);
// IAM keeps names as written and unique without regard to case.
bool same_name(std::string_view a, std::string_view b);

}  // namespace tollgate::sandbox
