// What a person's sovereign logs have in common: when leaks and transmutations happen, what becomes
// of an urge, how energy goes, what the last 30 days changed. Kept up to date entry by entry, so
// that one more costs nothing. Knows no row, no clock and no time zone: days and hours are given.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/json.hpp"

namespace somatic {

class Patterns {
 public:
  /// `entry`: {at: ms, day: "YYYY-MM-DD", hour: 0-23, weekday: 0-6, type, energy: number or null,
  /// hasKata}. Replaces what was there under the key; what is no such entry counts as removed.
  void set(const std::string& key, const Json& entry);
  void remove(const std::string& key);
  void clear() { *this = Patterns(); }

  /// The same entries and the same day give the same JSON, in whatever order they came. Days after
  /// `today` count in totals and hours only. Null when there is no entry or `today` is no day.
  [[nodiscard]] Json result(const std::string& today) const;

  enum class Type { kUrge, kLeak, kKata, kWin, kOther };

 private:
  struct Entry {
    std::int64_t at = 0;
    std::int32_t day = 0;
    std::size_t hour = 0;
    std::size_t weekday = 0;
    Type type = Type::kOther;
    /// In ten-thousandths: sums of integers do not depend on the order, nor remember what was
    /// removed.
    std::optional<std::int64_t> energy;
    bool has_kata = false;
  };

  struct Day {
    std::int64_t entries = 0;
    std::int64_t leaks = 0;
    std::int64_t transmutations = 0;
    std::int64_t urges_with_kata = 0;
    std::multiset<std::int64_t> other_urges;
    std::multiset<std::int64_t> katas;
    std::int64_t energy = 0;
    std::int64_t energies = 0;

    [[nodiscard]] std::int64_t urges() const;
    [[nodiscard]] std::int64_t converted() const;
  };

  struct Rhythm {
    std::array<std::int64_t, 24> by_hour{};
    std::array<std::int64_t, 7> by_weekday{};
  };

  using Days = std::map<std::int32_t, Day>;
  struct Sums;
  struct Run;

  static std::optional<Entry> read(const Json& entry);
  /// `by`: 1 to add, -1 to take away.
  void count(const Entry& entry, int by);
  [[nodiscard]] Sums sums(std::int32_t from, std::int32_t to) const;
  [[nodiscard]] Json energy(std::int32_t today) const;
  [[nodiscard]] Json changes(std::int32_t today) const;
  [[nodiscard]] Run longest_with_transmutation(std::int32_t today) const;
  [[nodiscard]] Run longest_without_leak(std::int32_t today) const;

  std::unordered_map<std::string, Entry> entries_;
  Days days_;
  Rhythm leaks_;
  Rhythm transmutations_;
};

}  // namespace somatic
