// The vector index: vectors of one length by id, found by cosine similarity, optionally only those
// that carry given facets. Answers mean what the SQL function match_embeddings means: similarity
// strictly above the threshold, best first, ties by id. Knows nothing of rows, models or texts.
//
// There is no graph: adding and removing must stay free, and filters exact (docs/ARCHITECTURE.md).
#pragma once

#include <cstdint>
#include <span>

#include "vectors/array.hpp"
#include "vectors/blocks.hpp"
#include "vectors/facets.hpp"
#include "vectors/hash_index.hpp"
#include "vectors/id.hpp"
#include "vectors/planner.hpp"
#include "vectors/search.hpp"

namespace somatic::vectors {

/// Why a vector was refused. The numbers are part of the interface to JavaScript.
enum class Refusal : std::uint8_t { kNone, kNotFinite, kZero, kNoMemory };

class VectorIndex {
 public:
  /// 1 to kDimensionsMax
  explicit VectorIndex(std::uint32_t dimensions) : blocks_(dimensions), search_(blocks_, ids_) {}

  /// Replaces what the id stood for. A refused vector changes nothing; with kNoMemory the id, if it
  /// was in, is gone.
  Refusal add(const Id& id, const float* v, std::span<const Facet> facets);
  /// false: it was not in.
  bool remove(const Id& id);
  [[nodiscard]] bool has(const Id& id) const { return slot_of(id) != kNothing; }
  /// Of length 1; nullptr: it is not in. Valid until the next call.
  [[nodiscard]] const float* vector(const Id& id) const;
  [[nodiscard]] std::uint32_t size() const { return blocks_.size(); }
  [[nodiscard]] std::uint32_t dimensions() const { return blocks_.dimensions(); }

  /// What the next search would do first: puts vectors that carry one facet beside each other and
  /// remakes the 1-bit codes when that is due, which takes some ten microseconds a vector.
  void prepare();
  /// All facets must be carried. The answer is results(); refused, there is none.
  Refusal search(const float* query, double threshold, std::uint32_t limit,
                 std::span<const Facet> facets);
  /// Best first; valid until the next call.
  [[nodiscard]] std::span<const Hit> results() const { return results_; }
  /// Which way the last search took.
  [[nodiscard]] Planner::Plan plan() const { return plan_; }
  [[nodiscard]] const Id& id(std::uint32_t slot) const { return ids_[slot]; }

 private:
  enum class Filtered : std::uint8_t { kAll, kSome, kNoMemory };

  [[nodiscard]] std::uint32_t slot_of(const Id& id) const;
  void remove_slot(std::uint32_t slot);
  void arrange();
  void move_slots(Array<std::uint32_t>& order);
  Filtered filter(std::span<const Facet> facets);
  [[nodiscard]] bool search_all(std::uint32_t limit);
  [[nodiscard]] bool search_some(std::uint32_t limit);

  Blocks blocks_;
  Array<Id> ids_;
  HashIndex index_;
  Facets facets_;
  Search search_;
  Planner planner_;
  Planner::Plan plan_{};
  Array<const Facets::List*> lists_;  // of the filter
  Array<std::uint32_t> slots_;        // that pass it
  std::span<const Hit> results_;
  std::uint32_t touched_ = 0;  // so that touching is not left out
};

}  // namespace somatic::vectors
