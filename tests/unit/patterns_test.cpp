// Pattern insights: each figure by an example, and all of them against a naive recomputation after
// random insertions, replacements and removals.
#include "insights/patterns.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/calendar.hpp"
#include "random_json.hpp"

using namespace somatic;
using somatic::testing::below;

namespace {

const std::string kToday = "2026-11-25";

std::string day_before(std::int32_t days) { return format_date(*parse_date(kToday) - days); }

/// `at` is minutes into a day of its own: only the order within a day matters.
Json entry(const std::string& day, const std::string& type, int minute = 0, Json energy = nullptr,
           bool has_kata = false) {
  const std::int32_t number = *parse_date(day);
  return {{"at", number * 86400000LL + minute * 60000LL},
          {"day", day},
          {"hour", minute / 60},
          {"weekday", (number + 4) % 7},
          {"type", type},
          {"energy", std::move(energy)},
          {"hasKata", has_kata}};
}

Patterns of(const std::vector<Json>& entries) {
  Patterns patterns;
  int key = 0;
  for (const Json& each : entries) patterns.set(std::to_string(key++), each);
  return patterns;
}

// The naive recomputation
// --------------------------------------------------------------------------

double four(double value) { return std::round(value * 10000) / 10000 + 0.0; }

using Entries = std::map<std::string, Json>;

struct Count {
  int entries = 0, leaks = 0, transmutations = 0, urges = 0, converted = 0, energies = 0;
  double energy = 0;
};

bool is_one_of(const Json& one, const char* first, const char* second) {
  return one["type"] == first || one["type"] == second;
}
bool leaks(const Json& one) { return is_one_of(one, "Leak/Drain", "Urge/Symptom"); }
bool transmutes(const Json& one) { return is_one_of(one, "Kata Performed", "Win"); }

bool converts(const Json& urge, const Entries& all) {
  if (urge["hasKata"] == true) return true;
  for (const auto& [_, other] : all) {
    if (other["type"] == "Kata Performed" && other["day"] == urge["day"] &&
        other["at"] >= urge["at"])
      return true;
  }
  return false;
}

Count count(const Entries& all, const std::string& from, const std::string& to) {
  Count count;
  for (const auto& [_, one] : all) {
    if (one["day"] < from || one["day"] > to) continue;
    count.entries += 1;
    count.leaks += leaks(one) ? 1 : 0;
    count.transmutations += transmutes(one) ? 1 : 0;
    if (one["type"] == "Urge/Symptom") {
      count.urges += 1;
      count.converted += converts(one, all) ? 1 : 0;
    }
    if (one["energy"].is_number()) {
      count.energies += 1;
      count.energy += one["energy"].get<double>();
    }
  }
  return count;
}

Json rate(const Count& of) {
  return of.urges == 0 ? Json() : Json(four(static_cast<double>(of.converted) / of.urges));
}
Json mean(const Count& of) {
  return of.energies == 0 ? Json() : Json(four(of.energy / of.energies));
}

/// The longest stretch of days for which `holds`, the first of equally long ones.
template <typename Holds>
Json longest(const std::string& from, Holds holds) {
  std::int32_t best = 0, best_from = 0, run = 0;
  for (std::int32_t day = *parse_date(from); day <= *parse_date(kToday); ++day) {
    run = holds(format_date(day)) ? run + 1 : 0;
    if (run > best) {
      best = run;
      best_from = day - run + 1;
    }
  }
  if (best == 0) return {{"days", 0}, {"from", nullptr}, {"to", nullptr}};
  return {
      {"days", best}, {"from", format_date(best_from)}, {"to", format_date(best_from + best - 1)}};
}

Json naive_energy(const Entries& all) {
  Json days = Json::array();
  std::vector<std::pair<double, double>> points;
  for (int x = 0; x < 30; ++x) {
    const std::string day = day_before(29 - x);
    const Count count = ::count(all, day, day);
    if (count.energies == 0) continue;
    days.push_back({{"day", day}, {"mean", mean(count)}});
    points.emplace_back(x, count.energy / count.energies);
  }
  double mean_x = 0, mean_y = 0, up = 0, across = 0;
  for (const auto& [x, y] : points) {
    mean_x += x / static_cast<double>(points.size());
    mean_y += y / static_cast<double>(points.size());
  }
  for (const auto& [x, y] : points) {
    up += (x - mean_x) * (y - mean_y);
    across += (x - mean_x) * (x - mean_x);
  }
  return {{"days", days},
          {"mean", mean(count(all, day_before(29), kToday))},
          {"slope", points.size() < 2 ? Json() : Json(up / across)}};
}

Json naive(const Entries& all) {
  if (all.empty()) return nullptr;
  const Count every = count(all, "", "9");
  std::set<std::string> days;
  for (const auto& [_, one] : all) days.insert(one["day"].get<std::string>());
  const auto rhythm = [&](bool (*holds)(const Json&)) {
    std::vector<int> hours(24), weekdays(7);
    for (const auto& [_, one] : all) {
      if (!holds(one)) continue;
      hours[one["hour"].get<std::size_t>()] += 1;
      weekdays[one["weekday"].get<std::size_t>()] += 1;
    }
    return Json{{"byHour", hours}, {"byWeekday", weekdays}};
  };
  const Count now = count(all, day_before(29), kToday);
  const Count before = count(all, day_before(59), day_before(30));
  const auto change = [](const Json& a, const Json& b) {
    Json by;
    if (a.is_number_integer()) by = a.get<int>() - b.get<int>();
    if (a.is_number_float() && b.is_number_float()) by = four(a.get<double>() - b.get<double>());
    return Json{{"now", a}, {"before", b}, {"change", by}};
  };
  const std::string first = *days.begin();
  return {
      {"totals",
       {{"entries", every.entries},
        {"leaks", every.leaks},
        {"transmutations", every.transmutations},
        {"days", days.size()},
        {"firstDay", first}}},
      {"leaks", rhythm(leaks)},
      {"transmutations", rhythm(transmutes)},
      {"conversion",
       {{"urges", every.urges}, {"converted", every.converted}, {"rate", rate(every)}}},
      {"energy", naive_energy(all)},
      {"runs",
       {{"transmutation",
         longest(first, [&](const std::string& d) { return count(all, d, d).transmutations > 0; })},
        {"withoutLeak",
         longest(first, [&](const std::string& d) { return count(all, d, d).leaks == 0; })}}},
      {"changes",
       {{"entries", change(now.entries, before.entries)},
        {"leaks", change(now.leaks, before.leaks)},
        {"transmutations", change(now.transmutations, before.transmutations)},
        {"conversion", change(rate(now), rate(before))},
        {"energy", change(mean(now), mean(before))}}}};
}

/// Equal but for the slope, which the naive one computes on another way: that to its last digit.
void check_alike(Json ours, Json expected) {
  if (expected.is_object()) {
    const Json slope = ours["energy"]["slope"], other = expected["energy"]["slope"];
    CHECK(slope.is_null() == other.is_null());
    if (!slope.is_null()) {
      CHECK(std::abs(slope.get<double>() - other.get<double>()) <= 0.00005001);
    }
    expected["energy"]["slope"] = slope;
  }
  if (ours != expected) FAIL(Json::diff(expected, ours).dump());
}

Json random_entry(Random& random) {
  static const char* const kTypes[] = {"Urge/Symptom", "Kata Performed", "Win",
                                       "Leak/Drain",   "Insight",        "unknown"};
  const std::string day = day_before(below(random, 90) - 2);
  const Json energy = below(random, 3) == 0 ? Json() : Json(below(random, 21) / 2.0);
  return entry(day, kTypes[below(random, 6)], below(random, 1440), energy, below(random, 4) == 0);
}

}  // namespace

TEST_CASE("patterns: nothing to say without entries, or on no day") {
  Patterns patterns;
  CHECK(patterns.result(kToday).is_null());
  patterns.set("1", entry(kToday, "Win"));
  CHECK(patterns.result("yesterday").is_null());
  CHECK(patterns.result(kToday)["totals"]["entries"] == 1);
  patterns.remove("1");
  patterns.remove("1");
  CHECK(patterns.result(kToday).is_null());
}

TEST_CASE("patterns: what is no entry is left out, and takes the former one away") {
  const Json good = entry(kToday, "Win");
  const std::vector<std::pair<std::string, Json>> cases = {
      {"day", "2026-02-30"}, {"day", nullptr}, {"hour", 24},       {"hour", -1},
      {"hour", "7"},         {"weekday", 7},   {"weekday", false},
  };
  for (const auto& [name, value] : cases) {
    CAPTURE(name);
    Patterns patterns;
    patterns.set("1", good);
    Json bad = good;
    bad[name] = value;
    patterns.set("1", bad);
    CHECK(patterns.result(kToday).is_null());
  }
  Patterns patterns;
  for (const char* text : {"", "null", "[]", "3", "{", "{}"}) patterns.set("1", parse_json(text));
  CHECK(patterns.result(kToday).is_null());
}

TEST_CASE("patterns: an urge is converted by a kata that follows on its day, or by its own") {
  struct Case {
    std::string name;
    std::vector<Json> entries;
    Json rate;
  };
  const Json urge = entry(kToday, "Urge/Symptom", 600);
  const Case cases[] = {
      {"no urge", {entry(kToday, "Kata Performed")}, nullptr},
      {"nothing followed", {urge}, 0},
      {"a kata later", {urge, entry(kToday, "Kata Performed", 601)}, 1},
      {"a kata at the same moment", {urge, entry(kToday, "Kata Performed", 600)}, 1},
      {"a kata before", {urge, entry(kToday, "Kata Performed", 599)}, 0},
      {"a win is no kata", {urge, entry(kToday, "Win", 700)}, 0},
      {"the day after", {entry(day_before(1), "Urge/Symptom"), entry(kToday, "Kata Performed")}, 0},
      {"its own", {entry(kToday, "Urge/Symptom", 0, nullptr, true)}, 1},
      {"one of three",
       {urge, entry(day_before(1), "Urge/Symptom"), entry(day_before(2), "Urge/Symptom"),
        entry(kToday, "Kata Performed", 700)},
       0.3333},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(of(c.entries).result(kToday)["conversion"]["rate"] == c.rate);
  }
}

TEST_CASE("patterns: a slope is energy per day over the days' means of 30 days") {
  std::vector<Json> entries = {entry(day_before(30), "Insight", 0, 1000)};
  for (int day = 29; day >= 0; day -= 2) {
    entries.push_back(entry(day_before(day), "Insight", 0, 4 - day * 0.1));
    entries.push_back(entry(day_before(day), "Win", 9, 6 - day * 0.1));
  }
  const Json energy = of(entries).result(kToday)["energy"];
  CHECK(energy["slope"] == 0.1);
  CHECK(energy["days"].size() == 15);
  CHECK(energy["days"][0] == Json{{"day", day_before(29)}, {"mean", 2.1}});
  CHECK(of({entries[1]}).result(kToday)["energy"]["slope"].is_null());
}

TEST_CASE("patterns: runs") {
  const Json runs = of({entry(day_before(20), "Win"), entry(day_before(19), "Kata Performed"),
                        entry(day_before(12), "Leak/Drain"), entry(day_before(9), "Win"),
                        entry(day_before(8), "Win"), entry(day_before(2), "Urge/Symptom"),
                        entry(day_before(-1), "Win")})
                        .result(kToday)["runs"];
  const Json transmutation = {{"days", 2}, {"from", day_before(20)}, {"to", day_before(19)}};
  const Json without_leak = {{"days", 9}, {"from", day_before(11)}, {"to", day_before(3)}};
  CHECK(runs["transmutation"] == transmutation);
  CHECK(runs["withoutLeak"] == without_leak);
  const Json tomorrow = of({entry(day_before(-1), "Win")}).result(kToday)["runs"];
  CHECK(tomorrow["withoutLeak"]["days"] == 0);
  CHECK(tomorrow["transmutation"]["from"].is_null());
}

TEST_CASE("patterns: kept up to date, they are what a recomputation gives") {
  for (int seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Random random("patterns " + std::to_string(seed));
    Patterns patterns;
    Entries all;
    const int steps = 20 + below(random, 120);
    for (int step = 0; step < steps; ++step) {
      const std::string key = std::to_string(below(random, 80));
      if (below(random, 3) == 0) {
        patterns.remove(key);
        all.erase(key);
      } else {
        all[key] = random_entry(random);
        patterns.set(key, all[key]);
      }
      if (step % 20 == 0) check_alike(patterns.result(kToday), naive(all));
    }
    check_alike(patterns.result(kToday), naive(all));
    Patterns again;
    for (auto at = all.rbegin(); at != all.rend(); ++at) again.set(at->first, at->second);
    CHECK(again.result(kToday).dump() == patterns.result(kToday).dump());
    while (!all.empty()) {
      patterns.remove(all.begin()->first);
      all.erase(all.begin());
    }
    CHECK(patterns.result(kToday).is_null());
  }
}
