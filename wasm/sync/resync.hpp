// Part of apply: device and server have lost sight of each other, and everything is pulled again
// from cursor 0. Mark and sweep: the copies from before step back (Row::former), the pages bring
// what the server has now, and at their end each copy that was not confirmed is judged.
//
//   begin_resync --pages, with hear_of_deletion--> finish_resync
//
//                    the server has the row                  it has not
//   horizon          the copy is forgotten                   the row was deleted: it goes, unless
//                                                            unsent edits make it again
//   epoch, restored  what it lost is owed, by the merge      the row is owed
//                    rules
#pragma once

#include "store/entries.hpp"
#include "sync/apply.hpp"

namespace somatic {

/// Nothing, when another context was first or the device has heard from the server since.
void begin_resync(const Schema& schema, const Resynced& entry, Store& store);

/// A tombstone among the pages, for a row with a former copy: goes by the clocks, as any edit
/// against a deletion. Answers the texts that lost.
std::vector<LostText> hear_of_deletion(const CollectionSpec& collection, const Meta& meta,
                                       const Gone& gone, const Stamp& at, Row& row);

/// The pages are complete: what they did not confirm is owed to the server or goes.
void finish_resync(const Schema& schema, const Stamp& at, Ms now, Store& store, Outcome& outcome);

}  // namespace somatic
