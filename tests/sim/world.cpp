#include "sim/world.hpp"

#include <algorithm>
#include <cstdio>

#include "base/calendar.hpp"
#include "support/backup.hpp"

namespace somatic::testing {
namespace {

constexpr int kSteps = 160;
constexpr Ms kYear = 365LL * 24 * 3'600'000;
constexpr Ms kHour = 3'600'000;
constexpr Ms kStepMs = 2000;

Json with_element(Json array, const char* key, const Json& element) {
  if (!array.is_array()) array = Json::array();
  for (Json& each : array) {
    if (at(each, key) == element[key]) {
      each = element;
      return array;
    }
  }
  array.push_back(element);
  return array;
}

}  // namespace

World::World(std::uint64_t seed, bool with_trace, std::function<void(const Json&)> on_step)
    : random_("world " + std::to_string(seed)), with_trace_(with_trace) {
  with_deletions_ = chance(50);
  with_restores_ = chance(30);
  clocks_ = static_cast<Clocks>(pick(3));
  // The ledger must remember as long as a backup is used, and a count's clock must tell its age.
  Random apart("backups of world " + std::to_string(seed));
  with_backups_ =
      !on_step && !with_restores_ && clocks_ == Clocks::kGood && apart.next() % 100 < 60;
  server_.page_max = 1 + static_cast<std::int64_t>(pick(30));
  if (on_step) {
    with_restores_ = false;
    clocks_ = Clocks::kGood;
    server_.page_max = 5000;  // within one request versions are drawn in any order
    server_.on_step = std::move(on_step);
  }
  server_.refuses = [](const std::string&, const Json& row) -> std::optional<Error> {
    if (at(row, "category") != "refused") return std::nullopt;
    return Error{"23514", "no"};
  };
  const std::size_t devices = 2 + pick(3);
  for (std::size_t owner = 0; owner < devices; ++owner) {
    const Ms skew = clocks_ == Clocks::kGood ? static_cast<Ms>(pick(2000)) - 1000
                                             : static_cast<Ms>(pick(4 * kYear)) - 2 * kYear;
    auto disk = std::make_shared<Disk>();
    const bool auto_sync = chance(50);
    for (int tab = 0; tab < 2; ++tab) {
      Context context;
      context.owner = owner;
      context.device =
          std::make_unique<Device>(server_, "device " + std::to_string(owner), disk, auto_sync);
      context.device->wall_skew = skew;
      context.device->holds = {Wish::kCommit, Wish::kFetch, Wish::kAnswer};
      contexts_.push_back(std::move(context));
    }
  }
}

Verdict World::run() {
  for (int step_number = 0; step_number < kSteps; ++step_number) {
    step();
    for (Context& context : contexts_) hear(context);
    time_trips();
  }
  come_to_rest();
  judge();
  verdict_.requests = server_.calls.size();
  verdict_.edits = history_.size();
  return verdict_;
}

/// From when a request is made to when its answer is heard, an engine can be that unsure of the
/// time.
void World::time_trips() {
  for (Context& context : contexts_) {
    const Device& device = *context.device;
    if (device.wants(Wish::kFetch) || device.wants(Wish::kAnswer)) {
      const Ms since = on_its_way_.try_emplace(&device, server_.now - 2 * kStepMs).first->second;
      longest_trip_ = std::max(longest_trip_, server_.now - since);
    } else {
      on_its_way_.erase(&device);
    }
  }
}

void World::trace(const std::string& what) const {
  if (with_trace_) std::printf("%lld %s\n", static_cast<long long>(server_.now), what.c_str());
}

void World::step() {
  let_time_pass();
  if (with_backups_ && chance(8)) return back_up(anyone());
  const std::size_t kind = pick(100);
  if (kind < 30) {
    write_anything(anyone());
  } else if (kind < 84) {
    move_something(anyone());
  } else if (kind < 88) {
    kill(anyone());
  } else if (kind < 94) {
    disturb(anyone());
  } else if (kind < 97) {
    write_past_the_engine();
  } else {
    disturb_server();
  }
}

void World::let_time_pass() {
  const bool is_quiet = std::none_of(contexts_.begin(), contexts_.end(), [](const Context& each) {
    return each.device->wants(Wish::kFetch) || each.device->wants(Wish::kAnswer);
  });
  server_.now += static_cast<Ms>(is_quiet && chance(20) ? pick(3 * kHour) : pick(kStepMs));
  for (Context& context : contexts_) context.device->wait(0);
}

// ---- what people do

void World::write_anything(Context& context) {
  if (!context.device->is_alive()) return;
  switch (pick(13)) {
    case 0:
    case 1:
      return write_text(context);
    case 2:
      return write_health(context);
    case 3:
      return write_metadata(context);
    case 4:
      return write_answer(context);
    case 5:
      return write_kata(context);
    case 6:
      return unlock(context);
    case 7:
      return write_refused(context);
    case 8:
    case 9:
      return remove_row(context);
    case 10:
      return write_vector(context);
    default:
      return complete_routine(context);
  }
}

Json World::shown(Context& context, const std::string& collection, const std::string& key,
                  const std::string& field) const {
  return at(context.device->get(collection, key), field);
}

std::size_t World::note(Context& context, const std::string& collection, const std::string& key,
                        const std::string& field, const Json& value) {
  std::string row = collection + "/" + key;
  return history_.edit(row, row + "/" + field, value, server_.now,
                       shown(context, collection, key, field));
}

void World::begin(Context& context, Op op, std::function<void(bool)> done) {
  trace("device " + std::to_string(context.owner) +
        (&context == &contexts_[context.owner * 2] ? "a " : "b ") + op.op + " " + op.collection +
        "/" + op.key + " " + op.fields.dump().substr(0, 90));
  const Ticket ticket = context.device->begin(Write{0, {std::move(op)}});
  context.waiting.push_back({ticket, std::move(done)});
}

void World::edit(Context& context, const std::string& collection, const std::string& key,
                 const Json& fields, const std::vector<std::size_t>& edits) {
  begin(context, {"put", collection, key, fields, "", 1}, [this, edits](bool is_acknowledged) {
    if (!is_acknowledged) return;
    for (const std::size_t each : edits) history_.acknowledge(each);
  });
}

void World::write_text(Context& context) {
  const std::string key = Random("log " + std::to_string(pick(4))).uuid_v4();
  const std::string text = unique("text ") + std::string(90, 't');
  edit(context, "logs", key, {{"category", "chat"}, {"content", text}},
       {note(context, "logs", key, "content", text)});
}

void World::write_health(Context& context) {
  const std::string day = format_date(20770 + static_cast<std::int32_t>(pick(3)));
  const int steps = ++counter_;
  edit(context, "health", day, {{"steps", steps}}, {note(context, "health", day, "steps", steps)});
}

/// That none is lost or mixed up is seen when all devices are compared with a fresh one.
void World::write_vector(Context& context) {
  const std::string key = Random("embedding " + std::to_string(pick(4))).uuid_v4();
  Json vector = Json::array();
  for (int i = 0; i < 384; ++i) vector.push_back(i == 0 ? counter_ : 0);
  vector[1 + pick(3)] = ++counter_;
  begin(context,
        {"put",
         "embeddings",
         key,
         {{"content", unique("passage ")}, {"metadata", Json::object()}, {"embedding", vector}},
         "",
         1},
        [](bool) {});
}

/// Only the member's presence is promised by time: one clock speaks for the whole column.
void World::write_metadata(Context& context) {
  const std::string key = Random("log " + std::to_string(pick(4))).uuid_v4();
  Json metadata = shown(context, "logs", key, "metadata");
  if (!context.device->get("logs", key).is_object()) return;
  if (!metadata.is_object()) metadata = Json::object();
  metadata[unique("m")] = 1;
  const std::string member = "m" + std::to_string(counter_);
  const std::size_t noted =
      history_.edit("logs/" + key, "logs/" + key + "/metadata." + member, 1, server_.now, Json());
  begin(context, {"patch", "logs", key, {{"metadata", metadata}}, "", 1}, [this, noted](bool ok) {
    if (ok) history_.acknowledge(noted);
  });
}

void World::write_answer(Context& context) {
  const std::string question = "q" + std::to_string(pick(4));
  const int value = ++counter_;
  const Json answers = with_element(shown(context, "path", "self", "oejtsAnswers"), "questionId",
                                    {{"questionId", question},
                                     {"value", value},
                                     {"answeredAt", format_timestamp(local_time(context))}});
  const std::size_t noted =
      history_.edit("path/self", "path/self/oejtsAnswers." + question, value, server_.now, Json());
  edit(context, "path", "self", {{"oejtsAnswers", answers}}, {noted});
}

void World::write_kata(Context& context) {
  const std::string id = unique("kata ");
  const Json katas =
      with_element(shown(context, "path", "self", "katas"), "id", {{"id", id}, {"name", id}});
  const std::size_t noted =
      history_.edit("path/self", "path/self/katas." + id, id, server_.now, Json());
  edit(context, "path", "self", {{"katas", katas}}, {noted});
}

void World::complete_routine(Context& context) {
  const std::string day = format_date(static_cast<std::int32_t>(server_.now / (24 * kHour)) -
                                      static_cast<std::int32_t>(pick(20)));
  begin(context,
        {"increment",
         "progress",
         "self",
         {{"completedDays", Json::array({Json::array({day, day})})}},
         "totalCompletions",
         1},
        [this, day](bool is_acknowledged) {
          ++(is_acknowledged ? counted_ : maybe_counted_);
          if (is_acknowledged) days_.insert(day);
        });
}

void World::unlock(Context& context) {
  const std::string name = "achievement " + std::to_string(pick(3));
  const bool is_unlocked = chance(50);
  begin(context, {"put", "achievements", name, {{"unlocked", is_unlocked}}, "", 1},
        [this, name, is_unlocked](bool is_acknowledged) {
          if (is_acknowledged && is_unlocked) unlocked_.insert(name);
        });
}

void World::write_refused(Context& context) {
  const std::string key = random_.uuid_v4();
  const std::size_t owner = context.owner;
  begin(context,
        {"put", "logs", key, {{"category", "refused"}, {"content", unique("refused ")}}, "", 1},
        [this, key, owner](bool is_acknowledged) {
          if (is_acknowledged) refused_[key] = owner;
        });
}

void World::remove_row(Context& context) {
  if (!with_deletions_) return;
  const bool is_log = chance(50);
  const std::string key = is_log ? Random("log " + std::to_string(pick(4))).uuid_v4()
                                 : format_date(20770 + static_cast<std::int32_t>(pick(3)));
  const std::string collection = is_log ? "logs" : "health";
  history_.remove(collection + "/" + key);
  begin(context, {"remove", collection, key, Json::object(), "", 1}, [](bool) {});
}

/// The old app, or a job: it asks nobody.
void World::write_past_the_engine() {
  switch (pick(3)) {
    case 0: {
      const std::string key = Random("log " + std::to_string(pick(4))).uuid_v4();
      const Json row = server_.find("sovereign_logs", {{"id", key}});
      const std::string text = unique("direct ") + std::string(90, 'd');
      trace("direct logs/" + key + " " + text.substr(0, 12));
      if (row.is_null() && with_deletions_) return;
      const std::size_t noted = history_.edit("logs/" + key, "logs/" + key + "/content", text,
                                              server_.now, at(row, "content"));
      history_.acknowledge(noted);
      history_.direct(noted);
      history_.overwrite(at(row, "content"));
      server_.write("sovereign_logs", key, {{"category", "chat"}, {"content", text}});
      return;
    }
    case 1: {
      const std::string day = format_date(20770 + static_cast<std::int32_t>(pick(3)));
      const Json row = server_.find("health_metrics_history", {{"date", day}});
      const int steps = ++counter_;
      trace("direct health/" + day + " " + std::to_string(steps));
      const std::size_t noted = history_.edit("health/" + day, "health/" + day + "/steps", steps,
                                              server_.now, at(row, "steps"));
      history_.acknowledge(noted);
      history_.direct(noted);
      // An older app version names its rows at random.
      const std::string id = row.is_null() ? random_.uuid_v4() : text_at(row, "id");
      server_.write("health_metrics_history", id, {{"date", day}, {"steps", steps}});
      return;
    }
    default: {
      const Json row = server_.find("user_progress", Json::object());
      if (row.is_null()) return;
      trace("direct progress +1");
      ++counted_;
      server_.write("user_progress", text_at(row, "id"),
                    {{"total_completions", integer_at(row, "total_completions") + 1}});
    }
  }
}

// ---- what machines do

void World::move_something(Context& context) {
  Device& device = *context.device;
  if (!device.is_alive()) {
    trace("opened");
    device.open();
    return;
  }
  const std::string name = "device " + std::to_string(context.owner) +
                           (&context == &contexts_[context.owner * 2] ? "a " : "b ");
  if (device.is_folding() ? chance(30) : chance(3)) {
    trace(name + "folds");
    if (!device.go_on_folding()) device.begin_fold(chance(30));
    return;
  }
  if (device.wants(Wish::kAnswer) && chance(70)) {
    trace(name + "hears an answer");
    device.let_one(Wish::kAnswer);
  } else if (device.wants(Wish::kCommit)) {
    trace(name + "commits");
    device.let_one(Wish::kCommit);
  } else if (device.wants(Wish::kFetch)) {
    trace(name + "sends");
    device.let_one(Wish::kFetch);
    trace("  " + device.bodies.back());
  } else if (chance(70)) {
    trace(name + "syncs");
    device.begin(SyncNow{});
  } else {
    device.catch_up();
  }
}

/// A device is exported, or reads a backup: of its own, of another, old or new.
void World::back_up(Context& context) {
  Device& device = *context.device;
  if (!device.is_alive()) return;
  const std::string name = "device " + std::to_string(context.owner);
  if (exported_.empty() || chance(40)) {
    trace(name + " exports");
    context.waiting.push_back({device.begin(Export{}), [this, &device](bool is_done) {
                                 if (!is_done || !device.is_alive()) return;
                                 Json backup = told_by(device);
                                 // A count that came in between has no name yet: asked again then.
                                 for (const Json& each : backup["pending"]) {
                                   if (each.contains("counts") && !each.contains("id")) return;
                                 }
                                 trace("  told " + backup["pending"].dump());
                                 exported_.push_back(std::move(backup));
                               }});
    return;
  }
  const std::size_t which = pick(exported_.size());
  trace(name + " imports backup " + std::to_string(which));
  const Json& backup = exported_[which];
  const Ticket ticket = device.begin(Import{0, rows_of(backup), backup["overwritten"]});
  context.waiting.push_back({ticket, [](bool) {}});
}

/// What was acknowledged before is kept; for the rest nobody knows.
void World::kill(Context& context) {
  Device& device = *context.device;
  if (!device.is_alive()) return;
  hear(context);
  trace("kill device " + std::to_string(context.owner));
  ++verdict_.kills;
  const Wish wish = chance(50) ? Wish::kCommit : Wish::kFetch;
  device.dies = chance(60) && device.wants(wish);
  if (device.dies) {
    device.let_one(wish);  // done, and nobody hears of it
  }
  if (device.is_alive()) device.kill();
  forget(context);
  if (chance(50)) device.open();
}

void World::disturb(Context& context) {
  Device& device = *context.device;
  switch (pick(5)) {
    case 0:
      if (clocks_ != Clocks::kJumping) return;
      trace("clock jumps");
      for (Context& tab : contexts_) {
        if (tab.owner == context.owner) {
          tab.device->wall_skew = static_cast<Ms>(pick(4 * kYear)) - 2 * kYear;
        }
      }
      return;
    case 1:
      if (clocks_ == Clocks::kJumping && device.is_alive())
        device.sleep(static_cast<Ms>(pick(kHour)));
      return;
    case 2:
      device.offline = !device.offline && chance(50);
      return;
    case 3:
      return deliver_again(context);
    default:
      trace("bad network ahead");
      device.fates = {static_cast<Fate>(pick(4)), static_cast<Fate>(pick(4))};
  }
}

/// A copy of an old request arrives late; its answer reaches nobody.
void World::deliver_again(Context& context) {
  const auto& bodies = context.device->bodies;
  if (bodies.size() <= context.resendable) return;
  trace("an old request arrives again");
  server_.handle(bodies[context.resendable + pick(bodies.size() - context.resendable)]);
}

void World::disturb_server() {
  if (server_.on_step) return;
  // No request is under way for the days and months that these take.
  for (Context& context : contexts_) context.resendable = context.device->bodies.size();
  switch (pick(4)) {
    case 0:
      if (with_backups_) return;
      trace("the ledger is purged");
      server_.purge_ledger();
      return;
    case 1:
      if (!with_deletions_) return;
      trace("tombstones are forgotten");
      server_.forget_tombstones();
      return;
    case 2:
      if (with_restores_) backup_ = Backup{server_, server_.now};
      return;
    default:
      if (with_restores_) restore_backup();
  }
}

/// An increment that was sent, not heard of, and seen by others may be brought back by them and
/// sent again: a number does not tell who counted. Known, and written down in docs/protocol.md.
void World::doubt_increments() {
  for (const Context& context : contexts_) {
    const Device& device = *context.device;
    if (device.is_alive() && device.pending() == 0) continue;
    for (const std::string& body : device.bodies) {
      const Json sent = parse_json(body);
      for (const Json& mutation : elements(at(at(sent, "request"), "push"))) {
        const std::int64_t more = integer_at(at(mutation, "inc"), "total_completions");
        if (doubted_.insert(text_at(mutation, "mid")).second) maybe_twice_ += more;
      }
    }
  }
}

void World::restore_backup() {
  if (!backup_) return;
  trace("a backup is restored");
  doubt_increments();
  const Ms now = server_.now;
  const int boots = server_.boots;
  auto calls = std::move(server_.calls);
  server_ = backup_->server;
  server_.now = now;
  server_.boots = boots;
  server_.calls = std::move(calls);
  server_.epoch = random_.uuid_v4();
  history_.restore(backup_->at);
}

// ---- what was promised

void World::hear(Context& context) {
  std::erase_if(context.waiting, [&](const Context::Waiting& each) {
    const std::string code = context.device->code_of(each.ticket);
    if (code == "?") return false;
    if (code.empty()) each.done(true);
    return true;
  });
}

void World::forget(Context& context) {
  for (const Context::Waiting& each : context.waiting) each.done(false);
  context.waiting.clear();
}

void World::come_to_rest() {
  trace("rest");
  std::vector<Device*> devices;
  for (Context& context : contexts_) {
    Device& device = *context.device;
    if (!device.is_alive()) device.open();
    device.fates.clear();
    device.offline = false;
    device.holds.clear();
    device.pump();
    devices.push_back(&device);
  }
  server_.now += 1000;
  if (!settle_down(devices)) fault("never comes to rest");
  for (Context& context : contexts_) {
    context.device->catch_up();
    hear(context);
    if (!context.waiting.empty()) fault("a write never settles");
  }
}

std::map<std::string, Json> World::places(const Device& device) const {
  std::map<std::string, Json> out;
  for (const char* collection : {"logs", "health", "path"}) {
    for (const Json& key : device.ask({{"collection", collection}, {"list", Json::object()}})) {
      const Json row = device.get(collection, key);
      const std::string name = std::string(collection) + "/" + key.get<std::string>() + "/";
      for (const auto& [field, value] : members(row)) out[name + field] = value;
      for (const auto& [member, value] : members(at(row, "metadata"))) {
        out[name + "metadata." + member] = value;
      }
      for (const Json& answer : elements(at(row, "oejtsAnswers"))) {
        out[name + "oejtsAnswers." + text_at(answer, "questionId")] = at(answer, "value");
      }
      for (const Json& kata : elements(at(row, "katas"))) {
        out[name + "katas." + text_at(kata, "id")] = at(kata, "name");
      }
    }
  }
  return out;
}

void World::judge() {
  if (!verdict_.faults.empty()) return;
  for (const auto& [key, owner] : refused_) {
    const Json listed = contexts_[owner * 2].device->ask({{"rejected", true}});
    const auto times = std::count_if(listed.begin(), listed.end(),
                                     [&](const Json& each) { return at(each, "key") == key; });
    if (times != 1) fault("refused " + key + " is listed " + std::to_string(times) + " times");
  }
  std::set<std::string> kept;
  for (Context& context : contexts_) {
    for (const Json& each : context.device->ask({{"overwritten", true}})) {
      kept.insert(text_at(each, "text"));
    }
    for (const Json& each : context.device->ask({{"rejected", true}})) {
      // The one constraint there is (23514) refuses what a test made to be refused.
      if (text_at(each, "code") != "23514") fault("rejected: " + each.dump());
      context.device->discard_rejected(text_at(each, "id"));
    }
  }
  Device fresh(server_, "fresh");
  if (!fresh.sync().empty()) fault("a fresh device cannot sync");
  const Json want = fresh.dump();
  for (Context& context : contexts_) {
    context.device->catch_up();
    const Json has = context.device->dump();
    if (has == want) continue;
    fault("device " + std::to_string(context.owner) +
          " differs from a fresh one: " + Json::diff(want, has).dump().substr(0, 400));
  }
  if (clocks_ != Clocks::kJumping) history_.judge_times(longest_trip_ + 100);
  for (const std::string& each : history_.judge(places(fresh), kept)) fault(each);

  const Json progress = fresh.get("progress", "self");
  const std::int64_t count = integer_at(progress, "totalCompletions");
  if (count > counted_ + maybe_counted_ + maybe_twice_ || (!with_restores_ && count < counted_)) {
    fault("counted " + std::to_string(count) + ", promised " + std::to_string(counted_) + " to " +
          std::to_string(counted_ + maybe_counted_));
  }
  for (const std::string& day : days_) {
    if (clocks_ != Clocks::kGood) break;  // days move with the clock that named them
    bool is_there = false;
    for (const Json& range : elements(at(progress, "completedDays"))) {
      is_there = is_there || (text_of(range[0]) <= day && day <= text_of(range[1]));
    }
    if (!is_there) fault("the day " + day + " is lost");
  }
  for (const std::string& name : unlocked_) {
    if (at(fresh.get("achievements", name), "unlocked") != true) fault(name + " is locked again");
  }
}

}  // namespace somatic::testing
