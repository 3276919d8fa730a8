// Which way to search, by size, filter and limit; and whether 1-bit codes will do for these
// vectors, which is not assumed but measured: whenever they are made anew, for a sample of queries,
// how many of the nearest codes one has to take for the truly best to be among them. Sparse
// vectors, or many near-duplicates, need so many that int8 is faster.
#pragma once

#include <cstdint>

#include "vectors/blocks.hpp"
#include "vectors/search.hpp"

namespace somatic::vectors {

// The numbers are part of the interface to JavaScript, for tests and benches.
enum class Way : std::uint8_t { kExact, kInt8, kBits };

class Planner {
 public:
  struct Plan {
    Way way;
    std::uint32_t nearest;  // codes to take, by bits
  };

  [[nodiscard]] Plan plan(std::uint32_t size, std::uint32_t limit) const;
  /// For so many that pass a filter: exact results, so never by bits.
  [[nodiscard]] static Way plan_filtered(std::uint32_t count, std::uint32_t limit);

  /// A vector came or was replaced.
  void count_change() { ++changes_; }
  /// Codes must be made: there are none, or as many vectors have come since as there were.
  [[nodiscard]] bool is_due(std::uint32_t size) const;
  /// Makes the codes and measures them. Without memory there will be no search by bits.
  void measure(Blocks& blocks, Search& search);

 private:
  /// How many codes to take so that the `limit` best are among them; 0: not measured, or too many.
  struct Need {
    std::uint32_t limit;
    std::uint32_t nearest;
  };

  static constexpr int kNeeds = 2;
  Need needs_[kNeeds] = {{10, 0}, {50, 0}};
  std::uint32_t measured_size_ = 0;
  std::uint32_t changes_ = 0;
};

}  // namespace somatic::vectors
