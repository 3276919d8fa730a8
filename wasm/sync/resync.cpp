// Copies from before step back, pages come, and each copy that was not confirmed is judged. Also
// tidies the layers between: a mutation that may have been sent keeps its name through all of it.

#include "sync/resync.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/planted.hpp"
#include "sync/layers.hpp"

namespace somatic {
namespace {

std::string_view newest_clock(const Json& clocks) {
  std::string_view newest;
  for (const auto& [column, clock] : members(clocks)) newest = std::max(newest, text_of(clock));
  return newest;
}

std::vector<RowRef> synced_rows(const Schema& schema, const Store& store) {
  std::vector<RowRef> refs;
  for (const auto& [name, collection] : schema.collections) {
    const auto* rows = store.rows(name);
    if (collection.local_only || rows == nullptr) continue;
    for (const auto& [key, row] : *rows) refs.push_back({name, key});
  }
  return refs;
}

bool is_deleting(const Row& row) {
  const bool is_queued = !row.queued.empty() && row.queued.back().change.del;
  return (row.frozen && row.frozen->change.del) || is_queued ||
         (row.pending && row.pending->change.del);
}

/// One row at the end of the pages.
class Judge {
 public:
  Judge(const CollectionSpec& collection, const Meta& meta, const Stamp& at, Row& row)
      : collection_(collection), meta_(meta), at_(at), row_(row) {}

  std::vector<LostText> judge() {
    if (is_deleting(row_)) row_.former.reset();  // what goes need not come back first
    if (row_.server) return confirmed();
    if (row_.former) return missing();
    // Of a version that has another meaning now, if any: answered as a conflict.
    if (row_.frozen && row_.frozen->base) row_.frozen->base = 0;
    return {};
  }

 private:
  /// The name of a mutation that was or may have been sent stays: the server may know it. So it
  /// goes first, and what is owed after it.
  std::vector<LostText> confirmed() {
    std::vector<LostText> lost;
    if (row_.frozen) {
      forget_counted();
      Rebased rebased = rebase(collection_, row_.frozen->change, *row_.server);
      lost = std::move(rebased.lost);
      if (rebased.change.empty()) {
        row_.frozen.reset();
      } else {
        row_.frozen->change = std::move(rebased.change);
        row_.frozen->base = row_.server->version;
      }
    }
    if (row_.former) {
      const Rebased rest = owed(collection_, row_);
      row_.former->is_owed = !rest.change.empty();
      if (!row_.former->is_owed) {
        lost.insert(lost.end(), rest.lost.begin(), rest.lost.end());
        row_.former.reset();
      }
    }
    return lost;
  }

  /// Another device may have brought back what this mutation had counted, but not its name.
  void forget_counted() {
    Change& change = row_.frozen->change;
    for (const auto& [column, clock] : change.clocks.items()) {
      if (column_clock(row_.server->clocks, column) == text_of(clock)) change.inc.erase(column);
    }
  }

  std::vector<LostText> missing() {
    if (meta_.resync == "horizon") return bury_row(collection_, meta_, Gone{}, at_, row_);
    row_.former->is_owed = true;
    // The row first, then what was edited on it. A server without the row never applied the
    // mutation, so it may become pending again.
    std::vector<LostText> lost;
    unqueue(row_);
    if (row_.frozen) {
      if (!row_.pending) row_.pending.emplace();
      const Change& later = row_.pending->change;
      note_hidden(collection_, row_.frozen->change, later.base, later, lost);
      row_.pending->change = fold(std::move(row_.frozen->change), std::move(row_.pending->change));
      row_.frozen.reset();
    }
    return lost;
  }

 public:
  /// The row is gone: unsent edits make it again or are lost.
  static std::vector<LostText> bury_row(const CollectionSpec& collection, const Meta& meta,
                                        const Gone& gone, const Stamp& at, Row& row) {
    Json before = std::exchange(row.former, std::nullopt)->row.columns;
    row.gone = gone;
    if (!row.frozen) return survive(collection, meta, before, at, row);
    Rebased rebased = rebase_on_gone(collection, row.frozen->change, before, gone.clock);
    before = overlay(collection, std::move(before), row.frozen->change);
    if (!rebased.change.empty()) {
      row.frozen->change = std::move(rebased.change);
      row.frozen->base.reset();
      return rebased.lost;
    }
    row.frozen.reset();
    std::vector<LostText> lost = survive(collection, meta, before, at, row);
    lost.insert(lost.end(), rebased.lost.begin(), rebased.lost.end());
    return lost;
  }

 private:
  const CollectionSpec& collection_;
  const Meta& meta_;
  const Stamp& at_;
  Row& row_;
};

}  // namespace

void begin_resync(const Schema& schema, const Resynced& entry, Store& store) {
  if (store.meta().device != entry.device || store.meta().last_mid != entry.last) return;
  {
    Meta& meta = store.edit_meta();
    meta.device = entry.next;
    meta.epoch = entry.epoch;
    meta.resync = entry.reason;
    meta.cursor = 0;
    meta.last_mid.clear();
    meta.acks.clear();
  }
  for (const RowRef& ref : synced_rows(schema, store)) {
    const CollectionSpec& collection = *schema.collection(ref.collection);
    Store::Edit row(store, ref);
    const bool is_kept = !is_planted(Bug::kResyncDrops);
    if (is_kept && (row->server || row->former)) row->former = Former{ground_of(collection, *row)};
    row->server.reset();
    if (row->gone) row->gone->version = 0;
    refresh(collection, store.meta(), *row);
  }
}

std::vector<LostText> hear_of_deletion(const CollectionSpec& collection, const Meta& meta,
                                       const Gone& gone, const Stamp& at, Row& row) {
  const bool is_later = newest_clock(row.former->row.clocks) > gone.clock;
  const bool outlives = is_later && meta.resync != "horizon" && !is_deleting(row) &&
                        collection.on_delete != OnDelete::kDeleteWins;
  row.server.reset();
  if (!outlives) return Judge::bury_row(collection, meta, gone, at, row);
  row.gone = gone;
  return {};
}

void finish_resync(const Schema& schema, const Stamp& at, Ms now, Store& store, Outcome& outcome) {
  for (const RowRef& ref : synced_rows(schema, store)) {
    const Row& known = *store.find(ref);
    if (!known.former && !known.frozen) continue;
    const CollectionSpec& collection = *schema.collection(ref.collection);
    const std::int64_t order = store.next_order();
    std::vector<LostText> lost;
    {
      Store::Edit row(store, ref);
      lost = Judge(collection, store.meta(), at, *row).judge();
      if (row->order == 0) row->order = order;
      refresh(collection, store.meta(), *row);
    }
    keep_lost(collection, ref.key, now, lost, store, outcome);
  }
  store.edit_meta().resync.clear();
}

}  // namespace somatic
