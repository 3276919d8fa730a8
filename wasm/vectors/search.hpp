// Finds the best slots for a query, over all or over given ones. Knows ids only to break ties, and
// no facets.
#pragma once

#include <cstdint>
#include <span>

#include "vectors/array.hpp"
#include "vectors/best.hpp"
#include "vectors/blocks.hpp"

namespace somatic::vectors {

class Search {
 public:
  Search(const Blocks& blocks, const Array<Id>& ids) : blocks_(blocks), ids_(ids) {}

  /// Before each of the others. `query` as Blocks::set() takes a vector; `limit` from 1, and there
  /// is a vector. false: there is no memory.
  [[nodiscard]] bool start(const float* query, double factor, double threshold,
                           std::uint32_t limit);

  void exact();
  void exact(std::span<const std::uint32_t> slots);

  const Array<Hit>& finish() { return best_.finish(); }

 private:
  void offer_exact(std::uint32_t slot, const float* v);

  const Blocks& blocks_;
  const Array<Id>& ids_;
  Array<float> query_;
  double threshold_ = 0;
  Best best_;
};

}  // namespace somatic::vectors
