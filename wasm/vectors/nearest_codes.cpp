// The single pass of vectors/nearest_codes.hpp: a histogram of the distances seen so far says which
// distance can no longer be among those wanted; what is further away is not even counted.
#include "vectors/nearest_codes.hpp"

#include "vectors/kernels.hpp"

namespace somatic::vectors {

bool NearestCodes::find(const Blocks& blocks, const std::uint64_t* query, std::uint32_t wanted) {
  const std::uint32_t distances_most = blocks.words() * 64 + 1;
  if (!counts_.reserve(distances_most)) return false;
  counts_.set_size(distances_most);
  for (std::uint32_t& count : counts_) count = 0;
  near_.clear();
  within_ = 0;
  cut_ = distances_most - 1;
  for (std::uint32_t number = 0; number < blocks.block_count(); ++number) {
    std::uint16_t buffer[kBlockSlots];
    const std::uint32_t count = blocks.count_in(number);
    distances(blocks.block(number).bits, count, query, blocks.words(), buffer);
    if (!take(number * kBlockSlots, buffer, count)) return false;
    tighten(wanted);
  }
  drop_far();
  if (!slots_.reserve(near_.size())) return false;
  slots_.clear();
  for (const Near& each : near_) slots_.push(each.slot);
  return true;
}

bool NearestCodes::take(std::uint32_t first, const std::uint16_t* distances, std::uint32_t count) {
  if (near_.size() > 4 * kBlockSlots) drop_far();
  if (!near_.reserve(near_.size() + count)) return false;
  const auto cut = static_cast<std::uint16_t>(cut_);
  std::uint16_t places[kBlockSlots];
  const std::uint32_t found = places_within(distances, count, cut, places);
  for (std::uint32_t i = 0; i < found; ++i) {
    const std::uint16_t distance = distances[places[i]];
    near_.push({first + places[i], distance});
    ++counts_[distance];
  }
  within_ += found;
  return true;
}

void NearestCodes::tighten(std::uint32_t wanted) {
  while (cut_ > 0 && within_ - counts_[cut_] >= wanted) within_ -= counts_[cut_--];
}

void NearestCodes::drop_far() {
  std::uint32_t kept = 0;
  for (const Near& each : near_) {
    if (each.distance <= cut_) near_[kept++] = each;
  }
  near_.set_size(kept);
}

}  // namespace somatic::vectors
