// Reading day sets and joining ranges. A day set is small (a year of perfect days is one range), so
// everything goes through sorted vectors.
#include "sync/days.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "base/calendar.hpp"

namespace somatic {
namespace {

std::optional<DayRange> range_of(const Json& element) {
  const Json::array_t& pair = elements(element);
  if (element.is_array() && pair.size() != 2) return std::nullopt;
  const auto first = parse_date(text_of(element.is_array() ? pair[0] : element));
  const auto last = parse_date(text_of(element.is_array() ? pair[1] : element));
  if (!first || !last || *first > *last) return std::nullopt;
  return DayRange{*first, *last};
}

}  // namespace

bool all_days(const Json& days) {
  const Json::array_t& all = elements(days);
  return std::all_of(all.begin(), all.end(),
                     [](const Json& element) { return range_of(element).has_value(); });
}

std::vector<DayRange> join_ranges(std::vector<DayRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const DayRange& a, const DayRange& b) { return a.first < b.first; });
  std::vector<DayRange> out;
  for (const DayRange& range : ranges) {
    if (out.empty() || range.first > out.back().last + 1) {
      out.push_back(range);
    } else {
      out.back().last = std::max(out.back().last, range.last);
    }
  }
  return out;
}

std::vector<DayRange> day_ranges(const Json& days) {
  std::vector<DayRange> ranges;
  for (const Json& element : elements(days)) {
    if (const auto range = range_of(element)) ranges.push_back(*range);
  }
  return join_ranges(std::move(ranges));
}

Json days_json(const std::vector<DayRange>& ranges) {
  Json::array_t out;
  for (const DayRange& range : ranges) {
    out.push_back(Json::array_t{format_date(range.first), format_date(range.last)});
  }
  return out;
}

Json normalize_days(const Json& days) { return days_json(day_ranges(days)); }

Json derive_from_days(Derivation derivation, const Json& days) {
  const std::vector<DayRange> ranges = day_ranges(days);
  if (ranges.empty() || derivation == Derivation::kNone) return nullptr;
  const DayRange& last = ranges.back();
  if (derivation == Derivation::kStreak) return last.last - last.first + 1;
  return format_date(last.last);
}

}  // namespace somatic
