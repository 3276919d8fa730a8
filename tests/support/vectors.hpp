// Vectors for tests of the index: of several shapes, from a seed. And the naive search that the
// index is held against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vectors/vector_index.hpp"

namespace somatic::test {

using Vector = std::vector<float>;

/// splitmix64, and numbers from it
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint32_t below(std::uint32_t count) { return static_cast<std::uint32_t>(next() % count); }
  float fraction() { return static_cast<float>(next() >> 40) / static_cast<float>(1 << 24); }
  /// of a normal distribution, nearly
  float normal();

 private:
  std::uint64_t state_;
};

/// "uniform": any direction; "clustered": around one of 50 centres; "near-duplicates": of 30
/// vectors; "sparse": a dozen words, few of them frequent.
std::vector<Vector> vectors_of(const std::string& shape, std::uint32_t dimensions,
                               std::uint32_t count, Numbers& numbers);

vectors::Id random_id(Numbers& numbers);

struct NaiveRow {
  vectors::Id id;
  Vector vector;
  std::vector<vectors::Facet> facets;
};
struct NaiveHit {
  vectors::Id id;
  double score;
};

double cosine(const Vector& a, const Vector& b);

/// All above the threshold, best first.
std::vector<NaiveHit> naive_search(const std::vector<NaiveRow>& rows, const Vector& query,
                                   double threshold, const std::vector<vectors::Facet>& facets);

}  // namespace somatic::test
