// magic (4) | format (4) | bytes of the payload (4) | CRC-32C of all but itself (4) | payload

#include "store/frame.hpp"

#include "base/crc32c.hpp"

namespace somatic {
namespace {

constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kFormatAt = 4, kSizeAt = 8, kChecksumAt = 12;

}  // namespace

void put_u32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint32_t get_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  }
  return value;
}

std::string frame(std::string_view magic, int format, std::string_view payload) {
  std::string out(magic);
  out.reserve(kHeaderBytes + payload.size());
  put_u32(out, static_cast<std::uint32_t>(format));
  put_u32(out, static_cast<std::uint32_t>(payload.size()));
  put_u32(out, crc32c(payload, crc32c(out)));
  return out.append(payload);
}

Result<Framed> unframe(std::string_view magic, int newest, std::string_view bytes,
                       const std::string& what) {
  const auto damaged = [&](const char* how) { return Error{"storage-damaged", what + " " + how}; };
  if (bytes.size() < kHeaderBytes || bytes.substr(0, magic.size()) != magic) {
    return damaged("does not begin like one");
  }
  const std::string_view payload = bytes.substr(kHeaderBytes);
  if (payload.size() != get_u32(bytes, kSizeAt)) return damaged("has the wrong length");
  if (crc32c(payload, crc32c(bytes.substr(0, kChecksumAt))) != get_u32(bytes, kChecksumAt)) {
    return damaged("has the wrong checksum");
  }
  // Only an undamaged file is believed when it says that it is newer.
  const std::uint32_t format = get_u32(bytes, kFormatAt);
  if (format > static_cast<std::uint32_t>(newest)) {
    return Error{"reload-needed", "the local data was written by a newer version: reload the page"};
  }
  if (format == 0) return damaged("has no format");
  return Framed{static_cast<int>(format), payload};
}

}  // namespace somatic
