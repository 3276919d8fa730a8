// The ways to search (vectors/search.hpp).
#include "vectors/search.hpp"

namespace somatic::vectors {

bool Search::start(const float* query, double factor, double threshold, std::uint32_t limit) {
  const std::uint32_t possible = limit < blocks_.size() ? limit : blocks_.size();
  if (!best_.start(possible, ids_) || !query_.reserve(blocks_.stride())) return false;
  query_.set_size(blocks_.stride());
  scale_f32(query, factor, blocks_.dimensions(), blocks_.stride(), query_.begin());
  threshold_ = threshold;
  return true;
}

void Search::exact() {
  for (std::uint32_t number = 0; number < blocks_.block_count(); ++number) {
    const float* v = blocks_.block(number).f32;
    for (std::uint32_t i = 0; i < blocks_.count_in(number); ++i, v += blocks_.stride()) {
      offer_exact(number * kBlockSlots + i, v);
    }
  }
}

void Search::exact(std::span<const std::uint32_t> slots) {
  for (const std::uint32_t slot : slots) offer_exact(slot, blocks_.f32(slot));
}

void Search::offer_exact(std::uint32_t slot, const float* v) {
  float score = dot_f32(v, query_.begin(), blocks_.stride());
  if (score > 1) score = 1;  // what rounding adds must not exceed a threshold of 1
  if (score >= best_.worst() && double{score} > threshold_) best_.offer({score, slot});
}

}  // namespace somatic::vectors
