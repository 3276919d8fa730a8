// The sync run: how many requests it takes, who shares it, when it starts by itself.
#include <doctest/doctest.h>

#include "base/uuid.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const Json kLog = {{"category", "chat"}, {"content", "x"}};

std::size_t pushes(const ModelServer& server) {
  std::size_t count = 0;
  for (const auto& call : server.calls) count += call.pushed > 0 ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("run: 1,000 rows go up in three requests, 10,000 come down in four") {
  ModelServer server;
  Device phone(server, "phone");
  Random random("ids");
  for (int i = 0; i < 1000; ++i) phone.put("logs", random.uuid_v4(), kLog);
  REQUIRE(phone.sync().empty());
  CHECK(phone.bodies.size() <= 3);
  CHECK(server.size("sovereign_logs") == 1000);
  CHECK(phone.last_report["pushed"] == 1000);
  CHECK(phone.last_report["requests"] == phone.bodies.size());
  for (int i = 0; i < 9000; ++i) {
    server.write("sovereign_logs", random.uuid_v4(), {{"category", "chat"}, {"content", "x"}});
  }
  Device laptop(server, "laptop");
  REQUIRE(laptop.sync().empty());
  CHECK(laptop.bodies.size() <= 4);
  CHECK(laptop.last_report["pulled"] == 10'000);
  CHECK(laptop.ask({{"collection", "logs"}, {"size", true}}) == 10'000);
  const std::size_t asked = laptop.bodies.size();
  REQUIRE(laptop.sync().empty());
  CHECK(laptop.bodies.size() == asked + 1);
  CHECK(laptop.last_report["pulled"] == 0);
}

TEST_CASE("run: a page too small for one push still ends") {
  ModelServer server;
  server.page_max = 3;
  Device phone(server, "phone"), laptop(server, "laptop");
  for (int i = 0; i < 20; ++i) phone.put("achievements", std::to_string(i), {{"progress", i}});
  REQUIRE(settle_down({&phone, &laptop}));
  CHECK(phone.dump() == laptop.dump());
}

/// Has the phone told the next answer in two pieces: its first row, then the rest.
void cut_next_answer(Device& phone) {
  phone.spoil = [&phone](const std::string& answer) {
    phone.spoil = nullptr;
    Json rest = Json::parse(answer);
    Json first = rest;
    Json& rows = rest["rows"]["sovereign_logs"];
    first["rows"]["sovereign_logs"] = Json::array({rows[0]});
    first["cursor"] = rows[0]["version"];
    first["more"] = true;
    rows.erase(rows.begin());
    phone.canned.push_back({0, 200, rest.dump(), "", 0, 0, true});
    return first.dump();
  };
}

TEST_CASE("run: a piece of an answer is no request, and says nothing newer than the answer did") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  Random random("ids");
  for (int i = 0; i < 3; ++i) laptop.put("logs", random.uuid_v4(), kLog);
  REQUIRE(laptop.sync().empty());
  cut_next_answer(phone);
  const auto size = [&] { return phone.ask({{"collection", "logs"}, {"size", true}}); };
  SUBCASE("nobody else asks") {
    REQUIRE(phone.sync().empty());
    CHECK(phone.bodies.size() == 2);
    CHECK(phone.last_report["requests"] == 1);
    CHECK(phone.last_report["pulled"] == 3);
    CHECK(size() == 3);
  }
  SUBCASE("a caller who comes between the pieces has the server asked") {
    phone.holds = {Wish::kCommit};
    phone.begin(SyncNow{});
    while (size() == 0) REQUIRE(phone.let_one(Wish::kCommit));
    laptop.put("logs", random.uuid_v4(), kLog);
    REQUIRE(laptop.sync().empty());
    const Ticket second = phone.begin(SyncNow{});
    phone.release(Wish::kCommit);
    CHECK(phone.code_of(second).empty());
    CHECK(phone.last_report["requests"] == 2);
    CHECK(size() == 4);
  }
}

TEST_CASE("run: acknowledgements that a piece answered are told again") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  Random random("ids");
  REQUIRE(phone.sync().empty());
  phone.put("logs", random.uuid_v4(), kLog);
  for (int i = 0; i < 3; ++i) laptop.put("logs", random.uuid_v4(), kLog);
  REQUIRE(laptop.sync().empty());
  cut_next_answer(phone);
  REQUIRE(phone.sync().empty());
  REQUIRE(phone.bodies.size() == 3);
  const auto acks_in = [&](std::size_t i) {
    return Json::parse(phone.bodies[i])["request"]["acks"];
  };
  REQUIRE(acks_in(2).size() == 1);
  REQUIRE(phone.sync().empty());
  CHECK(acks_in(3) == acks_in(2));
  REQUIRE(phone.sync().empty());
  CHECK(acks_in(4).empty());
}

TEST_CASE("run: news that comes while it is under way is asked for") {
  ModelServer server;
  Device phone(server, "phone", nullptr, true);
  phone.holds = {Wish::kCommit};
  phone.feed(Poke{});  // answered, not yet journaled
  server.write("achievements", "22222222-2222-4222-8222-222222222222", {{"achievement_id", "a"}});
  phone.feed(Poke{});
  phone.release(Wish::kCommit);
  CHECK(phone.get("achievements", "a").is_object());
}

TEST_CASE("run: concurrent calls share it") {
  ModelServer server;
  Device phone(server, "phone");
  phone.holds = {Wish::kSession};
  const Ticket first = phone.begin(SyncNow{}), second = phone.begin(SyncNow{});
  phone.release(Wish::kSession);
  CHECK(phone.code_of(first).empty());
  CHECK(phone.code_of(second).empty());
  CHECK(phone.bodies.size() == 1);
}

TEST_CASE("run: a call made while one is under way sees all that was written before it") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  phone.holds = {Wish::kFetch};
  const Ticket first = phone.begin(SyncNow{});
  phone.put("logs", kId, kLog);
  server.write("achievements", "22222222-2222-4222-8222-222222222222", {{"achievement_id", "a"}});
  const Ticket second = phone.begin(SyncNow{});
  CHECK(phone.let_one(Wish::kFetch));
  CHECK(phone.code_of(second) == "?");
  phone.release(Wish::kFetch);
  CHECK(phone.code_of(first).empty());
  CHECK(phone.code_of(second).empty());
  CHECK(phone.pending() == 0);
  CHECK(phone.get("achievements", "a").is_object());
}

TEST_CASE("run: what the server learns between a request and its answer is asked for again") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  phone.holds = {Wish::kCommit};
  phone.begin(SyncNow{});  // answered, not yet journaled
  server.write("achievements", "22222222-2222-4222-8222-222222222222", {{"achievement_id", "a"}});
  const Ticket second = phone.begin(SyncNow{});
  phone.release(Wish::kCommit);
  CHECK(phone.code_of(second).empty());
  CHECK(phone.get("achievements", "a").is_object());
}

TEST_CASE("run: a caller may lose interest") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.holds = {Wish::kFetch};
  const Ticket first = phone.begin(SyncNow{}), second = phone.begin(SyncNow{});
  phone.feed(AbortSync{first});
  CHECK(phone.code_of(first) == "aborted");
  phone.feed(AbortSync{first});
  phone.feed(AbortSync{99});
  phone.release(Wish::kFetch);
  CHECK(phone.code_of(second).empty());
  CHECK(phone.pending() == 0);
}

TEST_CASE("run: a quiet period is waited for, a burst is cut, and one push is enough") {
  ModelServer server;
  Device phone(server, "phone", nullptr, true);
  phone.feed(Poke{});
  const std::size_t asked = phone.bodies.size();
  CHECK(asked == 1);
  phone.put("logs", kId, kLog);
  phone.wait(400);
  CHECK(phone.bodies.size() == asked);
  phone.wait(200);
  CHECK(pushes(server) == 1);
  CHECK(phone.bodies.size() == asked + 1);
  for (int i = 0; i < 30; ++i) {  // somebody who never stops typing
    phone.put("logs", kId, {{"content", std::to_string(i)}});
    phone.wait(200);
  }
  CHECK(pushes(server) == 2);
  phone.wait(60'000);
  CHECK(phone.pending() == 0);
  CHECK(pushes(server) == 3);
  CHECK(phone.bodies.size() == server.calls.size());
  const std::size_t now_asked = phone.bodies.size();
  phone.holds = {Wish::kFetch};
  phone.feed(Poke{});
  phone.put("logs", kId, {{"content", "while a run is under way"}});
  phone.release(Wish::kFetch);
  phone.wait(60'000);
  CHECK(phone.pending() == 0);
  CHECK(phone.bodies.size() == now_asked + 2);  // the poke's, and the push: no third
}

TEST_CASE("run: without autoSync only sync() talks to the network") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.feed(Poke{});
  phone.wait(60'000);
  CHECK(phone.bodies.empty());
  phone.offline = true;
  CHECK(phone.sync() == "offline");
  phone.wait(600'000);
  CHECK(phone.bodies.size() == 1);
}

TEST_CASE("run: only who leads starts by itself") {
  ModelServer server;
  Device phone(server, "phone", nullptr, true);
  phone.feed(LeaderIs{false});
  phone.put("logs", kId, kLog);
  phone.feed(Poke{});
  phone.wait(60'000);
  phone.feed(TimerFired{});  // one that was on its way when the lead was lost
  CHECK(phone.bodies.empty());
  CHECK(!phone.timer_at);
  REQUIRE(phone.sync().empty());  // whoever is asked obeys
  CHECK(phone.pending() == 0);
  phone.put("logs", kId, {{"content", "y"}});
  phone.wait(60'000);
  CHECK(phone.pending() == 1);
  phone.feed(LeaderIs{true});  // what is overdue goes at once
  phone.wait(1);
  CHECK(phone.pending() == 0);
}

TEST_CASE("run: who loses the lead ends the run under way, and starts none") {
  ModelServer server;
  Device phone(server, "phone", nullptr, true);
  phone.holds = {Wish::kFetch};
  phone.feed(Poke{});
  phone.put("logs", kId, kLog);
  phone.feed(LeaderIs{false});
  phone.release(Wish::kFetch);
  CHECK(phone.pending() == 0);
  phone.put("logs", kId, {{"content", "y"}});
  phone.wait(60'000);
  CHECK(phone.pending() == 1);
  phone.offline = true;
  CHECK(phone.sync() == "offline");
  const auto next_retry_at = [&] { return phone.ask({{"status", true}})["nextRetryAt"]; };
  CHECK(next_retry_at().is_null());
  CHECK(!phone.timer_at);
  phone.feed(LeaderIs{true});
  CHECK(next_retry_at().is_number());
  phone.offline = false;
  phone.wait(600'000);
  CHECK(phone.pending() == 0);
}
