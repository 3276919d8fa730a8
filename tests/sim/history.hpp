// What the app did in one simulated world and what it was promised. At rest it judges what every
// device shows. Owns the promises; knows no engine, no server and no protocol.
//
// An edit is acknowledged when its write resolved. One whose device was killed before that may have
// happened or not: "maybe". Times are true times (the server's), in ms.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace somatic::testing {

/// One value of one place, e.g. "health/2026-11-20/steps". Every edit has a value of its own.
struct Edit {
  std::string row, place;
  Json value;
  std::int64_t at = 0;
  Json seen;  ///< what the place showed to whoever edited it
  bool is_acknowledged = false;
};

class History {
 public:
  // Notes, while the world runs
  std::size_t edit(const std::string& row, const std::string& place, Json value, std::int64_t at,
                   Json seen);
  void acknowledge(std::size_t edit) { edits_[edit].is_acknowledged = true; }
  /// Written past the engine: what stood there is gone, and nobody promised otherwise.
  void overwrite(const Json& value) { superseded_.insert(value.dump()); }
  void remove(const std::string& row) { removed_.insert(row); }
  /// A backup was restored: what only the server knew since `at` may be gone.
  void restore(std::int64_t at);
  void direct(std::size_t edit) { direct_.insert(edit); }

  /// No later edit of a place may lose against an earlier one, beyond this doubt about clocks.
  void judge_times(std::int64_t tolerance) { tolerance_ = tolerance; }

  /// `shows`: place -> value as all devices show it at rest; `kept`: every text in overwritten().
  [[nodiscard]] std::vector<std::string> judge(const std::map<std::string, Json>& shows,
                                               const std::set<std::string>& kept) const;
  [[nodiscard]] const std::set<std::string>& removed() const { return removed_; }
  [[nodiscard]] std::size_t size() const { return edits_.size(); }

 private:
  void judge_place(const std::string& place, const std::vector<std::size_t>& edits,
                   const std::map<std::string, Json>& shows, const std::set<std::string>& kept,
                   std::vector<std::string>& faults) const;

  std::vector<Edit> edits_;
  std::set<std::string> superseded_, removed_;
  std::set<std::size_t> direct_;
  std::int64_t tolerance_ = -1;
};

}  // namespace somatic::testing
