// Snapshots: what they hold is what the segments said, whoever makes them, whoever loads them, and
// wherever one is killed.
#include <doctest/doctest.h>

#include "random_json.hpp"
#include "store/journal.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const Json kLog = {{"category", "chat"}, {"content", "x"}, {"metadata", {{"mood", "calm"}}}};

/// A context that was never here before.
Json fresh_dump(ModelServer& server, const std::shared_ptr<Disk>& disk) {
  Device fresh(server, "fresh", disk);
  CHECK(fresh.failures.empty());
  return fresh.dump();
}

/// A database with something in every layer of a row.
struct Full {
  ModelServer server;
  std::shared_ptr<Disk> disk = std::make_shared<Disk>();
  Device phone{server, "phone", disk};

  Full() {
    server.refuses = [](const std::string&, const Json& row) -> std::optional<Error> {
      if (at(row, "category") != "refused") return std::nullopt;
      return Error{"23514", "no"};
    };
    Device other(server, "other");
    phone.put("logs", kId, kLog);
    phone.put("logs", "22222222-2222-4222-8222-222222222222",
              {{"category", "refused"}, {"content", "r"}});
    phone.put("logs", "33333333-3333-4333-8333-333333333333", kLog);
    phone.put("theme", "self", {{"theme", "dark"}});
    phone.increment("progress", "self", "totalCompletions", 3);
    REQUIRE(settle_down({&phone, &other}));
    const std::string lost(90, 'l');
    phone.patch("logs", kId, {{"content", lost}});
    server.now += 1000;
    other.patch("logs", kId, {{"content", "later"}});
    REQUIRE(settle_down({&other, &phone}));
    phone.remove("logs", "33333333-3333-4333-8333-333333333333");
    phone.increment("progress", "self", "totalCompletions");
    phone.fates = {Fate::kResponseLost};
    CHECK(phone.sync() == "offline");
    phone.increment("progress", "self", "totalCompletions", 5);
    phone.put("health", "2026-11-20", {{"steps", 8}});
    phone.put("health", "2026-11-21", {{"steps", 9}});
    phone.remove("health", "2026-11-21");
  }
};

}  // namespace

TEST_CASE("snapshot: a whole one, and one on top, load as the segments did") {
  Full full;
  const Json before = full.phone.dump();
  const Json lost = full.phone.ask({{"overwritten", true}});
  REQUIRE(lost.size() == 1);
  full.phone.fold(true);
  CHECK(full.disk->base() == full.disk->segments.size());
  CHECK(full.disk->snapshots.back().pieces.size() > 2);
  CHECK(fresh_dump(full.server, full.disk) == before);

  full.phone.put("health", "2026-11-22", {{"steps", 10}});
  full.phone.remove("health", "2026-11-20");
  const Json after = full.phone.dump();
  full.phone.fold(false);
  CHECK(full.disk->snapshots.size() == 2);
  CHECK(full.disk->snapshots.back().pieces.size() <= 2);
  CHECK(fresh_dump(full.server, full.disk) == after);
  full.phone.fold(true);
  CHECK(full.disk->snapshots.size() == 1);

  full.phone.restart();
  CHECK(full.phone.dump() == after);
  CHECK(full.phone.ask({{"overwritten", true}}) == lost);
  REQUIRE(full.phone.sync().empty());
  CHECK(full.server.find("user_progress", Json::object())["total_completions"] == 9);
  CHECK(full.phone.rejected() == 1);
  Device fresh(full.server, "another");
  REQUIRE(fresh.sync().empty());
  CHECK(fresh.get("logs", kId) == full.phone.get("logs", kId));
}

TEST_CASE("snapshot: what changes while it is made is not in it, and not lost") {
  Full full;
  Device two(full.server, "two", full.disk);
  REQUIRE(full.phone.begin_fold(true));
  for (int step = 0; full.phone.is_folding(); ++step) {
    full.phone.go_on_folding();
    full.phone.increment("progress", "self", "totalCompletions");
    two.put("health", "2026-10-0" + std::to_string(1 + step % 9), {{"steps", step}});
    if (step == 1) full.phone.remove("logs", kId);
    if (step == 2) full.phone.put("logs", kId, kLog);
  }
  full.phone.catch_up();
  two.catch_up();
  CHECK(two.dump() == full.phone.dump());
  CHECK(fresh_dump(full.server, full.disk) == full.phone.dump());
}

TEST_CASE("snapshot: a context that slept through it goes on where it stands") {
  Full full;
  Device slept(full.server, "slept", full.disk);
  slept.holds = {Wish::kCommit};
  const Ticket waiting = slept.begin(
      Write{0, {{"increment", "progress", "self", Json::object(), "totalCompletions", 1}}});
  full.phone.put("health", "2026-11-01", {{"steps", 1}});
  full.phone.fold(false);
  full.phone.remove("health", "2026-11-01");
  full.phone.put("health", "2026-11-02", {{"steps", 2}});
  full.phone.fold(true);
  full.phone.put("health", "2026-11-03", {{"steps", 3}});
  slept.release(Wish::kCommit);
  CHECK(slept.code_of(waiting).empty());
  full.phone.catch_up();
  CHECK(slept.dump() == full.phone.dump());
  CHECK(slept.get("health", "2026-11-01").is_null());
  // Its own next snapshot holds what it missed.
  slept.fold(false);
  CHECK(fresh_dump(full.server, full.disk) == slept.dump());
}

TEST_CASE("snapshot: a context that slept through it does not turn back what others wrote") {
  Full full;
  Device slept(full.server, "slept", full.disk);
  const Json count = slept.get("progress", "self")["totalCompletions"];
  slept.holds = {Wish::kCommit};
  const Ticket flying = slept.begin(
      Write{0, {{"increment", "progress", "self", Json::object(), "totalCompletions", 1}}});
  const Ticket open =
      slept.begin(Write{0, {{"patch", "logs", kId, {{"metadata", {{"mood", "tense"}}}}, "", 1}}});
  full.phone.increment("progress", "self", "totalCompletions", 3);
  full.phone.patch("logs", kId, {{"content", "since"}});
  full.phone.fold(true);
  REQUIRE(full.disk->snapshots.back().pieces.size() > 2);
  slept.release(Wish::kCommit);
  slept.holds.clear();
  slept.pump();
  CHECK(slept.code_of(flying).empty());
  CHECK(slept.code_of(open).empty());
  full.phone.catch_up();
  for (const Device* device : {&slept, &full.phone}) {
    CHECK(device->get("progress", "self")["totalCompletions"] == count.get<int>() + 4);
    CHECK(device->get("logs", kId)["content"] == "since");
    CHECK(device->get("logs", kId)["metadata"]["mood"] == "tense");
  }
}

TEST_CASE("snapshot: of two at once the first counts") {
  Full full;
  Device two(full.server, "two", full.disk);
  REQUIRE(full.phone.begin_fold(false));
  REQUIRE(two.begin_fold(true));
  full.phone.put("health", "2026-11-01", {{"steps", 1}});
  while (two.go_on_folding()) {
  }
  while (full.phone.go_on_folding()) {
  }
  CHECK(full.disk->snapshots.size() == 1);
  full.phone.put("health", "2026-11-02", {{"steps", 2}});
  full.phone.fold(false);
  CHECK(full.disk->snapshots.size() == 2);
  CHECK(fresh_dump(full.server, full.disk) == full.phone.dump());
}

TEST_CASE("snapshot: one that is not finished is nothing") {
  Full full;
  const Json before = full.phone.dump();
  REQUIRE(full.phone.begin_fold(true));
  full.phone.go_on_folding();
  full.phone.restart();
  CHECK(full.phone.dump() == before);
  full.phone.fold(false);
  CHECK(fresh_dump(full.server, full.disk) == before);
}

TEST_CASE("snapshot: a damaged piece is told, the server fills the gap") {
  Full full;
  REQUIRE(settle_down({&full.phone}));
  const Json refused = full.phone.ask({{"rejected", true}});
  full.phone.discard_rejected(text_at(refused[0], "id"));  // it was nowhere else
  const Json before = full.phone.dump();
  full.phone.fold(true);
  for (std::size_t at = 0; at < full.disk->snapshots[0].pieces.size(); ++at) {
    CAPTURE(at);
    auto damaged = std::make_shared<Disk>(*full.disk);
    damaged->snapshots[0].pieces[at][20] ^= 1;
    ModelServer same = full.server;
    Device phone(same, "phone again", damaged);
    REQUIRE_FALSE(phone.failures.empty());
    CHECK(phone.failures[0].code == "storage-damaged");
    REQUIRE(settle_down({&phone}));
    for (const char* name : {"logs", "health", "progress"})
      CHECK(phone.dump()[name] == before[name]);
  }
}

TEST_CASE("snapshot: rows of a collection that its maker did not know are pulled again") {
  Full full;
  REQUIRE(settle_down({&full.phone}));
  full.phone.fold(true);
  auto& piece = full.disk->snapshots[0].pieces[0];
  auto entries = decode_segment(piece).value();
  auto& stood = std::get<Stood>(entries[0]);
  std::erase(stood.collections, "logs");
  for (auto& each : full.disk->snapshots[0].pieces) {
    auto some = decode_segment(each).value();
    for (Entry& entry : some) {
      if (auto* kept = std::get_if<Kept>(&entry)) {
        std::erase_if(kept->rows, [](const KeptRow& row) { return row.collection == "logs"; });
      }
      if (std::holds_alternative<Stood>(entry)) entry = stood;
    }
    each = encode_segment(some);
  }
  Device newer(full.server, "newer", full.disk);
  CHECK(newer.get("logs", kId).is_null());
  REQUIRE(settle_down({&newer}));
  CHECK(newer.get("logs", kId)["content"] == "later");
  newer.restart();
  const std::size_t segments = full.disk->segments.size();
  newer.restart();
  CHECK(full.disk->segments.size() == segments);  // once is enough
}

TEST_CASE("snapshot: a build that met rows of a collection it does not know makes none") {
  Full full;
  full.disk->segments.push_back(
      encode_segment({Wrote{{1, 1, "boot"}, {{"dreams", "k", kId, {false, {{"a", 1}}}}}}}));
  full.phone.catch_up();
  CHECK_FALSE(full.phone.begin_fold(true));
}
