// The loops of vectors/kernels.hpp. Vectors are read one after the other: above the size of the
// cache, memory is what limits, and it is read fastest in order.
#include "vectors/kernels.hpp"

#include <bit>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

namespace somatic::vectors {
namespace {

float largest_of(const float* v, std::uint32_t stride) {
  float largest[4] = {0, 0, 0, 0};
  for (std::uint32_t i = 0; i < stride; i += 4) {
    for (int lane = 0; lane < 4; ++lane) {
      const float size = __builtin_fabsf(v[i + lane]);
      largest[lane] = size > largest[lane] ? size : largest[lane];
    }
  }
  const float left = largest[0] > largest[1] ? largest[0] : largest[1];
  const float right = largest[2] > largest[3] ? largest[2] : largest[3];
  return left > right ? left : right;
}

/// To the nearest, halves away from zero: the same on every machine.
int rounded(float value) { return static_cast<int>(value + (value < 0 ? -0.5F : 0.5F)); }

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

void scores_i8(const std::int8_t* codes, const Scale* scales, std::uint32_t count,
               const QueryCode* query, std::uint32_t stride, float* scores) {
  for (std::uint32_t i = 0; i < count; ++i, codes += stride) {
    scores[i] = static_cast<float>(dot_i8(codes, scales[i].sum, query, stride)) * scales[i].scale;
  }
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

double sum_of_squares(const float* v, std::uint32_t count) {
  double sums[4] = {0, 0, 0, 0};
  std::uint32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int lane = 0; lane < 4; ++lane) sums[lane] += double{v[i + lane]} * double{v[i + lane]};
  }
  for (; i < count; ++i) sums[0] += double{v[i]} * double{v[i]};
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void scale_f32(const float* v, double factor, std::uint32_t dimensions, std::uint32_t stride,
               float* out) {
  for (std::uint32_t i = 0; i < dimensions; ++i) out[i] = static_cast<float>(v[i] * factor);
  for (std::uint32_t i = dimensions; i < stride; ++i) out[i] = 0;
}

Scale encode_i8(const float* v, std::uint32_t stride, std::int8_t* codes) {
  const float largest = largest_of(v, stride);
  const float factor = 127 / largest;
  std::int32_t sum = 0;
  for (std::uint32_t i = 0; i < stride; ++i) {
    const int code = rounded(v[i] * factor);
    codes[i] = static_cast<std::int8_t>(code);
    sum += code;
  }
  return {largest / 127, sum};
}

float encode_query(const float* v, std::uint32_t stride, QueryCode* codes) {
  const float largest = largest_of(v, stride);
  const float factor = kQueryMax / largest;
  for (std::uint32_t i = 0; i < stride; ++i) {
    codes[i] = static_cast<QueryCode>(rounded(v[i] * factor) + kQueryOffset);
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
