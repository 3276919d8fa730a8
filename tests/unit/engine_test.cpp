// The engine's own promises: batches, durability, what is told, who may write, and its end.
#include "engine/engine.hpp"

#include <doctest/doctest.h>

#include "base/crc32c.hpp"
#include "store/journal.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const Json kLog = {{"category", "chat"}, {"content", "x"}};

Op put(const char* collection, const char* key, Json fields) {
  return {"put", collection, key, std::move(fields), "", 1};
}
Op increment(int by = 1) {
  return {"increment", "progress", "self", Json::object(), "totalCompletions", by};
}

std::string newer_segment() {
  std::string bytes = encode_segment({});
  bytes[4] = static_cast<char>(kJournalFormat + 1);
  const std::uint32_t checksum = crc32c(bytes.substr(0, 12) + bytes.substr(16));
  for (int i = 0; i < 4; ++i) bytes[12 + i] = static_cast<char>(checksum >> (8 * i));
  return bytes;
}

}  // namespace

TEST_CASE("engine: a batch is all or nothing") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("theme", "self", {{"theme", "dark"}});
  const Json before = phone.dump();
  const auto segments = phone.disk().segments.size();
  CHECK(phone.batch({increment(), put("logs", kId, kLog), put("logs", "no uuid", kLog),
                     increment()}) == "invalid-value");
  CHECK(phone.dump() == before);
  CHECK(phone.disk().segments.size() == segments);
  CHECK(phone.batch({increment(), put("nothing", "k", kLog)}) == "unknown-collection");
  CHECK(phone.dump() == before);
  CHECK(phone.batch({}).empty());
  CHECK(phone.batch({increment(), put("logs", kId, kLog), increment(2)}).empty());
  CHECK(phone.disk().segments.size() == segments + 1);
  CHECK(phone.get("progress", "self")["totalCompletions"] == 3);
  phone.restart();
  CHECK(phone.get("progress", "self")["totalCompletions"] == 3);
  CHECK(phone.pending() == 2);
}

TEST_CASE("engine: writes of a batch see the ones before them") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("achievements", "a", {{"progress", 1}, {"unlocked", true}});
  CHECK(phone.batch({{"remove", "achievements", "a", Json::object(), "", 1},
                     put("achievements", "a", {{"progress", 5}}),
                     {"patch", "achievements", "a", {{"progress", 4}}, "", 1},
                     {"patch", "logs", kId, {{"content", "y"}}, "", 1}}) == "invalid-value");
  CHECK(phone
            .batch({{"remove", "achievements", "a", Json::object(), "", 1},
                    put("achievements", "a", {{"progress", 5}}),
                    {"patch", "achievements", "a", {{"progress", 4}}, "", 1},
                    put("logs", kId, kLog),
                    {"patch", "logs", kId, {{"content", "y"}}, "", 1}})
            .empty());
  CHECK(phone.get("achievements", "a")["progress"] == 5);
  CHECK(phone.get("achievements", "a")["unlocked"].is_null());
  CHECK(phone.get("logs", kId)["content"] == "y");
  REQUIRE(phone.sync().empty());
  CHECK(server.calls.back().pushed == 2);
}

TEST_CASE("engine: a write is settled when it is durable, and seen at once") {
  ModelServer server;
  Device phone(server, "phone");
  phone.holds = {Wish::kCommit};
  const Ticket first = phone.begin(Write{0, {put("logs", kId, kLog)}});
  const Ticket same = phone.begin(Write{0, {put("logs", kId, kLog)}});  // changes nothing
  CHECK(phone.get("logs", kId)["content"] == "x");
  CHECK(phone.code_of(first) == "?");
  CHECK(phone.code_of(same) == "?");
  phone.release(Wish::kCommit);
  CHECK(phone.code_of(first).empty());
  CHECK(phone.code_of(same).empty());
  const auto segments = phone.disk().segments.size();
  CHECK(phone.put("logs", kId, kLog).empty());
  CHECK(phone.remove("logs", "22222222-2222-4222-8222-222222222222").empty());
  CHECK(phone.disk().segments.size() == segments);
}

TEST_CASE("engine: a commit names who is settled with it, Flushed settles the others") {
  ModelServer server;
  Device phone(server, "phone");
  const auto ask = [&](Event event) { return phone.handle(event); };
  const auto first = ask(Write{1, {put("logs", kId, kLog)}});
  const auto* commit = first.empty() ? nullptr : std::get_if<Commit>(&first.front());
  REQUIRE(commit != nullptr);
  CHECK(commit->tickets == std::vector<Ticket>{1});
  ask(Write{2, {put("logs", kId, kLog)}});  // waits for the same segment, and was not named
  ask(Write{3, {increment()}});
  ask(Write{4, {increment()}});
  std::vector<Ticket> settled, named;
  for (const Effect& effect : ask(Flushed{1})) {
    if (const auto* done = std::get_if<Settled>(&effect)) settled.push_back(done->ticket);
    if (const auto* next = std::get_if<Commit>(&effect)) named = next->tickets;
  }
  CHECK(settled == std::vector<Ticket>{2});
  CHECK(named == std::vector<Ticket>{3, 4});
  settled.clear();
  for (const Effect& effect : ask(FlushFailed{"quota", "full"})) {
    if (const auto* done = std::get_if<Settled>(&effect)) settled.push_back(done->ticket);
  }
  CHECK(settled == std::vector<Ticket>{3, 4});
}

TEST_CASE("engine: a burst of writes is one segment at a time") {
  ModelServer server;
  Device phone(server, "phone");
  const auto segments = phone.disk().segments.size();
  phone.holds = {Wish::kCommit};
  for (int i = 0; i < 500; ++i) phone.begin(Write{0, {increment()}});
  phone.release(Wish::kCommit);
  CHECK(phone.disk().segments.size() == segments + 2);
  CHECK(phone.get("progress", "self")["totalCompletions"] == 500);
}

TEST_CASE("engine: who changed is said once per event, and what did not is not said") {
  ModelServer server;
  Device phone(server, "phone");
  phone.changed.clear();
  phone.batch({put("logs", kId, kLog), increment(), increment()});
  REQUIRE(phone.changed.size() == 2);
  CHECK(phone.changed[0].collection == "logs");
  CHECK(phone.changed[0].keys == std::vector<std::string>{kId});
  CHECK(phone.changed[1].collection == "progress");
  phone.changed.clear();
  phone.put("logs", kId, kLog);
  CHECK(phone.changed.empty());
}

TEST_CASE("engine: when the user is gone it reads empty and refuses writes") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.holds = {Wish::kFetch};
  const Ticket sync = phone.begin(SyncNow{});
  const std::size_t applied = server.applied();
  phone.feed(UserGone{});
  CHECK(phone.code_of(sync) == "signed-out");
  const auto check_gone = [&] {
    CHECK(phone.get("logs", kId).is_null());
    CHECK(phone.ask({{"collection", "logs"}, {"list", Json::object()}}).empty());
    CHECK(phone.ask({{"collection", "logs"}, {"rows", {kId}}}) == Json::array({nullptr}));
    CHECK(phone.ask({{"collection", "logs"}, {"size", true}}) == 0);
    CHECK(phone.ask({{"rejected", true}}).empty());
    CHECK(phone.ask({{"overwritten", true}}).empty());
  };
  check_gone();
  CHECK(phone.state() == "signed-out");
  CHECK(phone.put("logs", kId, {{"content", "y"}}) == "signed-out");
  CHECK(phone.sync() == "signed-out");
  phone.wait(60'000);
  CHECK(server.applied() == applied);
  SUBCASE("also after it was closed") {
    phone.feed(Close{});
    CHECK(phone.state() == "closed");
    check_gone();
  }
  phone.restart();
  CHECK(phone.get("logs", kId)["content"] == "x");
  CHECK(phone.pending() == 1);
}

TEST_CASE("engine: closed, it still reads, and does nothing more") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.holds = {Wish::kFetch};
  const Ticket sync = phone.begin(SyncNow{});
  phone.feed(Close{});
  CHECK(phone.code_of(sync) == "closed");
  CHECK(phone.sync() == "closed");
  CHECK(phone.put("logs", kId, kLog) == "closed");
  CHECK(phone.retry_rejected("x") == "closed");
  CHECK(phone.state() == "closed");
  CHECK(phone.get("logs", kId)["content"] == "x");
  phone.release(Wish::kFetch);  // an answer for nobody
  CHECK(phone.pending() == 1);
  phone.feed(Close{});
}

TEST_CASE("engine: a newer format makes it read-only") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.disk().segments.push_back(newer_segment());
  SUBCASE("when it is opened") { phone.restart(); }
  SUBCASE("while it is open") { phone.catch_up(); }
  SUBCASE("while a sync is under way") {
    phone.holds = {Wish::kFetch};
    const Ticket sync = phone.begin(SyncNow{});
    phone.catch_up();
    CHECK(phone.code_of(sync) == "reload-needed");
    phone.release(Wish::kFetch);
  }
  CHECK(phone.failures.back().code == "reload-needed");
  CHECK(phone.get("logs", kId)["content"] == "x");
  CHECK(phone.put("logs", kId, {{"content", "y"}}) == "reload-needed");
  const std::size_t asked = phone.bodies.size(), segments = phone.disk().segments.size();
  CHECK(phone.sync() == "reload-needed");
  CHECK(phone.bodies.size() == asked);
  CHECK(phone.disk().segments.size() == segments);
  CHECK(phone.get("logs", kId)["content"] == "x");
}

TEST_CASE("engine: read-only, it settles what waits for a commit that will not come") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  phone.holds = {Wish::kCommit};
  const Ticket flying = phone.begin(Write{0, {put("logs", kId, {{"content", "flying"}})}});
  const Ticket waiting = phone.begin(Write{0, {put("logs", kId, {{"content", "waiting"}})}});
  phone.disk().segments.push_back(newer_segment());
  phone.catch_up();
  CHECK(phone.code_of(waiting) == "reload-needed");
  CHECK(phone.get("logs", kId)["content"] == "flying");
  phone.commit_failures = {{"reload-needed", "newer"}};
  phone.release(Wish::kCommit);
  CHECK(phone.code_of(flying) == "reload-needed");
  CHECK(phone.get("logs", kId)["content"] == "x");
}

TEST_CASE("engine: what never leaves the device stays on it") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("auth", "self", {{"session", {{"token", "secret"}}}, {"email", "a@b"}});
  phone.put("theme", "self", {{"theme", "dark"}});
  CHECK(phone.pending() == 0);
  REQUIRE(phone.sync().empty());
  for (const std::string& body : phone.bodies) CHECK(body.find("secret") == std::string::npos);
  phone.restart();
  CHECK(phone.get("auth", "self")["session"] == Json{{"token", "secret"}});
  phone.patch("auth", "self", {{"session", nullptr}});
  phone.remove("theme", "self");
  CHECK(phone.get("auth", "self")["email"] == "a@b");
  CHECK(phone.get("theme", "self").is_null());
}

TEST_CASE("engine: questions nobody knows are answered with null") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kId, kLog);
  for (const char* question :
       {"null", "5", "[]", "{}", R"({"get":"x"})", R"({"collection":7,"get":"x"})",
        R"({"collection":"nothing","list":{}})", R"({"collection":"logs"})",
        R"({"collection":"logs","get":7})", R"({"collection":"logs","get":"not a uuid"})"}) {
    CHECK(phone.ask(parse_json(question)).is_null());
  }
  CHECK(phone.ask({{"collection", "logs"}, {"rows", 7}}) == Json::array());
  CHECK(phone.ask({{"collection", "logs"}, {"rows", {kId, 7, nullptr}}}).size() == 3);
}

TEST_CASE("engine: a configuration that cannot work is refused") {
  Config config;
  config.schema = {{"collections", Json::object()}};
  config.user_id = "A0000000-0000-4000-8000-00000000000A";
  CHECK_FALSE(Engine::create(config).ok());
  config.user_id = kUser;
  CHECK(Engine::create(config).ok());
  config.schema = nullptr;
  CHECK_FALSE(Engine::create(config).ok());
}
