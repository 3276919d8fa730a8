// CRC-32C (Castagnoli), the checksum of every journal segment and snapshot.
#pragma once

#include <cstdint>
#include <string_view>

namespace somatic {

std::uint32_t crc32c(std::string_view bytes);

}  // namespace somatic
