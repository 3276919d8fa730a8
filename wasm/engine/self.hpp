// What an engine is made of, for the files of this folder that are its parts: events (engine.cpp),
// reads (queries.cpp), snapshots and vectors (folding.cpp).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/commits.hpp"
#include "engine/engine.hpp"
#include "engine/run.hpp"

namespace somatic {

struct Engine::Self {
  /// What a status tells, cheap to compare after every event. `retry_at` is monotonic time.
  struct StatusFacts {
    std::string state;
    std::size_t pending = 0, rejected = 0;
    std::optional<Ms> last_synced_at, retry_at;
    std::optional<Error> last_error;

    bool operator==(const StatusFacts&) const = default;
  };

  Self(const Config& given, Schema parsed)
      : config(given),
        schema(std::move(parsed)),
        random(given.entropy),
        boot(random.short_name()),
        commits(schema, store, static_cast<int>(given.format)),
        run(config, schema, store, commits, random, boot, out) {
    store.vectors().set_naming(config.format > kFirstFormat);
  }

  void on(const Write& write);
  void on(const Writes& all) {
    for (const Write& each : all.writes) on(each);
  }
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
  void on(const KeepVectors&) { store.vectors().keep_all(); }
  void on(const FormatLimit& limit) {
    store.vectors().set_naming(std::min(limit.format, config.format) > kFirstFormat);
  }
  void on(const RetryRejected& retry);
  void on(const DiscardRejected& discard);
  void on(const RestoreOverwritten& restore);
  void on(const Export& backup);
  void on(const Import& backup);
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
  /// Hands the next segment to the host, with the tickets that need no word of the engine's.
  void begin_commit();
  void settle(Ticket ticket, const Error& error) {
    const auto report = reports.extract(ticket);
    const bool is_told = !report.empty() && error.code.empty();
    out.push_back(
        Settled{ticket, error.code, error.message, is_told ? report.mapped() : Json(nullptr)});
  }
  /// Why no write is accepted now, if so.
  [[nodiscard]] std::optional<Error> refusal() const;
  [[nodiscard]] Stamp stamp() const { return {now.wall_ms, now.mono_ms, boot}; }
  [[nodiscard]] const RowRef* find_rejected(const std::string& id) const;
  [[nodiscard]] StatusFacts status_facts() const;
  [[nodiscard]] Json status(Now at) const;
  [[nodiscard]] Json row(const CollectionSpec& collection, const Json& key) const;
  [[nodiscard]] Json raw_columns(const CollectionSpec& collection, const Json& key,
                                 const Json& columns) const;
  [[nodiscard]] bool is_own(const CollectionSpec& collection, const Json& key,
                            const Json& column) const;

  const Config config;
  const Schema schema;
  Random random;
  const std::string boot;
  Store store;
  std::vector<Effect> out;
  Commits commits;
  Run run;
  Now now;
  std::map<Ticket, Json> reports;  ///< for tickets that wait until they are durable
  std::vector<Outcome> loading;    ///< of what is being loaded, to be heard at its end
  std::size_t told_tickets = 0;    ///< of the commit under way: those there when it began
  bool is_loaded = false, is_closed = false;
  bool is_damaged = false;  ///< something of the journal could not be read: to be pulled again
  std::optional<Error> read_only;
  std::optional<Ms> told_timer;
  std::optional<StatusFacts> told_status;
};

}  // namespace somatic
