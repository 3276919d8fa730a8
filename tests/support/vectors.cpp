// Test vectors and the naive search (support/vectors.hpp).
#include "support/vectors.hpp"

#include <algorithm>
#include <cmath>

namespace somatic::test {
namespace {

Vector noise(std::uint32_t dimensions, float size, Numbers& numbers) {
  Vector v(dimensions);
  for (float& each : v) each = size * numbers.normal();
  return v;
}

Vector sum(const Vector& a, Vector b) {
  for (std::size_t i = 0; i < b.size(); ++i) b[i] += a[i];
  return b;
}

Vector words(std::uint32_t dimensions, Numbers& numbers) {
  Vector v(dimensions);
  for (int word = 0; word < 12; ++word) {
    const float rank = numbers.fraction() * numbers.fraction() * numbers.fraction();
    v[static_cast<std::uint32_t>(rank * static_cast<float>(dimensions))] += 1;
  }
  return v;
}

}  // namespace

std::uint64_t Numbers::next() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

float Numbers::normal() {
  float all = 0;
  for (int i = 0; i < 4; ++i) all += fraction() - 0.5F;
  return all * 1.7F;
}

std::vector<Vector> vectors_of(const std::string& shape, std::uint32_t dimensions,
                               std::uint32_t count, Numbers& numbers) {
  std::vector<Vector> centres;
  const int centre_count = shape == "clustered" ? 50 : 30;
  for (int i = 0; i < centre_count; ++i) centres.push_back(noise(dimensions, 1, numbers));
  std::vector<Vector> out;
  while (out.size() < count) {
    const Vector& centre = centres[numbers.below(static_cast<std::uint32_t>(centres.size()))];
    if (shape == "uniform") out.push_back(noise(dimensions, 1, numbers));
    if (shape == "clustered") out.push_back(sum(centre, noise(dimensions, 0.7F, numbers)));
    if (shape == "near-duplicates") out.push_back(sum(centre, noise(dimensions, 0.01F, numbers)));
    if (shape == "sparse") out.push_back(words(dimensions, numbers));
  }
  return out;
}

vectors::Id random_id(Numbers& numbers) {
  const std::uint64_t high = numbers.next();
  return {high, numbers.next()};
}

double cosine(const Vector& a, const Vector& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  return ab / std::sqrt(aa * bb);
}

std::vector<NaiveHit> naive_search(const std::vector<NaiveRow>& rows, const Vector& query,
                                   double threshold, const std::vector<vectors::Facet>& facets) {
  std::vector<NaiveHit> hits;
  for (const NaiveRow& row : rows) {
    const bool passes = std::all_of(facets.begin(), facets.end(), [&](vectors::Facet facet) {
      return std::find(row.facets.begin(), row.facets.end(), facet) != row.facets.end();
    });
    if (!passes) continue;
    const double score = cosine(row.vector, query);
    if (score > threshold) hits.push_back({row.id, score});
  }
  std::sort(hits.begin(), hits.end(), [](const NaiveHit& a, const NaiveHit& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  return hits;
}

}  // namespace somatic::test
