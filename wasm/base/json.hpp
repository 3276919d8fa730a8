// The one spelling of "a JSON value" in the core. Objects are ordered by key, so output is
// deterministic.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace somatic {

using Json = nlohmann::json;

/// Text to JSON; a discarded value (`is_discarded()`) when the text is not JSON. Never throws.
Json parse_json(std::string_view text);

/// Text opens more objects and arrays within each other than `levels`. Copying, merging and
/// printing a value go down the stack with it, and a worker's stack is small: ask before parsing
/// what others wrote.
inline bool is_nested_deeper(std::string_view text, int levels) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (in_text) {
      if (letter == '\\') ++at;
      if (letter == '"') in_text = false;
    } else if (letter == '"') {
      in_text = true;
    } else if (letter == '[' || letter == '{') {
      if (++depth > levels) return true;
    } else if (letter == ']' || letter == '}') {
      --depth;
    }
  }
  return false;
}

/// The member of an object; null when there is none or the value is no object at all.
inline const Json* member(const Json& object, const std::string& name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}
inline Json* member(Json& object, const std::string& name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

/// The members of an object; none when the value is not an object.
inline const Json::object_t& members(const Json& object) {
  static const Json::object_t kNone;
  const auto* all = object.get_ptr<const Json::object_t*>();
  return all == nullptr ? kNone : *all;
}

/// The elements of an array; none when the value is not an array.
inline const Json::array_t& elements(const Json& array) {
  static const Json::array_t kNone;
  const auto* all = array.get_ptr<const Json::array_t*>();
  return all == nullptr ? kNone : *all;
}

/// The text of a string; empty when the value is not a string.
inline std::string_view text_of(const Json& value) {
  const auto* text = value.get_ptr<const Json::string_t*>();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

/// A number as an integer: a fraction is cut off, what does not fit becomes the nearest that does,
/// 0 for what is no number.
inline std::int64_t whole_number(const Json& value) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return number > static_cast<std::uint64_t>(kMost) ? kMost : static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return 0;
  const auto number = value.get<double>();
  if (!(number > -9.2e18)) return kLeast;
  return number < 9.2e18 ? static_cast<std::int64_t>(number) : kMost;
}

/// The member of an object, as it is or as what it should be: null, empty or 0 when there is none
/// or it is of another type. For remote data, in which nothing is trusted.
inline const Json& at(const Json& object, const std::string& name) {
  static const Json kNull;
  const Json* found = member(object, name);
  return found == nullptr ? kNull : *found;
}
inline std::string text_at(const Json& object, const std::string& name) {
  return std::string(text_of(at(object, name)));
}
inline std::int64_t integer_at(const Json& object, const std::string& name) {
  return whole_number(at(object, name));
}

}  // namespace somatic
