// What js/search/vector-index.js calls: one index in each instance of the module. Arguments and
// answers that are not numbers go through memory: staged() is where ids, vectors and facets are
// written before a call, and where ids and scores are read after one.
#include <cstdint>
#include <new>

#include "vectors/memory.hpp"
#include "vectors/vector_index.hpp"

#define SOMATIC_EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace {

using somatic::vectors::Array;
using somatic::vectors::Facet;
using somatic::vectors::Hit;
using somatic::vectors::Id;
using somatic::vectors::Refusal;
using somatic::vectors::VectorIndex;

// In memory of their own: a module without a C library runs no constructors of globals.
struct State {
  explicit State(std::uint32_t dimensions) : index(dimensions) {}
  VectorIndex index;
  unsigned char id[16] = {};
  Array<float> vector;
  Array<Facet> facets;
  Array<unsigned char> ids;
  Array<float> scores;
};

State* state;

Id staged_id() { return Id::from_bytes(state->id); }
std::span<const Facet> staged_facets(std::uint32_t count) { return {state->facets.begin(), count}; }

}  // namespace

/// The linker's entry; there is nothing to do.
extern "C" void _initialize() {}

/// Whether this engine runs this build as it should.
SOMATIC_EXPORT(isRight) bool is_right() { return somatic::vectors::dot_i8_is_right(); }

/// Once, before all others but isRight. false: there is no memory.
SOMATIC_EXPORT(create) bool create(std::uint32_t dimensions) {
  void* memory = somatic::vectors::allocate(sizeof(State));
  if (memory == nullptr) return false;
  state = new (memory) State(dimensions);
  return state->vector.reserve(dimensions);
}

SOMATIC_EXPORT(stagedId) unsigned char* staged_id_place() { return state->id; }
SOMATIC_EXPORT(stagedVector) float* staged_vector() { return state->vector.begin(); }
/// Room for so many; nullptr: there is no memory.
SOMATIC_EXPORT(stagedFacets) Facet* staged_facets_place(std::uint32_t count) {
  return state->facets.reserve(count) ? state->facets.begin() : nullptr;
}

/// A Refusal; so is that of search.
SOMATIC_EXPORT(add) int add(std::uint32_t facet_count) {
  const Refusal refusal =
      state->index.add(staged_id(), state->vector.begin(), staged_facets(facet_count));
  return static_cast<int>(refusal);
}
SOMATIC_EXPORT(remove) bool remove_staged() { return state->index.remove(staged_id()); }
SOMATIC_EXPORT(has) bool has() { return state->index.has(staged_id()); }
SOMATIC_EXPORT(vector) const float* vector() { return state->index.vector(staged_id()); }
SOMATIC_EXPORT(size) std::uint32_t size() { return state->index.size(); }

SOMATIC_EXPORT(search)
int search(double threshold, std::uint32_t limit, std::uint32_t facet_count) {
  const Refusal refusal =
      state->index.search(state->vector.begin(), threshold, limit, staged_facets(facet_count));
  if (refusal != Refusal::kNone) return static_cast<int>(refusal);
  const std::span<const Hit> hits = state->index.results();
  const auto count = static_cast<std::uint32_t>(hits.size());
  if (!state->ids.reserve(16 * count) || !state->scores.reserve(count)) {
    return static_cast<int>(Refusal::kNoMemory);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    state->index.id(hits[i].slot).to_bytes(state->ids.begin() + std::size_t{16} * i);
    state->scores[i] = hits[i].score;
  }
  state->scores.set_size(count);
  return 0;
}

SOMATIC_EXPORT(prepare) void prepare() { state->index.prepare(); }
/// Of the last search: a Way, and the number of codes.
SOMATIC_EXPORT(way) int way() { return static_cast<int>(state->index.plan().way); }
SOMATIC_EXPORT(nearest) std::uint32_t nearest() { return state->index.plan().nearest; }

SOMATIC_EXPORT(foundCount) std::uint32_t found_count() { return state->scores.size(); }
SOMATIC_EXPORT(foundIds) const unsigned char* found_ids() { return state->ids.begin(); }
SOMATIC_EXPORT(foundScores) const float* found_scores() { return state->scores.begin(); }
