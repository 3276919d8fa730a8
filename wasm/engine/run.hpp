// The sync run: asks for a session, freezes, sends, journals the answer, until nothing is left;
// then reports. Knows the store, no host: it answers effects.
//
//   idle -> session -> freezing (-> vectors) -> fetching -> journaling -> (more?) freezing ... ->
//   idle
//              ^                      | 401: once
//              +----------------------+        soon: waiting -> freezing
//
// It never holds work of its own: killed anywhere, the outbox in the journal says where to go on.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/uuid.hpp"
#include "engine/commits.hpp"
#include "engine/engine.hpp"
#include "sync/request.hpp"
#include "sync/retry.hpp"

namespace somatic {

class Run {
 public:
  Run(const Config& config, const Schema& schema, Store& store, Commits& commits, Random& random,
      std::string boot, std::vector<Effect>& out)
      : config_(config),
        schema_(schema),
        store_(store),
        commits_(commits),
        random_(random),
        boot_(std::move(boot)),
        out_(out) {}

  void sync_now(Ticket ticket, Now now);
  void abort(Ticket ticket);
  void poke(Now now);
  /// Only who leads starts by itself; what it would have done meanwhile is not forgotten.
  void lead(bool here) { leads_ = here; }
  /// The app wrote something that the server should know, here or in another context.
  void wrote(Now now);
  /// Another context's run got on: `is_answered`, or it is just sending.
  void others_sent(bool is_answered, Now now);
  void session_is(const SessionIs& session, Now now);
  void fetched(const Fetched& fetched, Now now);
  /// The vectors that a request needs and memory has not.
  [[nodiscard]] const std::set<std::string>& wanted_vectors() const { return wanted_vectors_; }
  void vectors_given(const VectorsGiven& given, Now now);
  /// A commit that the run waited for is durable, or failed.
  void committed(Now now);
  void commit_failed(const Error& error, Now now);
  void timer(Now now);
  /// Nothing is sent any more, whoever asks.
  void end(const Error& error, Now now);

  [[nodiscard]] bool is_running() const { return phase_ != Phase::kIdle; }
  /// when the timer should fire, monotonic; nothing: never
  [[nodiscard]] std::optional<Ms> next_timer() const;
  /// when the next try after a failure is due, monotonic
  [[nodiscard]] std::optional<Ms> retry_at() const {
    return leads_ && attempt_ > 0 ? wanted_at_ : std::nullopt;
  }
  [[nodiscard]] const std::optional<Error>& last_error() const { return last_error_; }
  [[nodiscard]] bool is_user_gone() const { return ended_ && ended_->code == "signed-out"; }

 private:
  enum class Phase { kIdle, kSession, kFreezing, kVectors, kFetching, kJournaling, kWaiting };
  struct Report {
    std::int64_t pushed = 0, pulled = 0, conflicts = 0, rejected = 0, requests = 0, bytes_sent = 0,
                 bytes_received = 0;
    Ms started_mono_ms = 0;
  };

  void start(Now now);
  void ask_session(bool refresh);
  void step(Now now);
  void send(Now now);
  void take_back_request();
  void take_answer(Json body, Now now);
  void resync(const Json& body);
  void refused(int status, const Json& body, const std::string& retry_after, Now now);
  /// A single mutation failed: whether the server fails on anything, or on this one.
  bool suspects(const Error& error, Now now);
  void finish(const std::optional<Error>& error, Now now, Failure failure = Failure::kRetry);
  [[nodiscard]] Batch batch() const;
  [[nodiscard]] Stamp stamp(Now now) const { return {now.wall_ms, now.mono_ms, boot_}; }

  const Config& config_;
  const Schema& schema_;
  Store& store_;
  Commits& commits_;
  Random& random_;
  const std::string boot_;
  std::vector<Effect>& out_;

  Phase phase_ = Phase::kIdle;
  std::vector<Ticket> tickets_;
  Report report_;
  Request request_;
  std::string token_;
  std::int64_t fetch_id_ = 0;
  bool leads_ = true;
  Now sent_at_, sent_before_at_;
  bool refreshed_ = false;
  bool is_current_ = false;   ///< the server was asked since the last caller joined
  bool was_current_ = false;  ///< before the request under way
  bool has_more_ = false;     ///< the server said so
  std::set<std::string> wanted_vectors_, lost_vectors_;
  std::size_t batch_rows_ = kBatchRows;
  bool may_split_ = false;  ///< even what was written together is too much for the server
  int soon_tries_ = 0;
  int fruitless_ = 0;  ///< answers in a row that took nothing off the outbox and brought nothing
  int attempt_ = 0;
  /// A mutation that failed by itself, how often, and how the last time.
  EntryRow suspect_;
  int suspect_tries_ = 0;
  Error suspect_error_;
  bool is_probing_ = false;  ///< this request goes without it
  std::optional<Ms> first_dirty_at_, wanted_at_, resume_at_, not_before_;
  std::optional<Error> last_error_, ended_;

  static constexpr std::size_t kBatchRows = 1000;
};

}  // namespace somatic
