// The words for what ini_file.h notes. Not a judgement of profiles: that is profile_diagnostics.h. Pure; any thread.
#pragma once

#include <string_view>

#include "aws/diagnostic.h"
#include "aws/ini_file.h"

namespace tollgate::aws {

// inline_comment and so on: Diagnostic::topic.
std::string_view remark_name(IniRemark remark);
// The note as a sentence, placed at path:line. Its subject is shown with control characters replaced.
Diagnostic describe(const IniNote& note, std::string_view path);
// Text from a file made fit for a terminal: control characters become '?', more than 80 bytes end in "...".
std::string printable(std::string_view text);

}  // namespace tollgate::aws
