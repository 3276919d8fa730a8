// Times and days that the app wrote by this device's clock, put right by the server's. They decide
// merges (the newest answer, the first unlocking, the last day of a streak), so a clock that is two
// years off would win or lose for ever. Done once, when an edit is frozen: then the offset is
// known.
#pragma once

#include "protocol/schema.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace somatic {

/// Moves every time that was "now" for the app when it made the edit, by as much as the device's
/// clock was wrong: timestamps, the `element_newest` member of keyed elements, days of a union.
/// "Now" is what lies within a day of the edit and nearer to the device's time than to the
/// server's; other times are history and stay. A clock that is right to two seconds is believed.
void correct_times(const CollectionSpec& collection, const Meta& meta, Pending& pending);

}  // namespace somatic
