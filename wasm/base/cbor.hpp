// A message as CBOR (RFC 8949), by the same declarations as its JSON (fields.hpp), but straight
// away: copying every value into JSON first would be most of what a journal segment costs. Reading
// needs no counterpart: nlohmann/json does it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/fields.hpp"

namespace somatic {

namespace cbor {

enum class Kind : std::uint8_t { kUnsigned = 0, kNegative = 1, kText = 3, kArray = 4, kMap = 5 };

inline void append_head(Kind kind, std::uint64_t number, std::string& out) {
  const unsigned major = static_cast<unsigned>(kind) << 5U;
  if (number < 24) {
    out += static_cast<char>(major | number);
    return;
  }
  // 24 says that one byte follows, 25 two, 26 four, 27 eight
  unsigned size = 0;
  while (size < 3 && number >> (8U << size) != 0) ++size;
  out += static_cast<char>(major | (24 + size));
  for (int left = (1 << size) - 1; left >= 0; --left) {
    out += static_cast<char>(number >> (8U * static_cast<unsigned>(left)));
  }
}

inline void append_text(std::string_view text, std::string& out) {
  append_head(Kind::kText, text.size(), out);
  out += text;
}

}  // namespace cbor

inline void append_cbor(bool value, std::string& out) { out += value ? '\xF5' : '\xF4'; }
inline void append_cbor(const std::string& text, std::string& out) { cbor::append_text(text, out); }
inline void append_cbor(std::int64_t number, std::string& out) {
  if (number >= 0) {
    cbor::append_head(cbor::Kind::kUnsigned, static_cast<std::uint64_t>(number), out);
  } else {
    cbor::append_head(cbor::Kind::kNegative, ~static_cast<std::uint64_t>(number), out);
  }
}
void append_cbor(const Json& value, std::string& out);
template <typename T>
void append_cbor(const std::optional<T>& value, std::string& out) {
  if (value) {
    append_cbor(*value, out);
  } else {
    out += '\xF6';
  }
}
template <typename T>
void append_cbor(const std::vector<T>& values, std::string& out) {
  cbor::append_head(cbor::Kind::kArray, values.size(), out);
  for (const T& value : values) append_cbor(value, out);
}
template <typename T>
  requires requires { Fields<T>::list; }
void append_cbor(const T& message, std::string& out, const char* type = nullptr) {
  std::uint64_t members = type == nullptr ? 0 : 1;
  each_told(message, [&](const char*, const auto&) { ++members; });
  cbor::append_head(cbor::Kind::kMap, members, out);
  if (type != nullptr) {
    cbor::append_text("type", out);
    cbor::append_text(type, out);
  }
  each_told(message, [&](const char* name, const auto& member) {
    cbor::append_text(name, out);
    append_cbor(member, out);
  });
}
/// A variant of messages as {"type": Fields<T>::type, ...}.
template <typename... Ts>
void append_cbor(const std::variant<Ts...>& message, std::string& out) {
  std::visit(
      [&](const auto& one) { append_cbor(one, out, Fields<std::decay_t<decltype(one)>>::type); },
      message);
}

}  // namespace somatic
