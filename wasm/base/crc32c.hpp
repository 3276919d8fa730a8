// CRC-32C (Castagnoli), the checksum of every journal segment and snapshot.
#pragma once

#include <cstdint>
#include <string_view>

namespace somatic {

/// `before`: the checksum of the bytes that these follow.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace somatic
