// Two contexts (tabs, or a page and the worker) of one database: one journal, two engines, two
// pushers. Nothing twice, nothing lost, the same state in both.
#include <doctest/doctest.h>

#include "random_json.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const Json kLog = {{"category", "chat"}, {"content", "x"}};
const char* const kId = "11111111-1111-4111-8111-111111111111";

struct Tabs {
  ModelServer server;
  std::shared_ptr<Disk> disk = std::make_shared<Disk>();
  Device one{server, "one", disk}, two{server, "two", disk};

  void check_equal() {
    one.catch_up();
    two.catch_up();
    CHECK(one.dump() == two.dump());
  }
};

/// Two tabs that sync by themselves, the first of them elected.
struct ElectedTabs {
  ModelServer server;
  std::shared_ptr<Disk> disk = std::make_shared<Disk>();
  Device leader{server, "leader", disk, true}, other{server, "other", disk, true};

  ElectedTabs() {
    other.feed(LeaderIs{false});
    leader.feed(Poke{});
    other.catch_up();
    leader.bodies.clear();
  }
  void write(int what) {
    other.put("logs", kId, {{"category", "chat"}, {"content", std::to_string(what)}});
    leader.catch_up();
  }
};

}  // namespace

TEST_CASE("contexts: what one writes the other reads and sends") {
  Tabs tabs;
  tabs.one.put("logs", kId, kLog);
  tabs.two.catch_up();
  CHECK(tabs.two.get("logs", kId)["content"] == "x");
  CHECK(tabs.two.pending() == 1);
  REQUIRE(tabs.two.sync().empty());
  CHECK(tabs.server.size("sovereign_logs") == 1);
  tabs.check_equal();
  CHECK(tabs.one.pending() == 0);
  REQUIRE(tabs.one.sync().empty());
  CHECK(tabs.server.applied() == 1);
}

TEST_CASE("contexts: commits that cross keep both writes") {
  Tabs tabs;
  tabs.one.holds = tabs.two.holds = {Wish::kCommit};
  const Ticket first = tabs.one.begin(Write{0, {{"put", "logs", kId, kLog, "", 1}}});
  const Ticket second = tabs.two.begin(
      Write{0, {{"increment", "progress", "self", Json::object(), "totalCompletions", 1}}});
  tabs.two.begin(
      Write{0, {{"increment", "progress", "self", Json::object(), "totalCompletions", 1}}});
  tabs.one.begin(
      Write{0, {{"increment", "progress", "self", Json::object(), "totalCompletions", 1}}});
  CHECK(tabs.one.code_of(first) == "?");
  tabs.one.release(Wish::kCommit);
  tabs.two.release(Wish::kCommit);
  CHECK(tabs.one.code_of(first).empty());
  CHECK(tabs.two.code_of(second).empty());
  tabs.check_equal();
  CHECK(tabs.one.get("progress", "self")["totalCompletions"] == 3);
  CHECK(tabs.two.get("logs", kId)["content"] == "x");
  REQUIRE(settle_down({&tabs.one, &tabs.two}));
  CHECK(tabs.server.find("user_progress", {})["total_completions"] == 3);
}

TEST_CASE("contexts: both push the same outbox at once") {
  Tabs tabs;
  REQUIRE(tabs.one.sync().empty());
  tabs.one.put("logs", kId, kLog);
  tabs.one.increment("progress", "self", "totalCompletions", 5);
  tabs.two.catch_up();
  tabs.one.holds = tabs.two.holds = {Wish::kFetch};
  const Ticket first = tabs.one.begin(SyncNow{});
  const Ticket second = tabs.two.begin(SyncNow{});
  SUBCASE("one is answered first") {
    tabs.one.release(Wish::kFetch);
    tabs.two.release(Wish::kFetch);
  }
  SUBCASE("the other is answered first") {
    tabs.two.release(Wish::kFetch);
    tabs.one.release(Wish::kFetch);
  }
  CHECK(tabs.one.code_of(first).empty());
  CHECK(tabs.two.code_of(second).empty());
  tabs.check_equal();
  CHECK(tabs.one.pending() == 0);
  CHECK(tabs.server.applied() == 2);
  CHECK(tabs.server.find("user_progress", {})["total_completions"] == 5);
}

TEST_CASE("contexts: both meet the same conflict") {
  Tabs tabs;
  Device other(tabs.server, "other");
  tabs.one.put("logs", kId, kLog);
  REQUIRE(settle_down({&tabs.one, &other}));
  tabs.one.patch("logs", kId, {{"content", "mine"}});
  other.patch("logs", kId, {{"metadata", {{"a", 1}}}});
  REQUIRE(other.sync().empty());
  tabs.two.catch_up();
  tabs.one.holds = tabs.two.holds = {Wish::kFetch};
  tabs.one.begin(SyncNow{});
  tabs.two.begin(SyncNow{});
  tabs.one.release(Wish::kFetch);
  tabs.two.release(Wish::kFetch);
  tabs.check_equal();
  CHECK(tabs.one.get("logs", kId)["content"] == "mine");
  CHECK(tabs.one.get("logs", kId)["metadata"] == Json{{"a", 1}});
  CHECK(tabs.server.applied() == 3);
}

TEST_CASE("contexts: an answer that comes late does not turn a row back") {
  Tabs tabs;
  Device other(tabs.server, "other");
  tabs.one.put("logs", kId, kLog);
  REQUIRE(settle_down({&tabs.one, &other}));
  tabs.one.patch("logs", kId, {{"metadata", {{"m", 1}}}});
  tabs.two.catch_up();
  // One's answer is written (a conflict, a duplicate), then the row moves on, and two hears of
  // that before one's answer reaches the journal.
  SUBCASE("a conflict") {
    other.patch("logs", kId, {{"content", "old"}});
    REQUIRE(other.sync().empty());
  }
  SUBCASE("a duplicate") {
    tabs.one.fates = {Fate::kResponseLost};
    CHECK(tabs.one.sync() == "offline");
    tabs.two.catch_up();
  }
  tabs.one.holds = {Wish::kCommit};
  const std::size_t asked = tabs.one.bodies.size();
  const Ticket sync = tabs.one.begin(SyncNow{});
  while (tabs.one.bodies.size() == asked) REQUIRE(tabs.one.let_one(Wish::kCommit));
  CHECK(tabs.one.code_of(sync) == "?");
  REQUIRE(other.sync().empty());
  tabs.server.now += 1000;
  other.patch("logs", kId, {{"content", "new"}});
  REQUIRE(other.sync().empty());
  REQUIRE(tabs.two.sync().empty());
  tabs.one.release(Wish::kCommit);
  tabs.check_equal();
  REQUIRE(settle_down({&tabs.one, &tabs.two, &other}));
  tabs.check_equal();
  CHECK(tabs.one.get("logs", kId) == other.get("logs", kId));
  CHECK(tabs.one.get("logs", kId)["content"] == "new");
}

TEST_CASE("contexts: random work, cuts and kills in both") {
  for (int seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Random random("contexts " + std::to_string(seed));
    Tabs tabs;
    std::int64_t acknowledged = 0;
    for (int step = 0; step < 60; ++step) {
      Device& tab = below(random, 2) == 0 ? tabs.one : tabs.two;
      switch (below(random, 7)) {
        case 0:
          tab.fates = {static_cast<Fate>(below(random, 4)), static_cast<Fate>(below(random, 4))};
          [[fallthrough]];
        case 1:
          tab.sync();
          break;
        case 2:
          tab.restart();
          break;
        case 3:
          tab.catch_up();
          break;
        case 4:
          tab.put("logs", Random(std::to_string(below(random, 5))).uuid_v4(),
                  {{"category", "chat"}, {"content", std::to_string(step)}});
          break;
        default:
          if (tab.increment("progress", "self", "totalCompletions").empty()) ++acknowledged;
      }
      tabs.server.now += below(random, 2000);
    }
    tabs.one.fates.clear();
    tabs.two.fates.clear();
    REQUIRE(settle_down({&tabs.one, &tabs.two}));
    tabs.check_equal();
    CHECK(tabs.one.pending() == 0);
    CHECK(tabs.one.get("progress", "self")["totalCompletions"] == acknowledged);
    Device fresh(tabs.server, "fresh");
    REQUIRE(fresh.sync().empty());
    CHECK(fresh.dump() == tabs.one.dump());
  }
}

TEST_CASE("contexts: writes made side by side are merged, as those of two devices are") {
  Tabs tabs;
  tabs.one.put("logs", kId, kLog);
  tabs.one.put("path", "self", {{"katas", Json::array({{{"id", "a"}}})}});
  tabs.two.catch_up();
  const std::string first(90, '1'), second(90, '2');
  const auto write = [](Device& tab, const char* kata, const std::string& text, const char* day) {
    tab.batch({{"put", "path", "self", {{"katas", {{{"id", "a"}}, {{"id", kata}}}}}, "", 1},
               {"put", "logs", kId, {{"content", text}}, "", 1},
               {"put", "progress", "self", {{"completedDays", Json::array({{day, day}})}}, "", 1}});
  };
  // Neither has heard of the other: as when both wrote within the same moment.
  write(tabs.one, "b", first, "2026-11-20");
  tabs.server.now += 10;
  write(tabs.two, "c", second, "2026-11-22");
  tabs.check_equal();
  CHECK(tabs.one.get("path", "self")["katas"].size() == 3);
  CHECK(tabs.one.get("progress", "self")["completedDays"].size() == 2);
  CHECK(tabs.one.get("logs", kId)["content"] == second);
  const Json kept = tabs.one.ask({{"overwritten", true}});
  REQUIRE(kept.size() == 1);
  CHECK(kept[0]["text"] == first);
  REQUIRE(settle_down({&tabs.one, &tabs.two}));
  tabs.check_equal();
  CHECK(tabs.server.find("sovereign_path_data", Json::object())["katas"].size() == 3);
}

TEST_CASE("contexts: an edit in one tab of a row deleted in the other, the later one wins") {
  for (const bool edit_is_later : {true, false}) {
    CAPTURE(edit_is_later);
    Tabs tabs;
    tabs.one.put("logs", kId, kLog);
    REQUIRE(settle_down({&tabs.one, &tabs.two}));
    const auto edit = [&] { tabs.two.patch("logs", kId, {{"metadata", {{"m", 1}}}}); };
    // Held back, so that the deletion comes first in the journal and the edit may be the older one.
    tabs.two.holds = {Wish::kCommit};
    if (!edit_is_later) edit();
    tabs.server.now += 1000;
    tabs.one.remove("logs", kId);
    tabs.server.now += 1000;
    if (edit_is_later) edit();
    tabs.two.release(Wish::kCommit);
    REQUIRE(settle_down({&tabs.one, &tabs.two}));
    tabs.check_equal();
    const Json row = tabs.one.get("logs", kId);
    CHECK(row.is_null() != edit_is_later);
    if (edit_is_later) CHECK(row["content"] == "x");
    CHECK(tabs.server.size("sovereign_logs") == (edit_is_later ? 1 : 0));
  }
}

TEST_CASE(
    "contexts: an edit of a row that the other tab took away without a trace says all of it") {
  Tabs tabs;
  REQUIRE(tabs.one.sync().empty());
  const std::string day = "2026-11-20";
  tabs.one.batch({{"put", "logs", kId, kLog, "", 1},
                  {"put", "health", day, {{"steps", 3}, {"sleepHours", 7}}, "", 1},
                  {"put", "progress", "self", {{"totalCompletions", 4}}, "", 1},
                  {"put", "cosmic", day, {{"astronomy", {{"moon", 1}}}}, "", 1}});
  bool was_sent = false;
  SUBCASE("never sent: nobody else knows that it was there") { tabs.two.catch_up(); }
  SUBCASE("sent, and deleted by another device") {
    was_sent = true;
    REQUIRE(settle_down({&tabs.one, &tabs.two}));
  }
  tabs.two.holds = {Wish::kCommit};
  // Two edits of one row in one write, and more in the next: each on what the first one makes.
  const Ticket edited = tabs.two.begin(
      Write{0,
            {{"patch", "logs", kId, {{"metadata", {{"m", 1}}}}, "", 1},
             {"patch", "logs", kId, {{"content", "edited"}}, "", 1},
             {"patch", "health", day, {{"steps", 9}}, "", 1},
             {"patch", "cosmic", day, {{"location", {{"lat", 1}}}}, "", 1},
             {"increment", "progress", "self", Json::object(), "totalCompletions", 1},
             {"increment", "progress", "self", Json::object(), "totalCompletions", 1}}});
  tabs.two.begin(
      Write{0, {{"increment", "progress", "self", Json::object(), "totalCompletions", 1}}});
  if (was_sent) {
    for (const char* table :
         {"sovereign_logs", "health_metrics_history", "user_progress", "cosmic_data_cache"}) {
      tabs.server.remove(table, text_at(tabs.server.find(table, Json::object()), "id"));
    }
    REQUIRE(tabs.one.sync().empty());
  } else {
    tabs.one.batch({{"remove", "logs", kId, Json::object(), "", 1},
                    {"remove", "health", day, Json::object(), "", 1},
                    {"remove", "cosmic", day, Json::object(), "", 1},
                    {"remove", "progress", "self", Json::object(), "", 1}});
  }
  REQUIRE(tabs.one.get("logs", kId).is_null());
  tabs.two.release(Wish::kCommit);
  REQUIRE(tabs.two.code_of(edited).empty());
  tabs.check_equal();
  REQUIRE(settle_down({&tabs.one, &tabs.two}));
  tabs.check_equal();
  CHECK(tabs.two.rejected() == 0);
  const Json log = tabs.one.get("logs", kId);
  CHECK(log["category"] == "chat");
  CHECK(log["content"] == "edited");
  CHECK(log["metadata"] == Json{{"m", 1}});
  const Json health = tabs.one.get("health", day);
  CHECK(health["steps"] == 9);
  CHECK(health["sleepHours"] == 7);
  CHECK(tabs.one.get("progress", "self")["totalCompletions"] == 7);
  CHECK(tabs.one.get("cosmic", day).is_null());  // of a cache the deletion wins
  Device fresh(tabs.server, "fresh");
  REQUIRE(fresh.sync().empty());
  CHECK(fresh.dump() == tabs.one.dump());
}

TEST_CASE("contexts: a mutation that one dropped and the other sent after all is heard of") {
  Tabs tabs;
  Device other(tabs.server, "other");
  const std::string day = "2026-11-20";
  REQUIRE(tabs.one.sync().empty());
  tabs.one.put("health", day, {{"steps", 3}});
  tabs.two.catch_up();
  tabs.one.holds = tabs.two.holds = {Wish::kFetch};
  tabs.one.begin(SyncNow{});
  tabs.two.begin(SyncNow{});
  REQUIRE(tabs.two.wants(Wish::kFetch));
  tabs.server.now += 1000;
  other.put("health", day, {{"steps", 7}});
  REQUIRE(other.sync().empty());
  tabs.one.release(Wish::kFetch);  // a conflict: the other's is later, nothing is left to say
  CHECK(tabs.one.get("health", day)["steps"] == 7);
  tabs.server.remove("health_metrics_history",
                     text_at(tabs.server.find("health_metrics_history", {{"date", day}}), "id"));
  tabs.two.release(Wish::kFetch);  // finds no row, and makes it
  REQUIRE(tabs.server.find("health_metrics_history", {{"date", day}})["steps"] == 3);
  REQUIRE(settle_down({&tabs.one, &tabs.two, &other}));
  tabs.check_equal();
  CHECK(tabs.one.get("health", day)["steps"] == 3);
  CHECK(other.get("health", day)["steps"] == 3);
}

TEST_CASE("contexts: a first answer from after a deletion was forgotten does not hide it") {
  Tabs tabs;
  tabs.server.write("sovereign_logs", kId, kLog);
  tabs.two.holds = {Wish::kFetch};
  tabs.two.begin(SyncNow{});
  REQUIRE(tabs.one.sync().empty());
  REQUIRE(tabs.one.get("logs", kId)["content"] == "x");
  tabs.server.remove("sovereign_logs", kId);
  tabs.server.forget_tombstones();
  tabs.two.release(Wish::kFetch);  // of a device without rows: nothing has to be named as deleted
  REQUIRE(settle_down({&tabs.one, &tabs.two}));
  tabs.check_equal();
  CHECK(tabs.one.get("logs", kId).is_null());
}

TEST_CASE("contexts: two first answers of two servers, with a restored backup between them") {
  Tabs tabs;
  const ModelServer backup = tabs.server;
  tabs.server.write("sovereign_logs", kId, {{"category", "chat"}, {"content", "lost"}});
  tabs.two.holds = {Wish::kAnswer};
  tabs.two.begin(SyncNow{});
  tabs.server = backup;
  tabs.server.epoch = "e0000000-0000-4000-8000-000000000002";
  tabs.server.write("sovereign_logs", kId, {{"category", "chat"}, {"content", "now"}});
  REQUIRE(tabs.one.sync().empty());
  tabs.two.release(Wish::kAnswer);
  REQUIRE(settle_down({&tabs.one, &tabs.two}));
  tabs.check_equal();
  CHECK(tabs.one.get("logs", kId)["content"] == "now");
}

TEST_CASE("contexts: a text that is edited over while something newer hides it is kept") {
  Tabs tabs;
  const std::string hidden(90, 'h');
  tabs.one.put("logs", kId, {{"category", "chat"}, {"content", hidden}});
  tabs.server.now += 1000;
  tabs.server.write("sovereign_logs", kId, {{"category", "chat"}, {"content", "newer"}});
  tabs.two.catch_up();
  tabs.two.holds = {Wish::kAnswer, Wish::kCommit};
  tabs.two.begin(SyncNow{});
  REQUIRE(tabs.two.let_one(Wish::kAnswer));
  tabs.two.dies = true;
  REQUIRE(tabs.two.let_one(Wish::kCommit));
  tabs.one.catch_up();
  REQUIRE(tabs.one.get("logs", kId)["content"] == "newer");
  tabs.one.patch("logs", kId, {{"content", "newest"}});
  const Json kept = tabs.one.ask({{"overwritten", true}});
  REQUIRE(kept.size() == 1);
  CHECK(kept[0]["text"] == hidden);
}

TEST_CASE(
    "contexts: lost texts are kept for 90 days of the server, whatever the device's clock says") {
  for (const Ms years : {-2, 2}) {
    CAPTURE(years);
    Tabs tabs;
    constexpr Ms kDay = 24LL * 3'600'000;
    tabs.one.wall_skew = tabs.two.wall_skew = years * 365 * kDay;
    tabs.one.put("logs", kId, {{"category", "chat"}, {"content", std::string(90, '1')}});
    tabs.two.put("logs", kId, {{"category", "chat"}, {"content", std::string(90, '2')}});
    REQUIRE(settle_down({&tabs.one, &tabs.two}));
    CHECK(tabs.one.ask({{"overwritten", true}}).size() == 1);
    tabs.server.now += 89 * kDay;
    REQUIRE(settle_down({&tabs.one, &tabs.two}));
    CHECK(tabs.one.ask({{"overwritten", true}}).size() == 1);
    tabs.server.now += 2 * kDay;
    REQUIRE(settle_down({&tabs.one, &tabs.two}));
    CHECK(tabs.one.ask({{"overwritten", true}}).empty());
  }
}

TEST_CASE("contexts: the leader sends what another wrote, after a quiet time, once") {
  ElectedTabs tabs;
  tabs.write(1);
  tabs.leader.wait(400);
  CHECK(tabs.leader.bodies.empty());
  tabs.leader.wait(200);
  CHECK(tabs.leader.bodies.size() == 1);
  CHECK(tabs.leader.pending() == 0);
  tabs.other.catch_up();
  CHECK(tabs.other.pending() == 0);
  tabs.leader.wait(60'000);
  CHECK(tabs.leader.bodies.size() == 1);
  for (int i = 0; i < 24; ++i) {  // 4.8 s of typing
    tabs.write(i);
    tabs.leader.wait(200);
  }
  CHECK(tabs.leader.bodies.size() == 1);
  tabs.write(24);
  tabs.leader.wait(300);
  CHECK(tabs.leader.bodies.size() == 2);
  CHECK(tabs.other.bodies.empty());
}

TEST_CASE("contexts: the leader sends what it finds when it takes over or starts") {
  ElectedTabs tabs;
  tabs.other.put("logs", kId, kLog);
  tabs.leader.kill();
  tabs.other.feed(LeaderIs{true});
  tabs.other.wait(600);
  CHECK(tabs.server.applied() == 1);
  tabs.other.feed(LeaderIs{false});
  tabs.other.put("logs", kId, {{"content", "y"}});
  tabs.leader.open();
  tabs.leader.feed(Poke{});
  CHECK(tabs.server.applied() == 2);
}

TEST_CASE("contexts: what another context is sending is left to it, unless it stops") {
  ElectedTabs tabs;
  tabs.write(1);
  tabs.other.holds = {Wish::kFetch};
  tabs.other.begin(SyncNow{});
  tabs.leader.catch_up();
  tabs.leader.wait(2000);
  CHECK(tabs.leader.bodies.empty());
  SUBCASE("it is answered") {
    tabs.other.release(Wish::kFetch);
    tabs.leader.catch_up();
    tabs.leader.wait(60'000);
    CHECK(tabs.leader.bodies.empty());
  }
  SUBCASE("it is killed") {
    tabs.other.kill();
    tabs.leader.wait(60'000);
    CHECK(tabs.leader.bodies.size() == 1);
  }
  CHECK(tabs.leader.pending() == 0);
  CHECK(tabs.server.applied() == 1);
}

TEST_CASE("contexts: an answer to one tells the others that the server can be reached") {
  ElectedTabs tabs;
  tabs.leader.offline = true;
  tabs.write(1);
  tabs.leader.wait(1000);
  CHECK(tabs.leader.state() == "offline");
  REQUIRE(tabs.other.sync().empty());
  tabs.leader.catch_up();
  CHECK(tabs.leader.state() == "idle");
  const std::size_t asked = tabs.leader.bodies.size();
  tabs.leader.wait(600'000);
  CHECK(tabs.leader.bodies.size() == asked);
}
