// The ways to search (vectors/search.hpp).
#include "vectors/search.hpp"

#include <algorithm>
#include <cmath>

namespace somatic::vectors {
namespace {

// Rounding moves each number by at most half a scale, evenly: a product with a vector of length 1
// by scale / sqrt(12) in the mean, of code and query together by the root of both squares. Six
// times that happens once in 500 million products.
constexpr float kDeviations = 6;
constexpr float kRounding = kDeviations * 0.28867513F;
constexpr double kDeviationsOfBits = 3;  // more than once in 700 times
constexpr float kRoundingF32 = 2e-6F;
// So many fit into the fastest cache.
constexpr std::size_t kBatchInt8 = 16;
constexpr std::size_t kBatchF32 = 8;

/// Asks for the memory of the next batch before it works on this one: waiting for each slot in turn
/// costs more than the work.
template <typename Ask, typename Work>
void with_memory_ahead(std::span<const std::uint32_t> slots, std::size_t batch_size, const Ask& ask,
                       const Work& work) {
  std::span<const std::uint32_t> batch;
  do {
    const auto next = slots.first(std::min(slots.size(), batch_size));
    slots = slots.subspan(next.size());
    for (const std::uint32_t slot : next) ask(slot);
    for (const std::uint32_t slot : batch) work(slot);
    batch = next;
  } while (!batch.empty());
}

}  // namespace

bool Search::start(const float* query, double factor, double threshold, std::uint32_t limit) {
  limit_ = limit < blocks_.size() ? limit : blocks_.size();
  if (!best_.start(limit_, ids_) || !query_.reserve(blocks_.stride())) return false;
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
  with_memory_ahead(
      slots, kBatchF32,
      [&](std::uint32_t slot) {
        touched_ += touch(blocks_.f32(slot), blocks_.stride() * sizeof(float));
      },
      [&](std::uint32_t slot) { offer_exact(slot, blocks_.f32(slot)); });
}

bool Search::by_int8() {
  if (!start_int8(blocks_.size())) return false;
  for (std::uint32_t number = 0; number < blocks_.block_count(); ++number) {
    const Blocks::Block& block = blocks_.block(number);
    const std::uint32_t count = blocks_.count_in(number);
    float scores[kBlockSlots];
    scores_i8(block.i8, block.scales, count, codes_.begin(), blocks_.stride(), scores);
    for (std::uint32_t i = 0; i < count; ++i) {
      const float score = scores[i] * scale_;
      const float wrong = margin(block.scales[i].scale);
      if (score + wrong < candidates_.cut()) continue;
      candidates_.offer(number * kBlockSlots + i, score, wrong);
    }
  }
  rescore();
  return true;
}

bool Search::by_int8(std::span<const std::uint32_t> slots) {
  if (!start_int8(static_cast<std::uint32_t>(slots.size()))) return false;
  with_memory_ahead(
      slots, kBatchInt8,
      [&](std::uint32_t slot) {
        touched_ += touch(blocks_.i8(slot), blocks_.stride());
        touched_ += static_cast<std::uint32_t>(blocks_.scale(slot).sum);
      },
      [&](std::uint32_t slot) { offer_int8(slot); });
  rescore();
  return true;
}

bool Search::by_bits(std::uint32_t nearest) {
  if (bits() == nullptr || !nearest_.find(blocks_, bits_.begin(), nearest)) return false;
  const Array<std::uint32_t>& slots = nearest_.slots();
  if (!by_int8({slots.begin(), slots.end()})) return false;
  did_suffice_ = is_complete();
  return did_suffice_ || (best_.start(limit_, ids_) && by_int8());
}

/// Whether hardly any of the best can be beyond the codes that were taken, judging by how far the
/// codes of those found are, and how much that varies. Nothing found is nothing to judge by.
bool Search::is_complete() {
  double sum = 0;
  double squares = 0;
  const Array<Hit>& hits = best_.hits();
  if (hits.empty()) return false;
  for (const Hit& hit : hits) {
    std::uint16_t distance = 0;
    distances(blocks_.bits(hit.slot), 1, bits_.begin(), blocks_.words(), &distance);
    sum += distance;
    squares += double{1} * distance * distance;
  }
  const double mean = sum / hits.size();
  const double part = mean / blocks_.dimensions();
  const double of_hits = squares / hits.size() - mean * mean;
  // As if each bit differed by itself: of few hits, their own variance says little.
  const double of_bits = mean * (1 - part);
  const double deviation = std::sqrt(std::max(of_hits, of_bits));
  return mean + kDeviationsOfBits * deviation <= nearest_.cut();
}

const std::uint64_t* Search::bits() {
  if (!bits_.reserve(blocks_.words())) return nullptr;
  encode_bits(query_.begin(), blocks_.mean(), blocks_.stride(), blocks_.words(), bits_.begin());
  return bits_.begin();
}

bool Search::start_int8(std::uint32_t size) {
  if (!codes_.reserve(blocks_.stride()) || !candidates_.start(limit_, threshold_, size)) {
    return false;
  }
  scale_ = encode_query(query_.begin(), blocks_.stride(), codes_.begin());
  return true;
}

float Search::margin(float scale) const {
  return kRounding * std::sqrt(scale * scale + scale_ * scale_) + kRoundingF32;
}

void Search::offer_int8(std::uint32_t slot) {
  const Scale scale = blocks_.scale(slot);
  const std::int32_t dot = dot_i8(blocks_.i8(slot), scale.sum, codes_.begin(), blocks_.stride());
  candidates_.offer(slot, static_cast<float>(dot) * scale.scale * scale_, margin(scale.scale));
}

/// The most promising first, until none can be better than those found.
void Search::rescore() {
  candidates_.finish();
  while (candidates_.left() > 0) {
    std::uint32_t batch[kBatchF32];
    std::size_t count = 0;
    while (count < kBatchF32 && candidates_.left() > 0) {
      const Candidate candidate = candidates_.take();
      if (candidate.upper < best_.worst()) break;
      batch[count++] = candidate.slot;
    }
    if (count == 0) return;
    exact({batch, count});
  }
}

void Search::offer_exact(std::uint32_t slot, const float* v) {
  float score = dot_f32(v, query_.begin(), blocks_.stride());
  if (score > 1) score = 1;  // what rounding adds must not exceed a threshold of 1
  if (score >= best_.worst() && double{score} > threshold_) best_.offer({score, slot});
}

}  // namespace somatic::vectors
