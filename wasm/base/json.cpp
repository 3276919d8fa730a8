// The parser alone, in a file of its own: it is compiled for speed, reads letter by letter, and is
// the larger part of what many writes at once cost.
#include "base/json.hpp"

namespace somatic {

Json parse_json(std::string_view text) { return Json::parse(text, nullptr, false); }

}  // namespace somatic
