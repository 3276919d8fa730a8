// The sync run: sessions, failures and waiting, how many requests it takes, who shares a run.
#include <doctest/doctest.h>

#include "base/uuid.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const Json kLog = {{"category", "chat"}, {"content", "x"}};

Fetched refusal(std::int64_t status, const std::string& code, const std::string& retry_after = "") {
  return {0, status, Json{{"code", code}, {"message", "no"}}.dump(), retry_after, 0};
}
const Fetched kExpired = refusal(401, "PGRST303");

std::size_t pushes(const ModelServer& server) {
  std::size_t count = 0;
  for (const auto& call : server.calls) count += call.pushed > 0 ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("run: an expired token is refreshed once") {
  ModelServer server;
  Device phone(server, "phone");
  int asked = 0, refreshed = 0;
  phone.on_ask_session = [&](bool refresh) {
    ++asked;
    refreshed += refresh ? 1 : 0;
    return SessionIs{refresh ? "new" : "old", kUser, ""};
  };
  phone.put("logs", kId, kLog);
  SUBCASE("and the run goes on") {
    phone.canned = {kExpired};
    CHECK(phone.sync().empty());
    CHECK(server.size("sovereign_logs") == 1);
  }
  SUBCASE("and a second refusal ends it") {
    phone.canned = {kExpired, kExpired};
    CHECK(phone.sync() == "unauthorized");
    CHECK(phone.pending() == 1);
    CHECK(phone.state() == "error");
    CHECK(phone.sync().empty());  // the next call tries afresh
  }
  SUBCASE("and nobody is signed in any more") {
    phone.on_ask_session = [&](bool refresh) {
      ++asked;
      refreshed += refresh ? 1 : 0;
      return refresh ? SessionIs{} : SessionIs{"old", kUser, ""};
    };
    phone.canned = {kExpired};
    CHECK(phone.sync() == "signed-out");
    CHECK(phone.pending() == 1);
    CHECK(phone.state() == "signed-out");
  }
  CHECK(refreshed == 1);
}

TEST_CASE("run: without a session nothing is sent and nothing is lost") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.session = SessionIs{};
  CHECK(phone.sync() == "signed-out");
  CHECK(phone.state() == "signed-out");
  phone.session = SessionIs{"", "", "the network is down"};
  CHECK(phone.sync() == "offline");
  CHECK(phone.bodies.empty());
  CHECK(phone.put("logs", kId, {{"content", "y"}}).empty());
  phone.session = {"token", kUser, ""};
  CHECK(phone.sync().empty());
  CHECK(server.find("sovereign_logs", {{"content", "y"}}).is_object());
}

TEST_CASE("run: somebody else's session ends this client") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.session = {"token", "b0000000-0000-4000-8000-00000000000b", ""};
  CHECK(phone.sync() == "signed-out");
  phone.session = {"token", kUser, ""};
  CHECK(phone.sync() == "signed-out");
  CHECK(phone.bodies.empty());
  CHECK(phone.get("logs", kId).is_null());
  CHECK(phone.put("logs", kId, kLog) == "signed-out");
  phone.restart();
  CHECK(phone.pending() == 1);
}

TEST_CASE("run: the token goes with the request, the answer in any form") {
  ModelServer server;
  Device phone(server, "phone");
  struct Case {
    std::string body, code;
    std::int64_t status;
  };
  const Case cases[] = {
      {"", "offline", 0},
      {"", "server", 200},
      {"<html>", "server", 200},
      {"null", "server", 200},
      {"{}", "server", 200},
      {R"({"cursor":"1","now":2})", "server", 200},
      {R"({"protocol":1,"now":1,"epoch":"e","error":{"code":"protocol","message":"m"}})", "server",
       200},
      {R"({"code":"PGRST202","message":"no function"})", "migrations-missing", 404},
      {R"({"code":"42P01","message":"no table"})", "migrations-missing", 404},
      {"<html>bad gateway", "server", 502},
      {"", "server", 503},
      {R"({"code":"PGRST303"})", "unauthorized", 401},
      {"[]", "server", 500},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    phone.canned = {Fetched{0, c.status, c.body, "", 0}};
    if (c.status == 401) phone.canned.push_back(phone.canned.front());
    CHECK(phone.sync() == c.code);
    CHECK(phone.failures.back().code == c.code);
    phone.canned.clear();
  }
  CHECK(phone.sync().empty());
  CHECK(phone.state() == "idle");
}

TEST_CASE("run: what fails is tried again by itself, ever later") {
  ModelServer server;
  Device phone(server, "phone", nullptr, true);
  phone.offline = true;
  phone.put("logs", kId, kLog);
  Ms last = 0;
  for (int failure = 0; failure < 8; ++failure) {
    phone.wait(10);
    REQUIRE(phone.timer_at.has_value());
    const Ms wait = *phone.timer_at - server.now;
    CAPTURE(failure);
    CAPTURE(wait);
    if (failure > 1) CHECK(wait > last / 2);
    CHECK(wait <= 300'000);
    last = wait;
    phone.wait(wait);
    CHECK(phone.bodies.size() == static_cast<std::size_t>(failure) + 1);
    CHECK(phone.state() == "offline");
  }
  CHECK(last > 30'000);
  CHECK(phone.ask({{"status", true}})["nextRetryAt"] == *phone.timer_at);
  phone.offline = false;
  phone.wait(300'000);
  CHECK(phone.pending() == 0);
  CHECK(phone.state() == "idle");
  CHECK_FALSE(phone.timer_at.has_value());
}

TEST_CASE("run: Retry-After is respected") {
  ModelServer server;
  Device phone(server, "phone", nullptr, true);
  phone.put("logs", kId, kLog);
  phone.canned = {refusal(429, "", "60")};
  phone.wait(1000);
  const std::size_t asked = phone.bodies.size();
  CHECK(asked == 1);
  CHECK(phone.sync() == "server");
  phone.feed(Poke{});
  phone.put("logs", kId, {{"content", "y"}});
  phone.wait(50'000);
  CHECK(phone.bodies.size() == asked);
  phone.wait(60'000);
  CHECK(phone.pending() == 0);
}

TEST_CASE("run: deadlocks and their kin are tried again at once") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.canned = {refusal(500, "40P01"), refusal(500, "40001")};
  const Ticket sync = phone.begin(SyncNow{});
  CHECK(phone.code_of(sync) == "?");
  phone.wait(1000);
  CHECK(phone.code_of(sync).empty());
  CHECK(phone.pending() == 0);
  for (int i = 0; i < 20; ++i) phone.canned.push_back(refusal(500, "40P01"));
  const Ticket never = phone.begin(SyncNow{});
  phone.wait(60'000);
  CHECK(phone.code_of(never) == "server");
}

TEST_CASE("run: a batch the server cannot take is halved") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  Random random("ids");
  for (int i = 0; i < 40; ++i) phone.put("logs", random.uuid_v4(), kLog);
  phone.canned = {refusal(500, "57014"), refusal(413, "")};
  const std::size_t calls = server.calls.size();
  CHECK(phone.sync().empty());
  REQUIRE(server.calls.size() > calls);
  CHECK(server.calls[calls].pushed == 10);
  CHECK(server.size("sovereign_logs") == 40);
}

TEST_CASE("run: writes made together go in parts when the server cannot take them at once") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  std::vector<Op> ops;
  Random random("ids");
  for (int i = 0; i < 40; ++i) ops.push_back({"put", "logs", random.uuid_v4(), kLog, "", 1});
  phone.batch(ops);
  for (int i = 0; i < 50; ++i) phone.canned.push_back(refusal(500, "57014"));
  const std::size_t asked = phone.bodies.size();
  CHECK(phone.sync() == "server");
  CHECK(phone.bodies.size() <= asked + 10);  // and it ends in waiting, not in a loop
  phone.canned.clear();
  CHECK(phone.sync().empty());
  CHECK(server.size("sovereign_logs") == 40);
}

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
