// The loops of vectors/kernels.hpp. Vectors are read one after the other: above the size of the
// cache, memory is what limits, and it is read fastest in order.
#include "vectors/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

namespace somatic::vectors {
namespace {

#ifdef __wasm_simd128__

float largest_of(const float* v, std::uint32_t stride) {
  v128_t largest = wasm_f32x4_splat(0);
  for (std::uint32_t i = 0; i < stride; i += 4) {
    largest = wasm_f32x4_pmax(largest, wasm_f32x4_abs(wasm_v128_load(v + i)));
  }
  const float left =
      std::max(wasm_f32x4_extract_lane(largest, 0), wasm_f32x4_extract_lane(largest, 1));
  const float right =
      std::max(wasm_f32x4_extract_lane(largest, 2), wasm_f32x4_extract_lane(largest, 3));
  return std::max(left, right);
}

/// Eight numbers times the factor, to the nearest integer, halves to the even one.
v128_t codes_of(const float* v, v128_t factor) {
  const v128_t low = wasm_f32x4_nearest(wasm_f32x4_mul(wasm_v128_load(v), factor));
  const v128_t high = wasm_f32x4_nearest(wasm_f32x4_mul(wasm_v128_load(v + 4), factor));
  return wasm_i16x8_narrow_i32x4(wasm_i32x4_trunc_sat_f32x4(low), wasm_i32x4_trunc_sat_f32x4(high));
}

#else

float largest_of(const float* v, std::uint32_t stride) {
  float largest = 0;
  for (std::uint32_t i = 0; i < stride; ++i) largest = std::max(largest, std::fabs(v[i]));
  return largest;
}

#endif

/// To the nearest integer, halves to the even one: the same on every machine.
int code_of(float value) { return static_cast<int>(std::nearbyint(value)); }

template <std::uint32_t kWords>
void distances_of(const std::uint64_t* codes, std::uint32_t count, const std::uint64_t* query,
                  std::uint16_t* out) {
  std::uint64_t q[kWords];
  for (std::uint32_t w = 0; w < kWords; ++w) q[w] = query[w];
  for (std::uint32_t i = 0; i < count; ++i, codes += kWords) {
    std::uint64_t distance = 0;
    for (std::uint32_t w = 0; w < kWords; ++w) distance += std::popcount(codes[w] ^ q[w]);
    out[i] = static_cast<std::uint16_t>(distance);
  }
}

}  // namespace

#ifdef __wasm_simd128__

float dot_f32(const float* a, const float* b, std::uint32_t stride) {
  v128_t sums[4] = {wasm_f32x4_splat(0), wasm_f32x4_splat(0), wasm_f32x4_splat(0),
                    wasm_f32x4_splat(0)};
  for (std::uint32_t i = 0; i < stride; i += 16) {
    for (int j = 0; j < 4; ++j) {
      const v128_t product =
          wasm_f32x4_mul(wasm_v128_load(a + i + 4 * j), wasm_v128_load(b + i + 4 * j));
      sums[j] = wasm_f32x4_add(sums[j], product);
    }
  }
  const v128_t sum =
      wasm_f32x4_add(wasm_f32x4_add(sums[0], sums[1]), wasm_f32x4_add(sums[2], sums[3]));
  return (wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1)) +
         (wasm_f32x4_extract_lane(sum, 2) + wasm_f32x4_extract_lane(sum, 3));
}

#else

float dot_f32(const float* a, const float* b, std::uint32_t stride) {
  float sums[16] = {};
  for (std::uint32_t i = 0; i < stride; i += 16) {
    for (int j = 0; j < 16; ++j) sums[j] += a[i + j] * b[i + j];
  }
  float sum[4];
  for (int j = 0; j < 4; ++j) sum[j] = (sums[j] + sums[j + 4]) + (sums[j + 8] + sums[j + 12]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

#endif

#if defined(__wasm_relaxed_simd__)

std::int32_t dot_i8(const std::int8_t* codes, std::int32_t sum, const QueryCode* query,
                    std::uint32_t stride) {
  v128_t even = wasm_i32x4_splat(0);
  v128_t odd = wasm_i32x4_splat(0);
  for (std::uint32_t i = 0; i < stride; i += 32) {
    even = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_v128_load(codes + i),
                                                  wasm_v128_load(query + i), even);
    odd = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_v128_load(codes + i + 16),
                                                 wasm_v128_load(query + i + 16), odd);
  }
  const v128_t all = wasm_i32x4_add(even, odd);
  return wasm_i32x4_extract_lane(all, 0) + wasm_i32x4_extract_lane(all, 1) +
         wasm_i32x4_extract_lane(all, 2) + wasm_i32x4_extract_lane(all, 3) - kQueryOffset * sum;
}

#elif defined(__wasm_simd128__)

std::int32_t dot_i8(const std::int8_t* codes, std::int32_t, const QueryCode* query,
                    std::uint32_t stride) {
  v128_t even = wasm_i32x4_splat(0);
  v128_t odd = wasm_i32x4_splat(0);
  for (std::uint32_t i = 0; i < stride; i += 16) {
    even = wasm_i32x4_add(
        even, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(codes + i), wasm_v128_load(query + i)));
    odd = wasm_i32x4_add(odd, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(codes + i + 8),
                                                   wasm_v128_load(query + i + 8)));
  }
  const v128_t all = wasm_i32x4_add(even, odd);
  return wasm_i32x4_extract_lane(all, 0) + wasm_i32x4_extract_lane(all, 1) +
         wasm_i32x4_extract_lane(all, 2) + wasm_i32x4_extract_lane(all, 3);
}

#else

std::int32_t dot_i8(const std::int8_t* codes, std::int32_t, const QueryCode* query,
                    std::uint32_t stride) {
  std::int32_t all = 0;
  for (std::uint32_t i = 0; i < stride; ++i) all += codes[i] * query[i];
  return all;
}

#endif

bool dot_i8_is_right() {
  constexpr int kCount = 2 * static_cast<int>(kStep);
  alignas(16) std::int8_t codes[kCount];
  alignas(16) QueryCode query[kCount];
  std::int32_t sum = 0;
  std::int32_t wanted = 0;
  for (int i = 0; i < kCount; ++i) {
    const int code = (i * 89) % 255 - 127;
    const int other = (i * 37) % (2 * kQueryMax + 1) - kQueryMax;
    codes[i] = static_cast<std::int8_t>(code);
    query[i] = static_cast<QueryCode>(other + kQueryOffset);
    sum += code;
    wanted += code * other;
  }
  return dot_i8(codes, sum, query, kCount) == wanted;
}

void scores_i8(const std::int8_t* codes, const Scale* scales, std::uint32_t count,
               const QueryCode* query, std::uint32_t stride, float* scores) {
  for (std::uint32_t i = 0; i < count; ++i, codes += stride) {
    scores[i] = static_cast<float>(dot_i8(codes, scales[i].sum, query, stride)) * scales[i].scale;
  }
}

std::uint32_t touch(const void* memory, std::size_t bytes) {
  constexpr std::uint32_t kCacheLine = 64;
  std::uint32_t sum = 0;
  const auto* at = static_cast<const std::uint8_t*>(memory);
  for (std::size_t i = 0; i < bytes; i += kCacheLine) sum += at[i];
  return sum;
}

void distances(const std::uint64_t* codes, std::uint32_t count, const std::uint64_t* query,
               std::uint32_t words, std::uint16_t* out) {
  if (words == 6) return distances_of<6>(codes, count, query, out);
  for (std::uint32_t i = 0; i < count; ++i, codes += words) {
    std::uint64_t distance = 0;
    for (std::uint32_t w = 0; w < words; ++w) distance += std::popcount(codes[w] ^ query[w]);
    out[i] = static_cast<std::uint16_t>(distance);
  }
}

std::uint32_t places_within(const std::uint16_t* distances, std::uint32_t count, std::uint16_t cut,
                            std::uint16_t* places) {
  std::uint32_t found = 0;
  std::uint32_t i = 0;
#ifdef __wasm_simd128__
  // Hardly any is: eight at a time are ruled out.
  const v128_t cuts = wasm_u16x8_splat(cut);
  for (; i + 8 <= count; i += 8) {
    std::uint32_t mask = wasm_i16x8_bitmask(wasm_u16x8_le(wasm_v128_load(distances + i), cuts));
    for (; mask != 0; mask &= mask - 1) {
      places[found++] = static_cast<std::uint16_t>(i + std::countr_zero(mask));
    }
  }
#endif
  for (; i < count; ++i) {
    if (distances[i] <= cut) places[found++] = static_cast<std::uint16_t>(i);
  }
  return found;
}

#ifdef __wasm_simd128__

double sum_of_squares(const float* v, std::uint32_t count) {
  v128_t low = wasm_f64x2_splat(0);
  v128_t high = wasm_f64x2_splat(0);
  std::uint32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const v128_t four = wasm_v128_load(v + i);
    const v128_t a = wasm_f64x2_promote_low_f32x4(four);
    const v128_t b = wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(four, four, 2, 3, 2, 3));
    low = wasm_f64x2_add(low, wasm_f64x2_mul(a, a));
    high = wasm_f64x2_add(high, wasm_f64x2_mul(b, b));
  }
  double rest = 0;
  for (; i < count; ++i) rest += double{v[i]} * double{v[i]};
  return (wasm_f64x2_extract_lane(low, 0) + wasm_f64x2_extract_lane(low, 1)) +
         (wasm_f64x2_extract_lane(high, 0) + wasm_f64x2_extract_lane(high, 1)) + rest;
}

Scale encode_i8(const float* v, std::uint32_t stride, std::int8_t* codes) {
  const float largest = largest_of(v, stride);
  const v128_t factor = wasm_f32x4_splat(127 / largest);
  v128_t sums = wasm_i32x4_splat(0);
  for (std::uint32_t i = 0; i < stride; i += 16) {
    const v128_t low = codes_of(v + i, factor);
    const v128_t high = codes_of(v + i + 8, factor);
    wasm_v128_store(codes + i, wasm_i8x16_narrow_i16x8(low, high));
    sums = wasm_i32x4_add(sums, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_add(low, high)));
  }
  return {largest / 127, wasm_i32x4_extract_lane(sums, 0) + wasm_i32x4_extract_lane(sums, 1) +
                             wasm_i32x4_extract_lane(sums, 2) + wasm_i32x4_extract_lane(sums, 3)};
}

#else

double sum_of_squares(const float* v, std::uint32_t count) {
  double sums[4] = {0, 0, 0, 0};
  std::uint32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int lane = 0; lane < 4; ++lane) sums[lane] += double{v[i + lane]} * double{v[i + lane]};
  }
  double rest = 0;
  for (; i < count; ++i) rest += double{v[i]} * double{v[i]};
  return (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest;
}

Scale encode_i8(const float* v, std::uint32_t stride, std::int8_t* codes) {
  const float largest = largest_of(v, stride);
  const float factor = 127 / largest;
  std::int32_t sum = 0;
  for (std::uint32_t i = 0; i < stride; ++i) {
    const int code = code_of(v[i] * factor);
    codes[i] = static_cast<std::int8_t>(code);
    sum += code;
  }
  return {largest / 127, sum};
}

#endif

void scale_f32(const float* v, double factor, std::uint32_t dimensions, std::uint32_t stride,
               float* out) {
  const auto narrow = static_cast<float>(factor);
  if (narrow > 1e-30F && narrow < 1e30F) {
    for (std::uint32_t i = 0; i < dimensions; ++i) out[i] = v[i] * narrow;
  } else {  // as a float the factor would be none, or a rough one
    for (std::uint32_t i = 0; i < dimensions; ++i) out[i] = static_cast<float>(v[i] * factor);
  }
  for (std::uint32_t i = dimensions; i < stride; ++i) out[i] = 0;
}

float encode_query(const float* v, std::uint32_t stride, QueryCode* codes) {
  const float largest = largest_of(v, stride);
  const float factor = kQueryMax / largest;
  for (std::uint32_t i = 0; i < stride; ++i) {
    codes[i] = static_cast<QueryCode>(code_of(v[i] * factor) + kQueryOffset);
  }
  return largest / kQueryMax;
}

void encode_bits(const float* v, const float* mean, std::uint32_t stride, std::uint32_t words,
                 std::uint64_t* bits) {
  for (std::uint32_t w = 0; w < words; ++w) bits[w] = 0;
  for (std::uint32_t i = 0; i < stride; i += 4) {
#ifdef __wasm_simd128__
    const std::uint64_t four =
        wasm_i32x4_bitmask(wasm_f32x4_gt(wasm_v128_load(v + i), wasm_v128_load(mean + i)));
#else
    std::uint64_t four = 0;
    for (int lane = 0; lane < 4; ++lane) {
      four |= (v[i + lane] > mean[i + lane] ? std::uint64_t{1} : 0) << lane;
    }
#endif
    bits[i / 64] |= four << (i % 64);
  }
}

}  // namespace somatic::vectors
