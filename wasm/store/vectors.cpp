// A name is the UUID (version 5) of the floats: equal vectors have equal names on every device, and
// to compare two of them is to compare their names.

#include "store/vectors.hpp"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "base/uuid.hpp"
#include "store/frame.hpp"
#include "store/journal.hpp"

namespace somatic {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are stored little endian");

constexpr std::string_view kPrefix = "vector:";
constexpr const char* kSpace = "6f0d6d0e-6c3c-5a57-9a0e-3a1c6f2b7d11";
constexpr std::string_view kMagic = "SSV1";
constexpr int kVectorsFormat = 2;
constexpr std::size_t kIdBytes = 16;

/// The floats of "[0.1,2]"; nothing for any other text.
std::optional<std::string> parse_vector(std::string_view text) {
  if (text.size() < 3 || text.front() != '[' || text.back() != ']') return std::nullopt;
  const std::string numbers(text.substr(1, text.size() - 2));
  std::string bytes;
  for (const char* at = numbers.c_str();;) {
    char* end = nullptr;
    const float number = std::strtof(at, &end);
    if (end == at) return std::nullopt;
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    if (*end == '\0') return bytes;
    if (*end != ',') return std::nullopt;
    at = end + 1;
  }
}

std::string text_of_floats(std::string_view bytes) {
  std::string out = "[";
  for (std::size_t at = 0; at + sizeof(float) <= bytes.size(); at += sizeof(float)) {
    float number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    char buffer[64];
    char* end = nlohmann::detail::to_chars(buffer, buffer + sizeof buffer, number);
    if (end - buffer > 2 && std::string_view(end - 2, 2) == ".0") end -= 2;
    if (out.size() > 1) out += ',';
    out.append(buffer, end);
  }
  return out + "]";
}

std::string name_of(const std::string& bytes) {
  return std::string(kPrefix) + uuid_v5(kSpace, bytes);
}

int hex_value(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

std::string id_bytes(const std::string& name) {
  std::string out;
  int high = -1;
  for (const char digit : name.substr(kPrefix.size())) {
    if (digit == '-') continue;
    if (high < 0) {
      high = hex_value(digit);
    } else {
      out.push_back(static_cast<char>(high << 4 | hex_value(digit)));
      high = -1;
    }
  }
  return out;
}

std::string name_from(std::string_view id) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string name(kPrefix);
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) name += '-';
    const auto byte = static_cast<unsigned char>(id[i]);
    name += kHex[byte >> 4];
    name += kHex[byte & 15];
  }
  return name;
}

}  // namespace

bool Vectors::is_name(const Json& value) { return text_of(value).starts_with(kPrefix); }

Json Vectors::text(const Json& name) const {
  const std::string* bytes = is_name(name) ? find(name.get_ref<const std::string&>()) : nullptr;
  return bytes == nullptr ? Json() : Json(text_of_floats(*bytes));
}

bool Vectors::is_same(const Json& name, const Json& value) {
  if (name == value) return true;
  const auto bytes = is_name(name) ? parse_vector(text_of(value)) : std::nullopt;
  return bytes && name_of(*bytes) == name.get_ref<const std::string&>();
}

bool Vectors::take(const CollectionSpec& collection, Json& columns) {
  bool has_taken = false;
  for (const std::string& column : collection.vector_columns) {
    const auto found = columns.find(column);
    if (found == columns.end()) continue;
    if (is_name(*found)) has_named_ = true;
    if (!is_naming_ && !has_named_) continue;
    auto bytes = parse_vector(text_of(*found));
    if (!bytes) continue;
    std::string name = name_of(*bytes);
    put(name, std::move(*bytes));
    *found = std::move(name);
    has_taken = true;
  }
  return has_taken;
}

bool Vectors::take(const CollectionSpec& collection, Change& change) {
  const bool of_set = take(collection, change.set);
  return take(collection, change.base) || of_set;
}

bool Vectors::take(const CollectionSpec& collection, Row& row) {
  if (collection.vector_columns.empty()) return false;
  bool has_taken = row.server && take(collection, row.server->columns);
  const auto also = [&](bool taken) { has_taken = taken || has_taken; };
  if (row.former) also(take(collection, row.former->row.columns));
  if (row.rejected) also(take(collection, row.rejected->change));
  if (row.frozen) also(take(collection, row.frozen->change));
  for (Frozen& each : row.queued) also(take(collection, each.change));
  if (row.pending) also(take(collection, row.pending->change));
  return has_taken;
}

const std::string* Vectors::find(const std::string& name) const {
  const auto found = bytes_.find(name);
  return found == bytes_.end() ? nullptr : &found->second;
}

void Vectors::put(const std::string& name, std::string bytes) {
  has_named_ = true;
  bytes_.try_emplace(name, std::move(bytes));
}

void Vectors::drop(const std::set<std::string>& names) {
  if (keeps_all_) return;
  for (const std::string& name : names) bytes_.erase(name);
}

void Vectors::keep_only(const std::set<std::string>& names) {
  if (keeps_all_) return;
  std::erase_if(bytes_, [&](const auto& each) { return !names.contains(each.first); });
}

Json texts_in(std::string_view file) {
  const auto vectors = decode_vectors(file, kJournalFormat);
  if (!vectors.ok()) return nullptr;
  Json texts = Json::object();
  for (const NamedVector& each : vectors.value()) texts[each.name] = text_of_floats(each.bytes);
  return texts;
}

std::string encode_vectors(const std::vector<NamedVector>& vectors) {
  std::string payload;
  const std::size_t size = vectors.empty() ? 0 : vectors.front().bytes.size();
  put_u32(payload, static_cast<std::uint32_t>(size / sizeof(float)));
  put_u32(payload, static_cast<std::uint32_t>(vectors.size()));
  for (const NamedVector& each : vectors) payload += id_bytes(each.name);
  for (const NamedVector& each : vectors) payload += each.bytes;
  return frame(kMagic, kVectorsFormat, payload);
}

Result<std::vector<NamedVector>> decode_vectors(std::string_view bytes, int newest) {
  static constexpr const char* kWhat = "a file of vectors";
  const auto framed = unframe(kMagic, newest, bytes, kWhat);
  if (!framed.ok()) return framed.error();
  const std::string_view payload = framed.value().payload;
  const Error damaged{"storage-damaged", std::string(kWhat) + " has the wrong size"};
  if (payload.size() < 8) return damaged;
  const std::uint64_t told_size = std::uint64_t{get_u32(payload, 0)} * sizeof(float);
  const std::size_t count = get_u32(payload, 4);
  if (payload.size() - 8 != count * (kIdBytes + told_size)) return damaged;
  const auto size = static_cast<std::size_t>(told_size);
  std::vector<NamedVector> vectors;
  vectors.reserve(count);
  const std::string_view ids = payload.substr(8), floats = ids.substr(count * kIdBytes);
  for (std::size_t i = 0; i < count; ++i) {
    vectors.push_back({name_from(ids.substr(i * kIdBytes, kIdBytes)),
                       std::string(floats.substr(i * size, size))});
  }
  return vectors;
}

}  // namespace somatic
