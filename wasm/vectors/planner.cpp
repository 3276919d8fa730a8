// Plans, and the sample that they rest on (vectors/planner.hpp).
#include "vectors/planner.hpp"

#include <algorithm>

namespace somatic::vectors {
namespace {

constexpr std::uint32_t kExactMost = 256;  // below, nothing is gained by codes
constexpr std::uint32_t kBitsFrom = 4096;  // below, an int8 scan costs as much
constexpr std::uint32_t kNearestLeast = 200;
constexpr std::uint32_t kShareMost = 16;  // more than a 16th of the codes: int8 is faster
constexpr std::uint32_t kSampleSize = 32;
// The sample's worst neighbour is about the 300th part of all; recall shall be 0.999.
constexpr std::uint32_t kSafety = 2;
constexpr float kStrangeness = 0.35F;

/// xorshift32: the same sample each time.
class Dice {
 public:
  std::uint32_t below(std::uint32_t count) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ % count;
  }

 private:
  std::uint32_t state_ = 2463534242;
};

/// What could be asked: every second time one of the vectors, else one with a part of another in
/// it, as a question is not among the answers.
void write_query(const Blocks& blocks, bool is_strange, Dice& dice, float* query) {
  const float* v = blocks.f32(dice.below(blocks.size()));
  const float* other = blocks.f32(dice.below(blocks.size()));
  const float part = is_strange ? kStrangeness : 0;
  for (std::uint32_t i = 0; i < blocks.stride(); ++i) query[i] = v[i] + part * other[i];
}

/// How many codes are at most as far from the query's as that of each hit; counts is scratch.
class Ranks {
 public:
  [[nodiscard]] bool measure(const Blocks& blocks, const std::uint64_t* query) {
    const std::uint32_t distances_most = blocks.words() * 64 + 1;
    if (!within_.reserve(distances_most)) return false;
    within_.set_size(distances_most);
    for (std::uint32_t& count : within_) count = 0;
    for (std::uint32_t number = 0; number < blocks.block_count(); ++number) {
      std::uint16_t buffer[kBlockSlots];
      const std::uint32_t count = blocks.count_in(number);
      distances(blocks.block(number).bits, count, query, blocks.words(), buffer);
      for (std::uint32_t i = 0; i < count; ++i) ++within_[buffer[i]];
    }
    for (std::uint32_t i = 1; i < distances_most; ++i) within_[i] += within_[i - 1];
    return true;
  }
  [[nodiscard]] std::uint32_t of(const Blocks& blocks, const std::uint64_t* query,
                                 std::uint32_t slot) const {
    std::uint16_t distance = 0;
    distances(blocks.bits(slot), 1, query, blocks.words(), &distance);
    return within_[distance];
  }

 private:
  Array<std::uint32_t> within_;
};

}  // namespace

Planner::Plan Planner::plan(std::uint32_t size, std::uint32_t limit) const {
  if (size <= kExactMost || limit >= size / 4) return {Way::kExact, 0};
  if (size < kBitsFrom) return {Way::kInt8, 0};
  for (const Need& need : needs_) {
    if (limit > need.limit || need.nearest == 0) continue;
    const auto nearest =
        static_cast<std::uint32_t>(std::uint64_t{need.nearest} * size / measured_size_);
    const std::uint32_t wanted = std::max(nearest, kNearestLeast);
    if (wanted <= size / kShareMost) return {Way::kBits, wanted};
    break;
  }
  return {Way::kInt8, 0};
}

Way Planner::plan_filtered(std::uint32_t count, std::uint32_t limit) {
  return count <= kExactMost || limit >= count / 4 ? Way::kExact : Way::kInt8;
}

bool Planner::is_due(std::uint32_t size) const {
  return size >= kBitsFrom && (measured_size_ == 0 || changes_ >= measured_size_);
}

void Planner::measure(Blocks& blocks, Search& search) {
  changes_ = 0;
  measured_size_ = blocks.size();
  for (Need& need : needs_) need.nearest = 0;
  Array<float> query;
  Ranks ranks;
  if (!blocks.center() || !query.reserve(blocks.stride())) return;
  std::uint32_t worst[kNeeds] = {};
  Dice dice;
  for (std::uint32_t i = 0; i < kSampleSize; ++i) {
    write_query(blocks, i % 2 == 1, dice, query.begin());
    const double squares = sum_of_squares(query.begin(), blocks.stride());
    if (squares == 0) continue;
    const double factor = 1 / __builtin_sqrt(squares);
    if (!search.start(query.begin(), factor, -2, needs_[1].limit) || !search.by_int8()) return;
    const std::uint64_t* bits = search.bits();
    if (bits == nullptr || !ranks.measure(blocks, bits)) return;
    std::uint32_t place = 0;
    for (const Hit& hit : search.finish()) {
      const std::uint32_t rank = ranks.of(blocks, bits, hit.slot);
      for (int n = 0; n < kNeeds; ++n) {
        if (place < needs_[n].limit) worst[n] = std::max(worst[n], rank);
      }
      ++place;
    }
  }
  for (int n = 0; n < kNeeds; ++n) needs_[n].nearest = kSafety * worst[n];
}

}  // namespace somatic::vectors
