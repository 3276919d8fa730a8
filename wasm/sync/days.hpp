// Sets of calendar days: single days and inclusive ranges in JSON, in any order, as sorted ranges.
// What a streak is, is decided here and nowhere else.
#pragma once

#include <cstdint>
#include <vector>

#include "base/json.hpp"
#include "protocol/schema.hpp"

namespace somatic {

/// Inclusive; days since 1970.
struct DayRange {
  std::int32_t first = 0;
  std::int32_t last = 0;

  bool operator==(const DayRange&) const = default;
};

/// The array holds nothing but "2026-11-01" and ["2026-11-01", "2026-11-05"] (not backwards).
bool all_days(const Json& days);

/// Sorted, disjoint, joined where they overlap or touch. What is not a day is left out.
std::vector<DayRange> day_ranges(const Json& days);
std::vector<DayRange> join_ranges(std::vector<DayRange> ranges);
Json days_json(const std::vector<DayRange>& ranges);

/// Days as sorted, disjoint, inclusive ranges [["2026-11-01","2026-11-05"], ...]: takes ranges and
/// single days in any order, joins what overlaps or touches. Anything that is not a day is left
/// out. Discarded value never: always an array.
Json normalize_days(const Json& days);

/// What a derived field shows for these days: the length or the last day of the last range.
/// Null when there is no day.
Json derive_from_days(Derivation derivation, const Json& days);

}  // namespace somatic
