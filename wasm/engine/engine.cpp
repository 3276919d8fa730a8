// Events to where they belong, and what every event ends with: the next commit, who changed, the
// status, the timer.

#include "engine/engine.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/planted.hpp"
#include "engine/commits.hpp"
#include "engine/run.hpp"
#include "store/view.hpp"
#include "sync/accept.hpp"
#include "sync/layers.hpp"
#include "sync/restore.hpp"

namespace somatic {

struct Engine::Self {
  Self(const Config& given, Schema parsed)
      : config(given),
        schema(std::move(parsed)),
        random(given.entropy),
        boot(random.uuid_v4()),
        commits(schema, store, static_cast<int>(given.format)),
        run(config, schema, store, commits, random, boot, out) {
    store.vectors().set_naming(config.format > kFirstFormat);
  }

  void on(const Write& write);
  void on(const Loaded&);
  void on(const Flushed&);
  void on(const FlushFailed& failure);
  void on(const SessionIs& session) { run.session_is(session, now); }
  void on(const UserGone&) {
    run.end({"signed-out", "the user signed out: open a new client"}, now);
  }
  void on(const SyncNow& sync);
  void on(const AbortSync& sync) { run.abort(sync.ticket); }
  void on(const Poke&) { run.poke(now); }
  void on(const LeaderIs& leader) { run.lead(leader.here); }
  void on(const Fetched& fetched) { run.fetched(fetched, now); }
  void on(const TimerFired&) {
    told_timer.reset();
    run.timer(now);
  }
  void on(const VectorsGiven& given) { run.vectors_given(given, now); }
  void on(const FormatLimit& limit) {
    store.vectors().set_naming(std::min(limit.format, config.format) > kFirstFormat);
  }
  void on(const RetryRejected& retry);
  void on(const DiscardRejected& discard);
  void on(const RestoreOverwritten& restore);
  void on(const Close&);

  /// What another context wrote may be for this one to send.
  void heard(const Outcome& outcome);
  /// The end of every call: whatever the event changed is said once.
  std::vector<Effect> effects();
  void append(Entry entry, Ticket ticket);
  void bear() { commits.append(Born{random.uuid_v4()}); }
  /// What the journal lost, or never had because its writer did not know the collection.
  [[nodiscard]] bool needs_refill() const;
  void refill();
  void settle(Ticket ticket, const Error& error) {
    out.push_back(Settled{ticket, error.code, error.message, nullptr});
  }
  /// Why no write is accepted now, if so.
  [[nodiscard]] std::optional<Error> refusal() const;
  [[nodiscard]] Stamp stamp() const { return {now.wall_ms, now.mono_ms, boot}; }
  [[nodiscard]] const RowRef* find_rejected(const std::string& id) const;
  [[nodiscard]] Json status(Now at) const;
  [[nodiscard]] Json row(const CollectionSpec& collection, const Json& key) const;

  const Config config;
  const Schema schema;
  Random random;
  const std::string boot;
  Store store;
  std::vector<Effect> out;
  Commits commits;
  Run run;
  Now now;
  bool is_loaded = false, is_closed = false;
  bool is_damaged = false;  ///< something of the journal could not be read: to be pulled again
  std::optional<Error> read_only;
  std::optional<Ms> told_timer;
  Json told_status;
};

std::optional<Error> Engine::Self::refusal() const {
  if (is_closed) return Error{"closed", "this client is closed"};
  if (run.is_user_gone()) return Error{"signed-out", "the user signed out: open a new client"};
  return read_only;
}

void Engine::Self::append(Entry entry, Ticket ticket) {
  commits.append(std::move(entry));
  commits.settle_with_next(ticket);
  run.wrote(now);
}

void Engine::Self::on(const Write& write) {
  if (const auto error = refusal()) return settle(write.ticket, *error);
  const Moment moment{now.wall_ms, server_time(store.meta(), stamp())};
  Wrote wrote{stamp(), {}};
  // Each write of a batch sees the ones before it; all are tried first, so that a refused one
  // leaves nothing behind.
  store.begin_trial();
  for (const Op& op : write.ops) {
    auto accepted = accept(schema, store, config.user_id, op, moment);
    if (!accepted.ok()) {
      store.end_trial();
      return settle(write.ticket, accepted.error());
    }
    if (accepted.value().change.empty()) continue;
    if (write.ops.size() > 1) {
      Outcome unheard;
      apply(schema, Wrote{wrote.at, {accepted.value()}}, store, unheard);
    }
    wrote.changes.push_back(std::move(accepted.value()));
  }
  store.end_trial();
  if (wrote.changes.empty()) {
    if (!commits.settle_with_next(write.ticket)) settle(write.ticket, {});
    return;
  }
  append(std::move(wrote), write.ticket);
}

void Engine::Self::on(const Loaded&) {
  is_loaded = true;
  store.take_touched();
  if (store.meta().device.empty() && !read_only) bear();
}

bool Engine::Self::needs_refill() const {
  const auto& known = store.meta().collections;
  const auto is_new = [&](const auto& declared) {
    return !declared.second.local_only &&
           std::find(known.begin(), known.end(), declared.first) == known.end();
  };
  const bool has_new =
      !known.empty() && std::any_of(schema.collections.begin(), schema.collections.end(), is_new);
  return is_damaged || has_new;
}

void Engine::Self::refill() {
  is_damaged = false;
  Refilled refilled;
  if (!store.meta().collections.empty()) {
    for (const auto& [name, collection] : schema.collections) refilled.collections.push_back(name);
  }
  commits.append(std::move(refilled));
}

void Engine::Self::on(const Flushed&) {
  const Commits::Group group = commits.durable();
  for (const Ticket ticket : group.tickets) settle(ticket, {});
  if (group.run_waits) run.committed(now);
}

void Engine::Self::on(const FlushFailed& failure) {
  const Error error{failure.code, failure.message};
  const Commits::Group group = commits.failed();
  for (const Ticket ticket : group.tickets) settle(ticket, error);
  out.push_back(Failed{error.code, error.message});
  if (group.run_waits) run.commit_failed(error, now);
}

void Engine::Self::on(const SyncNow& sync) {
  if (is_closed) return settle(sync.ticket, {"closed", "this client is closed"});
  run.sync_now(sync.ticket, now);
}

const RowRef* Engine::Self::find_rejected(const std::string& id) const {
  for (const RowRef& ref : store.rejected()) {
    if (store.find(ref)->rejected->mid == id) return &ref;
  }
  return nullptr;
}

void Engine::Self::on(const RetryRejected& retry) {
  if (const auto error = refusal()) return settle(retry.ticket, *error);
  const RowRef* ref = find_rejected(retry.id);
  if (ref == nullptr) return settle(retry.ticket, {});
  append(Retried{stamp(), {ref->collection, ref->key, retry.id}}, retry.ticket);
}

void Engine::Self::on(const DiscardRejected& discard) {
  if (const auto error = refusal()) return settle(discard.ticket, *error);
  const RowRef* ref = find_rejected(discard.id);
  if (ref == nullptr) return settle(discard.ticket, {});
  append(Discarded{{ref->collection, ref->key, discard.id}}, discard.ticket);
}

void Engine::Self::on(const RestoreOverwritten& restore) {
  if (const auto error = refusal()) return settle(restore.ticket, *error);
  for (const Json& text : store.meta().overwritten) {
    if (text_at(text, "id") != restore.id) continue;
    const auto op = restoring(schema, store, text);
    if (!op.ok()) return settle(restore.ticket, op.error());
    auto accepted = accept(schema, store, config.user_id, op.value(),
                           {now.wall_ms, server_time(store.meta(), stamp())});
    if (!accepted.ok()) return settle(restore.ticket, accepted.error());
    commits.append(Restored{restore.id});
    append(Wrote{stamp(), {std::move(accepted.value())}}, restore.ticket);
    return;
  }
  settle(restore.ticket, {});
}

void Engine::Self::on(const Close&) {
  is_closed = true;
  run.end({"closed", "this client is closed"}, now);
}

Json Engine::Self::status(Now at) const {
  std::string state = "idle";
  const auto& error = run.last_error();
  if (error)
    state = error->code == "offline" || error->code == "signed-out" ? error->code : "error";
  if (run.is_running()) state = "syncing";
  if (run.is_user_gone()) state = "signed-out";
  if (is_closed) state = "closed";
  Json last_error, next_retry_at, last_synced_at;
  if (error) {
    last_error = {{"code", error->code},
                  {"message", error->message},
                  {"retryable", is_retryable(error->code)}};
  }
  if (const auto retry = run.retry_at()) next_retry_at = at.wall_ms + (*retry - at.mono_ms);
  if (store.meta().last_synced_at) last_synced_at = *store.meta().last_synced_at;
  return {{"state", state},
          {"pending", store.outbox().size()},
          {"rejected", store.rejected().size()},
          {"lastSyncedAt", last_synced_at},
          {"lastError", last_error},
          {"nextRetryAt", next_retry_at}};
}

void Engine::Self::heard(const Outcome& outcome) {
  if (!is_loaded) return;
  if (outcome.is_sent) {
    run.others_sent(outcome.is_answered, now);
  } else if (outcome.is_written && !store.outbox().empty()) {
    run.wrote(now);
  }
}

std::vector<Effect> Engine::Self::effects() {
  if (is_loaded) {
    // The first commit failed: neither the next one nor a request may go without it.
    const bool is_at_work = !commits.idle() || run.is_running();
    if (store.meta().device.empty() && is_at_work && !read_only) bear();
    if (needs_refill() && !read_only) refill();
    if (!read_only && commits.next()) out.push_back(Commit{});
    for (auto& [collection, keys] : store.take_touched()) {
      out.push_back(Changed{collection, {keys.begin(), keys.end()}});
    }
    const auto timer = run.next_timer();
    if (timer != told_timer) {
      told_timer = timer;
      std::optional<Ms> at;
      if (timer) at = now.wall_ms + (*timer - now.mono_ms);
      out.push_back(SetTimer{at});
    }
    Json status_now = status({0, 0});
    if (status_now != told_status) {
      told_status = std::move(status_now);
      out.push_back(StatusChanged{});
    }
  }
  return std::exchange(out, {});
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

Engine::Engine(std::unique_ptr<Self> self) : self_(std::move(self)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(const Config& config) {
  auto schema = parse_schema(config.schema);
  if (!schema.ok()) return schema.error();
  if (!config.user_id.empty() && canonical_uuid(config.user_id) != config.user_id) {
    return Error{"invalid-value", "the user id must be a lower-case UUID"};
  }
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Self>(config, std::move(schema.value()))));
}

std::vector<Effect> Engine::load(std::int64_t seq, std::string_view bytes, Now now) {
  self_->now = now;
  Outcome outcome;
  if (const auto error = self_->commits.insert(bytes, outcome)) {
    if (error->code == "reload-needed") {
      self_->read_only = *error;
      self_->run.end(*error, now);
      for (const Ticket ticket : self_->commits.drop_open().tickets) self_->settle(ticket, *error);
    }
    if (error->code == "storage-damaged") self_->is_damaged = true;
    self_->out.push_back(
        Failed{error->code, error->message + " (segment " + std::to_string(seq) + ")"});
  }
  self_->heard(outcome);
  return self_->effects();
}

std::vector<Effect> Engine::handle(const Event& event, Now now) {
  self_->now = now;
  std::visit([this](const auto& one) { self_->on(one); }, event);
  return self_->effects();
}

std::vector<Effect> Engine::give_vectors(std::string_view file, Now now) {
  self_->now = now;
  auto vectors = decode_vectors(file, kJournalFormat);
  if (!vectors.ok()) {
    self_->is_damaged = true;
    self_->out.push_back(Failed{vectors.error().code, vectors.error().message});
    return self_->effects();
  }
  for (NamedVector& each : vectors.value()) {
    if (self_->run.wanted_vectors().contains(each.name)) {
      self_->store.vectors().put(each.name, std::move(each.bytes));
    }
  }
  return self_->effects();
}

bool Engine::begin_snapshot(bool whole) {
  if (self_->read_only || self_->store.has_foreign() || !self_->is_loaded) return false;
  self_->store.begin_snapshot(whole);
  return true;
}

std::string Engine::next_piece(std::size_t bytes) {
  return somatic::next_piece(self_->store, self_->schema, bytes);
}

std::string Engine::next_vectors() { return somatic::next_vectors(self_->store); }

std::size_t Engine::named_vectors() const {
  const Store::Snapshot* snapshot = self_->store.snapshot();
  return snapshot == nullptr ? 0 : snapshot->vectors.size();
}

std::string Engine::vectors_still_named(std::string_view file) {
  auto left = somatic::vectors_still_named(self_->store, file);
  if (left.ok()) return std::move(left.value());
  self_->is_damaged = true;
  return {};
}

void Engine::end_snapshot(bool is_kept) {
  Store& store = self_->store;
  if (is_kept && store.snapshot() != nullptr) {
    std::set<std::string> written = std::move(store.snapshot()->written_vectors);
    for (const std::string& name : store.unsent_vectors(self_->schema)) written.erase(name);
    store.vectors().drop(written);
    if (is_planted(Bug::kVectorsForgotten)) store.vectors().keep_only({});
  }
  store.end_snapshot(is_kept);
}

const std::string& Engine::segment() const { return self_->commits.segment(); }

Json Engine::query(const Json& question, Now now) const {
  const auto asks = [&](const char* name) { return question.contains(name); };
  if (!question.is_object()) return nullptr;
  if (asks("status")) return self_->status(now);
  if (asks("stored")) {
    return {{"all", self_->store.row_count()}, {"changed", self_->store.changed_rows()}};
  }
  const bool reads_empty = self_->run.is_user_gone();
  Json list = Json::array();
  if (asks("overwritten")) {
    if (reads_empty) return list;
    const Json& kept = self_->store.meta().overwritten;
    for (auto at = kept.rbegin(); at != kept.rend(); ++at) {
      list.push_back(*at);
      list.back().erase("until");
    }
    return list;
  }
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
  if (asks("rows")) {
    for (const Json& key : elements(question["rows"])) {
      list.push_back(reads_empty ? Json() : self_->row(*collection, key));
    }
    return list;
  }
  return nullptr;
}

}  // namespace somatic
