// Journal segments: entries <-> bytes, binary, checksummed, versioned. docs/storage-format.md has
// the layout byte by byte. Knows neither where segments are kept nor what their entries mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/entries.hpp"

namespace somatic {

/// 1: vectors are text, in the rows. 2: a row may name a vector that stands elsewhere
/// (store/vectors). 3: rows hold what came or went with a backup (Row::queued).
inline constexpr int kFirstFormat = 1, kJournalFormat = 3;

/// In the oldest format that can say it: a build that knows no newer one may be open beside this.
std::string encode_segment(const std::vector<Entry>& entries, int format = kJournalFormat);

/// "storage-damaged" for bytes that are no segment or were changed, "reload-needed" for a format
/// after `newest`.
Result<std::vector<Entry>> decode_segment(std::string_view bytes, int newest = kJournalFormat);

}  // namespace somatic
