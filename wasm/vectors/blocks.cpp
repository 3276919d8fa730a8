// A block is one piece of memory, its parts in the order of struct Block, each a multiple of 64
// bytes: 1,024 slots see to that.
#include "vectors/blocks.hpp"

#include <cstring>

namespace somatic::vectors {

Blocks::Blocks(std::uint32_t dimensions)
    : dimensions_(dimensions), stride_(stride_of(dimensions)), words_(words_of(dimensions)) {}

Blocks::~Blocks() {
  for (const Block& block : blocks_) release(block.f32, block_bytes());
}

std::size_t Blocks::block_bytes() const {
  return std::size_t{kBlockSlots} * (stride_ * (sizeof(float) + sizeof(std::int8_t)) +
                                     words_ * sizeof(std::uint64_t) + sizeof(Scale));
}

bool Blocks::reserve() {
  if (size_ < blocks_.size() * kBlockSlots) return true;
  if (!blocks_.reserve(blocks_.size() + 1)) return false;
  auto* memory = static_cast<std::byte*>(allocate(block_bytes()));
  if (memory == nullptr) return false;
  std::byte* const i8 = memory + std::size_t{kBlockSlots} * stride_ * sizeof(float);
  std::byte* const bits = i8 + std::size_t{kBlockSlots} * stride_;
  std::byte* const scales = bits + std::size_t{kBlockSlots} * words_ * sizeof(std::uint64_t);
  blocks_.push({reinterpret_cast<float*>(memory), reinterpret_cast<std::int8_t*>(i8),
                reinterpret_cast<std::uint64_t*>(bits), reinterpret_cast<Scale*>(scales)});
  return true;
}

void Blocks::set(std::uint32_t slot, const float* v, double factor) {
  const Block& block = block_of(slot);
  float* f32 = block.f32 + place(slot) * stride_;
  scale_f32(v, factor, dimensions_, stride_, f32);
  block.scales[place(slot)] = encode_i8(f32, stride_, block.i8 + place(slot) * stride_);
  if (!mean_.empty()) encode_bits_of(slot);
}

std::uint32_t Blocks::touch_next() const {
  const std::uint32_t slot = size_;
  if (slot / kBlockSlots >= blocks_.size()) return 0;
  return vectors::touch(f32(slot), stride_ * sizeof(float)) + vectors::touch(i8(slot), stride_) +
         vectors::touch(bits(slot), words_ * sizeof(std::uint64_t)) +
         vectors::touch(block_of(slot).scales + place(slot), sizeof(Scale));
}

void Blocks::copy(std::uint32_t from, std::uint32_t to) {
  const Block& a = block_of(from);
  const Block& b = block_of(to);
  const std::size_t i = place(from);
  const std::size_t j = place(to);
  std::memcpy(b.f32 + j * stride_, a.f32 + i * stride_, stride_ * sizeof(float));
  std::memcpy(b.i8 + j * stride_, a.i8 + i * stride_, stride_);
  std::memcpy(b.bits + j * words_, a.bits + i * words_, words_ * sizeof(std::uint64_t));
  b.scales[j] = a.scales[i];
}

void Blocks::encode_bits_of(std::uint32_t slot) {
  encode_bits(f32(slot), mean_.begin(), stride_, words_,
              block_of(slot).bits + place(slot) * words_);
}

bool Blocks::center() {
  if (!mean_.reserve(stride_)) return false;
  mean_.set_size(stride_);
  for (float& each : mean_) each = 0;
  for (std::uint32_t slot = 0; slot < size_; ++slot) {
    const float* v = f32(slot);
    for (std::uint32_t i = 0; i < stride_; ++i) mean_[i] += v[i];
  }
  for (float& each : mean_) each /= static_cast<float>(size_);
  for (std::uint32_t slot = 0; slot < size_; ++slot) encode_bits_of(slot);
  return true;
}

}  // namespace somatic::vectors
