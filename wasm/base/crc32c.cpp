// CRC-32C, eight bytes at a time (slicing-by-8): a snapshot of tens of megabytes is checked at
// every start. The tables are computed at first use: as constants they would not compress in the
// module.
#include "base/crc32c.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace somatic {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the eight-byte step reads little-endian");

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, bits reversed

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t step = 1; step < tables.size(); ++step) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[step - 1][byte];
      tables[step][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  static const Tables kTables = make_tables();
  std::uint32_t crc = ~before;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xFF];
  }
  for (; left > 0; --left, ++at) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xFF];
  }
  return ~crc;
}

}  // namespace somatic
