// The rule of each field: from three values and two clocks to one. Values may be remote, so of any
// type: a rule that does not fit the types it finds gives way to "newest".
#include <cmath>
#include <limits>
#include <optional>

#include "base/calendar.hpp"
#include "protocol/clock.hpp"
#include "sync/merge.hpp"
#include "sync/rules.hpp"

namespace somatic {
namespace {

std::optional<std::int64_t> integer_of(const Json& value) {
  if (!value.is_number()) return 0;
  if (!value.is_number_integer()) return std::nullopt;
  const auto* big = value.get_ptr<const Json::number_unsigned_t*>();
  if (big != nullptr && *big > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return std::nullopt;
  }
  return value.get<std::int64_t>();
}

double number_of(const Json& value) { return value.is_number() ? value.get<double>() : 0; }

Json bound(const FieldSpec& field, const Sides& sides) {
  if (sides.mine.is_null()) return sides.theirs;
  if (sides.theirs.is_null()) return sides.mine;
  const bool want_max = field.merge == MergeRule::kMax;
  if (sides.mine.is_number() && sides.theirs.is_number()) {
    return (sides.mine > sides.theirs) == want_max ? sides.mine : sides.theirs;
  }
  if (field.type != FieldType::kDate && field.type != FieldType::kTimestamp) return sides.newest();
  const auto mine = parse_timestamp(text_of(sides.mine));
  const auto theirs = parse_timestamp(text_of(sides.theirs));
  if (!mine || !theirs) return sides.newest();
  const bool believe_mine = is_plausible(*mine, sides.mine_clock);
  const bool believe_theirs = is_plausible(*theirs, sides.theirs_clock);
  if (believe_mine != believe_theirs) return believe_mine ? sides.mine : sides.theirs;
  if (*mine == *theirs) return sides.newest();  // one instant, spelled in two ways
  return (*mine > *theirs) == want_max ? sides.mine : sides.theirs;
}

Json either(const Sides& sides) {
  if (sides.mine.is_null()) return sides.theirs;
  if (sides.theirs.is_null()) return sides.mine;
  if (!sides.mine.is_boolean() || !sides.theirs.is_boolean()) return sides.newest();
  return sides.mine.get<bool>() || sides.theirs.get<bool>();
}

bool counts(const Json* value) {
  return value == nullptr || value->is_null() || value->is_number();
}

/// Two devices that both went from 5 to 6 make 7: equal values of a counter are not agreement.
Json counter(const Sides& sides) {
  if (!counts(sides.base) || !counts(&sides.mine) || !counts(&sides.theirs)) {
    const Json* agreed = sides.agreed();
    return agreed != nullptr ? *agreed : sides.newest();
  }
  if (sides.base == nullptr) {
    if (sides.mine.is_null()) return sides.theirs;
    return sides.theirs.is_null() || sides.mine > sides.theirs ? sides.mine : sides.theirs;
  }
  if (sides.mine == *sides.base) return sides.theirs;
  if (sides.theirs == *sides.base) return sides.mine;
  return add_numbers(add_numbers(sides.theirs, sides.mine), *sides.base, -1);
}

Json union_of(const Sides& sides) {
  const bool arrays = (sides.mine.is_array() || sides.mine.is_null()) &&
                      (sides.theirs.is_array() || sides.theirs.is_null());
  if (!arrays) return sides.newest();
  if (!all_days(sides.mine) || !all_days(sides.theirs)) return merge_elements("", "", sides);
  std::vector<DayRange> days = day_ranges(sides.mine);
  std::vector<DayRange> theirs = day_ranges(sides.theirs);
  if (sides.base != nullptr && sides.base->is_array() && all_days(*sides.base)) {
    // the same days in another spelling are no change
    const std::vector<DayRange> base = day_ranges(*sides.base);
    if (days == base) return days_json(theirs);
    if (theirs == base) return days_json(days);
  }
  days.insert(days.end(), theirs.begin(), theirs.end());
  return days_json(join_ranges(std::move(days)));
}

}  // namespace

const Json* Sides::agreed() const {
  if (mine == theirs) return &theirs;
  if (base != nullptr && mine == *base) return &theirs;
  if (base != nullptr && theirs == *base) return &mine;
  return nullptr;
}

bool is_plausible(std::int64_t at, std::string_view clock) {
  constexpr Ms kDay = 24 * 60 * 60 * 1000;
  const Ms edited = clock_time(clock);
  return edited == 0 || at <= edited + kDay;
}

Json add_numbers(const Json& a, const Json& b, int sign) {
  const auto left = integer_of(a);
  const auto right = integer_of(b);
  std::int64_t sum = 0;
  if (left && right &&
      !(sign > 0 ? __builtin_add_overflow(*left, *right, &sum)
                 : __builtin_sub_overflow(*left, *right, &sum))) {
    return sum;
  }
  const double total = number_of(a) + sign * number_of(b);
  return std::isfinite(total) ? Json(total) : a;
}

Json merge_value(const FieldSpec& field, const Json* base, const Json& mine,
                 std::string_view mine_clock, const Json& theirs, std::string_view theirs_clock) {
  const Sides sides{base, mine, mine_clock, theirs, theirs_clock};
  if (field.merge == MergeRule::kCounter) return counter(sides);
  if (const Json* agreed = sides.agreed()) return *agreed;
  if (field.null_loses && mine.is_null()) return theirs;
  if (field.null_loses && theirs.is_null()) return mine;
  switch (field.merge) {
    case MergeRule::kDeep:
      return merge_deep(sides);
    case MergeRule::kMax:
    case MergeRule::kMin:
      return bound(field, sides);
    case MergeRule::kOr:
      return either(sides);
    case MergeRule::kUnion:
      return union_of(sides);
    case MergeRule::kFirst:
      return theirs.is_null() ? mine : theirs;
    case MergeRule::kByKey:
      return merge_elements(field.element_key, field.element_newest, sides);
    case MergeRule::kCounter:
    case MergeRule::kNewest:
      break;
  }
  return sides.newest();
}

}  // namespace somatic
