// A run that meets failures: no session, refusals, nonsense, limits. What it says, and when it
// tries again.
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

}  // namespace

TEST_CASE("failures: an expired token is refreshed once") {
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

TEST_CASE("failures: without a session nothing is sent and nothing is lost") {
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

TEST_CASE("failures: somebody else's session ends this client") {
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

TEST_CASE("failures: whatever comes instead of an answer has a name") {
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
    phone.canned = {Fetched{0, c.status, c.body, "", 0, 0, false}};
    if (c.status == 401) phone.canned.push_back(phone.canned.front());
    CHECK(phone.sync() == c.code);
    CHECK(phone.failures.back().code == c.code);
    phone.canned.clear();
  }
  CHECK(phone.sync().empty());
  CHECK(phone.state() == "idle");
}

TEST_CASE("failures: what fails is tried again by itself, ever later") {
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

TEST_CASE("failures: Retry-After is respected") {
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

TEST_CASE("failures: deadlocks and their kin are tried again at once") {
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

TEST_CASE("failures: a batch the server cannot take is halved") {
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

TEST_CASE("failures: writes made together go in parts when the server cannot take them at once") {
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

TEST_CASE("failures: a mutation that the server fails on is set aside, and the rest goes") {
  const std::vector<Fetched> answers = {refusal(500, "57014"), refusal(413, ""),
                                        refusal(500, "XX000"), refusal(400, "54000")};
  for (const Fetched& answer : answers) {
    CAPTURE(answer.status);
    CAPTURE(answer.body);
    ModelServer server;
    Device phone(server, "phone", nullptr, true);
    REQUIRE(phone.sync().empty());
    Random random("ids");
    for (int i = 0; i < 40; ++i) {
      const std::string content = i == 17 ? "poison" : "log";
      phone.put("logs", random.uuid_v4(), {{"category", "chat"}, {"content", content}});
    }
    phone.fails = [&](const std::string& body) -> std::optional<Fetched> {
      if (body.find("poison") == std::string::npos) return std::nullopt;
      return answer;
    };
    phone.wait(60'000);  // by itself, in a few tries
    CHECK(phone.pending() == 0);
    CHECK(server.size("sovereign_logs") == 39);
    REQUIRE(phone.rejected() == 1);
    const Json refused = phone.ask({{"rejected", true}})[0];
    CHECK(refused["value"]["content"] == "poison");
    CHECK_FALSE(text_at(refused, "code").empty());
    phone.restart();
    CHECK(phone.rejected() == 1);
    phone.fails = nullptr;
    CHECK(phone.retry_rejected(text_at(refused, "id")).empty());
    REQUIRE(phone.sync().empty());
    CHECK(server.size("sovereign_logs") == 40);
  }
}

TEST_CASE("failures: while the server fails on everything nothing is given up") {
  const std::vector<Fetched> answers = {refusal(500, "57014"), refusal(500, "XX000"),
                                        refusal(500, ""), refusal(409, "23503")};
  for (const Fetched& answer : answers) {
    CAPTURE(answer.body);
    ModelServer server;
    Device phone(server, "phone", nullptr, true);
    REQUIRE(phone.sync().empty());
    phone.put("logs", kId, kLog);
    phone.increment("progress", "self", "totalCompletions");
    bool is_down = true;
    const bool is_user_gone = answer.status == 409;  // who is gone may still ask
    phone.fails = [&](const std::string& body) -> std::optional<Fetched> {
      if (!is_down || (is_user_gone && body.ends_with("\"push\":[]}}"))) return std::nullopt;
      return answer;
    };
    phone.wait(3'600'000);
    CHECK(phone.pending() == 2);
    CHECK(phone.rejected() == 0);
    is_down = false;
    phone.wait(600'000);
    CHECK(phone.pending() == 0);
    CHECK(server.find("user_progress", Json::object())["total_completions"] == 1);
  }
}
