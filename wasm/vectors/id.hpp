// The 16 bytes of a UUID, as two numbers: they compare as the bytes do.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>

namespace somatic::vectors {

struct Id {
  std::uint64_t high;
  std::uint64_t low;

  auto operator<=>(const Id&) const = default;

  [[nodiscard]] std::uint64_t hash() const { return high ^ (low * 0xD6E8FEB86659FD93U); }

  static Id from_bytes(const unsigned char* bytes) {
    Id id{};
    std::memcpy(&id, bytes, sizeof id);
    return {swapped(id.high), swapped(id.low)};
  }
  void to_bytes(unsigned char* bytes) const {
    const Id id{swapped(high), swapped(low)};
    std::memcpy(bytes, &id, sizeof id);
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  static std::uint64_t swapped(std::uint64_t value) { return __builtin_bswap64(value); }
};

}  // namespace somatic::vectors
