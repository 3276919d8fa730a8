// One row's layers of edits: when they were made, what they add up to, and how pending ones become
// a mutation. Works on one row at a time; which rows, and why, is apply's business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/schema.hpp"
#include "store/store.hpp"
#include "sync/merge.hpp"

namespace somatic {

/// The server's time at a moment of this device: exact for a boot that has heard from the server,
/// else by the wall clock's last known offset, else the wall clock as it is.
Ms server_time(const Meta& meta, const Stamp& at);

/// The pending edits with clocks, as they compare against the server's.
Change with_clocks(const Meta& meta, Pending pending);

/// Notes the texts of an earlier edit that a later one is folded over although they were not shown
/// when it was made: something newer of the server's was. They never get to a merge.
void note_hidden(const CollectionSpec& collection, const Change& earlier, const Json& shown,
                 const Change& later, std::vector<LostText>& lost);

/// An edit made on a row must be newer than what it was made on, however slow this device's clock
/// is: `clocks` are moved past `theirs`.
void outrun(const Json& theirs, const std::string& device, Json& clocks);

/// A write as it says the same on what this row shows: another context may have written since it
/// was made, or an answer may have come.
Rebased on_view(const CollectionSpec& collection, const Meta& meta, Change change, const Stamp& at,
                const Row& row);

/// A row as an edit of its own: without a base, so that every column goes by its rule. A null
/// without a clock of its own was set by nobody.
Change as_change(const ServerRow& row);

/// When the row was deleted here, while the server has it still.
std::optional<Clock> unconfirmed_deletion(const Meta& meta, const Row& row);

/// What the app sees of the row, and how old it is; nothing: no such row for it.
std::optional<ServerRow> shown(const CollectionSpec& collection, const Meta& meta, const Row& row);

/// The increments of a change as one of their own; the rest stays.
Change take_increments(Change& change);

/// What waited under names of its own becomes pending like anything else: the row it was made for
/// is gone, or another.
void unqueue(Row& row);

/// Puts one more write on top of the row's unsent edits; a rejected mutation is absorbed and gets
/// another try.
void stack(Row& row, Change change, const Stamp& at, std::int64_t order);

/// The mutation under way was refused for good, for this reason. What was edited since may have
/// mended it, so then both are tried as one.
void reject(Row& row, const std::string& code, const std::string& message, const Stamp& at,
            std::int64_t order);

/// Recomputes what the app sees. Every change of a row ends with this.
void refresh(const CollectionSpec& collection, const Meta& meta, Row& row);

/// What the server lost of what it had (Row::former), by the merge rules; a row that it lost whole
/// is owed whole. Without a common base, a text of either side that gives way is lost.
Rebased owed(const CollectionSpec& collection, const Row& row);

/// The row below all edits of this device: the server's copy, with what it is known to have lost.
ServerRow ground_of(const CollectionSpec& collection, const Row& row);

/// Pending edits of a row that is gone (row.gone): made whole again on `before`, what they were
/// made on, or lost. Answers the texts that lost.
std::vector<LostText> survive(const CollectionSpec& collection, const Meta& meta,
                              const Json& before, const Stamp& at, Row& row);

/// What is owed, else what is queued (under its own name), else the pending edits, become the
/// mutation `mid` on top of the server's copy, or vanish when there is nothing left to say. Answers
/// the texts that lost.
std::vector<LostText> freeze(const CollectionSpec& collection, const Meta& meta,
                             const std::string& mid, Row& row);

}  // namespace somatic
