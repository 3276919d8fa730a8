// A segment is a 16-byte header and a CBOR array of entries. CBOR, because nlohmann/json reads and
// writes it and a row costs a third less than as text.

#include "store/journal.hpp"

#include <cstdint>

#include "base/crc32c.hpp"

namespace somatic {
namespace {

constexpr std::string_view kMagic = "SSJ1";
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kChecksumAt = 12;

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

Error damaged(const char* what) {
  return {"storage-damaged", std::string("a journal segment ") + what};
}

}  // namespace

std::string encode_segment(const std::vector<Entry>& entries) {
  Json list = Json::array();
  for (const Entry& entry : entries) list.push_back(to_json(entry));
  std::string payload;
  Json::to_cbor(list, nlohmann::detail::output_adapter<char>(payload));
  std::string out(kMagic);
  put_u32(out, kJournalFormat);
  put_u32(out, static_cast<std::uint32_t>(payload.size()));
  put_u32(out, crc32c(out + payload));
  return out + payload;
}

Result<std::vector<Entry>> decode_segment(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 4) != kMagic) {
    return damaged("does not begin like one");
  }
  const std::string_view payload = bytes.substr(kHeaderBytes);
  if (payload.size() != get_u32(bytes, 8)) return damaged("has the wrong length");
  std::string covered(bytes.substr(0, kChecksumAt));
  covered += payload;
  if (crc32c(covered) != get_u32(bytes, kChecksumAt)) return damaged("has the wrong checksum");
  // Only an undamaged segment is believed when it says that it is newer.
  const std::uint32_t format = get_u32(bytes, 4);
  if (format > kJournalFormat) {
    return Error{"reload-needed", "the local data was written by a newer version: reload the page"};
  }
  if (format == 0) return damaged("has no format");
  const Json list = Json::from_cbor(payload.begin(), payload.end(), true, false);
  if (!list.is_array()) return damaged("holds no entries");
  std::vector<Entry> entries;
  for (const Json& json : list) {
    auto entry = from_json(json, static_cast<Entry*>(nullptr));
    if (!entry) return damaged("holds an unknown entry");
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace somatic
