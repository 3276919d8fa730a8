// Known answers of CRC-32C (RFC 3720, appendix B.4), and that the eight-byte step changes nothing.
#include "base/crc32c.hpp"

#include <doctest/doctest.h>

#include <string>

using somatic::crc32c;

namespace {

struct Case {
  std::string name;
  std::string bytes;
  std::uint32_t want;
};

std::string counting(int from, int step) {
  std::string out;
  for (int i = 0; i < 32; ++i) out += static_cast<char>(from + i * step);
  return out;
}

std::uint32_t bit_by_bit(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

}  // namespace

TEST_CASE("crc32c: known answers") {
  const Case cases[] = {
      {"nothing", "", 0x00000000},
      {"the check value", "123456789", 0xE3069283},
      {"32 zeros", std::string(32, '\0'), 0x8A9136AA},
      {"32 ones", std::string(32, '\xFF'), 0x62A8AB43},
      {"counting up", counting(0, 1), 0x46DD794E},
      {"counting down", counting(31, -1), 0x113FDB5C},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(crc32c(c.bytes) == c.want);
  }
}

TEST_CASE("crc32c: every length agrees with the definition") {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    CAPTURE(i);
    CHECK(crc32c(bytes) == bit_by_bit(bytes));
    bytes += static_cast<char>(i * 37 + 200);
  }
}
