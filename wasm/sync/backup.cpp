// A row is told as the app sees it, its unsent counts apart: see the header.

#include "sync/backup.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "store/view.hpp"
#include "sync/layers.hpp"

namespace somatic {
namespace {

bool is_counter(const CollectionSpec& collection, const std::string& column) {
  const FieldSpec* field = collection.by_column(column);
  return field != nullptr && field->merge == MergeRule::kCounter;
}

/// The part of a change that counts, dated by `clocks`.
Change counts_in(const CollectionSpec& collection, const Change& change, const Json& clocks) {
  Change counts;
  const auto note = [&](const std::string& column) {
    if (const Json* base = member(change.base, column)) counts.base[column] = *base;
    counts.clocks[column] = std::string(column_clock(clocks, column));
  };
  for (const auto& [column, value] : members(change.set)) {
    if (!is_counter(collection, column)) continue;
    counts.set[column] = value;
    note(column);
  }
  for (const auto& [column, amount] : members(change.inc)) {
    counts.inc[column] = amount;
    note(column);
  }
  return counts;
}

bool counts(const CollectionSpec& collection, const Change& change) {
  return !counts_in(collection, change, change.clocks).empty();
}

/// Calls visit(mid, change) for each unsent or refused mutation, in order; pending edits have no
/// name yet.
template <typename Visit>
void each_unsent(const Meta& meta, const Row& row, const Visit& visit) {
  if (row.rejected) visit(row.rejected->mid, row.rejected->change);
  if (row.frozen) visit(row.frozen->mid, row.frozen->change);
  for (const Frozen& each : row.queued) visit(each.mid, each.change);
  if (row.pending) visit(std::string(), with_clocks(meta, *row.pending));
}

const std::string& app_name(const CollectionSpec& collection, const std::string& column) {
  const FieldSpec* field = collection.by_column(column);
  return field == nullptr ? column : field->name;
}

/// {id, clocks, aliases, columns}: what is not among the row's fields.
Json beside(const CollectionSpec& collection, const Row& row, const ServerRow& seen) {
  Json out = {{"id", row.id}, {"clocks", seen.clocks}};
  if (!row.aliases.empty()) out["aliases"] = row.aliases;
  for (const auto& [column, value] : members(seen.columns)) {
    const bool is_field = collection.by_column(column) != nullptr || column == "id";
    if (!is_field) out["columns"][column] = value;
  }
  return out;
}

/// Counts that are not sent yet are told under their names: the row is told without them.
void leave_out_counts(const CollectionSpec& collection, const Meta& meta, const Row& row,
                      ServerRow& seen) {
  std::vector<std::string> columns;
  each_unsent(meta, row, [&](const std::string&, const Change& change) {
    const Change counts = counts_in(collection, change, change.clocks);
    for (const auto& [column, clock] : members(counts.clocks)) columns.push_back(column);
  });
  if (columns.empty()) return;
  const ServerRow ground = ground_of(collection, row);
  for (const std::string& column : columns) {
    seen.columns[column] = at(ground.columns, column);
    const std::string_view clock = column_clock(ground.clocks, column);
    seen.clocks.erase(column);
    if (!clock.empty()) seen.clocks[column] = clock;
  }
}

Json tell_row(const CollectionSpec& collection, const Store& store, const std::string& key,
              const Row& row) {
  auto seen = shown(collection, store.meta(), row);
  if (!seen) return nullptr;
  Json out = as_seen(collection, key, seen->columns, store.vectors());
  ServerRow agreed = *seen;
  leave_out_counts(collection, store.meta(), row, agreed);
  out["$sync"] = beside(collection, row, agreed);
  for (const auto& [column, value] : members(agreed.columns)) {
    if (is_counter(collection, column) && value != at(seen->columns, column)) {
      out["$sync"]["counted"][app_name(collection, column)] = value;
    }
  }
  return out;
}

Json mutation_told(const CollectionSpec& collection, const std::string& key, const std::string& mid,
                   const Change& change) {
  Json out = {{"collection", collection.name}, {"key", key}, {"state", "unsent"}};
  if (!mid.empty()) out["id"] = mid;
  if (change.del) {
    out["removed"] = std::string(column_clock(change.clocks, "*"));
    return out;
  }
  Json fields = Json::array();
  for (const Json* edits : {&change.set, &change.inc}) {
    for (const auto& [column, value] : members(*edits)) {
      fields.push_back(app_name(collection, column));
    }
  }
  out["fields"] = std::move(fields);
  const Change counts = counts_in(collection, change, change.clocks);
  for (const auto& [column, clock] : members(counts.clocks)) {
    Json& count = out["counts"][app_name(collection, column)];
    count = {{"clock", clock}};
    if (const Json* amount = member(counts.inc, column)) count["add"] = *amount;
    if (const Json* value = member(counts.set, column)) count["set"] = *value;
    if (const Json* was = member(counts.base, column)) count["was"] = *was;
  }
  return out;
}

}  // namespace

std::vector<RowRef> rows_to_name(const Schema& schema, const Store& store) {
  std::vector<RowRef> refs;
  const auto consider = [&](const RowRef& ref) {
    const CollectionSpec* collection = schema.collection(ref.collection);
    const Row* row = collection == nullptr ? nullptr : store.find(ref);
    if (row == nullptr) return;
    bool has_news = false;
    each_unsent(store.meta(), *row, [&](const std::string& mid, const Change& change) {
      const bool is_told =
          std::find(row->counted.begin(), row->counted.end(), mid) != row->counted.end();
      has_news = has_news || (!is_told && counts(*collection, change));
    });
    if (has_news) refs.push_back(ref);
  };
  for (const auto& [order, ref] : store.outbox()) consider(ref);
  for (const RowRef& ref : store.rejected()) consider(ref);
  return refs;
}

void name_counts(const CollectionSpec& collection, const Meta& meta, const std::string& mid,
                 const std::string& key, Row& row) {
  if (row.pending && !row.pending->change.del) {
    Pending& pending = *row.pending;
    Change part = counts_in(collection, pending.change, with_clocks(meta, pending).clocks);
    if (!part.empty()) {
      for (const auto& [column, clock] : members(part.clocks)) {
        for (Json* edits : {&pending.change.set, &pending.change.inc, &pending.change.base,
                            &pending.change.clocks}) {
          edits->erase(column);
        }
        pending.stamps.erase(column);
      }
      // Of a new row the increment may come first: then it makes the row.
      const std::string key_column = collection.key_column();
      if (!row.server && !key_column.empty() && key_column != "id") part.set[key_column] = key;
      row.queued.push_back({mid, std::nullopt, std::move(part)});
      if (pending.change.empty()) row.pending.reset();
    }
  }
  each_unsent(meta, row, [&](const std::string& name, const Change& change) {
    const bool is_told =
        std::find(row.counted.begin(), row.counted.end(), name) != row.counted.end();
    if (!name.empty() && !is_told && counts(collection, change)) row.counted.push_back(name);
  });
}

Json rows_told(const CollectionSpec& collection, const Store& store, const std::string& after) {
  Json rows = Json::array();
  Json out = Json::object();
  const auto* all = store.rows(collection.name);
  if (all != nullptr) {
    std::size_t size = 0;
    for (auto next = all->upper_bound(after); next != all->end(); ++next) {
      if (size > kBackupBytes) break;
      Json row = tell_row(collection, store, next->first, next->second);
      out["last"] = next->first;
      if (row.is_null()) continue;
      size += row.dump(-1, ' ', false, Json::error_handler_t::replace).size();
      rows.push_back(std::move(row));
    }
  }
  out["rows"] = std::move(rows);
  return out;
}

Json row_told(const CollectionSpec& collection, const Store& store, const std::string& key) {
  const Row* row = store.find({collection.name, key});
  return row == nullptr ? Json() : tell_row(collection, store, key, *row);
}

Json unsent_told(const Schema& schema, const Store& store, bool is_durable) {
  Json out = Json::array();
  std::vector<RowRef> refs;
  for (const auto& [order, ref] : store.outbox()) refs.push_back(ref);
  for (const RowRef& ref : store.rejected()) {
    if (!store.find(ref)->is_unsent()) refs.push_back(ref);
  }
  for (const RowRef& ref : refs) {
    const CollectionSpec* collection = schema.collection(ref.collection);
    const Row* row = collection == nullptr ? nullptr : store.find(ref);
    if (row == nullptr) continue;
    each_unsent(store.meta(), *row, [&](const std::string& mid, const Change& change) {
      Json item = mutation_told(*collection, ref.key, is_durable ? mid : "", change);
      if (row->rejected && row->rejected->mid == mid) {
        item["state"] = "rejected";
        item["code"] = row->rejected->code;
        item["message"] = row->rejected->message;
        item["at"] = row->rejected->at;
      }
      out.push_back(std::move(item));
    });
  }
  return out;
}

}  // namespace somatic
