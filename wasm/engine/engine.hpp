// The engine: the one public header of the core. Events and the time in, effects out; it never
// reads a clock, a random source, a file or a socket.
//
// Legal order of calls:  load*  handle(Loaded)  (handle | load | query)*
//   load after Loaded brings segments that other contexts wrote, in sequence order, at any time;
//   also while a Commit is under way. After an effect Commit, segment() gives its bytes until
//   Flushed or FlushFailed is fed. The host starts every effect, in order, before it feeds the next
//   event.
//
// Snapshots:  begin_snapshot  next_piece*  end_snapshot    everything else may happen in between
//   The pieces together stand for every segment that was loaded or flushed here by the beginning,
//   and are loaded in their place, in order, before later ones. A context that knows some of those
//   segments already loads the pieces all the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "protocol/protocol.hpp"
#include "store/journal.hpp"
#include "store/snapshot.hpp"

namespace somatic {

struct Now {
  Ms wall_ms = 0;  ///< may jump
  Ms mono_ms = 0;  ///< never goes back within one boot
};

/// What the host says once. `schema` is the declared one; `entropy` at least 16 random bytes as
/// text, new for each engine: it seeds ids and jitter and names the boot.
struct Config {
  Json schema;
  std::string user_id, entropy;
  bool auto_sync = true;
  std::int64_t debounce_ms = 500;
  /// nothing outlives this engine: commits are still asked for, the host answers Flushed at once
  bool in_memory = false;
  /// the last format of stored data that this context knows; only tests know fewer than there are
  std::int64_t format = kJournalFormat;
};
template <>
struct Fields<Config> {
  static constexpr auto list =
      std::tuple{field("schema", &Config::schema),          field("userId", &Config::user_id),
                 field("entropy", &Config::entropy),        field("autoSync", &Config::auto_sync),
                 field("debounceMs", &Config::debounce_ms), field("inMemory", &Config::in_memory),
                 field("format", &Config::format)};
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(const Config& config);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// One stored segment. A damaged or foreign one changes nothing and is reported:
  /// "storage-damaged"; one of a newer format: "reload-needed". `is_more`: the next call loads what
  /// comes after it; only the last of them tells anything else, and nothing is asked in between.
  std::vector<Effect> load(std::int64_t seq, std::string_view bytes, bool is_more, Now now);
  std::vector<Effect> handle(const Event& event, Now now);
  /// The little-endian floats of a vector that is in memory; null: it is not.
  [[nodiscard]] const std::string* vector(const std::string& name) const;
  /// One stored file of vectors, after an effect WantVectors or an event KeepVectors.
  std::vector<Effect> give_vectors(std::string_view file, Now now);
  /// The bytes of the commit under way.
  [[nodiscard]] const std::string& segment() const;

  /// `whole`: everything; else what changed since the last snapshot that was loaded or kept. False:
  /// this engine must not make one.
  bool begin_snapshot(bool whole);
  /// A segment's bytes, about so many; empty when there is none left.
  std::string next_piece(std::size_t bytes = kPieceBytes);
  /// After the pieces: vectors to be stored in files of their own, which stay until a whole
  /// snapshot replaces them. Empty when there are none left.
  std::string next_vectors();
  /// For a whole snapshot: how many different vectors its rows name, and what of an older file of
  /// them is still named. A damaged file gives nothing.
  [[nodiscard]] std::size_t named_vectors() const;
  std::string vectors_still_named(std::string_view file);
  /// `is_kept`: the pieces are durable and the segments before them gone.
  void end_snapshot(bool is_kept);

  /// Reads. Never changes anything, never fails: an unknown question is answered with null.
  ///   {get: key, collection}             -> the row as the app sees it, or null
  ///   {rows: [key], collection}          -> [row or null]
  ///   {list: ListOptions, collection}    -> [key], filtered and in order
  ///   {size: true, collection}           -> number of rows
  ///   {status: true}                     -> {state, pending, rejected, lastSyncedAt, lastError,
  ///   nextRetryAt} {rejected: true} {overwritten: true} -> as in the public API
  ///   {time: true}                       -> the server's time, as far as it is known
  ///   {unsent: true}                     -> what is unsent or refused, as a backup tells it; names
  ///   only while everything is durable
  ///   {told: key, collection}            -> {rows, last}: a piece of a backup, after that key
  ///   {told: [key], collection}          -> [row or null], as a backup tells them
  ///   {raw: [column], collection, keys}  -> [[value] or null], as they are kept: a vector is a
  ///   name {own: [key], collection, column}   -> [whether this device wrote that column last]
  ///   {stored: true}                     -> rows a snapshot would hold: {all, changed} since the
  ///   last
  [[nodiscard]] Json query(const Json& question, Now now) const;

 private:
  struct Self;
  explicit Engine(std::unique_ptr<Self> self);
  std::unique_ptr<Self> self_;
};

}  // namespace somatic
