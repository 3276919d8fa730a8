// Events to where they belong, and what every event ends with: the next commit, who changed, the
// status, the timer.

#include "engine/engine.hpp"

#include <algorithm>
#include <utility>

#include "engine/self.hpp"
#include "store/view.hpp"
#include "sync/accept.hpp"
#include "sync/backup.hpp"
#include "sync/import.hpp"
#include "sync/layers.hpp"
#include "sync/restore.hpp"

namespace somatic {

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

void Engine::Self::begin_commit() {
  if (!commits.next()) return;
  Commit commit;
  for (const Ticket ticket : commits.tickets()) {
    if (!reports.contains(ticket)) commit.tickets.push_back(ticket);
  }
  told_tickets = commits.tickets().size();
  out.push_back(std::move(commit));
}

void Engine::Self::on(const Flushed&) {
  const Commits::Group group = commits.durable();
  for (std::size_t at = 0; at < group.tickets.size(); ++at) {
    const Ticket ticket = group.tickets[at];
    if (at >= told_tickets || reports.contains(ticket)) settle(ticket, {});
  }
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

void Engine::Self::on(const Export& backup) {
  if (const auto error = refusal()) return settle(backup.ticket, *error);
  Named named{stamp(), {}};
  for (const RowRef& ref : rows_to_name(schema, store)) {
    named.rows.push_back({ref.collection, ref.key, random.uuid_v4()});
  }
  if (!named.rows.empty()) commits.append(std::move(named));
  // What is told should not be gone after a crash: everything so far becomes durable first.
  if (!commits.settle_with_next(backup.ticket)) settle(backup.ticket, {});
}

void Engine::Self::on(const Import& backup) {
  if (const auto error = refusal()) return settle(backup.ticket, *error);
  Imported imported{stamp(), {}, Json::array()};
  for (const Json& text : elements(backup.overwritten)) {
    const bool is_old = integer_at(text, "until") > 0 &&
                        integer_at(text, "until") < server_time(store.meta(), stamp());
    if (!is_old && !text_at(text, "id").empty()) imported.overwritten.push_back(text);
  }
  std::int64_t skipped = 0;
  store.begin_trial();
  for (const Json& each : elements(backup.rows)) {
    const CollectionSpec* collection = schema.collection(text_at(each, "collection"));
    if (collection == nullptr || collection->local_only) {
      store.end_trial();
      return settle(backup.ticket, {"unknown-collection", "the backup holds a collection " +
                                                              text_at(each, "collection")});
    }
    ToldRow told = read_told(*collection, config.user_id, random.uuid_v4(), each);
    Outcome outcome;
    apply(schema, Imported{imported.at, {told}, Json::array()}, store, outcome);
    if (outcome.imported == 0) {
      ++skipped;
    } else {
      imported.rows.push_back(std::move(told));
    }
  }
  store.end_trial();
  const auto written = static_cast<std::int64_t>(imported.rows.size());
  reports[backup.ticket] = {{"written", written}, {"skipped", skipped}};
  if (written == 0 && imported.overwritten.empty()) {
    if (!commits.settle_with_next(backup.ticket)) settle(backup.ticket, {});
    return;
  }
  const Outcome outcome = commits.append(std::move(imported));
  out.insert(out.end(), outcome.notices.begin(), outcome.notices.end());
  commits.settle_with_next(backup.ticket);
  run.wrote(now);
}

void Engine::Self::on(const Close&) {
  is_closed = true;
  run.end({"closed", "this client is closed"}, now);
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
    if (!read_only) begin_commit();
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
    StatusFacts facts = status_facts();
    if (facts != told_status) {
      told_status = std::move(facts);
      out.push_back(StatusChanged{});
    }
  }
  return std::exchange(out, {});
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

std::vector<Effect> Engine::load(std::int64_t seq, std::string_view bytes, bool is_more, Now now) {
  self_->now = now;
  Outcome& outcome = self_->loading.emplace_back();
  if (const auto error = self_->commits.insert(bytes, is_more, outcome)) {
    if (error->code == "reload-needed") {
      self_->read_only = *error;
      self_->run.end(*error, now);
      for (const Ticket ticket : self_->commits.drop_open().tickets) self_->settle(ticket, *error);
    }
    if (error->code == "storage-damaged") self_->is_damaged = true;
    self_->out.push_back(
        Failed{error->code, error->message + " (segment " + std::to_string(seq) + ")"});
  }
  if (is_more) return std::exchange(self_->out, {});
  for (const Outcome& each : std::exchange(self_->loading, {})) self_->heard(each);
  return self_->effects();
}

std::vector<Effect> Engine::handle(const Event& event, Now now) {
  self_->now = now;
  std::visit([this](const auto& one) { self_->on(one); }, event);
  return self_->effects();
}

const std::string& Engine::segment() const { return self_->commits.segment(); }

}  // namespace somatic
