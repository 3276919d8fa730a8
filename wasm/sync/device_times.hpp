// Times and days that the app wrote by this device's clock, put right by the server's. They decide
// merges (the newest answer, the first unlocking, the last day of a streak), so a clock that is two
// years off would win or lose for ever. Done once, when an edit is frozen: then the offset is
// known.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "protocol/schema.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace somatic {

/// Moves every time that was "now" for the app when it made the edit, by as much as the device's
/// clock was wrong: timestamps, the `element_newest` member of keyed elements, days of a union.
/// "Now" is what lies within a day of the edit and nearer to the device's time than to the
/// server's; other times are history and stay. A clock that is right to two seconds is believed.
void correct_times(const CollectionSpec& collection, const Meta& meta, Pending& pending);

/// correct_times() would find something to look at: these edits were made by a clock that was
/// wrong.
bool has_wrong_times(const Meta& meta, const Pending& pending);

/// Why a new row may not have this key: it is a day that is more than a day ahead of this time.
/// Which day was meant nobody can tell, so a key is never moved.
std::optional<Error> future_day(const CollectionSpec& collection, const std::string& key, Ms now);

/// A day that seems to be of the future, in a boot that has not heard the server's time: only with
/// its first answer it can be told whether the row goes or is refused.
bool waits_for_time(const Schema& schema, const Meta& meta, const RowRef& row, const Stamp& at);

}  // namespace somatic
