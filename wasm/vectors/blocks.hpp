// Where the vectors are: slots 0 to size - 1 without a gap, in blocks of 1,024 that never move, so
// that adding copies nothing and needs no second memory. A slot holds a vector in all its forms.
// Knows no ids and no facets.
#pragma once

#include <cstdint>

#include "vectors/array.hpp"
#include "vectors/kernels.hpp"

namespace somatic::vectors {

inline constexpr std::uint32_t kBlockSlots = 1024;

class Blocks {
 public:
  explicit Blocks(std::uint32_t dimensions);
  ~Blocks();
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;

  struct Block {
    float* f32;
    std::int8_t* i8;
    std::uint64_t* bits;
    Scale* scales;
  };

  /// Room for one more; false: there is no memory.
  [[nodiscard]] bool reserve();
  /// The next slot, after reserve(); its forms are undefined until set().
  std::uint32_t push() { return size_++; }
  void pop() { --size_; }
  /// `v` times `factor` must have length 1.
  void set(std::uint32_t slot, const float* v, double factor);
  void copy(std::uint32_t from, std::uint32_t to);
  /// Asks for all of the next slot's memory at once, if it is there already; the sum must be put to
  /// some use, or nothing is read.
  [[nodiscard]] std::uint32_t touch_next() const;

  /// The mean of all, and every 1-bit code anew. Until then, and for those added since, bits are by
  /// the mean of then. false: there is no memory.
  [[nodiscard]] bool center();

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t dimensions() const { return dimensions_; }
  [[nodiscard]] std::uint32_t stride() const { return stride_; }
  [[nodiscard]] std::uint32_t words() const { return words_; }
  [[nodiscard]] const float* mean() const { return mean_.begin(); }

  [[nodiscard]] std::uint32_t block_count() const {
    return (size_ + kBlockSlots - 1) / kBlockSlots;
  }
  [[nodiscard]] const Block& block(std::uint32_t number) const { return blocks_[number]; }
  [[nodiscard]] std::uint32_t count_in(std::uint32_t number) const {
    const std::uint32_t left = size_ - number * kBlockSlots;
    return left < kBlockSlots ? left : kBlockSlots;
  }

  [[nodiscard]] const float* f32(std::uint32_t slot) const {
    return block_of(slot).f32 + place(slot) * stride_;
  }
  [[nodiscard]] const std::int8_t* i8(std::uint32_t slot) const {
    return block_of(slot).i8 + place(slot) * stride_;
  }
  [[nodiscard]] const std::uint64_t* bits(std::uint32_t slot) const {
    return block_of(slot).bits + place(slot) * words_;
  }
  [[nodiscard]] Scale scale(std::uint32_t slot) const { return block_of(slot).scales[place(slot)]; }

 private:
  static std::size_t place(std::uint32_t slot) { return slot % kBlockSlots; }
  [[nodiscard]] const Block& block_of(std::uint32_t slot) const {
    return blocks_[slot / kBlockSlots];
  }
  [[nodiscard]] std::size_t block_bytes() const;
  void encode_bits_of(std::uint32_t slot);

  std::uint32_t dimensions_;
  std::uint32_t stride_;
  std::uint32_t words_;
  std::uint32_t size_ = 0;
  Array<Block> blocks_;
  Array<float> mean_;  // nothing until center(): there are no bits
};

}  // namespace somatic::vectors
