// Dates and timestamps as text and as numbers. Knows no time zone but UTC and never asks what time
// it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace somatic {

using Ms = std::int64_t;

/// Days since 1970-01-01 of a strict, existing "YYYY-MM-DD" (years 0001-9999), or nothing.
std::optional<std::int32_t> parse_date(std::string_view text);
std::string format_date(std::int32_t days);

/// Milliseconds since 1970 of an ISO 8601 timestamp with a zone: "T" or a blank between date and
/// time, seconds and a fraction optional (further digits than three are cut), zone "Z", "+HH",
/// "+HHMM" or "+HH:MM". A bare date is midnight UTC. Else nothing.
std::optional<Ms> parse_timestamp(std::string_view text);
/// "2026-11-22T23:25:00.120Z": the form the public API shows.
std::string format_timestamp(Ms at);
/// "2026-11-22T23:25:00.12+00:00": the form PostgreSQL's to_jsonb prints in UTC (no trailing zeros
/// in the fraction, none at all when 0).
std::string wire_timestamp(Ms at);

}  // namespace somatic
