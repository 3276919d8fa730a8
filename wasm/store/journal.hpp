// Journal segments: entries <-> bytes, binary, checksummed, versioned. docs/storage-format.md has
// the layout byte by byte. Knows neither where segments are kept nor what their entries mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/entries.hpp"

namespace somatic {

/// Written into every segment; a reader meets a larger one with "reload-needed".
inline constexpr int kJournalFormat = 1;

std::string encode_segment(const std::vector<Entry>& entries);

/// "storage-damaged" for bytes that are no segment or were changed, "reload-needed" for a newer
/// format.
Result<std::vector<Entry>> decode_segment(std::string_view bytes);

}  // namespace somatic
