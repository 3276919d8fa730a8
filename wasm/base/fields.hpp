// One declaration per message: Fields<T> names each member once, and everything that converts a
// message walks that list. Conversion is strict about nothing: a missing or mistyped member keeps
// its default, so that older and newer sides understand each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
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

inline void read_member(const Json& json, Json& out) { out = json; }
inline void read_member(const Json& json, std::string& out) {
  if (json.is_string()) out = json.get_ref<const std::string&>();
}
inline void read_member(const Json& json, bool& out) {
  if (json.is_boolean()) out = json.get<bool>();
}
inline void read_member(const Json& json, std::int64_t& out) {
  if (json.is_number()) out = whole_number(json);
}
template <typename T>
void read_member(const Json& json, std::optional<T>& out) {
  if (json.is_null()) return;
  T value{};
  read_member(json, value);
  out = std::move(value);
}
template <typename T>
void read_member(const Json& json, std::vector<T>& out) {
  if (!json.is_array()) return;
  for (const Json& element : json) {
    T value{};
    read_member(element, value);
    out.push_back(std::move(value));
  }
}
template <typename T>
  requires requires { Fields<T>::list; }
void read_member(const Json& json, T& out) {
  if (!json.is_object()) return;
  const auto read_one = [&](const auto& declared) {
    const auto found = json.find(declared.name);
    if (found != json.end()) read_member(*found, out.*(declared.member));
  };
  std::apply([&](const auto&... each) { (read_one(each), ...); }, Fields<T>::list);
}

template <typename T>
Json write_member(const T& value);

template <typename T>
Json write_member(const std::optional<T>& value) {
  return value ? write_member(*value) : Json(nullptr);
}
template <typename T>
Json write_member(const std::vector<T>& values) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(write_member(value));
  return out;
}
template <typename T>
Json write_member(const T& value) {
  if constexpr (requires { Fields<T>::list; }) {
    Json out = Json::object();
    const auto write_one = [&](const auto& declared) {
      out[declared.name] = write_member(value.*(declared.member));
    };
    std::apply([&](const auto&... each) { (write_one(each), ...); }, Fields<T>::list);
    return out;
  } else {
    return Json(value);
  }
}

/// A variant of messages as {"type": Fields<T>::type, ...}.
template <typename... Ts>
Json to_json(const std::variant<Ts...>& message) {
  return std::visit(
      [](const auto& one) {
        Json out = write_member(one);
        out["type"] = Fields<std::decay_t<decltype(one)>>::type;
        return out;
      },
      message);
}

/// The message that a JSON object says it is, or nothing for a type this variant does not know.
template <typename... Ts>
std::optional<std::variant<Ts...>> from_json(const Json& json, std::variant<Ts...>*) {
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
