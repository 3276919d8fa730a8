// The per-field hybrid logical clock as it stands in a row and travels:
// "<13-digit ms>-<4 hex>-<8 hex>". Compared as text, so that C++, SQL and JSON order clocks alike.
// docs/protocol.md has the meaning.
#pragma once

#include <string>
#include <string_view>

#include "base/calendar.hpp"
#include "base/json.hpp"

namespace somatic {

using Clock = std::string;

/// `device` is a UUID (its first 8 hex digits are used); times outside 0..9999999999999 are cut to
/// that range.
Clock make_clock(Ms at, std::string_view device);
/// The smallest clock of `device` that is later than `seen`; one of `at` when that is later already
/// or when `seen` is no clock. At the very end of time there is none: then the last one of
/// `device`.
Clock clock_after(Ms at, std::string_view seen, std::string_view device);
/// The time part, 0 when the text is no clock.
Ms clock_time(std::string_view clock);
/// The text is a clock, and this device made it.
bool is_clock_of(std::string_view text, std::string_view device);
/// The clock of one column of a stored row: its own entry, else "*", else "" (older than
/// everything). An entry that is not a clock counts as not there: as text it could beat every clock
/// for ever.
std::string_view column_clock(const Json& clocks, const std::string& column);

}  // namespace somatic
