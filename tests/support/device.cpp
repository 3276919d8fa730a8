// The host's half of the loop. Legal order of calls: see engine/engine.hpp.
#include "support/device.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "support/somatic_schema.hpp"

namespace somatic::testing {
namespace {

/// More than any honest test needs: a device that never comes to rest is a bug, not a slow test.
constexpr int kStepsMax = 20'000;

Wish wish_of(const std::variant<Commit, Fetch, AskSession, Fetched, WantVectors>& want) {
  return static_cast<Wish>(want.index());
}

}  // namespace

Device::Device(ModelServer& server, std::string name, std::shared_ptr<Disk> disk, bool auto_sync,
               std::deque<Error> first_commits_fail)
    : commit_failures(std::move(first_commits_fail)),
      server_(server),
      name_(std::move(name)),
      disk_(disk ? std::move(disk) : std::make_shared<Disk>()),
      auto_sync_(auto_sync) {
  open();
}

Now Device::now() const { return {server_.now + wall_skew, server_.now - booted_at_}; }

void Device::open() {
  booted_at_ = server_.now - 1000;
  Config config;
  config.schema = somatic_schema_json();
  config.user_id = kUser;
  config.entropy = name_ + " boot " + std::to_string(++server_.boots);
  config.auto_sync = auto_sync_;
  config.format = format;
  auto engine = Engine::create(config);
  if (!engine.ok()) throw std::runtime_error(engine.error().message);
  engine_ = std::move(engine.value());
  loaded_ = 0;
  catch_up();
  feed(Loaded{});
}

void Device::kill() {
  dies = false;
  folding_.reset();
  engine_.reset();
  wants_.clear();
  settled.clear();
  changed.clear();
  notices.clear();
  failures.clear();
  timer_at.reset();
}

void Device::restart() {
  kill();
  open();
}

void Device::catch_up() {
  if (loaded_ < disk_->base()) {
    for (const Disk::Snapshot& snapshot : disk_->snapshots) {
      if (snapshot.to <= loaded_) continue;
      for (const std::string& piece : snapshot.pieces) {
        const bool is_more = &piece != &snapshot.pieces.back();
        take(engine_->load(static_cast<std::int64_t>(snapshot.to), piece, is_more, now()));
      }
    }
    loaded_ = disk_->base();
  }
  while (loaded_ < disk_->segments.size()) {
    const std::size_t at = loaded_++;
    const bool is_more = loaded_ < disk_->segments.size();
    take(engine_->load(static_cast<std::int64_t>(at) + 1, disk_->segments[at], is_more, now()));
  }
}

bool Device::begin_fold(bool whole) {
  if (!engine_->begin_snapshot(whole)) return false;
  folding_ = Folding{whole, disk_->base(), {loaded_, {}}, {}};
  return true;
}

bool Device::go_on_folding() {
  if (!folding_) return false;
  std::string piece = engine_->next_piece(piece_bytes);
  if (!piece.empty()) {
    folding_->snapshot.pieces.push_back(std::move(piece));
    return true;
  }
  std::string vectors = engine_->next_vectors();
  if (!vectors.empty()) {
    folding_->vectors.push_back(std::move(vectors));
    return true;
  }
  const bool says_more = folding_->is_whole || folding_->snapshot.to > folding_->base;
  const bool is_first = disk_->base() == folding_->base && says_more;
  if (is_first) {
    if (folding_->is_whole) {
      disk_->snapshots.clear();
      for (const std::string& file : std::exchange(disk_->vectors, {})) {
        std::string left = engine_->vectors_still_named(file);
        if (!left.empty()) disk_->vectors.push_back(std::move(left));
      }
    }
    for (std::string& file : folding_->vectors) disk_->vectors.push_back(std::move(file));
    for (std::size_t at = 0; at + 1 < folding_->snapshot.to; ++at) disk_->segments[at].clear();
    disk_->snapshots.push_back(std::move(folding_->snapshot));
  }
  engine_->end_snapshot(is_first);
  folding_.reset();
  return true;
}

void Device::fold(bool whole) {
  if (!begin_fold(whole)) return;
  while (go_on_folding()) {
  }
}

void Device::note(Settled done) {
  if (done.ticket == 0 || settled.contains(done.ticket)) {
    throw std::runtime_error("a ticket was settled twice");
  }
  if (!done.report.is_null()) last_report = done.report;
  settled[done.ticket] = std::move(done);
}

void Device::take(std::vector<Effect> effects) {
  for (Effect& effect : effects) {
    if (auto* commit = std::get_if<Commit>(&effect)) wants_.emplace_back(*commit);
    if (auto* fetch = std::get_if<Fetch>(&effect)) wants_.emplace_back(std::move(*fetch));
    if (auto* ask = std::get_if<AskSession>(&effect)) wants_.emplace_back(*ask);
    if (auto* want = std::get_if<WantVectors>(&effect)) wants_.emplace_back(*want);
    if (auto* timer = std::get_if<SetTimer>(&effect)) timer_at = timer->at;
    if (auto* done = std::get_if<Settled>(&effect)) note(std::move(*done));
    if (auto* rows = std::get_if<Changed>(&effect)) changed.push_back(std::move(*rows));
    if (auto* notice = std::get_if<Notify>(&effect)) notices.push_back(std::move(*notice));
    if (auto* failed = std::get_if<Failed>(&effect)) failures.push_back(std::move(*failed));
  }
}

void Device::feed(const Event& event) {
  take(engine_->handle(event, now()));
  pump();
}

void Device::pump() {
  for (int steps = 0; engine_ != nullptr; ++steps) {
    const auto next = std::find_if(wants_.begin(), wants_.end(), [&](const Want& want) {
      return !holds.contains(wish_of(want));
    });
    if (next == wants_.end()) return;
    if (steps > kStepsMax) throw std::runtime_error(name_ + " never comes to rest");
    const Want want = std::move(*next);
    wants_.erase(next);
    std::visit([this](const auto& one) { perform(one); }, want);
  }
}

void Device::release(Wish wish) {
  holds.erase(wish);
  pump();
}

bool Device::let_one(Wish wish) {
  const auto next = std::find_if(wants_.begin(), wants_.end(),
                                 [&](const Want& want) { return wish_of(want) == wish; });
  if (next == wants_.end()) return false;
  const Want want = std::move(*next);
  wants_.erase(next);
  std::visit([this](const auto& one) { perform(one); }, want);
  pump();
  return true;
}

bool Device::wants(Wish wish) const {
  return std::any_of(wants_.begin(), wants_.end(),
                     [&](const Want& want) { return wish_of(want) == wish; });
}

void Device::perform(const Commit& commit) {
  if (!commit_failures.empty()) {
    const Error error = std::exchange(commit_failures.front(), {});
    commit_failures.pop_front();
    take(engine_->handle(FlushFailed{error.code, error.message}, now()));
    return;
  }
  catch_up();
  disk_->segments.push_back(engine_->segment());
  if (dies) return kill();
  loaded_ = disk_->segments.size();
  for (const Ticket ticket : commit.tickets) note({ticket, "", "", nullptr});
  take(engine_->handle(Flushed{static_cast<std::int64_t>(loaded_)}, now()));
}

void Device::perform(const Fetch& fetch) {
  bodies.push_back(fetch.body);
  server_.now += latency_ms;
  Fetched fetched;
  fetched.id = fetch.id;
  fetched.bytes_sent = static_cast<std::int64_t>(fetch.body.size());
  Fate fate = Fate::kAnswered;
  if (offline) {
    fate = Fate::kRequestLost;
  } else if (!canned.empty()) {
    fetched.status = canned.front().status;
    fetched.body = canned.front().body;
    fetched.retry_after = canned.front().retry_after;
    fetched.is_piece = canned.front().is_piece;
    canned.pop_front();
    take(engine_->handle(fetched, now()));
    return;
  } else if (!fates.empty()) {
    fate = fates.front();
    fates.pop_front();
  }
  std::optional<Fetched> failed;
  if (fails && fate != Fate::kRequestLost) failed = fails(fetch.body);
  if (failed) {
    fetched.status = failed->status;
    fetched.body = failed->body;
  } else if (fate != Fate::kRequestLost) {
    fetched.status = 200;
    fetched.body = server_.handle(fetch.body);
    if (fate == Fate::kDeliveredTwice) fetched.body = server_.handle(fetch.body);
  }
  if (dies) return kill();
  if (spoil && fetched.status == 200) fetched.body = spoil(fetched.body);
  server_.now += latency_ms;
  if (fate == Fate::kResponseLost) fetched = {fetched.id, 0, "", "", fetched.bytes_sent};
  if (holds.contains(Wish::kAnswer)) {
    wants_.emplace_back(std::move(fetched));
  } else {
    perform(fetched);
  }
}

void Device::perform(const Fetched& answer) { take(engine_->handle(answer, now())); }

void Device::perform(const AskSession& ask) {
  const SessionIs answer = on_ask_session ? on_ask_session(ask.refresh) : session;
  take(engine_->handle(answer, now()));
}

void Device::keep_vectors() {
  feed(KeepVectors{});
  for (const std::string& file : disk_->vectors) take(engine_->give_vectors(file, now()));
}

void Device::perform(const WantVectors&) {
  for (const std::string& file : disk_->vectors) take(engine_->give_vectors(file, now()));
  take(engine_->handle(VectorsGiven{}, now()));
}

void Device::wait(Ms duration) {
  const Ms until = server_.now + duration;
  for (int fired = 0; timer_at && *timer_at - wall_skew <= until; ++fired) {
    if (fired > kStepsMax) throw std::runtime_error(name_ + " sets timers for ever");
    server_.now = std::max(server_.now, *timer_at - wall_skew);
    timer_at.reset();
    feed(TimerFired{});
  }
  server_.now = std::max(server_.now, until);
}

void Device::sleep(Ms duration) {
  server_.now += duration;
  booted_at_ += duration;
}

std::string Device::code_of(Ticket ticket) const {
  const auto found = settled.find(ticket);
  return found == settled.end() ? "?" : found->second.code;
}

Ticket Device::begin(Event event) {
  const Ticket ticket = next_ticket_++;
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.ticket = ticket; }) one.ticket = ticket;
      },
      event);
  feed(event);
  return ticket;
}

std::string Device::settle(Event event) { return code_of(begin(std::move(event))); }
std::string Device::write(std::vector<Op> ops) { return settle(Write{0, std::move(ops)}); }
std::string Device::batch(std::vector<Op> ops) { return write(std::move(ops)); }
std::string Device::sync() { return settle(SyncNow{}); }
std::string Device::retry_rejected(const std::string& id) { return settle(RetryRejected{0, id}); }
std::string Device::discard_rejected(const std::string& id) {
  return settle(DiscardRejected{0, id});
}
std::string Device::restore_overwritten(const std::string& id) {
  return settle(RestoreOverwritten{0, id});
}
std::string Device::put(const std::string& collection, const std::string& key, const Json& fields) {
  return write({{"put", collection, key, fields, "", 1}});
}
std::string Device::patch(const std::string& collection, const std::string& key,
                          const Json& fields) {
  return write({{"patch", collection, key, fields, "", 1}});
}
std::string Device::remove(const std::string& collection, const std::string& key) {
  return write({{"remove", collection, key, Json::object(), "", 1}});
}
std::string Device::increment(const std::string& collection, const std::string& key,
                              const std::string& field, const Json& by, const Json& fields) {
  return write({{"increment", collection, key, fields, field, by}});
}

Json Device::ask(const Json& question) const { return engine_->query(question, now()); }
Json Device::get(const std::string& collection, const std::string& key) const {
  return ask({{"collection", collection}, {"get", key}});
}
std::int64_t Device::status(const char* count) const {
  return integer_at(ask({{"status", true}}), count);
}
std::string Device::state() const { return text_at(ask({{"status", true}}), "state"); }

void Device::resolve(Json& row) const {
  for (auto& [field, value] : row.items()) {
    if (!Vectors::is_name(value)) continue;
    for (const std::string& file : disk_->vectors) {
      const auto vectors = decode_vectors(file, kJournalFormat);
      for (const NamedVector& each : vectors.value()) {
        if (value != each.name) continue;
        Vectors one;
        one.put(each.name, each.bytes);
        value = parse_json(text_of(one.text(value)));
        break;
      }
    }
  }
}

Json Device::dump() const {
  Json out = {{"pending", pending()}, {"rejected", ask({{"rejected", true}})}};
  for (const auto& [name, collection] : somatic_schema().collections) {
    const Json keys = ask({{"collection", name}, {"list", Json::object()}});
    out[name] = ask({{"collection", name}, {"rows", keys}});
    if (collection.vector_columns.empty()) continue;
    for (Json& row : out[name]) resolve(row);
  }
  return out;
}

bool settle_down(const std::vector<Device*>& devices) {
  for (int round = 0; round < 20; ++round) {
    bool is_quiet = true;
    for (Device* device : devices) {
      if (!device->sync().empty()) return false;
      const Json& report = device->last_report;
      is_quiet = is_quiet && device->pending() == 0 && integer_at(report, "pushed") == 0 &&
                 integer_at(report, "pulled") == 0;
    }
    if (is_quiet) return true;
  }
  return false;
}

}  // namespace somatic::testing
