// A backup written by one device and read by another, or by the same one later: merged by the rules
// of the fields, counted once, the same however often and in whatever order.
#include "support/backup.hpp"

#include <doctest/doctest.h>

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const char* const kOther = "22222222-2222-4222-8222-222222222222";
const Json kLog = {{"category", "chat"}, {"content", "x"}, {"metadata", {{"mood", "calm"}}}};
const std::string kLong(100, 'l');
constexpr Ms kDay = 24LL * 60 * 60 * 1000;

Json days(const char* first, const char* last) {
  return {{"completedDays", Json::array({Json::array({first, last})})}};
}

Json exported(Device& device) {
  CHECK(device.code_of(device.begin(Export{})).empty());
  return told_by(device);
}

/// How many rows it changed.
std::int64_t import(Device& device, const Json& backup) {
  const Ticket ticket = device.begin(Import{0, rows_of(backup), backup["overwritten"]});
  REQUIRE(device.code_of(ticket).empty());
  const Json& report = device.settled[ticket].report;
  return report["written"];
}

struct World {
  ModelServer server;
  Device phone{server, "phone"}, laptop{server, "laptop"};

  void meet(Device& first, Device& second) {
    REQUIRE(settle_down({&first, &second}));
    CHECK(first.dump() == second.dump());
    Device fresh(server, "fresh");
    REQUIRE(fresh.sync().empty());
    CHECK(fresh.dump() == first.dump());
  }
  void meet() { meet(phone, laptop); }
  void complete(Device& device, int times = 1) {
    for (int i = 0; i < times; ++i) {
      REQUIRE(device.increment("progress", "self", "totalCompletions").empty());
    }
  }
  [[nodiscard]] Json total() const {
    return server.find("user_progress", Json::object())["total_completions"];
  }
  void fill(Device& device) {
    complete(device, 10);
    REQUIRE(device.patch("progress", "self", days("2026-11-20", "2026-11-21")).empty());
    device.put("logs", kId, kLog);
    device.put("achievements", "first", {{"unlocked", true}, {"progress", 3}});
    device.put("path", "self", {{"oejtsAnswers", {{{"questionId", "q1"}, {"value", 1}}}}});
    device.put("embeddings", kOther,
               {{"content", "x"}, {"metadata", Json::object()}, {"embedding", {0.5, -0.25}}});
    device.put("cosmic", "2026-11-21", {{"astronomy", {{"moon", 1}}}});
    device.put("health", "2026-11-21", {{"steps", 5}, {"sleepHours", 7.25}});
  }
};

}  // namespace

TEST_CASE("backup: wiped, it comes back; before and after the first pull; twice") {
  for (const bool is_synced : {true, false}) {
    for (const bool pulls_first : {true, false}) {
      CAPTURE(is_synced);
      CAPTURE(pulls_first);
      World world;
      world.fill(world.phone);
      if (is_synced) REQUIRE(world.phone.sync().empty());
      const Json before = world.phone.dump();
      const Json backup = exported(world.phone);
      CHECK(import(world.phone, backup) == 0);

      Device again(world.server, "again");
      if (pulls_first) REQUIRE(again.sync().empty());
      const std::int64_t written = import(again, backup);
      CHECK((written > 0) == !(is_synced && pulls_first));
      CHECK(import(again, backup) == 0);
      again.restart();
      CHECK(import(again, backup) == 0);
      again.fold(true);
      again.restart();
      CHECK(import(again, backup) == 0);
      REQUIRE(again.sync().empty());
      CHECK(import(again, backup) == 0);
      again.keep_vectors();
      REQUIRE(world.phone.sync().empty());
      CHECK(again.get("progress", "self")["totalCompletions"] == 10);
      world.meet(world.phone, again);
      CHECK(world.total() == 10);
      CHECK(again.rejected() == 0);
      for (const std::string& collection : kCollections) {
        CHECK(again.ask({{"size", true}, {"collection", collection}}) ==
              world.phone.ask({{"size", true}, {"collection", collection}}));
      }
      CHECK(import(world.phone, backup) == 0);
      CHECK(import(again, backup) == 0);
    }
  }
}

TEST_CASE(
    "backup: beside a device that still pushes the original, in any order, nothing counts twice") {
  for (const int order : {0, 1, 2, 3}) {
    for (const bool is_sent : {false, true}) {
      CAPTURE(order);
      CAPTURE(is_sent);
      World world;
      world.fill(world.phone);
      world.meet();
      world.complete(world.phone);
      if (is_sent) {  // applied, and nobody here heard of it; then more
        world.phone.fates = {Fate::kResponseLost};
        REQUIRE(world.phone.sync() == "offline");
        world.complete(world.phone);
      }
      REQUIRE(world.phone.patch("progress", "self", days("2026-11-22", "2026-11-22")).empty());
      world.phone.patch("logs", kId, {{"content", "edited"}});
      const Json first = exported(world.phone);
      world.complete(world.phone, 2);
      const Json second = exported(world.phone);
      const Json want = is_sent ? 14 : 13;

      CHECK(import(world.laptop, first) > 0);
      CHECK(import(world.laptop, second) > 0);
      CHECK(import(world.laptop, second) == 0);
      CHECK(import(world.laptop, first) == 0);
      if (order == 0) REQUIRE(world.laptop.sync().empty());
      if (order == 1) REQUIRE(world.phone.sync().empty());
      if (order == 2) {
        world.laptop.fates = {Fate::kResponseLost, Fate::kResponseLost};
        world.laptop.sync();
        world.phone.sync();
        world.laptop.fates.clear();
      }
      if (order == 3) world.phone.fates = {Fate::kResponseLost};
      if (order == 3) world.phone.sync();
      world.meet();
      CHECK(world.total() == want);
      CHECK(world.laptop.get("logs", kId)["content"] == "edited");
      CHECK(import(world.laptop, second) == 0);
      CHECK(import(world.phone, first) == 0);
      world.meet();
      CHECK(world.total() == want);
    }
  }
}

TEST_CASE(
    "backup: a count that went up since then does not show once more, not even for a moment") {
  World world;
  world.complete(world.phone, 10);
  world.meet();
  world.complete(world.phone);
  const Json backup = exported(world.phone);
  world.meet();
  Device again(world.server, "again");
  REQUIRE(again.sync().empty());
  CHECK(import(again, backup) == 0);
  CHECK(again.get("progress", "self")["totalCompletions"] == 11);
}

TEST_CASE("backup: a mutation that meets a conflict after it was told still counts once") {
  for (const int order : {0, 1, 2}) {
    CAPTURE(order);
    World world;
    world.fill(world.phone);
    Device tablet(world.server, "tablet");
    REQUIRE(settle_down({&world.phone, &world.laptop, &tablet}));
    world.phone.increment("progress", "self", "totalCompletions", 1,
                          days("2026-11-18", "2026-11-18"));
    world.phone.fates = {Fate::kRequestLost};
    REQUIRE(world.phone.sync() == "offline");  // it is under way, with its days
    world.complete(world.phone, 2);
    const Json backup = exported(world.phone);
    tablet.increment("progress", "self", "totalCompletions", 1, days("2026-11-19", "2026-11-19"));
    REQUIRE(tablet.sync().empty());
    import(world.laptop, backup);
    if (order == 0) REQUIRE(world.phone.sync().empty());
    if (order == 1) REQUIRE(world.laptop.sync().empty());
    if (order == 2) {
      world.phone.fates = {Fate::kAnswered, Fate::kResponseLost};
      world.phone.sync();
      world.phone.fates.clear();
      REQUIRE(world.laptop.sync().empty());
    }
    world.meet();
    CHECK(world.total() == 14);
    CHECK(world.phone.get("progress", "self")["completedDays"] ==
          Json::array({Json::array({"2026-11-18", "2026-11-21"})}));
    CHECK(import(world.phone, backup) == 0);
    CHECK(import(world.laptop, backup) == 0);
  }
}

TEST_CASE(
    "backup: the device is lost, and its unsent work goes up from the backup; others counted too") {
  World world;
  world.fill(world.phone);
  world.meet();
  world.complete(world.phone, 2);
  world.phone.patch("logs", kId, {{"metadata", {{"mood", "bright"}}}});
  world.phone.remove("health", "2026-11-21");
  world.phone.put("logs", kOther, kLog);
  const Json backup = exported(world.phone);
  world.complete(world.laptop, 3);
  REQUIRE(world.laptop.sync().empty());

  Device again(world.server, "again");
  SUBCASE("offline") {}
  SUBCASE("after the first pull") { REQUIRE(again.sync().empty()); }
  CHECK(import(again, backup) > 0);
  world.complete(again);
  world.meet(again, world.laptop);
  CHECK(world.total() == 16);
  CHECK(again.get("logs", kId)["metadata"]["mood"] == "bright");
  CHECK(again.get("logs", kOther)["content"] == "x");
  CHECK(again.get("health", "2026-11-21").is_null());
}

TEST_CASE("backup: an old one takes nothing back") {
  World world;
  world.fill(world.phone);
  world.phone.put("logs", kOther, kLog);
  world.meet();
  const Json backup = exported(world.phone);
  world.server.now += kDay;
  world.complete(world.laptop);
  world.laptop.patch("logs", kId, {{"content", "newer"}, {"metadata", {{"mood", "new"}}}});
  world.laptop.remove("logs", kOther);
  world.meet();
  const Json before = world.phone.dump();

  import(world.phone, backup);
  import(world.laptop, backup);
  Device again(world.server, "again");
  import(again, backup);
  REQUIRE(settle_down({&again, &world.phone, &world.laptop}));
  world.meet(again, world.phone);
  world.meet();
  // The server knows that it was deleted, and that the newer edit is newer.
  CHECK(world.phone.dump() == before);
}

TEST_CASE("backup: what was undone here since, and not sent yet, is not done again") {
  World world;
  world.phone.put("path", "self", {{"katas", {{{"id", "k1"}}, {{"id", "k2"}}}}});
  world.phone.put("logs", kId, kLog);
  world.meet();
  const Json backup = exported(world.phone);
  world.phone.patch("path", "self", {{"katas", {{{"id", "k2"}}}}});
  world.phone.patch("logs", kId, {{"metadata", Json::object()}});
  CHECK(import(world.phone, backup) == 0);
  world.meet();
  CHECK(world.laptop.get("path", "self")["katas"].size() == 1);
  CHECK(world.laptop.get("logs", kId)["metadata"] == Json::object());
}

TEST_CASE("backup: what was deleted here and not sent yet goes by the clocks") {
  World world;
  world.fill(world.phone);
  world.meet();
  const Json old = exported(world.phone);
  world.laptop.patch("logs", kId, {{"content", "before"}});
  const Json edited_before = exported(world.laptop);
  world.server.now += 60'000;
  world.phone.remove("logs", kId);
  world.server.now += 60'000;
  world.laptop.patch("logs", kId, {{"content", "after"}});
  const Json edited_after = exported(world.laptop);

  CHECK(import(world.phone, old) == 0);
  CHECK(import(world.phone, edited_before) == 0);
  CHECK(world.phone.get("logs", kId).is_null());
  CHECK(import(world.phone, edited_after) == 1);
  CHECK(world.phone.get("logs", kId)["content"] == "after");
  world.meet();
  CHECK(world.laptop.get("logs", kId)["content"] == "after");
}

TEST_CASE("backup: a server that lost everything gets it back, caches and vectors too") {
  World world;
  world.fill(world.phone);
  world.meet();
  const Json backup = exported(world.phone);
  ModelServer empty;
  empty.now = world.server.now;
  Device fresh(empty, "fresh");
  REQUIRE(fresh.sync().empty());
  import(fresh, backup);
  REQUIRE(fresh.sync().empty());
  CHECK(fresh.dump() == world.phone.dump());
  CHECK(fresh.rejected() == 0);
  Device other(empty, "other");
  REQUIRE(other.sync().empty());
  CHECK(other.dump() == fresh.dump());
}

TEST_CASE("backup: of counts the larger stays, whoever else counts meanwhile") {
  World world;
  world.complete(world.phone, 15);
  world.meet();
  const Json backup = exported(world.phone);
  ModelServer older;  // knows only of ten
  older.now = world.server.now;
  Device laptop(older, "laptop"), tablet(older, "tablet");
  world.complete(laptop, 10);
  REQUIRE(settle_down({&laptop, &tablet}));
  import(laptop, backup);
  CHECK(laptop.get("progress", "self")["totalCompletions"] == 15);
  world.complete(tablet);
  REQUIRE(tablet.sync().empty());
  world.complete(laptop);
  REQUIRE(settle_down({&laptop, &tablet}));
  CHECK(laptop.dump() == tablet.dump());
  CHECK(tablet.get("progress", "self")["totalCompletions"] == 16);
}

TEST_CASE("backup: a count that is set keeps its name too") {
  for (const bool laptop_first : {true, false}) {
    World world;
    world.complete(world.phone, 10);
    world.meet();
    world.phone.put("progress", "self", {{"totalCompletions", 50}});
    world.complete(world.phone);
    const Json backup = exported(world.phone);
    import(world.laptop, backup);
    CHECK(world.laptop.get("progress", "self")["totalCompletions"] == 51);
    if (laptop_first) REQUIRE(world.laptop.sync().empty());
    world.meet();
    CHECK(world.total() == 51);
  }
}

TEST_CASE("backup: older than the ledger, what may have been counted is not counted again") {
  World world;
  world.complete(world.phone, 10);
  world.meet();
  world.complete(world.phone);
  const Json backup = exported(world.phone);
  world.meet();
  world.complete(world.laptop);
  world.meet();
  world.server.now += 8 * kDay;
  world.server.purge_ledger();
  Device again(world.server, "again");
  REQUIRE(again.sync().empty());
  CHECK(import(again, backup) == 0);
  CHECK(import(world.laptop, backup) == 0);
  world.meet(again, world.laptop);
  CHECK(world.total() == 12);
}

TEST_CASE("backup: refused work is told, and tried again elsewhere") {
  World world;
  world.fill(world.phone);
  world.meet();
  world.server.refuses = [](const std::string&, const Json& row) -> std::optional<Error> {
    if (at(row, "content") == "bad") return Error{"23514", "no"};
    return std::nullopt;
  };
  world.phone.patch("logs", kId, {{"content", "bad"}});
  REQUIRE(world.phone.sync().empty());
  const Json backup = exported(world.phone);
  REQUIRE(backup["pending"].size() == 1);
  CHECK(backup["pending"][0]["state"] == "rejected");
  CHECK(backup["pending"][0]["code"] == "23514");
  CHECK(import(world.phone, backup) == 0);
  CHECK(import(world.laptop, backup) == 1);
  REQUIRE(world.laptop.sync().empty());
  CHECK(world.laptop.rejected() == 1);
  CHECK(import(world.laptop, backup) == 0);

  // An import on a refused row gives it another try; what was refused is not forgotten over it.
  world.complete(world.phone);
  Device tablet(world.server, "tablet");
  REQUIRE(tablet.sync().empty());
  world.server.now += 1000;
  tablet.patch("logs", kId, {{"metadata", {{"mood", "bright"}}}});
  CHECK(import(world.laptop, exported(tablet)) == 1);
  REQUIRE(world.laptop.sync().empty());
  CHECK(world.laptop.rejected() == 1);
  CHECK(world.laptop.get("logs", kId)["content"] == "bad");
  CHECK(world.laptop.get("logs", kId)["metadata"]["mood"] == "bright");
}

TEST_CASE("backup: texts that lost come along, once, and age as they would have") {
  World world;
  world.phone.put("logs", kId, kLog);
  world.meet();
  world.phone.patch("logs", kId, {{"content", kLong}});
  world.server.now += 1000;
  world.laptop.patch("logs", kId, {{"content", "newer"}});
  world.meet();
  const Json backup = exported(world.laptop);
  REQUIRE(backup["overwritten"].size() == 1);
  Device again(world.server, "again");
  REQUIRE(again.sync().empty());
  CHECK(import(again, backup) == 0);
  CHECK(import(again, backup) == 0);
  CHECK(again.ask({{"overwritten", true}}) == world.laptop.ask({{"overwritten", true}}));
  CHECK(again.ask({{"overwritten", true}}).size() == 1);
  world.server.now += 91 * kDay;
  Device late(world.server, "late");
  REQUIRE(late.sync().empty());
  import(late, backup);
  CHECK(late.ask({{"overwritten", true}}).empty());
}

TEST_CASE("backup: killed in the middle, imported again") {
  World world;
  world.fill(world.phone);
  world.meet();
  world.complete(world.phone);
  const Json backup = exported(world.phone);
  for (const std::size_t rows : {1, 3, 6}) {
    Device again(world.server, "again");
    Json some = Json::array();
    for (const Json& row : rows_of(backup)) {
      if (some.size() < rows) some.push_back(row);
    }
    again.begin(Import{0, some, Json::array()});
    again.restart();
    if (rows == 3) REQUIRE(again.sync().empty());
    import(again, backup);
    CHECK(import(again, backup) == 0);
    world.meet(again, world.laptop);
    CHECK(world.total() == 11);
  }
}

TEST_CASE("backup: two contexts of one database import the same at once") {
  World world;
  world.fill(world.phone);
  world.meet();
  world.complete(world.phone);
  const Json backup = exported(world.phone);
  const auto disk = std::make_shared<Disk>();
  Device tab(world.server, "tab", disk), other(world.server, "other", disk);
  tab.holds = {Wish::kCommit};
  tab.begin(Import{0, rows_of(backup), Json::array()});
  import(other, backup);
  tab.holds = {};
  tab.release(Wish::kCommit);
  tab.pump();
  other.catch_up();
  CHECK(tab.get("progress", "self")["totalCompletions"] == 11);
  CHECK(tab.dump() == other.dump());
  REQUIRE(tab.sync().empty());
  REQUIRE(world.laptop.sync().empty());
  CHECK(world.total() == 11);
}

TEST_CASE("backup: a log under another id than here is the same log") {
  World world;
  Json twin = kLog;
  twin["metadata"] = {{"messageId", "m1"}};
  world.phone.put("logs", kId, twin);
  const Json backup = exported(world.phone);
  twin["content"] = "newer";
  world.server.now += 1000;
  world.laptop.put("logs", kOther, twin);
  import(world.laptop, backup);
  CHECK(world.laptop.ask({{"size", true}, {"collection", "logs"}}) == 1);
  CHECK(world.laptop.get("logs", kId) == world.laptop.get("logs", kOther));
  CHECK(world.laptop.get("logs", kId)["content"] == "newer");
  REQUIRE(world.laptop.sync().empty());
  REQUIRE(settle_down({&world.phone, &world.laptop}));
  CHECK(world.phone.ask({{"size", true}, {"collection", "logs"}}) == 1);
}

TEST_CASE("backup: whatever it holds, reading it breaks nothing") {
  World world;
  world.fill(world.phone);
  world.meet();
  const Json before = world.phone.dump();
  const Json odd[] = {
      Json(nullptr),
      1,
      "x",
      Json::array(),
      Json{{"collection", "logs"}},
      Json{{"collection", "logs"}, {"row", {{"id", 1}}}},
      Json{{"collection", "logs"}, {"row", {{"id", kId}, {"$sync", {{"clocks", 7}, {"id", 3}}}}}},
      Json{{"collection", "progress"},
           {"unsent", {{{"counts", {{"totalCompletions", {{"add", "x"}, {"clock", 1}}}}}}}}},
      Json{{"collection", "auth"}, {"row", {{"session", 1}}}}};
  for (const Json& each : odd) {
    CAPTURE(each.dump());
    world.phone.begin(Import{0, Json::array({each}), Json::array({each})});
  }
  CHECK(world.phone.get("auth", "self").is_null());
  REQUIRE(world.phone.sync().empty());
}
