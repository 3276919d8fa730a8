// The protocol's tables as code, one branch per line of them. Plain and slow on purpose.
#include "support/model_server.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/calendar.hpp"
#include "base/planted.hpp"
#include "base/uuid.hpp"
#include "support/model_tables.hpp"

namespace somatic::testing {
namespace {

constexpr std::int64_t kAheadMs = 60'000;
constexpr std::int64_t kIntegerMax = 2'147'483'647;

std::string thirteen_digits(std::int64_t at) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%013lld", static_cast<long long>(at));
  return text.data();
}

Json initial_columns(const ModelTable& table, std::int64_t now) {
  Json columns = Json::object();
  for (const auto& [name, column] : table.columns) {
    columns[name] = column.kind == ModelColumn::kNow ? Json(wire_timestamp(now)) : column.initial;
  }
  return columns;
}

Json rejected(const std::string& code, const std::string& message) {
  return {{"status", "rejected"}, {"code", code}, {"message", message}};
}

}  // namespace

struct ModelServer::Mutation {
  explicit Mutation(const Json& json)
      : mid(text_at(json, "mid")),
        table(text_at(json, "table")),
        id(text_at(json, "id")),
        del(at(json, "del") == true),
        set(at(json, "set").is_object() ? at(json, "set") : Json::object()),
        inc(at(json, "inc").is_object() ? at(json, "inc") : Json::object()),
        clocks(at(json, "clocks").is_object() ? at(json, "clocks") : Json::object()) {
    if (at(json, "base").is_number()) base = integer_at(json, "base");
  }

  [[nodiscard]] bool is_pure(const std::string& key) const {
    if (del || inc.empty()) return false;
    return set.empty() || (set.size() == 1 && set.contains(key));
  }
  /// The clock pushed for a column, cut to what the server believes; `told` turns false where the
  /// writer does not know the result.
  std::string clock_of(const std::string& column, std::int64_t at_ms, bool& told) const {
    std::string clock = text_at(clocks, column);
    if (clock.empty()) clock = text_at(clocks, "*");
    if (clock.empty()) {
      told = false;
      return thirteen_digits(at_ms) + "-0000-00000000";
    }
    const std::string ceiling = thirteen_digits(at_ms + kAheadMs);
    if (clock.substr(0, 13) <= ceiling) return clock;
    told = false;
    return ceiling + clock.substr(13);
  }

  std::string mid, table, id;
  std::optional<std::int64_t> base;
  bool del;
  Json set, inc, clocks;
};

ModelServer::ModelServer() = default;

std::string ModelServer::handle(std::string_view body) {
  return sync(at(parse_json(body), "request")).dump();
}

Json ModelServer::sync(const Json& request) {
  Json answer = take(request);
  if (on_step) {
    Json asked = request;
    asked["limit"] = std::min(integer_at(request, "limit"), page_max);
    on_step({{"request", asked}, {"answer", answer}, {"now", now}});
  }
  return answer;
}

Json ModelServer::take(const Json& request) {
  Json out = {{"protocol", 1}, {"now", now}, {"epoch", epoch}};
  const std::string device = text_at(request, "device");
  const std::string last = text_at(request, "last");
  const std::int64_t cursor = integer_at(request, "cursor");
  const std::string their_epoch = text_at(request, "epoch");
  std::string resync;
  if (!their_epoch.empty() && their_epoch != epoch) {
    resync = "epoch";
  } else if (cursor > head_) {
    resync = "restored";
  } else if (cursor > 0 && cursor < horizon_ && integer_at(request, "horizon") < horizon_) {
    resync = "horizon";
  } else if (last_by_device_[device] != last && !ledger_.contains(last)) {
    resync = "restored";
  }
  if (!resync.empty()) {
    out["resync"] = resync;
    return out;
  }
  if (!last.empty()) last_by_device_[device] = last;
  for (const Json& ack : elements(at(request, "acks"))) acknowledged_.emplace(text_of(ack));
  Known known;
  Json answers = Json::array();
  for (const Json& mutation : elements(at(request, "push"))) {
    answers.push_back(answer(mutation, known));
  }
  if (cursor == 0) known.clear();
  out["answers"] = std::move(answers);
  out["horizon"] = horizon_;
  const std::int64_t limit = std::min(integer_at(request, "limit"), page_max);
  out.update(pull(cursor, limit, known));
  std::size_t pulled = out["tombstones"].size();
  for (const auto& [table, rows] : members(out["rows"])) pulled += rows.size();
  calls.push_back({at(request, "push").size(), pulled});
  return out;
}

Json ModelServer::answer(const Json& json, Known& known) {
  const Mutation mutation(json);
  const auto result = [&]() -> Json {
    const auto before = ledger_.find(mutation.mid);
    if (before != ledger_.end() && !is_planted(Bug::kNoLedger)) {
      Json duplicate = {{"status", "duplicate"}, {"version", before->second.version}};
      tell(before->second.row, duplicate);
      if (!duplicate.contains("row") && !duplicate.contains("gone")) duplicate["gone"] = {0, ""};
      return duplicate;
    }
    if (canonical_uuid(mutation.mid) != mutation.mid ||
        canonical_uuid(mutation.id) != mutation.id) {
      return rejected("22P02", "mid or id is not a uuid");
    }
    const auto table = model_tables().find(mutation.table);
    if (table == model_tables().end()) return rejected("42P01", "no such table");
    for (const Json* part : {&mutation.set, &mutation.inc}) {
      for (const auto& [column, value] : members(*part)) {
        if (!table->second.columns.contains(column))
          return rejected("42703", "no column " + column);
        if (part == &mutation.inc && mutation.set.contains(column)) {
          return rejected("42701", "a column is both set and incremented");
        }
      }
    }
    if (mutation.del && !(mutation.set.empty() && mutation.inc.empty())) {
      return rejected("22023", "a deletion sets nothing");
    }
    const Name name{mutation.table, mutation.id};
    return mutation.del ? erase(mutation, name, known) : apply(mutation, name, known);
  };
  Json out = result();
  out["mid"] = mutation.mid;
  return out;
}

Json ModelServer::erase(const Mutation& mutation, const Name& name, Known& known) {
  const auto row = rows_.find(name);
  if (row == rows_.end()) {
    const auto tombstone = tombstones_.find(name);
    const std::int64_t version = tombstone == tombstones_.end() ? 0 : tombstone->second.version;
    ledger_[mutation.mid] = {version, name};
    known.insert(version);
    return {{"status", "applied"}, {"version", version}};
  }
  if (row->second.version != mutation.base) {
    return conflict(name);
  }
  bool told = true;
  const std::string when = mutation.clock_of("*", now, told);
  const std::int64_t version = bury(name, when);
  ledger_[mutation.mid] = {version, name};
  known.insert(version);
  Json out = {{"status", "applied"}, {"version", version}};
  if (!told) out["changed"] = {{"clocks", {{"*", when}}}};
  return out;
}

Json ModelServer::apply(const Mutation& mutation, const Name& name, Known& known) {
  const ModelTable& table = model_tables().at(name.table);
  const bool pure = mutation.is_pure(table.key);
  Name target = name;
  auto row = rows_.find(name);
  if (row == rows_.end()) {
    const auto tombstone = tombstones_.find(name);
    const bool is_gone_version =
        tombstone != tombstones_.end() && tombstone->second.version == mutation.base;
    if (const auto twin = by_natural_key(name, mutation.set)) {
      target = *twin;
      row = rows_.find(target);
    } else if (mutation.base && !is_gone_version) {
      return conflict(name);
    }
  }
  const bool exists = row != rows_.end();
  const bool on_base = exists && target == name && row->second.version == mutation.base;
  if (exists && !on_base && !pure) return conflict(target);

  const Stored before = exists ? row->second : Stored{};
  Stored after = before;
  if (!exists) after.columns = initial_columns(table, now);
  bool told = true;
  if (!(exists && pure)) set_columns(mutation, table, exists, after, told);
  if (!add_columns(mutation, after, told)) return rejected("22003", "integer out of range");
  if (!exists) {
    for (const auto& [column, clock] : members(mutation.clocks)) {
      const bool is_written = mutation.set.contains(column) || mutation.inc.contains(column);
      if (column == "*" || is_written) after.clocks[column] = mutation.clock_of(column, now, told);
    }
  }
  if (target.table == "user_progress") derive_streak(before.columns, after.columns);
  if (const auto error = broken_constraint(target.table, after.columns)) {
    return rejected(error->code, error->message);
  }
  Json changed = unexpected(mutation, before, after, told);
  if (target != name) changed["id"] = target.id;
  const std::int64_t version = store(target, std::move(after));
  ledger_[mutation.mid] = {version, target};
  if (!exists || on_base) known.insert(version);
  Json out = {{"status", "applied"}, {"version", version}};
  if (!changed.empty()) out["changed"] = std::move(changed);
  return out;
}

void ModelServer::set_columns(const Mutation& mutation, const ModelTable& table, bool exists,
                              Stored& row, bool& told) const {
  for (const auto& [column, value] : members(mutation.set)) {
    row.columns[column] = stored_value(table.columns.at(column), value);
    // "*" of an update must not speak for columns that it does not write
    if (exists || !mutation.clocks.contains("*")) {
      row.clocks[column] = mutation.clock_of(column, now, told);
    }
  }
}

bool ModelServer::add_columns(const Mutation& mutation, Stored& row, bool& told) const {
  for (const auto& [column, amount] : members(mutation.inc)) {
    const std::int64_t stored = integer_at(row.columns, column), more = whole_number(amount);
    if (std::abs(static_cast<double>(stored) + static_cast<double>(more)) > kIntegerMax) {
      return false;
    }
    row.columns[column] = stored + more;
    const std::string mine = mutation.clock_of(column, now, told);
    std::string theirs = text_at(row.clocks, column);
    if (theirs.empty()) theirs = text_at(row.clocks, "*");
    if (mine > theirs) row.clocks[column] = mine;
  }
  return true;
}

std::optional<Error> ModelServer::broken_constraint(const std::string& table,
                                                    const Json& columns) const {
  for (const auto& [column, kind] : model_tables().at(table).columns) {
    if (kind.not_null && columns[column].is_null()) {
      return Error{"23502", "null value in column \"" + column + "\""};
    }
  }
  return refuses ? refuses(table, columns) : std::nullopt;
}

/// `changed`: what the writer, who based his edit on `before`, does not expect to be stored.
Json ModelServer::unexpected(const Mutation& mutation, const Stored& before, const Stored& after,
                             bool told) {
  Json changed = Json::object();
  for (const auto& [column, value] : members(after.columns)) {
    const Json& expected =
        mutation.set.contains(column) ? mutation.set[column] : at(before.columns, column);
    if (mutation.inc.contains(column) || value != expected) changed[column] = value;
  }
  Json clocks = before.clocks;
  for (const auto& [column, clock] : members(mutation.clocks)) {
    if (column != "*" || before.version == 0) clocks[column] = clock;
  }
  // of an update "*" stands for what is written
  for (const Json* part : {&mutation.set, &mutation.inc}) {
    for (const auto& [column, value] : members(*part)) {
      const bool is_named = mutation.clocks.contains(column) || !mutation.clocks.contains("*");
      if (!is_named && before.version > 0) clocks[column] = mutation.clocks["*"];
    }
  }
  if (!told || after.clocks != clocks) changed["clocks"] = after.clocks;
  return changed;
}

Json ModelServer::conflict(const Name& name) const {
  Json out = {{"status", "conflict"}};
  tell(name, out);
  return out;
}

std::optional<ModelServer::Name> ModelServer::by_natural_key(const Name& name,
                                                             const Json& set) const {
  const std::string& key = model_tables().at(name.table).key;
  if (key.empty()) return by_identity(name, set);
  for (auto at_row = rows_.lower_bound({name.table, ""}); at_row != rows_.end(); ++at_row) {
    if (at_row->first.table != name.table) break;
    if (key == "user_id" || (set.contains(key) && at_row->second.columns[key] == set[key])) {
      return at_row->first;
    }
  }
  return std::nullopt;
}

/// Rows of older app versions have random ids; the app's own id in their metadata names them.
std::optional<ModelServer::Name> ModelServer::by_identity(const Name& name, const Json& set) const {
  if (name.table != "sovereign_logs") return std::nullopt;
  for (const char* id : {"messageId", "journalId", "entryId", "feedbackId"}) {
    const std::string wanted = text_at(at(set, "metadata"), id);
    if (wanted.empty()) continue;
    for (const auto& [other, row] : rows_) {
      const Json& metadata = at(row.columns, "metadata");
      if (other.table == name.table && text_at(metadata, id) == wanted) return other;
    }
  }
  return std::nullopt;
}

Json ModelServer::pull(std::int64_t cursor, std::int64_t limit, const Known& known) const {
  Json rows = Json::object(), tombstones = Json::array();
  std::int64_t count = 0, next = cursor;
  bool more = false;
  for (auto entry = by_version_.upper_bound(cursor); entry != by_version_.end(); ++entry) {
    const auto& [version, name] = *entry;
    if (known.contains(version)) continue;
    if (count == limit) {
      more = true;
      break;
    }
    ++count;
    next = version;
    if (const auto row = rows_.find(name); row != rows_.end()) {
      rows[name.table].push_back(whole(name, row->second));
    } else {
      tombstones.push_back({name.table, name.id, version, tombstones_.at(name).clock});
    }
  }
  if (!more && limit > 0 && !known.empty()) next = std::max(next, *known.rbegin());
  return {{"rows", rows}, {"tombstones", tombstones}, {"cursor", next}, {"more", more}};
}

Json ModelServer::whole(const Name& name, const Stored& row) const {
  Json out = row.columns;
  out["id"] = name.id;
  out["version"] = row.version;
  out["clocks"] = row.clocks;
  return out;
}

void ModelServer::tell(const Name& name, Json& answer) const {
  if (const auto row = rows_.find(name); row != rows_.end()) {
    answer["row"] = whole(name, row->second);
  } else if (const auto gone = tombstones_.find(name); gone != tombstones_.end()) {
    answer["gone"] = {gone->second.version, gone->second.clock};
  }
}

std::string ModelServer::clock() const { return thirteen_digits(now) + "-0000-00000000"; }

std::int64_t ModelServer::store(const Name& name, Stored row) {
  if (const auto old = rows_.find(name); old != rows_.end()) by_version_.erase(old->second.version);
  if (const auto old = tombstones_.find(name); old != tombstones_.end()) {
    by_version_.erase(old->second.version);
    tombstones_.erase(old);
  }
  row.version = ++head_;
  by_version_[head_] = name;
  rows_[name] = std::move(row);
  return head_;
}

std::int64_t ModelServer::bury(const Name& name, const std::string& clock) {
  by_version_.erase(rows_.at(name).version);
  rows_.erase(name);
  tombstones_[name] = {++head_, clock};
  by_version_[head_] = name;
  return head_;
}

std::int64_t ModelServer::write(const std::string& table, const std::string& id,
                                const Json& columns) {
  if (on_step) on_step({{"write", table}, {"id", id}, {"columns", columns}, {"now", now}});
  const Name name{table, id};
  const auto old = rows_.find(name);
  const Json before = old == rows_.end() ? Json() : old->second.columns;
  Stored after = old == rows_.end() ? Stored{} : old->second;
  if (before.is_null()) {
    after.columns = initial_columns(model_tables().at(table), now);
    after.clocks["*"] = clock();
  }
  for (const auto& [column, value] : members(columns)) {
    after.columns[column] = stored_value(model_tables().at(table).columns.at(column), value);
  }
  if (table == "user_progress") derive_streak(before, after.columns);
  for (const auto& [column, value] : members(after.columns)) {
    if (!before.is_null() && at(before, column) != value) after.clocks[column] = clock();
  }
  return store(name, std::move(after));
}

void ModelServer::remove(const std::string& table, const std::string& id) {
  if (on_step) on_step({{"remove", table}, {"id", id}, {"now", now}});
  bury({table, id}, clock());
}

void ModelServer::forget_tombstones() {
  for (const auto& [name, tombstone] : tombstones_) by_version_.erase(tombstone.version);
  tombstones_.clear();
  horizon_ = head_;
}

void ModelServer::purge_ledger() {
  for (const std::string& mid : acknowledged_) ledger_.erase(mid);
}

Json ModelServer::find(const std::string& table, const Json& columns) const {
  for (const auto& [name, row] : rows_) {
    const Json all = whole(name, row);
    const bool matches =
        std::all_of(members(columns).begin(), members(columns).end(),
                    [&](const auto& each) { return at(all, each.first) == each.second; });
    if (name.table == table && matches) return all;
  }
  return nullptr;
}

std::size_t ModelServer::size(const std::string& table) const {
  return static_cast<std::size_t>(std::count_if(
      rows_.begin(), rows_.end(), [&](const auto& each) { return each.first.table == table; }));
}

Json ModelServer::dump() const {
  Json out = Json::object();
  for (const auto& [name, row] : rows_) {
    out[name.table][name.id] = row.columns;
    out[name.table][name.id]["clocks"] = row.clocks;
  }
  return out;
}

}  // namespace somatic::testing
