// Segments: what goes in comes out, and nothing that was changed on the way is taken for good.
#include "store/journal.hpp"

#include <doctest/doctest.h>

#include "base/crc32c.hpp"

using namespace somatic;

namespace {

std::vector<Entry> some_entries() {
  Change change;
  change.set = {{"content", "\xC3\xA4 day"}, {"n", 1.5}, {"big", 9007199254740991}};
  return {
      Born{"d0000000-0000-4000-8000-000000000001"},
      Wrote{{1, 2, "boot"}, {{"logs", "key", "id", change}}},
      Froze{{3, 4, "boot"}, {{"logs", "key", "mid"}}},
      Answered{"device", {5, 6, "boot"}, 40, 7, {{"logs", "key", "mid"}}, {"ack"}, {{"cursor", 9}}},
      Resynced{"device", "last", "restored", "epoch", "next"},
      Refused{{7, 8, "boot"}, {"logs", "key", "mid"}, "57014", "timeout"},
      Retried{{7, 8, "boot"}, {"logs", "key", "mid"}},
      Discarded{{"logs", "key", "mid"}},
      Restored{"text"},
      Named{{7, 8, "boot"}, {{"logs", "key", "mid"}}},
      Imported{{7, 8, "boot"},
               {{"logs", "key", "id", "mid", {"alias"}, change, {{"mid", change}}}},
               {{{"id", "text"}}}},
      Stood{true, {{"cursor", 1}}, {"logs"}},
      Kept{{{"logs", "key", Json::binary({1, 2})}, {"logs", "gone", nullptr}}},
      Carried{{{"vector:1", Json::binary({1, 2, 3, 4})}}},
      Refilled{{"logs"}}};
}

std::string code_of(const std::string& bytes) {
  const auto entries = decode_segment(bytes);
  return entries.ok() ? "fine" : entries.error().code;
}

/// A segment with another format version and the checksum that belongs to it.
std::string with_format(int format) {
  std::string bytes = encode_segment(some_entries());
  bytes[4] = static_cast<char>(format);
  const std::uint32_t checksum = crc32c(bytes.substr(0, 12) + bytes.substr(16));
  for (int i = 0; i < 4; ++i) bytes[12 + i] = static_cast<char>(checksum >> (8 * i));
  return bytes;
}

}  // namespace

TEST_CASE("journal: a segment gives back its entries") {
  CHECK(some_entries().size() == std::variant_size_v<Entry>);
  const auto entries = decode_segment(encode_segment(some_entries()));
  REQUIRE(entries.ok());
  CHECK(to_json(entries.value()) == to_json(some_entries()));
  CHECK(code_of(encode_segment({})) == "fine");
}

TEST_CASE("journal: every flipped bit is noticed") {
  const std::string good = encode_segment(some_entries());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      CAPTURE(at);
      CAPTURE(bit);
      CHECK(code_of(bad) == "storage-damaged");
    }
  }
}

TEST_CASE("journal: every truncation and every surplus byte is noticed") {
  const std::string good = encode_segment(some_entries());
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(code_of(good.substr(0, size)) == "storage-damaged");
  }
  CHECK(code_of(good + '\0') == "storage-damaged");
  CHECK(code_of(good + good) == "storage-damaged");
  CHECK(code_of(std::string(1000, '\0')) == "storage-damaged");
}

TEST_CASE("journal: an undamaged segment of a newer format asks for a reload") {
  CHECK(code_of(with_format(kJournalFormat)) == "fine");
  CHECK(code_of(with_format(kJournalFormat + 1)) == "reload-needed");
  CHECK(code_of(with_format(0)) == "storage-damaged");
}
