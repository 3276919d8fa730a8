// One run at a time. Every way out goes through finish(), so no ticket is ever forgotten.

#include "engine/run.hpp"

#include <algorithm>
#include <utility>

#include "sync/device_times.hpp"
#include "sync/layers.hpp"

namespace somatic {
namespace {

constexpr Ms kBurstMs = 5000;  ///< somebody who never stops typing is still saved this often
constexpr int kSoonTries = 5;
constexpr int kLoneTries = 3;  ///< of a mutation that fails by itself, before it is suspected

constexpr int kFruitlessTries = 5;
constexpr int kAnswerDepthMax = 1000;   ///< ten times what may be written here
constexpr Ms kTimeMax = 9999999999999;  ///< of a clock

bool is_resync(const Json& body) {
  return !text_at(body, "resync").empty() && !text_at(body, "epoch").empty();
}

bool is_answer(const Json& body) {
  const Json &cursor = at(body, "cursor"), &now = at(body, "now");
  return cursor.is_number() && whole_number(cursor) >= 0 && now.is_number() &&
         whole_number(now) >= 0 && whole_number(now) <= kTimeMax;
}

}  // namespace

void Run::sync_now(Ticket ticket, Now now) {
  if (ended_) {
    out_.push_back(Settled{ticket, ended_->code, ended_->message, nullptr});
    return;
  }
  if (not_before_ && now.mono_ms < *not_before_) {
    out_.push_back(
        Settled{ticket, "server", "the server asked to wait before the next request", nullptr});
    return;
  }
  tickets_.push_back(ticket);
  if (!is_running()) {
    start(now);
  } else if (phase_ != Phase::kSession) {
    is_current_ = false;  // what is under way may have been answered before this call
  }
}

void Run::abort(Ticket ticket) {
  if (std::erase(tickets_, ticket) == 0) return;
  out_.push_back(Settled{ticket, "aborted", "sync() was aborted by its caller", nullptr});
}

void Run::poke(Now now) {
  if (!config_.auto_sync || !leads_ || ended_) return;
  if (not_before_ && now.mono_ms < *not_before_) return;
  if (!is_running()) {
    start(now);
  } else if (phase_ != Phase::kSession) {
    is_current_ = false;  // what is under way may have been answered before the news
  }
}

void Run::wrote(Now now) {
  if (!config_.auto_sync || ended_) return;
  if (!first_dirty_at_) first_dirty_at_ = now.mono_ms;
  Ms due = std::min(*first_dirty_at_ + kBurstMs, now.mono_ms + config_.debounce_ms);
  if (attempt_ > 0 && wanted_at_) due = std::max(due, *wanted_at_);
  wanted_at_ = due;
}

void Run::others_sent(bool is_answered, Now now) {
  if (is_running() || ended_) return;
  if (is_answered) {
    last_error_.reset();  // the server can be reached after all
    attempt_ = 0;
    not_before_.reset();
  }
  if (!config_.auto_sync) return;
  first_dirty_at_.reset();
  if (store_.outbox().empty()) {
    if (attempt_ == 0) wanted_at_.reset();
  } else {
    // Theirs to finish; ours only if they stop in the middle.
    wanted_at_ = std::max(wanted_at_.value_or(0), now.mono_ms + kBurstMs);
  }
}

void Run::start(Now now) {
  report_ = {};
  report_.started_mono_ms = now.mono_ms;
  refreshed_ = false;
  is_current_ = false;
  has_more_ = false;
  soon_tries_ = 0;
  fruitless_ = 0;
  is_probing_ = false;
  first_dirty_at_.reset();
  wanted_at_.reset();
  ask_session(false);
}

void Run::ask_session(bool refresh) {
  phase_ = Phase::kSession;
  out_.push_back(AskSession{refresh});
}

void Run::session_is(const SessionIs& session, Now now) {
  if (phase_ != Phase::kSession) return;
  if (!session.error.empty()) {
    finish(Error{"offline", "the session could not be read: " + session.error}, now);
  } else if (session.access_token.empty()) {
    finish(failure_as_error(Failure::kSignedOut, 0, ""), now, Failure::kSignedOut);
  } else if (session.user_id != config_.user_id) {
    end({"signed-out", "another user is signed in now: open a new client"}, now);
  } else {
    token_ = session.access_token;
    step(now);
  }
}

/// Before first contact the server's time is unknown, and what is known here may be old news: pull
/// once before the first push, and everything before the first after a resync.
Batch Run::batch() const {
  const Meta& meta = store_.meta();
  const bool may_push = !meta.epoch.empty() && meta.wall_offset && meta.resync.empty();
  return {may_push && !is_probing_ ? batch_rows_ : 0, may_split_};
}

void Run::step(Now now) {
  if (fruitless_ > kFruitlessTries) {
    const Error error = failure_as_error(Failure::kServer, 200, "its answers lead nowhere");
    finish(error, now, Failure::kServer);
    return;
  }
  Froze froze{stamp(now), {}};
  bool has_frozen = false;
  for (const RowRef& ref : next_batch(store_, batch())) {
    const Row& row = *store_.find(ref);
    has_frozen = has_frozen || row.frozen;
    if (!row.frozen && !waits_for_time(schema_, store_.meta(), ref, froze.at))
      froze.rows.push_back({ref.collection, ref.key, random_.uuid_v4()});
  }
  if (!froze.rows.empty()) {
    phase_ = Phase::kFreezing;
    const Outcome outcome = commits_.append(std::move(froze));
    report_.rejected += outcome.rejected;
    out_.insert(out_.end(), outcome.notices.begin(), outcome.notices.end());
    commits_.wake_run_with_next();
    return;
  }
  if (has_frozen || !is_current_ || has_more_) {
    send(now);
  } else {
    finish(std::nullopt, now);
  }
}

void Run::send(Now now) {
  wanted_vectors_ = missing_vectors(schema_, store_, batch());
  for (const std::string& lost : lost_vectors_) wanted_vectors_.erase(lost);
  if (!wanted_vectors_.empty()) {
    phase_ = Phase::kVectors;
    out_.push_back(WantVectors{});
    return;
  }
  was_current_ = std::exchange(is_current_, true);  // until somebody joins
  phase_ = Phase::kFetching;
  request_ = build_request(schema_, store_, batch());
  sent_before_at_ = std::exchange(sent_at_, now);
  ++report_.requests;
  out_.push_back(Fetch{++fetch_id_, "/rest/v1/rpc/sync", std::move(request_.body), token_});
}

void Run::fetched(const Fetched& fetched, Now now) {
  if (phase_ != Phase::kFetching || fetched.id != fetch_id_) return;
  report_.bytes_sent += fetched.bytes_sent;
  report_.bytes_received += fetched.bytes_received;
  if (fetched.is_piece) take_back_request();
  const bool is_readable = !is_nested_deeper(fetched.body, kAnswerDepthMax);
  Json body = is_readable ? parse_json(fetched.body) : Json();
  const int status = static_cast<int>(fetched.status);
  if (status == 200 && is_resync(body)) {
    resync(body);
  } else if (status == 200 && is_answer(body)) {
    take_answer(std::move(body), now);
  } else {
    refused(status, body, fetched.retry_after, now);
  }
}

/// It was answered by what had come before it was made: the server has not heard of it.
void Run::take_back_request() {
  --report_.requests;
  is_current_ = is_current_ && was_current_;
  request_.acks.clear();
  sent_at_ = sent_before_at_;
}

void Run::take_answer(Json body, Now now) {
  phase_ = Phase::kJournaling;
  soon_tries_ = 0;
  has_more_ = at(body, "more") == true;
  // The server spoke somewhere between the request and the answer: the middle halves the error.
  Stamp at = stamp(now);
  const Ms round_trip = now.mono_ms - sent_at_.mono_ms;
  at.mono_ms -= round_trip / 2;
  at.wall_ms -= round_trip / 2;
  const std::int64_t cursor = store_.meta().cursor;
  const Outcome outcome = commits_.append(Answered{request_.device, at, round_trip, request_.from,
                                                   std::move(request_.sent),
                                                   std::move(request_.acks), std::move(body)});
  const bool is_fruitful =
      outcome.pushed + outcome.rejected + outcome.pulled > 0 || store_.meta().cursor > cursor;
  fruitless_ = is_fruitful ? 0 : fruitless_ + 1;
  report_.pushed += outcome.pushed;
  report_.pulled += outcome.pulled;
  report_.conflicts += outcome.conflicts;
  report_.rejected += outcome.rejected;
  out_.insert(out_.end(), outcome.notices.begin(), outcome.notices.end());
  if (std::exchange(is_probing_, false)) {
    is_current_ = false;
    fruitless_ = 0;
    suspect_tries_ = 0;
    batch_rows_ = kBatchRows;
    const Outcome refused =
        commits_.append(Refused{at, suspect_, suspect_error_.code, suspect_error_.message});
    report_.rejected += refused.rejected;
    out_.insert(out_.end(), refused.notices.begin(), refused.notices.end());
  }
  if (outcome.pushed > 0) {
    const auto left = static_cast<std::int64_t>(store_.outbox().size());
    out_.push_back(Progress{"push", report_.pushed, report_.pushed + left});
  }
  if (outcome.pulled > 0) out_.push_back(Progress{"pull", report_.pulled, std::nullopt});
  commits_.wake_run_with_next();
}

void Run::resync(const Json& body) {
  phase_ = Phase::kJournaling;
  is_current_ = false;
  is_probing_ = false;
  ++fruitless_;
  commits_.append(Resynced{request_.device, request_.last, text_at(body, "resync"),
                           text_at(body, "epoch"), random_.uuid_v4()});
  commits_.wake_run_with_next();
}

void Run::refused(int status, const Json& body, const std::string& retry_after, Now now) {
  is_current_ = false;  // nothing was pulled: the run may not end on this request
  const Json& detail = at(body, "error").is_object() ? at(body, "error") : body;
  const Failure failure =
      status == 200 ? Failure::kServer : classify(status, text_at(detail, "code"));
  const std::string message = text_at(detail, "message");
  const auto wait = parse_retry_after(retry_after, now.wall_ms);
  if (failure == Failure::kRefresh && !refreshed_) {
    refreshed_ = true;
    ask_session(true);
    return;
  }
  if (failure == Failure::kRetrySoon && ++soon_tries_ <= kSoonTries) {
    phase_ = Phase::kWaiting;
    resume_at_ = now.mono_ms + backoff_ms(failure, soon_tries_, random_.fraction(), wait);
    return;
  }
  const std::string code = text_at(detail, "code");
  if (is_about_content(status, failure, code) && !is_probing_) {
    if (request_.sent.size() > 1) {
      const std::size_t half = request_.sent.size() / 2;
      may_split_ = may_split_ || half >= batch_rows_;
      batch_rows_ = half;
      step(now);
      return;
    }
    const Error error{code.empty() ? std::to_string(status) : code, message};
    if (request_.sent.size() == 1 && suspects(error, now)) return;
  }
  is_probing_ = false;
  if (wait) not_before_ = now.mono_ms + *wait;
  finish(failure_as_error(failure, status, message), now, failure);
}

/// A server that is down fails on everything, and nobody is guilty. So before a mutation is given
/// up a request goes without it, and only where that one is answered the mutation counts as
/// refused.
bool Run::suspects(const Error& error, Now now) {
  const EntryRow& lone = request_.sent.front();
  if (suspect_.mid != lone.mid) suspect_tries_ = 0;
  suspect_ = lone;
  suspect_error_ = error;
  if (++suspect_tries_ < kLoneTries) return false;
  is_probing_ = true;
  send(now);
  return true;
}

void Run::vectors_given(const VectorsGiven& given, Now now) {
  if (phase_ != Phase::kVectors) return;
  if (!given.code.empty()) return finish(Error{given.code, given.message}, now);
  const auto missing = missing_vectors(schema_, store_, batch());
  if (!missing.empty()) {
    out_.push_back(Failed{"storage-damaged", std::to_string(missing.size()) +
                                                 " vectors are not stored here any more: their "
                                                 "rows are sent without them"});
    lost_vectors_.insert(missing.begin(), missing.end());
  }
  wanted_vectors_.clear();
  send(now);
}

void Run::committed(Now now) {
  if (phase_ == Phase::kFreezing || phase_ == Phase::kJournaling) step(now);
}

void Run::commit_failed(const Error& error, Now now) {
  if (phase_ == Phase::kFreezing || phase_ == Phase::kJournaling) finish(error, now);
}

void Run::timer(Now now) {
  if (phase_ == Phase::kWaiting && resume_at_ && now.mono_ms >= *resume_at_) {
    resume_at_.reset();
    step(now);
  } else if (leads_ && !is_running() && wanted_at_ && now.mono_ms >= *wanted_at_) {
    start(now);
  }
}

std::optional<Ms> Run::next_timer() const {
  if (phase_ == Phase::kWaiting) return resume_at_;
  return is_running() || !leads_ ? std::nullopt : wanted_at_;
}

void Run::finish(const std::optional<Error>& error, Now now, Failure failure) {
  phase_ = Phase::kIdle;
  resume_at_.reset();
  last_error_ = error;
  if (error) {
    ++attempt_;
    const bool waits_for_somebody = failure == Failure::kSignedOut || failure == Failure::kRefresh;
    if (config_.auto_sync && !ended_ && !waits_for_somebody) {
      std::optional<Ms> wait;
      if (not_before_) wait = *not_before_ - now.mono_ms;
      wanted_at_ = now.mono_ms + backoff_ms(failure, attempt_, random_.fraction(), wait);
    }
    if (!ended_) out_.push_back(Failed{error->code, error->message});
  } else {
    attempt_ = 0;
    batch_rows_ = std::min(batch_rows_ * 2, kBatchRows);
    may_split_ = false;
    not_before_.reset();
    if (store_.outbox().empty()) {
      first_dirty_at_.reset();  // what was written meanwhile went along
      wanted_at_.reset();
    }
  }
  Json report;
  if (!error) {
    report = {{"pushed", report_.pushed},
              {"pulled", report_.pulled},
              {"conflicts", report_.conflicts},
              {"rejected", report_.rejected},
              {"requests", report_.requests},
              {"bytesSent", report_.bytes_sent},
              {"bytesReceived", report_.bytes_received},
              {"durationMs", now.mono_ms - report_.started_mono_ms}};
  }
  for (const Ticket ticket : std::exchange(tickets_, {})) {
    out_.push_back(Settled{ticket, error ? error->code : "", error ? error->message : "", report});
  }
}

void Run::end(const Error& error, Now now) {
  // Once is enough, but a user who goes hides more than what came before.
  if (ended_ && (is_user_gone() || error.code != "signed-out")) return;
  ended_ = error;
  wanted_at_.reset();
  ++fetch_id_;  // an answer that still comes is for nobody
  finish(error, now, Failure::kSignedOut);
}

}  // namespace somatic
