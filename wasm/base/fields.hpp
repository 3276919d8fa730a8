// One declaration per message: Fields<T> names each member once, and everything that converts a
// message walks that list. Conversion is strict about nothing: a missing or mistyped member keeps
// its default, so that older and newer sides understand each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.hpp"

namespace somatic {

template <typename T>
struct Fields;

template <typename T, typename Member>
struct Field {
  const char* name;
  Member T::* member;
};

template <typename T, typename Member>
constexpr Field<T, Member> field(const char* name, Member T::* member) {
  return {name, member};
}

/// Takes a member out of `json`, which is not to be read again.
inline void read_member(Json& json, Json& out) { out = std::move(json); }
inline void read_member(Json& json, std::string& out) {
  if (json.is_string()) out = std::move(json.get_ref<std::string&>());
}
inline void read_member(Json& json, bool& out) {
  if (json.is_boolean()) out = json.get<bool>();
}
inline void read_member(Json& json, std::int64_t& out) {
  if (json.is_number()) out = whole_number(json);
}
template <typename T>
void read_member(Json& json, std::optional<T>& out) {
  if (json.is_null()) return;
  T value{};
  read_member(json, value);
  out = std::move(value);
}
template <typename T>
void read_member(Json& json, std::vector<T>& out) {
  if (!json.is_array()) return;
  out.reserve(out.size() + json.size());
  for (Json& element : json) read_member(element, out.emplace_back());
}
template <typename T>
  requires requires { Fields<T>::list; }
void read_member(Json& json, T& out) {
  if (!json.is_object()) return;
  const auto read_one = [&](const auto& declared) {
    const auto found = json.find(declared.name);
    if (found != json.end()) read_member(*found, out.*(declared.member));
  };
  std::apply([&](const auto&... each) { (read_one(each), ...); }, Fields<T>::list);
}

/// Nothing is lost if it is not written: whoever reads keeps the default.
template <typename T>
bool is_default(const T& value, const T& by_default) {
  return value == by_default;
}
template <typename T>
bool is_default(const std::vector<T>& values, const std::vector<T>&) {
  return values.empty();
}
template <typename T>
  requires requires { Fields<T>::list; }
bool is_default(const T&, const T&) {
  return false;
}

/// Calls `visit(name, member)` for the members of a message that are not at their defaults.
template <typename T, typename Visit>
void for_each_told(const T& message, const Visit& visit) {
  [[maybe_unused]] static const T kDefaults{};
  const auto visit_one = [&](const auto& declared) {
    const auto& member = message.*(declared.member);
    if (!is_default(member, kDefaults.*(declared.member))) visit(declared.name, member);
  };
  std::apply([&](const auto&... each) { (visit_one(each), ...); }, Fields<T>::list);
}

/// Writes a value or a message to a CborOut or a JsonOut.
template <typename Out>
void write_to(Out& out, const Json& value) {
  out.json(value);
}
template <typename Out>
void write_to(Out& out, const std::string& value) {
  out.text(value);
}
template <typename Out>
void write_to(Out& out, bool value) {
  out.boolean(value);
}
template <typename Out>
void write_to(Out& out, std::int64_t value) {
  out.integer(value);
}
template <typename Out, typename T>
void write_to(Out& out, const std::optional<T>& value) {
  value ? write_to(out, *value) : out.null();
}
template <typename Out, typename T>
void write_to(Out& out, const std::vector<T>& values) {
  out.begin_array(values.size());
  for (const T& value : values) {
    out.element();
    write_to(out, value);
  }
  out.end_array();
}
template <typename Out, typename T>
  requires requires { Fields<T>::list; }
void write_to(Out& out, const T& message, const char* type = nullptr) {
  std::size_t members = type == nullptr ? 0 : 1;
  for_each_told(message, [&](const char*, const auto&) { ++members; });
  out.begin_object(members);
  if (type != nullptr) {
    out.name("type");
    out.text(type);
  }
  for_each_told(message, [&](const char* name, const auto& member) {
    out.name(name);
    write_to(out, member);
  });
  out.end_object();
}
/// A variant of messages as {"type": Fields<T>::type, ...}.
template <typename Out, typename... Ts>
void write_to(Out& out, const std::variant<Ts...>& message) {
  std::visit(
      [&](const auto& one) { write_to(out, one, Fields<std::decay_t<decltype(one)>>::type); },
      message);
}

/// The message that a JSON object says it is, or nothing for a type this variant does not know.
/// Takes it out of `json`.
template <typename... Ts>
std::optional<std::variant<Ts...>> from_json(Json json, std::variant<Ts...>*) {
  std::optional<std::variant<Ts...>> out;
  if (!json.is_object() || !json.contains("type")) return out;
  const auto attempt = [&]<typename T>() {
    if (json["type"] != Fields<T>::type) return false;
    T one{};
    read_member(json, one);
    out = std::move(one);
    return true;
  };
  (attempt.template operator()<Ts>() || ...);
  return out;
}

}  // namespace somatic
