// Small random values for property tests: few keys, few values, so that edits meet often.
// Deterministic.
#pragma once

#include <string>

#include "base/calendar.hpp"
#include "base/json.hpp"
#include "base/uuid.hpp"
#include "protocol/schema.hpp"

namespace somatic::testing {

inline int below(Random& random, int limit) {
  return static_cast<int>(random.next() % static_cast<std::uint64_t>(limit));
}

inline std::string random_day(Random& random) { return format_date(20770 + below(random, 12)); }

inline Json random_leaf(Random& random) {
  switch (below(random, 6)) {
    case 0:
      return nullptr;
    case 1:
      return below(random, 2) == 0;
    case 2:
      return below(random, 4) - 1;
    case 3:
      return below(random, 4) / 2.0;
    case 4:
      return std::string(1, static_cast<char>('a' + below(random, 3)));
    default:
      return random_day(random);
  }
}

inline Json random_tree(Random& random, int depth) {
  const int kind = below(random, depth > 0 ? 4 : 1);
  if (kind <= 1) return random_leaf(random);
  Json out = kind == 2 ? Json::object() : Json::array();
  for (int i = below(random, 4); i > 0; --i) {
    if (kind == 2) {
      out[std::string(1, static_cast<char>('k' + below(random, 3)))] =
          random_tree(random, depth - 1);
    } else {
      out.push_back(random_tree(random, depth - 1));
    }
  }
  return out;
}

/// A value such as the rule is meant for; one in eight is any value at all, as remote data may be.
inline Json random_value(Random& random, MergeRule merge) {
  if (below(random, 8) == 0) return random_tree(random, 3);
  Json out = Json::array();
  switch (merge) {
    case MergeRule::kMax:
    case MergeRule::kMin:
    case MergeRule::kCounter:
      return below(random, 6);
    case MergeRule::kOr:
      return below(random, 2) == 0;
    case MergeRule::kUnion:
      for (int i = below(random, 4); i > 0; --i) {
        const std::string day = random_day(random);
        out.push_back(below(random, 2) == 0 ? Json(day) : Json::array({day, "2026-11-24"}));
      }
      return out;
    case MergeRule::kByKey:
      for (int i = below(random, 4); i > 0; --i) {
        Json element = {{"id", below(random, 4)}, {"v", below(random, 3)}, {"w", below(random, 3)}};
        if (below(random, 2) == 0) element["at"] = random_day(random);
        if (below(random, 6) == 0) element.erase("id");
        out.push_back(std::move(element));
      }
      return out;
    case MergeRule::kDeep:
      out = random_tree(random, 3);
      return out.is_object() ? out : Json{{"k", out}};
    default:
      return random_leaf(random);
  }
}

/// An object without its null members: in a row, absent and null are the same.
inline Json without_nulls(const Json& columns) {
  Json out = Json::object();
  for (const auto& [name, value] : members(columns)) {
    if (!value.is_null()) out[name] = value;
  }
  return out;
}

}  // namespace somatic::testing
