// The three-way merge: base (last agreed), mine, theirs -> what is left to say to the server. Pure:
// no clock, no store, no I/O. DESIGN: a field that only one side changed takes that change; a field
// that both changed takes its rule. Every rule is commutative where it can be, so that all devices
// end equal whatever the order of their meetings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "protocol/change.hpp"
#include "protocol/schema.hpp"
#include "sync/days.hpp"

namespace somatic {

/// One field: the merged value. `base` null pointer: the edit was made without knowing a row.
/// Clocks decide "newest" (ties cannot happen between devices: a clock ends in its device; equal
/// clocks mean the same edit, then theirs stays).
Json merge_value(const FieldSpec& field, const Json* base, const Json& mine,
                 std::string_view mine_clock, const Json& theirs, std::string_view theirs_clock);

/// A text over 80 characters that lost.
struct LostText {
  std::string column;
  std::string text;

  bool operator==(const LostText&) const = default;
};

struct Rebased {
  /// what is left of mine on top of theirs: its base is theirs, columns that ended equal to theirs
  /// are gone; empty(): nothing is left to say
  Change change;
  std::vector<LostText> lost;
};

/// Mine, made on some older row (or none), on top of the row as it is now. `mine.clocks` must be
/// filled. mine.del against an edited row: kNewest -> the deletion stays when its clock is later
/// than every clock of theirs, else it is dropped; kDeleteWins -> it stays. What a deletion that
/// stays takes with it is lost text where theirs differs from mine.base, so give a deletion all the
/// columns it saw as base (kDeleteWins: caches, nothing is kept).
/// A column that mine.base lacks and that theirs holds as null without a clock of its own was never
/// set by anyone: it counts as null in base, so that a row made on two devices is their union. A
/// count without a base stays without: of two such counts the larger is right, however often they
/// meet.
Rebased rebase(const CollectionSpec& collection, const Change& mine, const ServerRow& theirs);

/// Mine against a deletion (`gone_clock`) of the row. kNewest: an edit later than the deletion
/// makes the row again (the whole row: `before`, the columns as seen before the edit, with mine on
/// top, base empty, increments added in; what was only seen gets the deletion's clock), else the
/// edit is lost. kDeleteWins: lost. Deletion against deletion: nothing is left.
Rebased rebase_on_gone(const CollectionSpec& collection, const Change& mine, const Json& before,
                       std::string_view gone_clock);

/// The columns of a row with a change on top, no questions asked: set replaces, inc adds (to null
/// as to 0), then derived columns are computed. A deletion leaves null; null columns are no row.
Json overlay(const CollectionSpec& collection, Json columns, const Change& change);

/// Earlier edits and a later one of the same row as one change. `later` must have been made on the
/// view that shows `earlier`. Base stays that of the first edit of a column; an increment after a
/// set adds to the set value; a deletion swallows everything (and knows the base of all it saw); an
/// edit after a deletion is a change that sets its columns anew and clears the others the deletion
/// knew, all but "id" and "created_at".
Change fold(Change earlier, Change later);

}  // namespace somatic
