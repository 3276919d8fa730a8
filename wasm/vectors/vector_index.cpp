// Ids, slots and the filter (vectors/vector_index.hpp).
#include "vectors/vector_index.hpp"

#include <cmath>

namespace somatic::vectors {
namespace {

// Fewer are in the cache after their first search, wherever they are.
constexpr std::uint32_t kArrangedFrom = 256;

struct Norm {
  Refusal refusal;
  double factor;  // makes the length 1
};

Norm norm_of(const float* v, std::uint32_t dimensions) {
  const double squares = sum_of_squares(v, dimensions);
  if (!(squares <= 1e300)) return {Refusal::kNotFinite, 0};
  if (squares == 0) return {Refusal::kZero, 0};
  return {Refusal::kNone, 1 / std::sqrt(squares)};
}

}  // namespace

Refusal VectorIndex::add(const Id& id, const float* v, std::span<const Facet> facets) {
  touched_ += blocks_.touch_next();  // it comes meanwhile: written to, each line is waited for
  const Norm norm = norm_of(v, dimensions());
  if (norm.refusal != Refusal::kNone) return norm.refusal;
  remove(id);
  const bool has_room = blocks_.reserve() && ids_.reserve(ids_.size() + 1) &&
                        index_.reserve([&](std::uint32_t slot) { return ids_[slot].hash(); }) &&
                        facets_.push(facets);
  if (!has_room) return Refusal::kNoMemory;
  const std::uint32_t slot = blocks_.push();
  ids_.push(id);
  index_.insert(id.hash(), slot);
  blocks_.set(slot, v, norm.factor);
  planner_.count_change();
  return Refusal::kNone;
}

bool VectorIndex::remove(const Id& id) {
  const std::uint32_t slot = slot_of(id);
  if (slot == kNothing) return false;
  remove_slot(slot);
  return true;
}

/// The last vector moves into the gap.
void VectorIndex::remove_slot(std::uint32_t slot) {
  const std::uint32_t last = size() - 1;
  index_.erase(ids_[slot].hash(), slot, [&](std::uint32_t each) { return ids_[each].hash(); });
  facets_.clear(slot);
  facets_.swap_out(slot);
  if (slot != last) {
    index_.renumber(ids_[last].hash(), last, slot);
    ids_[slot] = ids_[last];
    blocks_.copy(last, slot);
  }
  ids_.pop();
  blocks_.pop();
}

const float* VectorIndex::vector(const Id& id) const {
  const std::uint32_t slot = slot_of(id);
  return slot == kNothing ? nullptr : blocks_.f32(slot);
}

std::uint32_t VectorIndex::slot_of(const Id& id) const {
  return index_.find(id.hash(), [&](std::uint32_t slot) { return ids_[slot] == id; });
}

Refusal VectorIndex::search(const float* query, double threshold, std::uint32_t limit,
                            std::span<const Facet> facets) {
  results_ = {};
  const Norm norm = norm_of(query, dimensions());
  if (norm.refusal != Refusal::kNone) return norm.refusal;
  if (limit == 0 || size() == 0) return Refusal::kNone;
  prepare();
  const Filtered filtered = filter(facets);
  if (filtered == Filtered::kNoMemory || !search_.start(query, norm.factor, threshold, limit)) {
    return Refusal::kNoMemory;
  }
  if (!(filtered == Filtered::kAll ? search_all(limit) : search_some(limit))) {
    return Refusal::kNoMemory;
  }
  const Array<Hit>& hits = search_.finish();
  results_ = {hits.begin(), hits.end()};
  return Refusal::kNone;
}

void VectorIndex::prepare() {
  if (!planner_.is_due(size())) return;
  arrange();
  planner_.measure(blocks_, search_);
}

/// A filter then reads memory in order, and not a page for each vector. Without memory all stays
/// where it is.
void VectorIndex::arrange() {
  Array<std::uint32_t> order;
  const bool has_room = facets_.order_by_facet(kArrangedFrom, order) && blocks_.reserve();
  if (!has_room || !facets_.reorder(order)) return;
  move_slots(order);
  index_.clear();
  for (std::uint32_t slot = 0; slot < size(); ++slot) index_.insert(ids_[slot].hash(), slot);
}

/// What is in slot `order[i]` goes to slot `i`, cycle by cycle, by way of the slot after the last.
void VectorIndex::move_slots(Array<std::uint32_t>& order) {
  const std::uint32_t spare = blocks_.push();
  for (std::uint32_t start = 0; start < order.size(); ++start) {
    if (order[start] == start) continue;
    blocks_.copy(start, spare);
    const Id id = ids_[start];
    std::uint32_t hole = start;
    for (std::uint32_t from = order[hole]; from != start; from = order[hole]) {
      blocks_.copy(from, hole);
      ids_[hole] = ids_[from];
      order[hole] = hole;
      hole = from;
    }
    blocks_.copy(spare, hole);
    ids_[hole] = id;
    order[hole] = hole;
  }
  blocks_.pop();
}

bool VectorIndex::search_all(std::uint32_t limit) {
  plan_ = planner_.plan(size(), limit);
  if (plan_.way == Way::kBits) {
    if (!search_.by_bits(plan_.nearest)) return false;
    if (!search_.did_suffice()) plan_.way = Way::kInt8;
    return true;
  }
  if (plan_.way == Way::kInt8) return search_.by_int8();
  search_.exact();
  return true;
}

bool VectorIndex::search_some(std::uint32_t limit) {
  const std::span<const std::uint32_t> slots = {slots_.begin(), slots_.end()};
  plan_ = {Planner::plan_filtered(slots_.size(), limit), 0};
  if (plan_.way == Way::kInt8) return search_.by_int8(slots);
  search_.exact(slots);
  return true;
}

/// Into slots_, unless all pass. Facets that every vector carries cost nothing: an app that filters
/// by the model it uses shall not be slower for it.
VectorIndex::Filtered VectorIndex::filter(std::span<const Facet> facets) {
  lists_.clear();
  slots_.clear();
  const Facets::List* smallest = nullptr;
  for (const Facet facet : facets) {
    const Facets::List* list = facets_.list(facet);
    if (list == nullptr) return Filtered::kSome;
    if (list->postings.size() == size()) continue;
    if (!lists_.reserve(lists_.size() + 1)) return Filtered::kNoMemory;
    lists_.push(list);
    if (smallest == nullptr || list->postings.size() < smallest->postings.size()) smallest = list;
  }
  if (smallest == nullptr) return Filtered::kAll;
  if (!slots_.reserve(smallest->postings.size())) return Filtered::kNoMemory;
  for (const Facets::Posting& posting : smallest->postings) {
    bool passes = true;
    for (const Facets::List* list : lists_) {
      passes = passes && (list == smallest || facets_.carries(posting.slot, *list));
    }
    if (passes) slots_.push(posting.slot);
  }
  return Filtered::kSome;
}

}  // namespace somatic::vectors
