// The rules of the public API, each as a question about a place and its edits.
#include "sim/history.hpp"

#include <utility>

namespace somatic::testing {
namespace {

/// As long as the engine promises to keep when they lose.
bool is_long_text(const Json& value) {
  return value.is_string() && value.get_ref<const std::string&>().size() >= 80;
}

}  // namespace

std::size_t History::edit(const std::string& row, const std::string& place, Json value,
                          std::int64_t at, Json seen) {
  edits_.push_back({row, place, std::move(value), at, std::move(seen), false});
  return edits_.size() - 1;
}

void History::restore(std::int64_t at) {
  for (const std::size_t index : direct_) {
    if (edits_[index].at >= at) edits_[index].is_acknowledged = false;
  }
}

std::vector<std::string> History::judge(const std::map<std::string, Json>& shows,
                                        const std::set<std::string>& kept) const {
  std::map<std::string, std::vector<std::size_t>> by_place;
  for (std::size_t index = 0; index < edits_.size(); ++index) {
    // What a deletion and an edit make of each other is the unit tests' matter.
    if (!removed_.contains(edits_[index].row)) by_place[edits_[index].place].push_back(index);
  }
  std::vector<std::string> faults;
  for (const auto& [place, edits] : by_place) judge_place(place, edits, shows, kept, faults);
  return faults;
}

void History::judge_place(const std::string& place, const std::vector<std::size_t>& edits,
                          const std::map<std::string, Json>& shows,
                          const std::set<std::string>& kept,
                          std::vector<std::string>& faults) const {
  const auto shown = shows.find(place);
  const Json value = shown == shows.end() ? Json() : shown->second;
  const Edit* winner = nullptr;
  std::set<std::string> superseded = superseded_;
  for (const std::size_t index : edits) {
    if (edits_[index].value == value) winner = &edits_[index];
    superseded.insert(edits_[index].seen.dump());
  }
  for (const std::size_t index : edits) {
    const Edit& edit = edits_[index];
    if (!edit.is_acknowledged || &edit == winner) continue;
    const std::string what = place + ": " + edit.value.dump().substr(0, 40);
    if (winner == nullptr) {
      faults.push_back(what + " is lost: " + value.dump().substr(0, 40) + " is there");
      return;
    }
    if (tolerance_ >= 0 && edit.at > winner->at + tolerance_) {
      faults.push_back(what + " is " + std::to_string(edit.at - winner->at) + " ms later than " +
                       value.dump().substr(0, 40) + ", and lost");
    }
    const bool is_known = superseded.contains(edit.value.dump());
    if (is_long_text(edit.value) && !is_known && !kept.contains(edit.value.get<std::string>())) {
      faults.push_back(what + " lost against " + value.dump().substr(0, 12) +
                       " and is not in overwritten()");
    }
  }
}

}  // namespace somatic::testing
