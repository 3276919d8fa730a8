// One context of one device: drives the real Engine as the JavaScript host does, with a journal in
// memory, a clock of its own and a network that can be told to fail. Owns no rule of syncing.
//
// Everything runs when it is asked to: a call such as put() or sync() feeds its event and then does
// what the engine wants (pump) until it rests; what is held back by `holds` waits.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "support/model_server.hpp"

namespace somatic::testing {

inline constexpr const char* kUser = "a0000000-0000-4000-8000-00000000000a";

/// The journal of one database: what was durable stays. Two Devices over one Disk are two contexts.
struct Disk {
  std::vector<std::string> segments;  ///< by sequence number, from 1; a folded one is empty
  /// Stands for all segments up to `to`, on top of the snapshots before it.
  struct Snapshot {
    std::size_t to = 0;
    std::vector<std::string> pieces;
  };
  std::vector<Snapshot> snapshots;
  std::vector<std::string> vectors;  ///< files of them
  [[nodiscard]] std::size_t base() const { return snapshots.empty() ? 0 : snapshots.back().to; }
};

/// What happens to one request.
enum class Fate { kAnswered, kRequestLost, kResponseLost, kDeliveredTwice };
/// An effect that needs the world; an answer is what a fetch turns into on its way back.
enum class Wish { kCommit, kFetch, kSession, kAnswer, kVectors };

class Device {
 public:
  Device(ModelServer& server, std::string name, std::shared_ptr<Disk> disk = nullptr,
         bool auto_sync = false, std::deque<Error> first_commits_fail = {});

  // The world of this device
  bool offline = false;
  std::deque<Fate> fates;      ///< of the next requests; kAnswered when empty
  std::deque<Fetched> canned;  ///< answers given instead of the server's
  /// What the server fails with instead of handling this request, if so.
  std::function<std::optional<Fetched>(const std::string& body)> fails;
  std::deque<Error> commit_failures;                            ///< the next commits fail like this
  std::function<std::string(const std::string& answer)> spoil;  ///< what becomes of an answer
  std::set<Wish> holds;                                         ///< what waits until it is released
  SessionIs session{"token", kUser, ""};
  std::function<SessionIs(bool refresh)> on_ask_session;
  bool dies = false;  ///< the next commit or request succeeds, and nobody here lives to hear of it
  Ms wall_skew = 0;   ///< this device's wall clock minus the server's
  Ms latency_ms = 20;
  std::size_t piece_bytes = 300;  ///< small, so that a snapshot has several
  int format = kJournalFormat;    ///< the last that this build knows, from the next open() on

  // What the app does. Answer: the error code, empty when durable (or done), "?" while held back.
  std::string put(const std::string& collection, const std::string& key, const Json& fields);
  std::string patch(const std::string& collection, const std::string& key, const Json& fields);
  std::string remove(const std::string& collection, const std::string& key);
  std::string increment(const std::string& collection, const std::string& key,
                        const std::string& field, const Json& by = 1,
                        const Json& fields = Json::object());
  std::string batch(std::vector<Op> ops);
  std::string sync();
  std::string retry_rejected(const std::string& id);
  std::string discard_rejected(const std::string& id);
  std::string restore_overwritten(const std::string& id);
  [[nodiscard]] Json get(const std::string& collection, const std::string& key) const;
  [[nodiscard]] Json ask(const Json& question) const;
  [[nodiscard]] std::int64_t pending() const { return status("pending"); }
  [[nodiscard]] std::int64_t rejected() const { return status("rejected"); }
  [[nodiscard]] std::string state() const;
  /// Every row of every collection, with its vectors, and what is unsent: equal devices are equal
  /// text.
  [[nodiscard]] Json dump() const;

  // The raw loop
  Ticket begin(Event event);  ///< gives it a ticket where it has one; pumps
  void feed(const Event& event);
  /// Does nothing of what the engine asks for.
  std::vector<Effect> handle(const Event& event) { return engine_->handle(event, now()); }
  [[nodiscard]] std::string code_of(Ticket ticket) const;  ///< "?": not settled
  /// Does what the engine asked for and is not held back.
  void pump();
  void release(Wish wish);
  /// Does one thing that is held back, and what follows from it; false when there is none.
  bool let_one(Wish wish);
  [[nodiscard]] bool wants(Wish wish) const;
  [[nodiscard]] bool is_alive() const { return engine_ != nullptr; }
  /// Time passes; timers that come due fire.
  void wait(Ms duration);
  /// Time passes while the machine sleeps: the monotonic clock stands still, as some do.
  void sleep(Ms duration);
  /// Segments of other contexts, as after a BroadcastChannel message.
  void catch_up();
  /// Begins a snapshot of what this context knows; false: it may not.
  bool begin_fold(bool whole);
  /// Writes its next piece, or installs it after the last, unless another context was faster.
  /// False: there is none under way.
  bool go_on_folding();
  void fold(bool whole);
  /// Killed without a word: only the disk stays. open() starts again.
  void kill();
  void open();
  void restart();
  /// Reads the stored vectors; they stay in memory.
  void keep_vectors();
  [[nodiscard]] bool is_folding() const { return folding_.has_value(); }
  [[nodiscard]] Disk& disk() { return *disk_; }

  // What the engine said, since it was opened
  std::map<Ticket, Settled> settled;
  std::vector<Changed> changed;
  std::vector<Notify> notices;
  std::vector<Failed> failures;
  std::vector<std::string> bodies;  ///< of the requests sent
  std::optional<Ms> timer_at;
  Json last_report;

 private:
  using Want = std::variant<Commit, Fetch, AskSession, Fetched, WantVectors>;

  [[nodiscard]] Now now() const;
  [[nodiscard]] std::int64_t status(const char* count) const;
  void take(std::vector<Effect> effects);
  void note(Settled done);
  /// The vectors of a row that are on the disk only.
  void resolve(Json& row) const;
  std::string write(std::vector<Op> ops);
  std::string settle(Event event);
  void perform(const Commit&);
  void perform(const Fetch& fetch);
  void perform(const AskSession& ask);
  void perform(const WantVectors&);
  void perform(const Fetched& answer);

  ModelServer& server_;
  const std::string name_;
  std::shared_ptr<Disk> disk_;
  const bool auto_sync_;
  std::unique_ptr<Engine> engine_;
  std::deque<Want> wants_;
  std::size_t loaded_ = 0;  ///< segments of the disk that this context knows
  struct Folding {
    bool is_whole = false;
    std::size_t base = 0;
    Disk::Snapshot snapshot;
    std::vector<std::string> vectors;
  };
  std::optional<Folding> folding_;
  Ms booted_at_ = 0;
  Ticket next_ticket_ = 1;
};

/// Everyone syncs until nobody has anything left to say; false when that takes too long.
bool settle_down(const std::vector<Device*>& devices);

}  // namespace somatic::testing
