// A segment is a framed CBOR array of entries. CBOR, because nlohmann/json reads it and a row costs
// a third less than as text.

#include "store/journal.hpp"

#include "base/cbor.hpp"
#include "store/frame.hpp"

namespace somatic {
namespace {

constexpr std::string_view kMagic = "SSJ1";
constexpr const char* kName = "a journal segment";

Error damaged(const char* how) { return {"storage-damaged", std::string(kName) + " " + how}; }

}  // namespace

std::string encode_segment(const std::vector<Entry>& entries, int format) {
  std::string payload;
  append_cbor(entries, payload);
  return frame(kMagic, format, payload);
}

Result<std::vector<Entry>> decode_segment(std::string_view bytes, int newest) {
  const auto framed = unframe(kMagic, newest, bytes, kName);
  if (!framed.ok()) return framed.error();
  const std::string_view payload = framed.value().payload;
  Json list = Json::from_cbor(payload.begin(), payload.end(), true, false);
  if (!list.is_array()) return damaged("holds no entries");
  std::vector<Entry> entries;
  for (Json& json : list) {
    auto entry = from_json(std::move(json), static_cast<Entry*>(nullptr));
    if (!entry) return damaged("holds an unknown entry");
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace somatic
