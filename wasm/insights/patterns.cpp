// Counts per day, hour and weekday are kept; what spans days (runs, trends, changes) is made of the
// days when it is asked for: there are hundreds of them, not thousands.
#include "insights/patterns.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/calendar.hpp"

namespace somatic {
namespace {

constexpr std::int32_t kWindow = 30;
constexpr double kScale = 10000;
/// More than any scale a person rates energy on, and small enough for sums of all of them.
constexpr double kEnergyMax = 1e6;

Patterns::Type type_of(std::string_view name) {
  if (name == "Urge/Symptom") return Patterns::Type::kUrge;
  if (name == "Leak/Drain") return Patterns::Type::kLeak;
  if (name == "Kata Performed") return Patterns::Type::kKata;
  if (name == "Win") return Patterns::Type::kWin;
  return Patterns::Type::kOther;
}

bool is_leak(Patterns::Type type) {
  return type == Patterns::Type::kUrge || type == Patterns::Type::kLeak;
}

bool is_transmutation(Patterns::Type type) {
  return type == Patterns::Type::kKata || type == Patterns::Type::kWin;
}

/// To four decimals, and never -0, which would read as another value than 0.
double rounded(double value) { return std::round(value * kScale) / kScale + 0.0; }

Json ratio(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return nullptr;
  return rounded(static_cast<double>(part) / static_cast<double>(whole));
}

Json mean_energy(std::int64_t sum, std::int64_t count) {
  if (count == 0) return nullptr;
  return rounded(static_cast<double>(sum) / kScale / static_cast<double>(count));
}

Json change(const Json& now, const Json& before) {
  Json by;
  if (now.is_number_integer() && before.is_number_integer()) {
    by = now.get<std::int64_t>() - before.get<std::int64_t>();
  } else if (now.is_number() && before.is_number()) {
    by = rounded(now.get<double>() - before.get<double>());
  }
  return {{"now", now}, {"before", before}, {"change", by}};
}

std::optional<std::size_t> index_below(const Json& value, std::int64_t limit) {
  if (!value.is_number()) return std::nullopt;
  const std::int64_t number = whole_number(value);
  if (number < 0 || number >= limit) return std::nullopt;
  return static_cast<std::size_t>(number);
}

}  // namespace

struct Patterns::Sums {
  std::int64_t entries = 0;
  std::int64_t leaks = 0;
  std::int64_t transmutations = 0;
  std::int64_t urges = 0;
  std::int64_t converted = 0;
  std::int64_t energy = 0;
  std::int64_t energies = 0;
};

/// Days in a row. Of two equally long ones the earlier is kept.
struct Patterns::Run {
  std::int32_t from = 0;
  std::int32_t days = 0;

  void offer(std::int32_t other_from, std::int32_t other_days) {
    if (other_days > days) *this = {other_from, other_days};
  }

  [[nodiscard]] Json json() const {
    if (days == 0) return {{"days", 0}, {"from", nullptr}, {"to", nullptr}};
    return {{"days", days}, {"from", format_date(from)}, {"to", format_date(from + days - 1)}};
  }
};

std::int64_t Patterns::Day::urges() const {
  return urges_with_kata + static_cast<std::int64_t>(other_urges.size());
}

/// Urges with a kata of their own, and those before the last kata of the day.
std::int64_t Patterns::Day::converted() const {
  if (katas.empty()) return urges_with_kata;
  return urges_with_kata +
         std::distance(other_urges.begin(), other_urges.upper_bound(*katas.rbegin()));
}

std::optional<Patterns::Entry> Patterns::read(const Json& entry) {
  const auto day = parse_date(text_of(somatic::at(entry, "day")));
  const auto hour = index_below(somatic::at(entry, "hour"), 24);
  const auto weekday = index_below(somatic::at(entry, "weekday"), 7);
  if (!day || !hour || !weekday) return std::nullopt;
  Entry read;
  read.at = integer_at(entry, "at");
  read.day = *day;
  read.hour = *hour;
  read.weekday = *weekday;
  read.type = type_of(text_of(somatic::at(entry, "type")));
  read.has_kata = somatic::at(entry, "hasKata") == true;
  if (const Json& energy = somatic::at(entry, "energy"); energy.is_number()) {
    const auto value = energy.get<double>();
    if (std::abs(value) <= kEnergyMax) read.energy = std::llround(value * kScale);
  }
  return read;
}

void Patterns::set(const std::string& key, const Json& entry) {
  remove(key);
  const auto read_entry = read(entry);
  if (!read_entry) return;
  entries_.emplace(key, *read_entry);
  count(*read_entry, 1);
}

void Patterns::remove(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  count(found->second, -1);
  entries_.erase(found);
}

void Patterns::count(const Entry& entry, int by) {
  const auto note = [by](std::multiset<std::int64_t>& times, std::int64_t at) {
    if (by > 0) {
      times.insert(at);
    } else if (const auto found = times.find(at); found != times.end()) {
      times.erase(found);
    }
  };
  const auto beat = [&](Rhythm& rhythm) {
    rhythm.by_hour[entry.hour] += by;
    rhythm.by_weekday[entry.weekday] += by;
  };
  Day& day = days_[entry.day];
  day.entries += by;
  if (is_leak(entry.type)) {
    day.leaks += by;
    beat(leaks_);
  }
  if (is_transmutation(entry.type)) {
    day.transmutations += by;
    beat(transmutations_);
  }
  if (entry.type == Type::kKata) note(day.katas, entry.at);
  if (entry.type == Type::kUrge) {
    if (entry.has_kata) {
      day.urges_with_kata += by;
    } else {
      note(day.other_urges, entry.at);
    }
  }
  if (entry.energy) {
    day.energy += by * *entry.energy;
    day.energies += by;
  }
  if (day.entries == 0) days_.erase(entry.day);
}

Patterns::Sums Patterns::sums(std::int32_t from, std::int32_t to) const {
  Sums sums;
  for (auto at = days_.lower_bound(from); at != days_.end() && at->first <= to; ++at) {
    const Day& day = at->second;
    sums.entries += day.entries;
    sums.leaks += day.leaks;
    sums.transmutations += day.transmutations;
    sums.urges += day.urges();
    sums.converted += day.converted();
    sums.energy += day.energy;
    sums.energies += day.energies;
  }
  return sums;
}

/// The slope is that of the line through the days' means, in energy per day.
Json Patterns::energy(std::int32_t today) const {
  Json days = Json::array();
  double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  const std::int32_t first = today - kWindow + 1;
  for (auto at = days_.lower_bound(first); at != days_.end() && at->first <= today; ++at) {
    const Day& day = at->second;
    if (day.energies == 0) continue;
    days.push_back(
        {{"day", format_date(at->first)}, {"mean", mean_energy(day.energy, day.energies)}});
    const double x = at->first - first;
    const double y = static_cast<double>(day.energy) / kScale / static_cast<double>(day.energies);
    n += 1;
    sum_x += x;
    sum_y += y;
    sum_xx += x * x;
    sum_xy += x * y;
  }
  Json slope;
  // whole numbers: exactly 0 for a single day
  const double spread = n * sum_xx - sum_x * sum_x;
  if (spread > 0) slope = rounded((n * sum_xy - sum_x * sum_y) / spread);
  const Sums window = sums(first, today);
  return {{"days", days}, {"mean", mean_energy(window.energy, window.energies)}, {"slope", slope}};
}

Json Patterns::changes(std::int32_t today) const {
  const Sums now = sums(today - kWindow + 1, today);
  const Sums before = sums(today - 2 * kWindow + 1, today - kWindow);
  return {{"entries", change(now.entries, before.entries)},
          {"leaks", change(now.leaks, before.leaks)},
          {"transmutations", change(now.transmutations, before.transmutations)},
          {"conversion",
           change(ratio(now.converted, now.urges), ratio(before.converted, before.urges))},
          {"energy", change(mean_energy(now.energy, now.energies),
                            mean_energy(before.energy, before.energies))}};
}

Patterns::Run Patterns::longest_with_transmutation(std::int32_t today) const {
  Run longest, run;
  for (const auto& [date, day] : days_) {
    if (date > today) break;
    if (day.transmutations == 0) continue;
    if (run.days > 0 && run.from + run.days == date) {
      run.days += 1;
    } else {
      run = {date, 1};
    }
    longest.offer(run.from, run.days);
  }
  return longest;
}

/// Days without any entry count: nothing leaked, as far as anybody wrote down.
Patterns::Run Patterns::longest_without_leak(std::int32_t today) const {
  Run longest;
  if (days_.empty()) return longest;
  std::int32_t from = days_.begin()->first;
  for (const auto& [date, day] : days_) {
    if (date > today) break;
    if (day.leaks == 0) continue;
    longest.offer(from, date - from);
    from = date + 1;
  }
  longest.offer(from, today - from + 1);
  return longest;
}

Json Patterns::result(const std::string& today) const {
  const auto day = parse_date(today);
  if (!day || entries_.empty()) return nullptr;
  const auto rhythm = [](const Rhythm& of) {
    return Json{{"byHour", of.by_hour}, {"byWeekday", of.by_weekday}};
  };
  const Sums all =
      sums(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
  return {{"totals",
           {{"entries", all.entries},
            {"leaks", all.leaks},
            {"transmutations", all.transmutations},
            {"days", days_.size()},
            {"firstDay", format_date(days_.begin()->first)}}},
          {"leaks", rhythm(leaks_)},
          {"transmutations", rhythm(transmutations_)},
          {"conversion",
           {{"urges", all.urges},
            {"converted", all.converted},
            {"rate", ratio(all.converted, all.urges)}}},
          {"energy", energy(*day)},
          {"runs",
           {{"transmutation", longest_with_transmutation(*day).json()},
            {"withoutLeak", longest_without_leak(*day).json()}}},
          {"changes", changes(*day)}};
}

}  // namespace somatic
