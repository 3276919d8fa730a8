// Chooses among approximate scores: whoever may be among the best, given how wrong a score may be,
// is kept, to be scored exactly. Knows no vectors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>

#include "vectors/array.hpp"

namespace somatic::vectors {

struct Candidate {
  float upper;  // the exact score is hardly above
  std::uint32_t slot;
};

class Candidates {
 public:
  /// Empties it; `limit` from 1. false: there is no memory.
  [[nodiscard]] bool start(std::uint32_t limit, double threshold, std::uint32_t size) {
    limit_ = limit;
    cut_ = static_cast<float>(threshold);
    kept_.clear();
    lowers_.clear();
    return kept_.reserve(size) && lowers_.reserve(limit);
  }

  /// Whose upper bound is below need not be offered.
  [[nodiscard]] float cut() const { return cut_; }

  void offer(std::uint32_t slot, float score, float margin) {
    if (score + margin < cut_) return;
    kept_.push({score + margin, slot});
    if (lowers_.size() == limit_) {
      if (score - margin <= lowers_[0]) return;
      std::pop_heap(lowers_.begin(), lowers_.end(), std::greater<>());
      lowers_.pop();
    }
    lowers_.push(score - margin);
    std::push_heap(lowers_.begin(), lowers_.end(), std::greater<>());
    if (lowers_.size() == limit_) cut_ = std::max(cut_, lowers_[0]);
  }

  /// Nothing can be offered after it.
  void finish() {
    Candidate* const end = std::remove_if(kept_.begin(), kept_.end(),
                                          [&](const Candidate& each) { return each.upper < cut_; });
    kept_.set_size(static_cast<std::uint32_t>(end - kept_.begin()));
    // With room for all of them their order makes no difference, and as they are is faster to read.
    is_ordered_ = kept_.size() > limit_;
    if (is_ordered_) std::make_heap(kept_.begin(), kept_.end(), is_less);
  }

  /// After finish(): how many are left.
  [[nodiscard]] std::uint32_t left() const { return kept_.size(); }
  /// The most promising one, where there are more than can be among the best.
  Candidate take() {
    if (is_ordered_) std::pop_heap(kept_.begin(), kept_.end(), is_less);
    const Candidate best = kept_.back();
    kept_.pop();
    return best;
  }

 private:
  static bool is_less(const Candidate& a, const Candidate& b) { return a.upper < b.upper; }

  Array<Candidate> kept_;
  bool is_ordered_ = false;
  Array<float> lowers_;  // the best lower bounds, a heap with the smallest at its root
  std::uint32_t limit_ = 0;
  float cut_ = 0;
};

}  // namespace somatic::vectors
