// Local entries: writes, freezing, second tries. The server's answers are in apply_answer.cpp.

#include "sync/apply.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/planted.hpp"
#include "base/uuid.hpp"
#include "store/snapshot.hpp"
#include "store/view.hpp"
#include "sync/backup.hpp"
#include "sync/device_times.hpp"
#include "sync/import.hpp"
#include "sync/layers.hpp"
#include "sync/resync.hpp"

namespace somatic {
namespace {

class Apply {
 public:
  Apply(const Schema& schema, Store& store, Outcome& outcome)
      : schema_(schema), store_(store), outcome_(outcome) {}

  void operator()(const Born& born) {
    if (store_.meta().device.empty()) store_.edit_meta().device = born.device;
  }

  void operator()(const Wrote& wrote) {
    outcome_.is_written = true;
    // One place in the outbox for all of it: what was written together travels together.
    const std::int64_t order = store_.next_order();
    for (const EntryChange& written : wrote.changes) {
      const CollectionSpec* collection = schema_.collection(written.collection);
      if (collection == nullptr) {
        store_.meet_foreign();  // of a newer schema: kept in the journal only
        continue;
      }
      Change change = written.change;
      store_.vectors().take(*collection, change);
      std::vector<LostText> lost;
      {
        Store::Edit row(store_, {written.collection, written.key});
        if (row->id.empty()) row->id = written.id;
        if (written.id != row->id) row->add_alias(written.id);
        if (collection->local_only) {
          write_local(*collection, change, *row);
        } else {
          Rebased here = on_view(*collection, store_.meta(), std::move(change), wrote.at, *row);
          stack(*row, std::move(here.change), wrote.at, order);
          lost = std::move(here.lost);
        }
        refresh(*collection, store_.meta(), *row);
      }
      keep_lost(*collection, written.key, server_time(store_.meta(), wrote.at), lost, store_,
                outcome_);
    }
  }

  void operator()(const Froze& froze) {
    outcome_.is_sent = true;
    for (const EntryRow& named : froze.rows) {
      const CollectionSpec* collection = schema_.collection(named.collection);
      const Row* known = store_.find({named.collection, named.key});
      if (collection == nullptr || known == nullptr || known->frozen || !known->is_unsent()) {
        continue;
      }
      std::vector<LostText> lost;
      bool is_refused = false;
      {
        Store::Edit row(store_, {named.collection, named.key});
        lost = freeze(*collection, store_.meta(), named.mid, *row);
        is_refused = refuse_future_day(*collection, named.key, froze.at, *row);
        refresh(*collection, store_.meta(), *row);
      }
      keep_lost(*collection, named.key, server_time(store_.meta(), froze.at), lost, store_,
                outcome_);
      if (is_refused) note_rejected(*collection, named.key, store_, outcome_);
    }
  }

  void operator()(const Answered& answered) {
    outcome_.is_sent = outcome_.is_answered = true;
    apply_answer(schema_, answered, store_, outcome_);
  }

  void operator()(const Resynced& resynced) { begin_resync(schema_, resynced, store_); }

  void operator()(const Refused& refused) {
    const CollectionSpec* collection = schema_.collection(refused.row.collection);
    const Row* known = store_.find({refused.row.collection, refused.row.key});
    if (collection == nullptr || known == nullptr || !known->frozen ||
        known->frozen->mid != refused.row.mid) {
      return;
    }
    {
      Store::Edit row(store_, {refused.row.collection, refused.row.key});
      reject(*row, refused.code, refused.message, refused.at, store_.next_order());
      refresh(*collection, store_.meta(), *row);
    }
    note_rejected(*collection, refused.row.key, store_, outcome_);
  }

  void operator()(const Retried& retried) {
    outcome_.is_written = true;
    if (const CollectionSpec* collection = rejected_row(retried.row)) {
      Store::Edit row(store_, {retried.row.collection, retried.row.key});
      stack(*row, {}, retried.at, store_.next_order());
      refresh(*collection, store_.meta(), *row);
    }
  }

  void operator()(const Discarded& discarded) {
    if (const CollectionSpec* collection = rejected_row(discarded.row)) {
      Store::Edit row(store_, {discarded.row.collection, discarded.row.key});
      row->rejected.reset();
      refresh(*collection, store_.meta(), *row);
    }
  }

  void operator()(const Named& named) {
    store_.meet_backup();
    for (const EntryRow& each : named.rows) {
      const CollectionSpec* collection = schema_.collection(each.collection);
      if (collection == nullptr || store_.find({each.collection, each.key}) == nullptr) continue;
      Store::Edit row(store_, {each.collection, each.key});
      name_counts(*collection, store_.meta(), each.mid, each.key, *row);
      refresh(*collection, store_.meta(), *row);
    }
  }

  void operator()(const Imported& imported) {
    for (const ToldRow& told : imported.rows) take_told(told, imported.at);
    if (imported.overwritten.empty()) return;
    Json& kept = store_.edit_meta().overwritten;
    for (const Json& text : imported.overwritten) {
      const bool is_known = std::any_of(kept.begin(), kept.end(),
                                        [&](const Json& each) { return each["id"] == text["id"]; });
      if (!is_known) kept.push_back(text);
    }
    std::stable_sort(kept.begin(), kept.end(), [](const Json& a, const Json& b) {
      return integer_at(a, "at") < integer_at(b, "at");
    });
  }

  void operator()(const Stood& stood) {
    Meta& meta = store_.edit_meta();
    meta = meta_from_json(stood.meta);
    meta.collections = stood.collections;
    // The snapshot has them now; of those that are to be sent it tells some below.
    store_.vectors().keep_only(stood.is_whole ? std::set<std::string>{}
                                              : store_.unsent_vectors(schema_));
    if (!stood.is_whole) return;
    for (const auto& [name, collection] : schema_.collections) {
      const auto* rows = store_.rows(name);
      std::vector<std::string> keys;
      if (rows != nullptr) {
        for (const auto& [key, row] : *rows) keys.push_back(key);
      }
      for (const std::string& key : keys) *Store::Edit(store_, {name, key}) = Row{};
    }
  }

  void operator()(const Kept& kept) {
    outcome_.is_written = true;  // some of its rows may be
    for (const KeptRow& stands : kept.rows) {
      const CollectionSpec* collection = schema_.collection(stands.collection);
      if (collection == nullptr) {
        store_.meet_foreign();
        continue;
      }
      Store::Edit row(store_, {stands.collection, stands.key});
      *row = {};
      if (!stands.row.is_binary()) continue;
      *row = unpack_row(stands.row);
      if (!row->queued.empty() || !row->counted.empty()) store_.meet_backup();
      if (store_.vectors().take(*collection, *row)) {
        store_.mark_outdated({stands.collection, stands.key});
      }
      refresh(*collection, store_.meta(), *row);
    }
  }

  void operator()(const Carried& carried) {
    for (const CarriedVector& vector : carried.vectors) {
      if (!vector.bytes.is_binary()) continue;
      const auto& bytes = vector.bytes.get_binary();
      store_.vectors().put(vector.name, {bytes.begin(), bytes.end()});
    }
  }

  void operator()(const Refilled& refilled) {
    store_.edit_meta().cursor = 0;
    store_.edit_meta().collections = refilled.collections;
  }

  void operator()(const Restored& restored) {
    Json& kept = store_.edit_meta().overwritten;
    for (auto at = kept.begin(); at != kept.end(); ++at) {
      if (at->at("id") != restored.id) continue;
      kept.erase(at);
      return;
    }
  }

 private:
  void take_told(const ToldRow& given, const Stamp& at) {
    const CollectionSpec* collection = schema_.collection(given.collection);
    if (collection == nullptr) {
      store_.meet_foreign();
      return;
    }
    ToldRow told = given;
    Vectors names;  // the floats are kept only if they are news
    names.set_naming(store_.vectors().is_naming());
    names.take(*collection, told.whole);
    const std::string key = home_of(*collection, store_, told);
    const Row* known = store_.find({collection->name, key});
    News news = news_in(*collection, store_.meta(), told, at, known == nullptr ? Row{} : *known);
    if (news.empty()) return;
    Change floats = given.whole;
    store_.vectors().take(*collection, floats);
    store_.meet_backup();
    outcome_.is_written = true;
    ++outcome_.imported;
    const std::int64_t order = store_.next_order();
    {
      Store::Edit row(store_, {collection->name, key});
      if (row->id.empty()) row->id = told.id;
      for (const std::string& alias : news.aliases) row->add_alias(alias);
      if (row->rejected && !news.mutations.empty()) {  // as with any new edit: another try
        row->queued.push_back({row->rejected->mid, std::nullopt, row->rejected->change});
        row->rejected.reset();
      }
      for (Frozen& each : news.mutations) row->queued.push_back(std::move(each));
      for (std::string& mid : news.counted) row->counted.push_back(std::move(mid));
      if (row->order == 0) row->order = order;
      refresh(*collection, store_.meta(), *row);
    }
    keep_lost(*collection, key, server_time(store_.meta(), at), news.lost, store_, outcome_);
  }

  /// A new row of a day that a wrong clock named before the server was ever heard. Only while this
  /// boot knows the time: a good row must not be refused because of an old idea of it.
  bool refuse_future_day(const CollectionSpec& collection, const std::string& key, const Stamp& at,
                         Row& row) {
    const Meta& meta = store_.meta();
    if (!row.frozen || row.server || !meta.boots.contains(at.boot)) return false;
    const auto error = future_day(collection, key, server_time(meta, at));
    if (error) reject(row, error->code, error->message, at, store_.next_order());
    return error.has_value();
  }

  static void write_local(const CollectionSpec& collection, const Change& change, Row& row) {
    if (change.del) {
      row.server.reset();
      return;
    }
    if (!row.server) row.server = ServerRow{row.id, 0, Json::object(), Json::object()};
    row.server->columns = overlay(collection, std::move(row.server->columns), change);
  }

  /// The collection of a row that still carries this rejected mutation, else null.
  const CollectionSpec* rejected_row(const EntryRow& named) const {
    const Row* row = store_.find({named.collection, named.key});
    const bool is_it = row != nullptr && row->rejected && row->rejected->mid == named.mid;
    return is_it ? schema_.collection(named.collection) : nullptr;
  }

  const Schema& schema_;
  Store& store_;
  Outcome& outcome_;
};

/// "metadata.insights" of a column as the app names it.
std::string app_name(const CollectionSpec& collection, const std::string& column_path) {
  const std::size_t dot = column_path.find('.');
  const FieldSpec* field = collection.by_column(column_path.substr(0, dot));
  if (field == nullptr) return column_path;
  return dot == std::string::npos ? field->name : field->name + column_path.substr(dot);
}

}  // namespace

void apply(const Schema& schema, const Entry& entry, Store& store, Outcome& outcome) {
  std::visit(Apply(schema, store, outcome), entry);
}

bool make_whole(const Schema& schema, const Store& store, Entry& entry) {
  auto* wrote = std::get_if<Wrote>(&entry);
  if (wrote == nullptr) return false;
  bool is_changed = false;
  std::set<RowRef> met;
  for (EntryChange& edit : wrote->changes) {
    const RowRef ref{edit.collection, edit.key};
    // Whatever else this entry does to the row is done on what its first edit makes.
    const bool is_first = met.insert(ref).second;
    const CollectionSpec* collection = schema.collection(edit.collection);
    const Row* row = store.find(ref);
    const bool is_there = row != nullptr && (row->server || row->columns() != nullptr);
    if (!is_first || is_there || edit.seen.is_null() || collection == nullptr) continue;
    Change whole;
    if (collection->on_delete != OnDelete::kDeleteWins) {
      const Json columns = overlay(*collection, std::exchange(edit.seen, Json()), edit.change);
      for (const auto& [column, value] : members(columns)) {
        const bool is_said = !value.is_null() || edit.change.set.contains(column);
        if (is_said && column != "id") whole.set[column] = value;
      }
    }
    edit.change = std::move(whole);
    is_changed = true;
  }
  return is_changed;
}

void note_rejected(const CollectionSpec& collection, const std::string& key, const Store& store,
                   Outcome& outcome) {
  ++outcome.rejected;
  const Row* row = store.find({collection.name, key});
  if (row == nullptr || !row->rejected) return;
  outcome.notices.push_back({"rejected", rejected_as_seen(collection, key, *row, store.vectors())});
}

void keep_lost(const CollectionSpec& collection, const std::string& key, Ms at,
               const std::vector<LostText>& lost, Store& store, Outcome& outcome) {
  if (is_planted(Bug::kLostTextsForgotten)) return;
  for (const LostText& text : lost) {
    Meta& meta = store.edit_meta();
    const std::string name = app_name(collection, text.column);
    Json item = {
        {"id", uuid_v5(meta.device, collection.name + '\n' + key + '\n' + name + '\n' + text.text)},
        {"collection", collection.name},
        {"key", key},
        {"field", name},
        {"text", text.text},
        {"at", at}};
    Json kept = Json::array();
    for (Json& older : meta.overwritten) {
      if (older["id"] != item["id"]) kept.push_back(std::move(older));
    }
    kept.push_back(item);
    meta.overwritten = std::move(kept);
    outcome.notices.push_back({"overwritten", std::move(item)});
  }
}

}  // namespace somatic
