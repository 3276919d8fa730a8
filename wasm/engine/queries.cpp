// What the app may ask: rows, lists, the status. Changes nothing.

#include <string>
#include <utility>

#include "base/uuid.hpp"
#include "engine/self.hpp"
#include "store/view.hpp"
#include "sync/backup.hpp"

namespace somatic {

Engine::Self::StatusFacts Engine::Self::status_facts() const {
  StatusFacts facts;
  facts.last_error = run.last_error();
  facts.state = "idle";
  if (const auto& error = facts.last_error) {
    const bool is_state = error->code == "offline" || error->code == "signed-out";
    facts.state = is_state ? error->code : "error";
  }
  if (run.is_running()) facts.state = "syncing";
  if (run.is_user_gone()) facts.state = "signed-out";
  if (is_closed) facts.state = "closed";
  facts.pending = store.outbox().size();
  facts.rejected = store.rejected().size();
  facts.last_synced_at = store.meta().last_synced_at;
  facts.retry_at = run.retry_at();
  return facts;
}

Json Engine::Self::status(Now at) const {
  const StatusFacts facts = status_facts();
  Json last_error, next_retry_at, last_synced_at;
  if (const auto& error = facts.last_error) {
    last_error = {{"code", error->code},
                  {"message", error->message},
                  {"retryable", is_retryable(error->code)}};
  }
  if (facts.retry_at) next_retry_at = at.wall_ms + (*facts.retry_at - at.mono_ms);
  if (facts.last_synced_at) last_synced_at = *facts.last_synced_at;
  return {{"state", facts.state},       {"pending", facts.pending},
          {"rejected", facts.rejected}, {"lastSyncedAt", last_synced_at},
          {"lastError", last_error},    {"nextRetryAt", next_retry_at}};
}

Json Engine::Self::row(const CollectionSpec& collection, const Json& key) const {
  if (!key.is_string()) return nullptr;
  std::string name = key.get<std::string>();
  if (collection.key_is_id()) name = canonical_uuid(name).value_or(name);
  const Row* found = store.find({collection.name, name});
  if (found == nullptr || found->columns() == nullptr) {
    const std::string other = canonical_uuid(name).value_or(name);
    name = store.key_of_name(collection.name, other);
    if (name.empty()) name = store.key_of(collection.name, other);
    found = store.find({collection.name, name});
  }
  if (found == nullptr || found->columns() == nullptr) return nullptr;
  return as_seen(collection, name, *found->columns(), store.vectors());
}

Json Engine::Self::raw_columns(const CollectionSpec& collection, const Json& key,
                               const Json& columns) const {
  const Row* found = store.find({collection.name, std::string(text_of(key))});
  if (found == nullptr || found->columns() == nullptr) return nullptr;
  Json values = Json::array();
  for (const Json& column : elements(columns)) {
    values.push_back(at(*found->columns(), std::string(text_of(column))));
  }
  return values;
}

bool Engine::Self::is_own(const CollectionSpec& collection, const Json& key,
                          const Json& column) const {
  const Row* found = store.find({collection.name, std::string(text_of(key))});
  const std::string name(text_of(column));
  if (found == nullptr) return false;
  const auto sets = [&](const Change& change) { return change.set.contains(name); };
  if (found->pending && sets(found->pending->change)) return true;
  if (found->frozen && sets(found->frozen->change)) return true;
  return found->server &&
         is_clock_of(column_clock(found->server->clocks, name), store.meta().device);
}

Json Engine::query(const Json& question, Now now) const {
  const auto asks = [&](const char* name) { return question.contains(name); };
  if (!question.is_object()) return nullptr;
  if (asks("status")) return self_->status(now);
  // By the wall clock: the monotonic one may stand still while the machine sleeps.
  if (asks("time")) return now.wall_ms + self_->store.meta().wall_offset.value_or(0);
  if (asks("uuid")) return uuid_v5(self_->config.user_id, text_at(question, "uuid"));
  if (asks("stored")) {
    return {{"all", self_->store.row_count()}, {"changed", self_->store.changed_rows()}};
  }
  const bool reads_empty = self_->run.is_user_gone();
  Json list = Json::array();
  if (asks("overwritten")) {
    if (reads_empty) return list;
    const Json& kept = self_->store.meta().overwritten;
    const bool is_backup = question["overwritten"] == "backup";
    for (auto at = kept.rbegin(); at != kept.rend(); ++at) {
      list.push_back(*at);
      if (!is_backup) list.back().erase("until");
    }
    return list;
  }
  if (asks("unsent"))
    return reads_empty ? list : unsent_told(self_->schema, self_->store, self_->commits.idle());
  if (asks("rejected")) {
    for (const RowRef& ref : self_->store.rejected()) {
      if (reads_empty) break;
      const CollectionSpec* collection = self_->schema.collection(ref.collection);
      list.push_back(
          rejected_as_seen(*collection, ref.key, *self_->store.find(ref), self_->store.vectors()));
    }
    return list;
  }
  const auto name = question.find("collection");
  const CollectionSpec* collection = name != question.end() && name->is_string()
                                         ? self_->schema.collection(name->get<std::string>())
                                         : nullptr;
  if (collection == nullptr) return nullptr;
  if (asks("size")) return reads_empty ? 0 : self_->store.visible(collection->name);
  if (asks("get")) return reads_empty ? Json() : self_->row(*collection, question["get"]);
  if (asks("list")) {
    return reads_empty ? list : list_keys(*collection, self_->store, question["list"]);
  }
  if (asks("told")) {
    if (reads_empty || collection->local_only) return {{"rows", list}};
    for (const Json& key : elements(question["told"])) {
      list.push_back(row_told(*collection, self_->store, std::string(text_of(key))));
    }
    if (question["told"].is_array()) return list;
    return rows_told(*collection, self_->store, text_at(question, "told"));
  }
  if (asks("raw")) {
    const Json& columns = question["raw"];
    for (const Json& key : elements(at(question, "keys"))) {
      list.push_back(reads_empty ? Json() : self_->raw_columns(*collection, key, columns));
    }
    return list;
  }
  if (asks("own")) {
    for (const Json& key : elements(question["own"])) {
      list.push_back(!reads_empty && self_->is_own(*collection, key, at(question, "column")));
    }
    return list;
  }
  if (asks("rows")) {
    for (const Json& key : elements(question["rows"])) {
      list.push_back(reads_empty ? Json() : self_->row(*collection, key));
    }
    return list;
  }
  return nullptr;
}

}  // namespace somatic
