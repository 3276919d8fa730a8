// The one spelling of "a JSON value" in the core. Objects are ordered by key, so output is
// deterministic.
#pragma once

#include <nlohmann/json.hpp>

namespace somatic {

using Json = nlohmann::json;

/// Text to JSON; a discarded value (`is_discarded()`) when the text is not JSON. Never throws.
inline Json parse_json(std::string_view text) { return Json::parse(text, nullptr, false); }

}  // namespace somatic
