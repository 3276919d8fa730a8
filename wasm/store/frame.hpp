// What every stored file of ours begins with: 16 bytes that say what it is, in which format, how
// long it is, and a checksum of all of it. docs/storage-format.md has them byte by byte. Knows
// nothing of what follows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace somatic {

struct Framed {
  int format = 0;
  std::string_view payload;  ///< of the bytes that were unframed
};

/// `magic`: four letters.
std::string frame(std::string_view magic, int format, std::string_view payload);

/// "storage-damaged" for bytes that are no such file or were changed, "reload-needed" for a format
/// after `newest`. `what` names it in messages: "a journal segment".
Result<Framed> unframe(std::string_view magic, int newest, std::string_view bytes,
                       const std::string& what);

/// Numbers within a payload: little endian.
void put_u32(std::string& out, std::uint32_t value);
std::uint32_t get_u32(std::string_view bytes, std::size_t at);

}  // namespace somatic
