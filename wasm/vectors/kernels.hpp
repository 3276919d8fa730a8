// The loops over the numbers of a vector, and the three forms that a vector has: normalised f32,
// int8 with a scale, one bit per dimension. Each loop exists for relaxed SIMD, for plain SIMD and
// for machines without: the f32 scores are the same in all three, bit for bit.
//
// Every vector is padded with zeros to `stride` numbers, a multiple of kStep.
#pragma once

#include <cstddef>
#include <cstdint>

namespace somatic::vectors {

inline constexpr std::uint32_t kStep = 32;

constexpr std::uint32_t stride_of(std::uint32_t dimensions) {
  return (dimensions + kStep - 1) / kStep * kStep;
}
constexpr std::uint32_t words_of(std::uint32_t dimensions) { return (dimensions + 63) / 64; }

// Relaxed SIMD multiplies int8 only by numbers from 0 to 127: the query has seven bits, and an
// offset, which costs the sum of the vector's codes. Elsewhere it may as well be twelve bits fine.
#ifdef __wasm_relaxed_simd__
using QueryCode = std::int8_t;
inline constexpr int kQueryMax = 63;
inline constexpr int kQueryOffset = 64;
#else
using QueryCode = std::int16_t;
inline constexpr int kQueryMax = 2047;
inline constexpr int kQueryOffset = 0;
#endif

/// The largest vectors for which no sum of products leaves 32 bits.
inline constexpr std::uint32_t kDimensionsMax = 4096;

/// What int8 codes stand for: `code * scale`. `sum` is that of the codes.
struct Scale {
  float scale;
  std::int32_t sum;
};

float dot_f32(const float* a, const float* b, std::uint32_t stride);

/// Less the offset, that is, of the codes meant.
std::int32_t dot_i8(const std::int8_t* codes, std::int32_t sum, const QueryCode* query,
                    std::uint32_t stride);

/// Whether dot_i8 is right here: an engine's relaxed SIMD may not be (V8 11.3 multiplies wrongly
/// until its second compiler has had its turn).
bool dot_i8_is_right();

/// dot_i8 of `count` vectors one after the other, times their scale.
void scores_i8(const std::int8_t* codes, const Scale* scales, std::uint32_t count,
               const QueryCode* query, std::uint32_t stride, float* scores);

/// Asks memory for what will be read soon: waiting for many at once takes hardly longer than for
/// one. What it returns means nothing, but has to be kept, or nothing would be read.
std::uint32_t touch(const void* memory, std::size_t bytes);

/// In how many bits each of `count` codes differs from the query's.
void distances(const std::uint64_t* codes, std::uint32_t count, const std::uint64_t* query,
               std::uint32_t words, std::uint16_t* out);

/// The places of distances up to `cut`, in order; how many there are.
std::uint32_t places_within(const std::uint16_t* distances, std::uint32_t count, std::uint16_t cut,
                            std::uint16_t* places);

/// In double, so that a sum that is not finite tells of a number that is not.
double sum_of_squares(const float* v, std::uint32_t count);

/// out[i] = v[i] * factor, and zeros up to the stride.
void scale_f32(const float* v, double factor, std::uint32_t dimensions, std::uint32_t stride,
               float* out);

Scale encode_i8(const float* v, std::uint32_t stride, std::int8_t* codes);
/// The scale.
float encode_query(const float* v, std::uint32_t stride, QueryCode* codes);

/// Bit i: v[i] is over mean[i].
void encode_bits(const float* v, const float* mean, std::uint32_t stride, std::uint32_t words,
                 std::uint64_t* bits);

}  // namespace somatic::vectors
