// The parts merge_value() is made of, shared by the files of the merge and by nobody else.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "protocol/schema.hpp"

namespace somatic {

/// What a row may nest before the merge takes the rest as one value. Local values stop at 100
/// levels; a foreign row may hold anything, and a worker's stack is small.
inline constexpr int kMergeDepthMax = 200;

/// The three values of one place and when the two edits of its column were made.
struct Sides {
  const Json* base;  ///< null: not known
  const Json& mine;
  std::string_view mine_clock;
  const Json& theirs;
  std::string_view theirs_clock;

  /// the value when no rule is needed: both say the same, or only one side changed; else null
  [[nodiscard]] const Json* agreed() const;
  /// the later edit's value; equal clocks are one and the same edit
  [[nodiscard]] const Json& newest() const { return mine_clock > theirs_clock ? mine : theirs; }
  /// the same edits, seen further down
  [[nodiscard]] Sides at(const Json* new_base, const Json& new_mine, const Json& new_theirs) const {
    return {new_base, new_mine, mine_clock, new_theirs, theirs_clock};
  }
};

/// A time that the app wrote into a value decides only within a day of the clock of the edit that
/// brought it: a device whose clock was years ahead must not win for ever.
bool is_plausible(std::int64_t at, std::string_view clock);

/// a + sign * b. Integers stay integers while they fit; null and what is no number count as 0.
Json add_numbers(const Json& a, const Json& b, int sign = 1);

/// Objects per key, recursively; all else by clock.
Json merge_deep(const Sides& sides, int depth = 0);

/// Arrays per element. Elements with a text or number under `key` are told apart by it and merge
/// three-way; others (all, when `key` is empty) are told apart by value and only ever added.
/// Of two elements with one name the last counts. Order: theirs, then mine that are new, sorted.
/// `newest` (may be empty) is the member whose timestamp decides between two edits of an element.
Json merge_elements(const std::string& key, const std::string& newest, const Sides& sides);

}  // namespace somatic
