// The best hits so far, at most as many as asked for. The order of results is decided here and
// nowhere else: higher scores first, then smaller ids.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "vectors/array.hpp"
#include "vectors/id.hpp"

namespace somatic::vectors {

struct Hit {
  float score;
  std::uint32_t slot;
};

class Best {
  // A heap by this order has the worst hit at its root.
  [[nodiscard]] auto order() const {
    return [&ids = *ids_](const Hit& a, const Hit& b) {
      return a.score != b.score ? a.score > b.score : ids[a.slot] < ids[b.slot];
    };
  }

 public:
  /// Empties it; `limit` from 1. false: there is no memory.
  [[nodiscard]] bool start(std::uint32_t limit, const Array<Id>& ids) {
    limit_ = limit;
    ids_ = &ids;
    hits_.clear();
    return hits_.reserve(limit);
  }

  /// The score that the next one has to reach, or -infinity.
  [[nodiscard]] float worst() const {
    return hits_.size() < limit_ ? -std::numeric_limits<float>::infinity() : hits_[0].score;
  }

  void offer(const Hit& hit) {
    const auto is_better = order();
    if (hits_.size() == limit_) {
      if (!is_better(hit, hits_[0])) return;
      std::pop_heap(hits_.begin(), hits_.end(), is_better);
      hits_.pop();
    }
    hits_.push(hit);
    std::push_heap(hits_.begin(), hits_.end(), is_better);
  }

  /// In no order.
  [[nodiscard]] const Array<Hit>& hits() const { return hits_; }

  /// Best first. Nothing can be offered after it.
  const Array<Hit>& finish() {
    std::sort_heap(hits_.begin(), hits_.end(), order());
    return hits_;
  }

 private:
  Array<Hit> hits_;
  const Array<Id>* ids_ = nullptr;
  std::uint32_t limit_ = 0;
};

}  // namespace somatic::vectors
