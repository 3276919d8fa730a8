// Every Event that goes into the engine and every Effect that comes out, declared once. The engine
// never does I/O: it asks for it here.
//
//   host (JavaScript, fetch, IndexedDB) --Event--> Engine::handle --Effect*--> host
//
// Order: the host starts every effect, in the order given, before it feeds the next event. Only a
// Commit may be begun before the others.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/calendar.hpp"
#include "base/fields.hpp"

namespace somatic {

/// Names a promise of the host; answered by exactly one Settled, or by the Commit that names it.
using Ticket = std::int64_t;

// Events ---------------------------------------------------------------------------------------

/// One write of the app. `op`: put (all fields given), patch (these fields), remove, increment
/// (`field` by `by`, `fields` set at the same moment).
struct Op {
  std::string op, collection, key;
  Json fields = Json::object();
  std::string field;
  Json by = 1;
};
/// All of `ops` or none of them; Settled once durable.
struct Write {
  Ticket ticket = 0;
  std::vector<Op> ops;
};
/// Several, each by itself: what they change is told once.
struct Writes {
  std::vector<Write> writes;
};
/// Every stored segment was loaded (Engine::load): the engine may work.
struct Loaded {};
/// The commit asked for last is durable, as segment `seq`.
struct Flushed {
  std::int64_t seq = 0;
};
/// The commit asked for last failed and changed nothing.
struct FlushFailed {
  std::string code, message;
};
/// Answers AskSession. No token: nobody is signed in for the moment. `error`: asking failed
/// (offline).
struct SessionIs {
  std::string access_token, user_id, error;
};
/// The user signed out, or somebody else signed in: this engine never sends again.
struct UserGone {};
/// sync() was called.
struct SyncNow {
  Ticket ticket = 0;
};
/// The caller of sync() lost interest.
struct AbortSync {
  Ticket ticket = 0;
};
/// Something suggests that there is news: start, focus, online, a realtime poke. Pulls soon when
/// autoSync is on and this context leads.
struct Poke {};
/// Whether this context is the one that starts runs by itself; until told it is. It may change at
/// any time: a run under way ends as it would have, and sync() works everywhere.
struct LeaderIs {
  bool here = true;
};
/// A request ended. `status` 0: it never got an answer.
struct Fetched {
  std::int64_t id = 0, status = 0;
  std::string body, retry_after;
  std::int64_t bytes_sent = 0, bytes_received = 0;
  /// a piece of a longer answer, which came to an earlier request: this one was not sent
  bool is_piece = false;
};
/// The time asked for by SetTimer has come.
struct TimerFired {};
/// Answers WantVectors: everything stored was given (Engine::give_vectors), or could not be read.
struct VectorsGiven {
  std::string code, message;
};
/// From here on no vector leaves memory; those stored are given next.
struct KeepVectors {};
/// A context is open, or none any more, that knows no format after this one: it is written where it
/// can be.
struct FormatLimit {
  std::int64_t format = 0;
};
struct RetryRejected {
  Ticket ticket = 0;
  std::string id;
};
struct DiscardRejected {
  Ticket ticket = 0;
  std::string id;
};
struct RestoreOverwritten {
  Ticket ticket = 0;
  std::string id;
};
/// A backup is about to be written: what it needs to tell is given names first. Settled once that
/// is durable.
struct Export {
  Ticket ticket = 0;
};
/// Some rows of a backup, [{collection, row, unsent}], and texts that lost a merge, all of them in
/// order (docs/backup.md). Settled once durable, with a report {written, skipped} of the rows.
struct Import {
  Ticket ticket = 0;
  Json rows = Json::array(), overwritten = Json::array();
};
/// No more work: open tickets are settled with "closed".
struct Close {};

using Event = std::variant<Write, Writes, Loaded, Flushed, FlushFailed, SessionIs, UserGone,
                           SyncNow, AbortSync, Poke, LeaderIs, Fetched, TimerFired, KeepVectors,
                           VectorsGiven, FormatLimit, RetryRejected, DiscardRejected,
                           RestoreOverwritten, Export, Import, Close>;

// Effects --------------------------------------------------------------------------------------

/// Make the bytes of Engine::segment() durable as the next journal segment; answer Flushed or
/// FlushFailed. One at a time. `tickets` are settled with it: by the host as soon as it is durable,
/// by FlushFailed otherwise.
struct Commit {
  std::vector<Ticket> tickets;
};
/// POST `body` to `path` below the project's URL; answer Fetched.
struct Fetch {
  std::int64_t id = 0;
  std::string path, body, access_token;
};
/// Give the engine every stored file of vectors; answer VectorsGiven.
struct WantVectors {};
/// Say who is signed in (`refresh`: the last token was refused, get another one); answer SessionIs.
struct AskSession {
  bool refresh = false;
};
/// Feed TimerFired at `at` (wall clock, ms); null: no timer is wanted. Replaces the one before.
struct SetTimer {
  std::optional<Ms> at;
};
/// A ticket is done: with `error` (code and message) or without; `report` for SyncNow and Import.
struct Settled {
  Ticket ticket = 0;
  std::string code, message;
  Json report;
};
/// These rows read differently now (`keys` of one collection).
struct Changed {
  std::string collection;
  std::vector<std::string> keys;
};
/// status() reads differently now.
struct StatusChanged {};
struct Progress {
  std::string phase;
  std::int64_t done = 0;
  std::optional<std::int64_t> total;
};
/// For client.on(): rejected, overwritten.
struct Notify {
  std::string event;
  Json detail;
};
/// For onError: a failure nobody awaits, or the cause of one that somebody does.
struct Failed {
  std::string code, message;
};

using Effect = std::variant<Commit, Fetch, WantVectors, AskSession, SetTimer, Settled, Changed,
                            StatusChanged, Progress, Notify, Failed>;

// Declarations ---------------------------------------------------------------------------------

#define SOMATIC_MESSAGE(Type, name, ...)                  \
  template <>                                             \
  struct Fields<Type> {                                   \
    static constexpr const char* type = name;             \
    static constexpr auto list = std::tuple{__VA_ARGS__}; \
  }

SOMATIC_MESSAGE(Op, "op", field("op", &Op::op), field("collection", &Op::collection),
                field("key", &Op::key), field("fields", &Op::fields), field("field", &Op::field),
                field("by", &Op::by));
SOMATIC_MESSAGE(Write, "write", field("ticket", &Write::ticket), field("ops", &Write::ops));
SOMATIC_MESSAGE(Writes, "writes", field("writes", &Writes::writes));
SOMATIC_MESSAGE(Loaded, "loaded");
SOMATIC_MESSAGE(Flushed, "flushed", field("seq", &Flushed::seq));
SOMATIC_MESSAGE(FlushFailed, "flushFailed", field("code", &FlushFailed::code),
                field("message", &FlushFailed::message));
SOMATIC_MESSAGE(SessionIs, "sessionIs", field("accessToken", &SessionIs::access_token),
                field("userId", &SessionIs::user_id), field("error", &SessionIs::error));
SOMATIC_MESSAGE(UserGone, "userGone");
SOMATIC_MESSAGE(SyncNow, "syncNow", field("ticket", &SyncNow::ticket));
SOMATIC_MESSAGE(AbortSync, "abortSync", field("ticket", &AbortSync::ticket));
SOMATIC_MESSAGE(Poke, "poke");
SOMATIC_MESSAGE(LeaderIs, "leaderIs", field("here", &LeaderIs::here));
SOMATIC_MESSAGE(Fetched, "fetched", field("id", &Fetched::id), field("status", &Fetched::status),
                field("body", &Fetched::body), field("retryAfter", &Fetched::retry_after),
                field("bytesSent", &Fetched::bytes_sent),
                field("bytesReceived", &Fetched::bytes_received),
                field("isPiece", &Fetched::is_piece));
SOMATIC_MESSAGE(TimerFired, "timerFired");
SOMATIC_MESSAGE(VectorsGiven, "vectorsGiven", field("code", &VectorsGiven::code),
                field("message", &VectorsGiven::message));
SOMATIC_MESSAGE(KeepVectors, "keepVectors");
SOMATIC_MESSAGE(FormatLimit, "formatLimit", field("format", &FormatLimit::format));
SOMATIC_MESSAGE(RetryRejected, "retryRejected", field("ticket", &RetryRejected::ticket),
                field("id", &RetryRejected::id));
SOMATIC_MESSAGE(DiscardRejected, "discardRejected", field("ticket", &DiscardRejected::ticket),
                field("id", &DiscardRejected::id));
SOMATIC_MESSAGE(RestoreOverwritten, "restoreOverwritten",
                field("ticket", &RestoreOverwritten::ticket), field("id", &RestoreOverwritten::id));
SOMATIC_MESSAGE(Export, "export", field("ticket", &Export::ticket));
SOMATIC_MESSAGE(Import, "import", field("ticket", &Import::ticket), field("rows", &Import::rows),
                field("overwritten", &Import::overwritten));
SOMATIC_MESSAGE(Close, "close");

SOMATIC_MESSAGE(Commit, "commit", field("tickets", &Commit::tickets));
SOMATIC_MESSAGE(Fetch, "fetch", field("id", &Fetch::id), field("path", &Fetch::path),
                field("body", &Fetch::body), field("accessToken", &Fetch::access_token));
SOMATIC_MESSAGE(WantVectors, "wantVectors");
SOMATIC_MESSAGE(AskSession, "askSession", field("refresh", &AskSession::refresh));
SOMATIC_MESSAGE(SetTimer, "setTimer", field("at", &SetTimer::at));
SOMATIC_MESSAGE(Settled, "settled", field("ticket", &Settled::ticket),
                field("code", &Settled::code), field("message", &Settled::message),
                field("report", &Settled::report));
SOMATIC_MESSAGE(Changed, "changed", field("collection", &Changed::collection),
                field("keys", &Changed::keys));
SOMATIC_MESSAGE(StatusChanged, "statusChanged");
SOMATIC_MESSAGE(Progress, "progress", field("phase", &Progress::phase),
                field("done", &Progress::done), field("total", &Progress::total));
SOMATIC_MESSAGE(Notify, "notify", field("event", &Notify::event), field("detail", &Notify::detail));
SOMATIC_MESSAGE(Failed, "failed", field("code", &Failed::code), field("message", &Failed::message));

#undef SOMATIC_MESSAGE

}  // namespace somatic
