// UUIDs: names for rows (version 5, from a name) and for mutations (version 4, from a seeded
// generator). Knows no entropy source: the host hands a seed in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace somatic {

/// The lower-case form of a UUID in any case, or nothing when the text is not one.
std::optional<std::string> canonical_uuid(std::string_view text);

/// RFC 9562 version 5 (SHA-1). `space` must be a canonical UUID.
std::string uuid_v5(std::string_view space, std::string_view name);

/// Deterministic generator (xoshiro256**, seeded through splitmix64 from the given text). Not for
/// secrets.
class Random {
 public:
  explicit Random(std::string_view seed);
  std::uint64_t next();
  /// in [0, 1)
  double fraction();
  std::string uuid_v4();
  /// 60 bits in ten letters: a std::string of it needs no memory of its own.
  std::string short_name();

 private:
  std::uint64_t state_[4];
};

}  // namespace somatic
