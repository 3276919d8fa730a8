// The ways to find the best slots for a query, over all or over given ones:
//
//   exact    scores every vector
//   by int8  scores every int8 code, and exactly whoever may be among the best given the rounding
//   by bits  takes the nearest 1-bit codes, and goes on as by int8: may miss what is far from its
//   code
//
// Knows ids only to break ties, and no facets. Which way is taken is its caller's choice.
#pragma once

#include <cstdint>
#include <span>

#include "vectors/array.hpp"
#include "vectors/best.hpp"
#include "vectors/blocks.hpp"
#include "vectors/candidates.hpp"
#include "vectors/nearest_codes.hpp"

namespace somatic::vectors {

class Search {
 public:
  Search(const Blocks& blocks, const Array<Id>& ids) : blocks_(blocks), ids_(ids) {}

  /// Before one of the others. `query` as Blocks::set() takes a vector; `limit` from 1, and there
  /// is a vector. false here and below: there is no memory.
  [[nodiscard]] bool start(const float* query, double factor, double threshold,
                           std::uint32_t limit);

  void exact();
  void exact(std::span<const std::uint32_t> slots);
  [[nodiscard]] bool by_int8();
  [[nodiscard]] bool by_int8(std::span<const std::uint32_t> slots);
  /// `nearest`: how many codes are taken
  [[nodiscard]] bool by_bits(std::uint32_t nearest);
  /// After by_bits: it was not done again by int8.
  [[nodiscard]] bool did_suffice() const { return did_suffice_; }

  /// Best first; valid until start().
  const Array<Hit>& finish() { return best_.finish(); }

  /// Of the query.
  [[nodiscard]] const std::uint64_t* bits();

 private:
  [[nodiscard]] bool start_int8(std::uint32_t size);
  [[nodiscard]] float margin(float scale) const;
  void offer_int8(std::uint32_t slot);
  void rescore();
  [[nodiscard]] bool is_complete();
  void offer_exact(std::uint32_t slot, const float* v);

  const Blocks& blocks_;
  const Array<Id>& ids_;
  Array<float> query_;
  Array<QueryCode> codes_;
  Array<std::uint64_t> bits_;
  float scale_ = 0;  // of codes_
  std::uint32_t touched_ = 0;
  bool did_suffice_ = false;
  double threshold_ = 0;
  std::uint32_t limit_ = 0;
  Best best_;
  Candidates candidates_;
  NearestCodes nearest_;
};

}  // namespace somatic::vectors
