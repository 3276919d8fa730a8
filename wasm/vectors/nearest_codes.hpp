// The slots whose 1-bit codes differ least from the query's: at least as many as asked for, all of
// one distance or none. One pass, and the distances are never stored.
#pragma once

#include <cstdint>

#include "vectors/array.hpp"
#include "vectors/blocks.hpp"

namespace somatic::vectors {

class NearestCodes {
 public:
  /// `wanted` from 1. false: there is no memory. Answer: slots().
  [[nodiscard]] bool find(const Blocks& blocks, const std::uint64_t* query, std::uint32_t wanted);
  [[nodiscard]] const Array<std::uint32_t>& slots() const { return slots_; }
  /// All up to this distance were taken.
  [[nodiscard]] std::uint32_t cut() const { return cut_; }

 private:
  [[nodiscard]] bool take(std::uint32_t first, const std::uint16_t* distances, std::uint32_t count);
  void tighten(std::uint32_t wanted);
  void drop_far();

  struct Near {
    std::uint32_t slot;
    std::uint32_t distance;
  };
  Array<Near> near_;
  Array<std::uint32_t> slots_;
  Array<std::uint32_t> counts_;  // of near_ and what was dropped, by distance up to cut_
  std::uint32_t cut_ = 0;        // the largest distance that may still count
  std::uint32_t within_ = 0;     // how many have been seen at most so far away
};

}  // namespace somatic::vectors
