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

template <typename T>
Json to_json(const T& value) {
  return Json(value);
}
template <typename T>
Json to_json(const std::optional<T>& value) {
  return value ? to_json(*value) : Json();
}
template <typename T>
Json to_json(const std::vector<T>& values) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(to_json(value));
  return out;
}

/// What is at its default is left out: whoever reads keeps the default.
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
/// Calls `visit` with the name and the value of each member that is told.
template <typename T, typename Visit>
void each_told(const T& message, const Visit& visit) {
  [[maybe_unused]] static const T kDefaults{};
  const auto visit_one = [&](const auto& declared) {
    const auto& member = message.*(declared.member);
    if (!is_default(member, kDefaults.*(declared.member))) visit(declared.name, member);
  };
  std::apply([&](const auto&... each) { (visit_one(each), ...); }, Fields<T>::list);
}
template <typename T>
  requires requires { Fields<T>::list; }
Json to_json(const T& message) {
  Json out = Json::object();
  each_told(message, [&](const char* name, const auto& member) { out[name] = to_json(member); });
  return out;
}
/// A variant of messages as {"type": Fields<T>::type, ...}.
template <typename... Ts>
Json to_json(const std::variant<Ts...>& message) {
  return std::visit(
      [](const auto& one) {
        Json out = to_json(one);
        out["type"] = Fields<std::decay_t<decltype(one)>>::type;
        return out;
      },
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
