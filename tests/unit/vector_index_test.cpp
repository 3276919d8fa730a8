// The vector index against a naive search over the same vectors, in every shape of data and every
// way to search; what it refuses; what it does with ids, facets and gaps.
#include "vectors/vector_index.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "support/vectors.hpp"

using somatic::test::naive_search;
using somatic::test::NaiveHit;
using somatic::test::NaiveRow;
using somatic::test::Numbers;
using somatic::test::random_id;
using somatic::test::Vector;
using somatic::test::vectors_of;
using somatic::vectors::Facet;
using somatic::vectors::Hit;
using somatic::vectors::Id;
using somatic::vectors::Refusal;
using somatic::vectors::VectorIndex;

namespace {

constexpr double kRounding = 1e-5;  // of scores in f32 against those in double

/// The index and what it should know.
struct Pair {
  explicit Pair(std::uint32_t dimensions) : index(dimensions) {}

  void add(const Id& id, const Vector& v, const std::vector<Facet>& facets = {}) {
    remove(id);
    REQUIRE(index.add(id, v.data(), facets) == Refusal::kNone);
    rows.push_back({id, v, facets});
  }
  bool remove(const Id& id) {
    std::erase_if(rows, [&](const NaiveRow& row) { return row.id == id; });
    return index.remove(id);
  }
  void remove_some(int count, Numbers& numbers) {
    for (int i = 0; i < count; ++i) {
      const Id id = rows[numbers.below(static_cast<std::uint32_t>(rows.size()))].id;
      remove(id);
    }
  }
  void add_all(const std::vector<Vector>& all, Numbers& numbers) {
    for (const Vector& v : all) {
      add(random_id(numbers), v, {1, 10 + numbers.below(10), 100 + numbers.below(100)});
    }
  }

  VectorIndex index;
  std::vector<NaiveRow> rows;
};

struct Question {
  double threshold;
  std::uint32_t limit;
  std::vector<Facet> facets;
};

/// As many as there are, but for those so near the threshold that rounding decides.
void check_count(std::size_t found, const std::vector<NaiveHit>& wanted, const Question& q) {
  const auto surely = std::count_if(wanted.begin(), wanted.end(), [&](const NaiveHit& hit) {
    return hit.score > q.threshold + 2 * kRounding;
  });
  CHECK(found >= std::min<std::size_t>(q.limit, static_cast<std::size_t>(surely)));
  CHECK(found <= std::min<std::size_t>(q.limit, wanted.size()));
}

/// Of the same scores, place by place, in the order of scores and ids.
void check_same(Pair& pair, const Vector& query, const Question& q) {
  CAPTURE(q.threshold);
  CAPTURE(q.limit);
  CAPTURE(q.facets.size());
  REQUIRE(pair.index.search(query.data(), q.threshold, q.limit, q.facets) == Refusal::kNone);
  const std::vector<NaiveHit> wanted =
      naive_search(pair.rows, query, q.threshold - kRounding, q.facets);
  const auto found = pair.index.results();
  check_count(found.size(), wanted, q);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].score == doctest::Approx(wanted[i].score).epsilon(kRounding));
    if (i == 0) continue;
    const Hit& before = found[i - 1];
    const bool is_ordered = before.score > found[i].score ||
                            (before.score == found[i].score &&
                             pair.index.id(before.slot) < pair.index.id(found[i].slot));
    CHECK(is_ordered);
  }
}

std::vector<Question> questions(std::uint32_t size) {
  std::vector<Question> out;
  for (const double threshold : {-1.0, 0.0, 0.3, 0.7, 0.95}) {
    for (const std::uint32_t limit : {0U, 1U, 5U, 10U, 50U, size / 4, size, 2 * size}) {
      out.push_back({threshold, limit, {}});
    }
  }
  for (const std::vector<Facet>& facets : std::vector<std::vector<Facet>>{
           {1}, {12}, {1, 12}, {103}, {12, 103}, {12, 13}, {7}, {1, 7}}) {
    out.push_back({0.1, 10, facets});
    out.push_back({-1, size, facets});
  }
  return out;
}

struct Shape {
  std::string name;
  std::uint32_t dimensions;
  std::uint32_t size;
};

const Shape kShapes[] = {
    {"uniform", 384, 700},         {"clustered", 384, 3000}, {"near-duplicates", 384, 1500},
    {"sparse", 384, 1500},         {"uniform", 1, 40},       {"clustered", 33, 1100},
    {"near-duplicates", 100, 900}, {"sparse", 65, 900},
};

}  // namespace

TEST_CASE("vector index: finds what a naive search finds") {
  for (const Shape& shape : kShapes) {
    CAPTURE(shape.name);
    CAPTURE(shape.dimensions);
    Numbers numbers(shape.size);
    Pair pair(shape.dimensions);
    pair.add_all(vectors_of(shape.name, shape.dimensions, shape.size, numbers), numbers);
    for (const Question& question : questions(shape.size)) {
      check_same(pair, pair.rows[numbers.below(shape.size)].vector, question);
      check_same(pair, vectors_of(shape.name, shape.dimensions, 1, numbers)[0], question);
    }
  }
}

TEST_CASE("vector index: adding, replacing and removing in any order") {
  for (const std::string shape : {"clustered", "sparse"}) {
    CAPTURE(shape);
    Numbers numbers(5);
    Pair pair(48);
    pair.add_all(vectors_of(shape, 48, 1100, numbers), numbers);
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 60; ++i) {
        const Vector v = vectors_of(shape, 48, 1, numbers)[0];
        const Id known = pair.rows[numbers.below(static_cast<std::uint32_t>(pair.rows.size()))].id;
        switch (numbers.below(5)) {
          case 0:
            pair.add(known, v, {1, 10 + numbers.below(10)});
            break;
          case 1:
          case 2:
            CHECK(pair.remove(known));
            break;
          default:
            pair.add(random_id(numbers), v, {1, 10 + numbers.below(10)});
        }
      }
      CHECK(pair.index.size() == pair.rows.size());
      for (const NaiveRow& row : pair.rows) REQUIRE(pair.index.has(row.id));
      const Vector query = vectors_of(shape, 48, 1, numbers)[0];
      check_same(pair, query, {0.1, 10, {}});
      check_same(pair, query, {-1, 2000, {12}});
      check_same(pair, query, {-1, 2000, {1, 105}});
    }
    while (!pair.rows.empty()) pair.remove(pair.rows.back().id);
    CHECK(pair.index.size() == 0);
    check_same(pair, vectors_of(shape, 48, 1, numbers)[0], {-1, 10, {}});
  }
}

/// The slots of all that carry a facet, in order.
std::vector<std::uint32_t> slots_of(VectorIndex& index, const Vector& query, Facet facet) {
  const Facet facets[] = {facet};
  REQUIRE(index.search(query.data(), -2, index.size(), facets) == Refusal::kNone);
  std::vector<std::uint32_t> slots;
  for (const Hit& hit : index.results()) slots.push_back(hit.slot);
  std::sort(slots.begin(), slots.end());
  return slots;
}

TEST_CASE("vector index: what carries one facet is put beside each other, and is what it was") {
  Numbers numbers(3);
  Pair pair(16);
  pair.add_all(vectors_of("clustered", 16, 5000, numbers), numbers);
  pair.remove_some(500, numbers);
  const Vector query = vectors_of("clustered", 16, 1, numbers)[0];
  for (int round = 0; round < 2; ++round) {
    pair.index.prepare();
    for (Facet facet = 10; facet < 20; ++facet) {
      CAPTURE(facet);
      const auto carries = [&](const NaiveRow& row) { return row.facets[1] == facet; };
      const std::vector<std::uint32_t> slots = slots_of(pair.index, query, facet);
      REQUIRE(static_cast<std::ptrdiff_t>(slots.size()) ==
              std::count_if(pair.rows.begin(), pair.rows.end(), carries));
      CHECK(slots.back() - slots.front() + 1 == slots.size());
      check_same(pair, query, {-2, 6000, {facet}});
    }
    for (const NaiveRow& row : pair.rows) {
      const float* v = pair.index.vector(row.id);
      REQUIRE(v != nullptr);
      const float length = std::sqrt(
          std::inner_product(row.vector.begin(), row.vector.end(), row.vector.begin(), 0.0F));
      CHECK(std::inner_product(v, v + 16, row.vector.begin(), 0.0F) ==
            doctest::Approx(length).epsilon(kRounding));
    }
    for (const Question& question : questions(4500)) check_same(pair, query, question);
    // as many again, and it is due again
    pair.remove_some(500, numbers);
    pair.add_all(vectors_of("clustered", 16, 5000, numbers), numbers);
  }
}

TEST_CASE("vector index: equal scores are ordered by id, and cut off there") {
  Pair pair(16);
  Numbers numbers(1);
  const Vector v = vectors_of("uniform", 16, 1, numbers)[0];
  for (std::uint64_t i = 0; i < 300; ++i) pair.add({(i * 77) % 300, 0}, v);
  REQUIRE(pair.index.search(v.data(), 0.5, 7, {}) == Refusal::kNone);
  REQUIRE(pair.index.results().size() == 7);
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(pair.index.id(pair.index.results()[i].slot) == Id{i, 0});
  }
}

TEST_CASE("vector index: the threshold itself is not above it") {
  Pair pair(4);
  pair.add({1, 0}, {0.1F, 0.2F, 0.3F, 0.4F});
  pair.add({2, 0}, {1, 0, 0, 0});
  const Vector same = {0.2F, 0.4F, 0.6F, 0.8F};
  REQUIRE(pair.index.search(same.data(), 1, 5, {}) == Refusal::kNone);
  CHECK(pair.index.results().empty());
  const Vector orthogonal = {0, 3, 0, 0};
  REQUIRE(pair.index.search(orthogonal.data(), 0, 5, {}) == Refusal::kNone);
  CHECK(pair.index.results().size() == 1);
}

TEST_CASE("vector index: what is no vector is refused, and changes nothing") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  struct Case {
    std::string name;
    Vector v;
    Refusal want;
  };
  const Case cases[] = {
      {"zero", {0, 0, 0}, Refusal::kZero},
      {"minus zero", {-0.0F, 0, 0}, Refusal::kZero},
      {"not a number", {1, NAN, 0}, Refusal::kNotFinite},
      {"infinite", {1, 0, kInfinity}, Refusal::kNotFinite},
      {"infinite both ways", {kInfinity, -kInfinity, 0}, Refusal::kNotFinite},
      {"the smallest there is", {1e-45F, 0, 0}, Refusal::kNone},
      {"the largest there is", {3.4e38F, -3.4e38F, 0}, Refusal::kNone},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    VectorIndex index(3);
    const Vector before = {1, 2, 3};
    REQUIRE(index.add({1, 1}, before.data(), {}) == Refusal::kNone);
    CHECK(index.search(c.v.data(), 0, 5, {}) == c.want);
    CHECK(index.add({1, 1}, c.v.data(), {}) == c.want);
    CHECK(index.size() == 1);
    REQUIRE(index.search(before.data(), 0.999, 5, {}) == Refusal::kNone);
    CHECK(index.results().size() == (c.want == Refusal::kNone ? 0 : 1));
  }
}

TEST_CASE("vector index: gives back the vector, of length 1") {
  VectorIndex index(3);
  const Vector v = {0, 3, 4};
  const Facet twice[] = {9, 9, 8};
  REQUIRE(index.add({1, 1}, v.data(), twice) == Refusal::kNone);
  REQUIRE(index.vector({1, 1}) != nullptr);
  CHECK(index.vector({1, 1})[0] == 0);
  CHECK(index.vector({1, 1})[1] == 0.6F);
  CHECK(index.vector({1, 1})[2] == 0.8F);
  CHECK(index.vector({1, 2}) == nullptr);
  CHECK(index.remove({1, 1}));
  CHECK_FALSE(index.remove({1, 1}));
}

TEST_CASE("vector index: int8 products are right") { CHECK(somatic::vectors::dot_i8_is_right()); }

TEST_CASE("vector index: ids are ordered as their bytes are") {
  const unsigned char bytes[16] = {0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xFF};
  const Id id = Id::from_bytes(bytes);
  CHECK(id == Id{0x8001020304050607U, 0x08090A0B0C0D0EFFU});
  unsigned char back[16];
  id.to_bytes(back);
  CHECK(std::equal(back, back + 16, bytes));
}
