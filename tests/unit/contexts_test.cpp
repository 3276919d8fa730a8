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
