// server <- former <- rejected <- frozen <- queued <- pending: each layer is rebased onto what
// stands below it, so a pull in the middle merges by the same rules as a conflict.

#include "sync/layers.hpp"

#include <algorithm>
#include <utility>

#include "base/planted.hpp"
#include "store/view.hpp"
#include "sync/device_times.hpp"
#include "sync/lost_text.hpp"

namespace somatic {
namespace {

/// What stands below the next layer.
struct Ground {
  bool exists = false;
  ServerRow row;
};

void lay(const CollectionSpec& collection, const Change& change, Ground& ground) {
  if (!ground.exists) {
    if (change.del) return;
    ground.row.columns = overlay(collection, Json::object(), change);
    ground.row.clocks = change.clocks;
    ground.exists = true;
    return;
  }
  const Change rebased = rebase(collection, change, ground.row).change;
  if (rebased.del) {
    ground = {};
    return;
  }
  ground.row.columns = overlay(collection, std::move(ground.row.columns), rebased);
  ground.row.clocks.update(rebased.clocks);
}

void stamp_columns(const Change& change, const Stamp& at, Pending& pending) {
  if (change.empty()) return;  // a deletion below it keeps its stamp
  if (change.del) {
    pending.stamps = {{"*", at}};
    return;
  }
  pending.stamps.erase("*");
  for (const auto& [column, value] : members(change.set)) pending.stamps[column] = at;
  for (const auto& [column, value] : members(change.inc)) pending.stamps[column] = at;
}

Ground ground_under(const CollectionSpec& collection, const Row& row) {
  if (!row.server) return row.former ? Ground{true, row.former->row} : Ground{};
  Ground ground{true, *row.server};
  if (row.former) lay(collection, as_change(row.former->row), ground);
  return ground;
}

/// Pending edits as they will be frozen, so that a device sees its own edits win as they will.
Change as_frozen(const CollectionSpec& collection, const Meta& meta, Pending pending) {
  correct_times(collection, meta, pending);
  return with_clocks(meta, std::move(pending));
}

/// Only this device knows of the row, and its edits need no clocks: there is nothing to compare
/// with.
bool is_pending_only(const Row& row) {
  return row.pending && !row.server && !row.former && !row.rejected && !row.frozen &&
         row.queued.empty();
}

/// Laid on nothing, the change makes a row of just these columns: nothing is counted or computed.
bool is_whole_row(const CollectionSpec& collection, const Change& change) {
  return !change.del && change.inc.empty() && change.set.is_object() &&
         std::none_of(collection.fields.begin(), collection.fields.end(), [](const auto& declared) {
           return declared.second.derivation != Derivation::kNone;
         });
}

/// The row with all its layers.
Ground view_of(const CollectionSpec& collection, const Meta& meta, const Row& row) {
  Ground ground = ground_under(collection, row);
  if (row.rejected) lay(collection, row.rejected->change, ground);
  if (row.frozen) lay(collection, row.frozen->change, ground);
  for (const Frozen& each : row.queued) lay(collection, each.change, ground);
  if (row.pending) lay(collection, as_frozen(collection, meta, *row.pending), ground);
  return ground;
}

bool is_made_on(const Json& columns, const Change& change) {
  if (change.del) return columns == change.base;
  for (const auto& [column, value] : members(change.set)) {
    if (at(columns, column) != at(change.base, column)) return false;
  }
  return true;
}

/// A new row whose columns were all written at once says so in one word.
void shorten(Json& clocks) {
  const bool is_one_moment = std::all_of(clocks.begin(), clocks.end(),
                                         [&](const Json& each) { return each == *clocks.begin(); });
  if (!clocks.empty() && is_one_moment) clocks = Json{{"*", *clocks.begin()}};
}

}  // namespace

Change as_change(const ServerRow& row) {
  Change change;
  for (const auto& [column, value] : row.columns.items()) {
    const bool is_set = !value.is_null() || row.clocks.contains(column);
    if (is_set && column != "id") change.set[column] = value;
  }
  change.clocks = row.clocks;
  return change;
}

std::optional<Clock> unconfirmed_deletion(const Meta& meta, const Row& row) {
  if (!row.server || row.columns() != nullptr) return std::nullopt;
  if (row.pending && row.pending->change.del) {
    return Clock(column_clock(with_clocks(meta, *row.pending).clocks, "*"));
  }
  if (!row.queued.empty() && row.queued.back().change.del) {
    return Clock(column_clock(row.queued.back().change.clocks, "*"));
  }
  if (row.frozen && row.frozen->change.del) {
    return Clock(column_clock(row.frozen->change.clocks, "*"));
  }
  return std::nullopt;
}

std::optional<ServerRow> shown(const CollectionSpec& collection, const Meta& meta, const Row& row) {
  Ground ground = view_of(collection, meta, row);
  if (!ground.exists) return std::nullopt;
  return std::move(ground.row);
}

Change take_increments(Change& change) {
  Change counts;
  counts.inc = std::exchange(change.inc, Json::object());
  for (const auto& [column, amount] : members(counts.inc)) {
    counts.base[column] = at(change.base, column);
    counts.clocks[column] = std::string(column_clock(change.clocks, column));
    change.base.erase(column);
    change.clocks.erase(column);
  }
  return counts;
}

void unqueue(Row& row) {
  if (row.queued.empty()) return;
  Change all;
  for (Frozen& each : row.queued) all = fold(std::move(all), std::move(each.change));
  row.queued.clear();
  if (!row.pending) row.pending.emplace();
  row.pending->change = fold(std::move(all), std::move(row.pending->change));
}

Ms server_time(const Meta& meta, const Stamp& at) {
  if (is_planted(Bug::kRawClock)) return at.wall_ms;
  const auto boot = meta.boots.find(at.boot);
  if (boot != meta.boots.end()) return at.mono_ms + boot->second.offset_ms;
  return at.wall_ms + meta.wall_offset.value_or(0);
}

Change with_clocks(const Meta& meta, Pending pending) {
  Change change = std::move(pending.change);
  for (const auto& [column, at] : pending.stamps) {
    change.clocks[column] = make_clock(server_time(meta, at), meta.device);
  }
  return change;
}

void outrun(const Json& theirs, const std::string& device, Json& clocks) {
  for (auto& [column, clock] : clocks.items()) {
    const auto& mine = clock.get_ref<const std::string&>();
    std::string_view below = column_clock(theirs, column);
    if (column == "*") {
      for (const auto& [name, other] : theirs.items()) {
        if (other.is_string())
          below = std::max(below, std::string_view(other.get_ref<const std::string&>()));
      }
    }
    if (mine <= below) clock = clock_after(clock_time(mine), below, device);
  }
}

void note_hidden(const CollectionSpec& collection, const Change& earlier, const Json& shown,
                 const Change& later, std::vector<LostText>& lost) {
  for (const auto& [column, value] : members(later.set)) {
    const Json* hidden = member(earlier.set, column);
    if (hidden == nullptr) continue;
    const FieldSpec* field = collection.by_column(column);
    note_lost_texts(lost, column, field == nullptr ? "" : field->element_key,
                    member(earlier.base, column), *hidden, at(shown, column));
  }
}

Rebased on_view(const CollectionSpec& collection, const Meta& meta, Change change, const Stamp& at,
                const Row& row) {
  const Json* columns = row.columns();
  const bool is_edit = !change.del && !change.base.empty();
  const auto deleted_at = is_edit ? unconfirmed_deletion(meta, row) : std::nullopt;
  if (is_planted(Bug::kOneTabWins)) return {std::move(change), {}};
  Rebased out;
  if (deleted_at || (columns != nullptr && !is_made_on(*columns, change))) {
    Pending dated{std::move(change), {}};
    stamp_columns(dated.change, at, dated);
    const Change mine = as_frozen(collection, meta, std::move(dated));
    out = deleted_at ? rebase_on_gone(collection, mine, row.server->columns, *deleted_at)
                     : rebase(collection, mine, view_of(collection, meta, row).row);
    out.change.clocks = Json::object();  // pending edits are dated by their stamps
  } else {
    out.change = std::move(change);
  }
  if (row.pending && columns != nullptr) {
    note_hidden(collection, row.pending->change, *columns, out.change, out.lost);
  }
  return out;
}

void stack(Row& row, Change change, const Stamp& at, std::int64_t order) {
  if (is_planted(Bug::kFoldSent) && row.frozen && !change.del) {
    row.frozen->change = fold(std::move(row.frozen->change), std::move(change));
    return;
  }
  if (row.rejected) {
    Pending again{row.rejected->change, {}};
    again.change.clocks = Json::object();
    stamp_columns(again.change, at, again);
    if (row.pending) {
      again.change = fold(std::move(again.change), std::move(row.pending->change));
      again.stamps.merge(row.pending->stamps);
    }
    row.pending = std::move(again);
    row.rejected.reset();
  }
  // A deletion that lost to what it stands on shows the row: an edit of that is no new row.
  const bool is_edit = !change.del && !change.empty();
  if (row.pending && row.pending->change.del && is_edit && row.columns() != nullptr) {
    row.pending.reset();
  }
  if (!row.pending) row.pending.emplace();
  // What a row that is written anew leaves empty is as old as its deletion.
  const bool is_anew = row.pending->change.del && is_edit;
  const Stamp deleted = is_anew ? row.pending->stamps["*"] : Stamp{};
  stamp_columns(change, at, *row.pending);
  row.pending->change = fold(std::move(row.pending->change), std::move(change));
  if (is_anew) {
    for (const auto& [column, value] : members(row.pending->change.set)) {
      row.pending->stamps.try_emplace(column, deleted);
    }
  }
  const bool server_never_knew = !row.server && !row.frozen && row.queued.empty() && !row.gone;
  if (row.pending->change.empty() || (row.pending->change.del && server_never_knew)) {
    row.pending.reset();
  }
  if (row.order == 0) row.order = order;
}

void reject(Row& row, const std::string& code, const std::string& message, const Stamp& at,
            std::int64_t order) {
  Frozen frozen = *std::exchange(row.frozen, std::nullopt);
  row.rejected = Rejected{frozen.mid, std::move(frozen.change), code, message, at.wall_ms};
  unqueue(row);
  if (row.pending) stack(row, {}, at, order);
}

void refresh(const CollectionSpec& collection, const Meta& meta, Row& row) {
  if (!row.is_unsent()) row.order = 0;
  row.layered.reset();
  row.is_seen_as_written = false;
  const auto name = [&] {
    row.identities = row.columns() == nullptr ? std::vector<std::string>()
                                              : identities_of(collection, *row.columns());
  };
  if (!row.is_layered()) {
    row.gone.reset();  // only unsent work needs to know what it was made on
    name();
    return;
  }
  if (is_pending_only(row) && !has_wrong_times(meta, *row.pending)) {
    if (is_whole_row(collection, row.pending->change)) {
      row.is_seen_as_written = true;
    } else if (!row.pending->change.del) {
      row.layered = overlay(collection, Json::object(), row.pending->change);
    }
  } else {
    Ground ground = view_of(collection, meta, row);
    if (ground.exists) row.layered = std::move(ground.row.columns);
  }
  name();
}

Rebased owed(const CollectionSpec& collection, const Row& row) {
  const Change had = as_change(row.former->row);
  if (!row.server) return {had, {}};
  Rebased out = rebase(collection, had, *row.server);
  out.lost.clear();
  for (const auto& [column, value] : members(had.set)) {
    const FieldSpec* field = collection.by_column(column);
    const Json& has = at(row.server->columns, column);
    const Json* merged = member(out.change.set, column);
    const Json& kept = merged == nullptr ? has : *merged;
    const std::string key = field == nullptr ? "" : field->element_key;
    note_lost_texts(out.lost, column, key, &has, value, kept);
    // Older, or written since the backup by another device: nobody can tell, so it is kept.
    note_lost_texts(out.lost, column, key, &value, has, kept);
  }
  return out;
}

ServerRow ground_of(const CollectionSpec& collection, const Row& row) {
  return ground_under(collection, row).row;
}

std::vector<LostText> survive(const CollectionSpec& collection, const Meta& meta,
                              const Json& before, const Stamp& at, Row& row) {
  unqueue(row);
  if (!row.pending) return {};
  Rebased rebased =
      rebase_on_gone(collection, with_clocks(meta, *row.pending), before, row.gone->clock);
  if (rebased.change.empty()) {
    row.pending.reset();
    return rebased.lost;
  }
  // What was only seen is as old as the deletion; of one that nobody dated, as the edit.
  const Stamp made_again = row.pending->stamps.empty() ? at : row.pending->stamps.begin()->second;
  Json clocks = Json::object();
  for (const auto& [column, value] : rebased.change.set.items()) {
    if (row.pending->stamps.contains(column)) continue;
    if (row.gone->clock.empty()) {
      row.pending->stamps.emplace(column, made_again);
    } else {
      clocks[column] = row.gone->clock;
    }
  }
  row.pending->change = std::move(rebased.change);
  row.pending->change.clocks = std::move(clocks);
  return rebased.lost;
}

std::vector<LostText> freeze(const CollectionSpec& collection, const Meta& meta,
                             const std::string& mid, Row& row) {
  Rebased out;
  if (row.is_owed()) {
    out = owed(collection, row);
    row.former.reset();
  }
  Frozen frozen{mid, std::nullopt, {}};
  while (out.change.empty() && !row.queued.empty()) {
    frozen = std::move(row.queued.front());
    row.queued.erase(row.queued.begin());
    Rebased next{std::move(frozen.change), {}};
    if (row.server) next = rebase(collection, next.change, *row.server);
    // Deleted there since the backup, or never there: only the server knows.
    if (!row.server && frozen.is_whole) frozen.base = 0;
    out.change = std::move(next.change);
    out.lost.insert(out.lost.end(), next.lost.begin(), next.lost.end());
  }
  if (out.change.empty() && row.pending) {
    frozen = {mid, std::nullopt, {}};
    const Change change = as_frozen(collection, meta, *std::exchange(row.pending, std::nullopt));
    Rebased mine{change, {}};
    if (row.server) mine = rebase(collection, change, *row.server);
    out.change = std::move(mine.change);
    out.lost.insert(out.lost.end(), mine.lost.begin(), mine.lost.end());
  }
  Change& change = out.change;
  if (change.empty() || (change.del && !row.server)) return out.lost;
  if (row.server) {
    outrun(row.server->clocks, meta.device, change.clocks);
  } else if (change.inc.empty()) {
    shorten(change.clocks);
  }
  frozen.change = std::move(change);
  if (row.server) frozen.base = row.server->version;
  row.frozen = std::move(frozen);
  return out.lost;
}

}  // namespace somatic
