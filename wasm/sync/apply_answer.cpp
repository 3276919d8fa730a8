// What the server said, on the store: answers to mutations first, then rows and tombstones, then
// the cursor. Remote data: nothing in it is trusted to have the right type. The first answer to a
// mid wins; a later one finds no such mutation and changes nothing.

#include <algorithm>
#include <limits>
#include <utility>

#include "base/planted.hpp"
#include "base/uuid.hpp"
#include "store/view.hpp"
#include "sync/apply.hpp"
#include "sync/layers.hpp"
#include "sync/remote.hpp"
#include "sync/resync.hpp"

namespace somatic {
namespace {

constexpr Ms kOverwrittenKeptMs = 90LL * 24 * 60 * 60 * 1000;

/// Applies to whatever is stored, so its answer says nothing about the other columns.
bool is_pure_increment(const CollectionSpec& collection, const Change& change) {
  if (change.del || change.inc.empty()) return false;
  const std::string key = collection.key_column();
  return change.set.empty() || (change.set.size() == 1 && change.set.contains(key));
}

/// A version names its columns; only after an increment may it be here with some of them missing.
bool is_known(const ServerRow& here, const ServerRow& heard) {
  if (here.version != heard.version) return here.version > heard.version;
  return here.columns == heard.columns && here.clocks == heard.clocks;
}

class Answer {
 public:
  Answer(const Schema& schema, const Answered& answered, Store& store, Outcome& outcome)
      : schema_(schema), answered_(answered), store_(store), outcome_(outcome) {}

  void apply() {
    const Json& body = answered_.body;
    const std::string epoch = text_at(body, "epoch");
    Meta& meta = store_.edit_meta();
    if (meta.epoch.empty()) meta.epoch = epoch;
    if (epoch != meta.epoch) return;  // two first answers, and a restored backup between them
    hear_time();
    if (!store_.meta().overwritten.empty()) age_overwritten();
    std::map<std::string, const EntryRow*> sent;
    for (const EntryRow& row : answered_.sent) sent[row.mid] = &row;
    for (const Json& answer : elements(at(body, "answers"))) {
      const auto found = sent.find(text_at(answer, "mid"));
      if (found != sent.end()) answer_one(*found->second, answer);
    }
    for (const auto& [table, rows] : members(at(body, "rows"))) {
      if (const CollectionSpec* collection = schema_.by_table(table)) {
        for (const Json& row : elements(rows)) take_row(*collection, row);
      }
    }
    for (const Json& tombstone : elements(at(body, "tombstones"))) take_tombstone(tombstone);
    advance();
  }

 private:
  Ms now() const { return integer_at(answered_.body, "now"); }

  void hear_time() {
    Meta& meta = store_.edit_meta();
    const std::string& boot = answered_.at.boot;
    // Without unsent work no edit of an earlier boot is left to be dated.
    if (store_.outbox().empty())
      std::erase_if(meta.boots, [&](const auto& each) { return each.first != boot; });
    const Offset heard{now() - answered_.at.mono_ms, answered_.round_trip_ms};
    const auto [known, is_first] = meta.boots.try_emplace(boot, heard);
    const Ms wall_offset = now() - answered_.at.wall_ms;
    // The shortest round trip is the best clock: a slow answer must not push a good one aside,
    // unless they cannot both be right: the clock was set, or stood still while the machine slept.
    const Ms doubt = (heard.round_trip_ms + known->second.round_trip_ms) / 2 + 1;
    const bool is_better = is_first || heard.round_trip_ms <= known->second.round_trip_ms;
    const auto take = [&](Ms told, Ms believed) {
      return is_better || told > believed + doubt || told < believed - doubt;
    };
    if (take(wall_offset, meta.wall_offset.value_or(wall_offset))) meta.wall_offset = wall_offset;
    if (take(heard.offset_ms, known->second.offset_ms)) known->second = heard;
  }

  /// Kept for 90 days from the first answer after it lost: no clock of the device has a say.
  void age_overwritten() {
    Json kept = Json::array();
    for (Json item : store_.meta().overwritten) {
      if (!item.contains("until")) item["until"] = now() + kOverwrittenKeptMs;
      if (integer_at(item, "until") > now()) kept.push_back(std::move(item));
    }
    store_.edit_meta().overwritten = std::move(kept);
  }

  void advance() {
    Meta& meta = store_.edit_meta();
    for (const std::string& ack : answered_.acks) std::erase(meta.acks, ack);
    if (answered_.from > meta.cursor) return;
    const std::int64_t horizon = integer_at(answered_.body, "horizon");
    if (answered_.from == 0) {
      // Pages for an empty device name no deletion; one that is not empty any more has to ask
      // again.
      if (meta.cursor > 0 && horizon > std::max(meta.cursor, meta.horizon)) return;
      meta.horizon = horizon;
    }
    meta.cursor = std::max(meta.cursor, std::min(integer_at(answered_.body, "cursor"), ceiling_));
    if (is_planted(Bug::kCursorAhead)) ++meta.cursor;
    if (at(answered_.body, "more") == true) return;
    meta.last_synced_at = answered_.at.wall_ms;
    if (!meta.resync.empty()) finish_resync(schema_, answered_.at, now(), store_, outcome_);
  }

  void answer_one(const EntryRow& sent, const Json& answer) {
    const CollectionSpec* collection = schema_.collection(sent.collection);
    const Row* known = store_.find({sent.collection, sent.key});
    if (collection == nullptr || known == nullptr || !known->frozen ||
        known->frozen->mid != sent.mid) {
      // Another context was told something else about it, and this row comes in no page: the cursor
      // has to stay before it.
      const std::int64_t version = integer_at(answer, "version");
      if (text_at(answer, "status") == "applied" && version > 0) {
        ceiling_ = std::min(ceiling_, version - 1);
      }
      return;
    }
    if (const Json* row = member(answer, "row"); row != nullptr && !is_row(*row)) return;
    const std::string status = text_at(answer, "status");
    std::vector<LostText> lost;
    {
      Store::Edit row(store_, {sent.collection, sent.key});
      if (status == "applied") {
        applied(*collection, answer, *row);
      } else if (status == "duplicate") {
        lost = duplicate(*collection, answer, *row);
      } else if (status == "conflict") {
        lost = conflict(*collection, answer, *row);
      } else if (status == "rejected") {
        reject(*row, text_at(answer, "code"), text_at(answer, "message"), answered_.at,
               store_.next_order());
      }
      refresh(*collection, store_.meta(), *row);
    }
    move_home(*collection, sent.key);
    if (status == "applied" || status == "duplicate") {
      ++outcome_.pushed;
      Meta& meta = store_.edit_meta();
      meta.last_mid = sent.mid;
      meta.acks.push_back(sent.mid);
    }
    if (status == "conflict") ++outcome_.conflicts;
    keep_lost(*collection, sent.key, now(), lost, store_, outcome_);
    if (status == "rejected") note_rejected(*collection, sent.key, store_, outcome_);
  }

  /// The server knows the row under another id, and here the id is the key: the row moves there,
  /// with what is unsent.
  void move_home(const CollectionSpec& collection, const std::string& key) {
    const Row* known = store_.find({collection.name, key});
    if (!collection.key_is_id() || known == nullptr || !known->server || known->id == key) return;
    Row leaving = *known;
    unqueue(leaving);
    *Store::Edit(store_, {collection.name, key}) = Row{};
    Store::Edit home(store_, {collection.name, leaving.id});
    home->add_alias(key);
    for (const std::string& alias : leaving.aliases) home->add_alias(alias);
    if (home->id.empty()) home->id = leaving.id;
    take_server(std::move(*leaving.server), *home);
    if (leaving.rejected && !home->rejected) home->rejected = std::move(leaving.rejected);
    // Nothing was sent to the row's own id yet: what was frozen may become pending again.
    Pending unsent = leaving.pending.value_or(Pending{});
    if (leaving.frozen) {
      unsent.change = fold(std::move(leaving.frozen->change), std::move(unsent.change));
    }
    if (!unsent.change.empty()) {
      if (home->pending) {
        unsent.change = fold(std::move(home->pending->change), std::move(unsent.change));
        unsent.stamps.merge(home->pending->stamps);
      }
      home->pending = std::move(unsent);
      if (home->order == 0) home->order = leaving.order;
    }
    refresh(collection, store_.meta(), *home);
  }

  void applied(const CollectionSpec& collection, const Json& answer, Row& row) {
    const Frozen frozen = *std::exchange(row.frozen, std::nullopt);
    const std::int64_t version = integer_at(answer, "version");
    const std::int64_t known = row.server ? row.server->version : 0;
    // A pull of another context was faster: that row knows of this edit.
    if (known > about(version, frozen)) return;
    if (frozen.change.del) {
      row.server.reset();
      row.gone = Gone{version, text_at(frozen.change.clocks, "*")};
      return;
    }
    // Made anew where nothing was stored: what another context had pulled meanwhile was deleted.
    const bool is_insert = !frozen.base && !is_pure_increment(collection, frozen.change);
    ServerRow server = is_insert ? ServerRow{} : row.server.value_or(ServerRow{});
    server.columns = overlay(collection, std::move(server.columns), frozen.change);
    server.clocks.update(frozen.change.clocks);
    for (const auto& [column, value] : members(at(answer, "changed"))) {
      if (column == "clocks") {
        if (value.is_object()) server.clocks = value;
      } else if (column == "id" && value.is_string()) {
        row.add_alias(row.id);
        row.id = value.get<std::string>();
      } else {
        server.columns[column] = canonical_column(collection, column, value);
      }
    }
    store_.vectors().take(collection, server.columns);
    server.id = row.id;
    server.columns["id"] = row.id;
    // Only what was built on the stored row is the stored row. An increment applies to whatever is
    // stored: if that was not what is known here, the whole row comes in this answer or, when there
    // is more to come, in a later one. Till then nothing may be built on it.
    const bool is_awaited =
        is_pure_increment(collection, frozen.change) && at(answered_.body, "more") == true;
    server.version = is_awaited ? known : version;
    row.server = std::move(server);
    row.gone.reset();
    // Counted on top of what the server has lost.
    if (row.former) {
      Change counted;
      counted.inc = frozen.change.inc;
      row.former->row.columns = overlay(collection, std::move(row.former->row.columns), counted);
    }
  }

  ServerRow read(const CollectionSpec& collection, const Json& json) {
    ServerRow row = read_row(collection, json);
    store_.vectors().take(collection, row.columns);
    return row;
  }

  /// The server's copy never goes back: of two contexts the one that asked first may be heard last.
  static void take_server(ServerRow server, Row& row) {
    row.gone.reset();
    if (row.server && row.server->version > server.version) return;
    if (row.id != server.id) row.add_alias(row.id);
    row.id = server.id;
    row.server = std::move(server);
  }

  /// The version up to which an answer speaks. One about a row that the server does not know
  /// (version 0) speaks of what the mutation was made on; what another context has pulled since is
  /// another.
  static std::int64_t about(std::int64_t version, const Frozen& frozen) {
    return version > 0 ? version : frozen.base.value_or(0);
  }

  /// False: the row was made again since.
  static bool take_gone(const Gone& gone, const Frozen& frozen, Row& row) {
    if (row.server && row.server->version > about(gone.version, frozen)) return false;
    row.server.reset();
    row.gone = gone;
    return true;
  }

  std::vector<LostText> duplicate(const CollectionSpec& collection, const Json& answer, Row& row) {
    const Frozen frozen = *std::exchange(row.frozen, std::nullopt);
    if (at(answer, "row").is_object()) {
      take_server(read(collection, at(answer, "row")), row);
      return {};
    }
    const Json before = overlay(collection, columns_of(row), frozen.change);
    if (!take_gone(read_gone(at(answer, "gone")), frozen, row)) return {};
    return survive(collection, store_.meta(), before, answered_.at, row);
  }

  std::vector<LostText> conflict(const CollectionSpec& collection, const Json& answer, Row& row) {
    const Frozen frozen = *std::exchange(row.frozen, std::nullopt);
    Gone gone;
    Json before;
    const bool is_counted =
        std::find(row.counted.begin(), row.counted.end(), frozen.mid) != row.counted.end();
    if (at(answer, "row").is_object()) {
      take_server(read(collection, at(answer, "row")), row);
      if (is_counted && is_pure_increment(collection, frozen.change)) {
        row.frozen = frozen;  // said of what the mutation was before it was parted, below
        return {};
      }
    } else {
      gone = read_gone(at(answer, "gone"));
      before = columns_of(row);
      take_gone(gone, frozen, row);
    }
    // What the server never had is not what it deleted.
    const bool is_new = frozen.is_whole && !row.server && gone.version == 0;
    Rebased rebased = is_planted(Bug::kNoMerge) || is_new ? Rebased{frozen.change, {}}
                      : row.server ? rebase(collection, frozen.change, *row.server)
                                   : rebase_on_gone(collection, frozen.change, before, gone.clock);
    if (rebased.change.empty()) {
      if (!row.server) {
        const Json seen = overlay(collection, std::move(before), frozen.change);
        for (LostText& text : survive(collection, store_.meta(), seen, answered_.at, row)) {
          rebased.lost.push_back(text);
        }
      }
      return rebased.lost;
    }
    // The name depends on nothing but the conflict, so that every context that saw it makes the
    // same mutation.
    const std::int64_t seen =
        at(answer, "row").is_object() ? integer_at(at(answer, "row"), "version") : gone.version;
    std::string seen_as = std::to_string(seen);
    if (is_planted(Bug::kRandomMid)) {
      static int count = 0;
      seen_as += "/" + std::to_string(++count);
    }
    Frozen again{uuid_v5(frozen.mid, seen_as), std::nullopt, std::move(rebased.change)};
    if (row.server) {
      again.base = row.server->version;
      // What was merged is newer than either side of it, or an edit between the two would beat it.
      outrun(row.server->clocks, store_.meta().device, again.change.clocks);
    }
    // A backup told its count: that keeps its name, or who reads the backup counts it too. Alone it
    // can meet no conflict any more.
    if (is_counted && row.server && !again.change.inc.empty()) {
      Frozen count{frozen.mid, again.base, take_increments(again.change)};
      if (!again.change.empty()) row.queued.insert(row.queued.begin(), std::move(again));
      again = std::move(count);
    }
    row.frozen = std::move(again);
    return rebased.lost;
  }

  static Json columns_of(const Row& row) {
    return row.server ? row.server->columns : Json::object();
  }

  void take_row(const CollectionSpec& collection, const Json& json) {
    if (!is_row(json)) return;
    ServerRow server = read(collection, json);
    const std::string key = key_of_row(collection, server.columns);
    if (key.empty()) return;
    const Row* known = store_.find({collection.name, key});
    if (known != nullptr && known->server && is_known(*known->server, server)) return;
    // Everything up to the cursor is known here already: a row that is not was deleted since this
    // answer was written.
    const bool has_copy = known != nullptr && known->server;
    if (!has_copy && server.version <= store_.meta().cursor) return;
    ++outcome_.pulled;
    Store::Edit row(store_, {collection.name, key});
    take_server(std::move(server), *row);
    if (store_.meta().resync == "horizon") row->former.reset();
    refresh(collection, store_.meta(), *row);
  }

  void take_tombstone(const Json& json) {
    if (is_planted(Bug::kTombstonesUnheard)) return;
    if (!json.is_array() || json.size() < 4 || !json[0].is_string() || !json[1].is_string()) return;
    const CollectionSpec* collection = schema_.by_table(json[0].get<std::string>());
    if (collection == nullptr) return;
    const std::string key = store_.key_of(collection->name, json[1].get<std::string>());
    const Row* known = key.empty() ? nullptr : store_.find({collection->name, key});
    const Gone gone = read_gone(Json::array({json[2], json[3]}));
    if (known == nullptr || (known->server && known->server->version >= gone.version)) return;
    ++outcome_.pulled;
    std::vector<LostText> lost;
    {
      Store::Edit row(store_, {collection->name, key});
      if (row->former) {
        lost = hear_of_deletion(*collection, store_.meta(), gone, answered_.at, *row);
      } else {
        row->gone = gone;
        // A mutation under way will be answered with this deletion: until then its row stands.
        if (!row->frozen) {
          const Json before = columns_of(*row);
          row->server.reset();
          lost = survive(*collection, store_.meta(), before, answered_.at, *row);
        }
      }
      refresh(*collection, store_.meta(), *row);
    }
    keep_lost(*collection, key, now(), lost, store_, outcome_);
  }

  const Schema& schema_;
  const Answered& answered_;
  std::int64_t ceiling_ = std::numeric_limits<std::int64_t>::max();  ///< of the cursor
  Store& store_;
  Outcome& outcome_;
};

}  // namespace

void apply_answer(const Schema& schema, const Answered& answered, Store& store, Outcome& outcome) {
  // The server of before a resync may have forgotten what it says here.
  if (answered.device != store.meta().device) return;
  Answer(schema, answered, store, outcome).apply();
}

}  // namespace somatic
