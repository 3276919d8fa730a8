// What one row's edits are, unsent or sent, and what a stored row is. Plain data: no rule of
// merging, no I/O.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/fields.hpp"
#include "base/json.hpp"
#include "protocol/clock.hpp"

namespace somatic {

/// When something was done, in the device's own terms. Turned into a Clock only when the server's
/// time is known.
struct Stamp {
  Ms wall_ms = 0;
  Ms mono_ms = 0;
  std::string boot;  ///< names one run of one context: monotonic times compare only within it

  bool operator==(const Stamp&) const = default;
};

/// The server's row as last heard of. `columns` never holds user_id, version, clocks or updated_at.
struct ServerRow {
  std::string id;
  std::int64_t version = 0;
  Json columns = Json::object();
  Json clocks = Json::object();

  bool operator==(const ServerRow&) const = default;
};

/// Edits of one row, folded. Columns, not fields: this is what travels.
struct Change {
  bool del = false;
  Json set = Json::object();  ///< column -> new value
  Json inc = Json::object();  ///< counter column -> integer to add
  /// column -> its value before the first of these edits; a column that had no row before it is
  /// absent
  Json base = Json::object();
  /// column -> clock of its edit ("*" for a deletion); filled when the change is frozen or compared
  Json clocks = Json::object();

  [[nodiscard]] bool empty() const { return !del && set.empty() && inc.empty(); }
  bool operator==(const Change&) const = default;
};

template <>
struct Fields<Stamp> {
  static constexpr auto list = std::tuple{
      field("wall", &Stamp::wall_ms), field("mono", &Stamp::mono_ms), field("boot", &Stamp::boot)};
};
template <>
struct Fields<Change> {
  static constexpr auto list =
      std::tuple{field("del", &Change::del), field("set", &Change::set), field("inc", &Change::inc),
                 field("base", &Change::base), field("clocks", &Change::clocks)};
};

}  // namespace somatic
