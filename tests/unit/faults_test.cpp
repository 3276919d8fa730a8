// Lost requests, lost answers, killed contexts, failed commits: what was acknowledged is there
// afterwards, once.
#include <doctest/doctest.h>

#include "random_json.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const Json kLog = {{"category", "chat"}, {"content", "x"}};

Write increment_once() {
  return {0, {{"increment", "progress", "self", Json::object(), "totalCompletions", 1}}};
}

std::int64_t total(const ModelServer& server) {
  return integer_at(server.find("user_progress", Json::object()), "total_completions");
}

/// The device, the server and a device that was never there agree.
void check_settled(ModelServer& server, Device& device) {
  REQUIRE(settle_down({&device}));
  CHECK(device.pending() == 0);
  Device fresh(server, "fresh");
  REQUIRE(fresh.sync().empty());
  CHECK(fresh.dump() == device.dump());
}

}  // namespace

TEST_CASE("faults: an answer lost after the commit is made up for") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  phone.increment("progress", "self", "totalCompletions", 5);
  phone.put("logs", kId, kLog);
  phone.fates = {Fate::kResponseLost};
  CHECK(phone.sync() == "offline");
  CHECK(total(server) == 5);
  std::int64_t want = 5;
  SUBCASE("nothing happened meanwhile") {}
  SUBCASE("the row was edited again") {
    phone.increment("progress", "self", "totalCompletions", 2);
    phone.patch("logs", kId, {{"content", "y"}});
    want = 7;
  }
  SUBCASE("the row was edited again, here and elsewhere") {
    phone.increment("progress", "self", "totalCompletions", 2);
    Device laptop(server, "laptop");
    REQUIRE(laptop.sync().empty());
    laptop.increment("progress", "self", "totalCompletions", 10);
    laptop.patch("logs", kId, {{"metadata", {{"a", 1}}}});
    REQUIRE(laptop.sync().empty());
    want = 17;
  }
  SUBCASE("the device was killed") { phone.restart(); }
  check_settled(server, phone);
  CHECK(total(server) == want);
  CHECK(phone.get("progress", "self")["totalCompletions"] == want);
  CHECK(server.size("sovereign_logs") == 1);
}

TEST_CASE("faults: twenty cuts in a row") {
  for (int seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Random random("cuts " + std::to_string(seed));
    ModelServer server;
    Device phone(server, "phone");
    std::int64_t acknowledged = 0;
    for (int cut = 0; cut < 20; ++cut) {
      phone.fates = {static_cast<Fate>(below(random, 4)), static_cast<Fate>(below(random, 4))};
      for (int i = below(random, 3); i >= 0; --i) {
        if (phone.increment("progress", "self", "totalCompletions").empty()) ++acknowledged;
        phone.put("achievements", std::to_string(below(random, 4)), {{"progress", cut}});
      }
      phone.sync();
      if (below(random, 3) == 0) phone.restart();
    }
    phone.fates.clear();
    check_settled(server, phone);
    CHECK(total(server) == acknowledged);
  }
}

TEST_CASE("faults: a request delivered twice is applied once") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  phone.increment("progress", "self", "totalCompletions");
  phone.fates = {Fate::kDeliveredTwice, Fate::kDeliveredTwice};
  CHECK(phone.sync().empty());
  check_settled(server, phone);
  CHECK(total(server) == 1);
}

TEST_CASE("faults: killed before a write was durable loses that write only") {
  ModelServer server;
  Device phone(server, "phone");
  CHECK(phone.increment("progress", "self", "totalCompletions", 4).empty());
  phone.holds = {Wish::kCommit};
  const Ticket lost = phone.begin(increment_once());
  CHECK(phone.code_of(lost) == "?");
  CHECK(phone.get("progress", "self")["totalCompletions"] == 5);
  phone.restart();
  CHECK(phone.get("progress", "self")["totalCompletions"] == 4);
  phone.release(Wish::kCommit);
  check_settled(server, phone);
  CHECK(total(server) == 4);
}

TEST_CASE("faults: killed at every step of a sync, however often") {
  // The kinds of things a sync waits for, in order: session, freezing, request, answer's commit ...
  for (int kill_after = 0; kill_after < 10; ++kill_after) {
    CAPTURE(kill_after);
    ModelServer server;
    Device phone(server, "phone");
    REQUIRE(phone.sync().empty());
    phone.increment("progress", "self", "totalCompletions", 3);
    phone.put("logs", kId, kLog);
    phone.holds = {Wish::kSession, Wish::kCommit, Wish::kFetch};
    phone.begin(SyncNow{});
    for (int step = 0; step < kill_after; ++step) {
      phone.let_one(Wish::kSession) || phone.let_one(Wish::kCommit) || phone.let_one(Wish::kFetch);
    }
    phone.restart();
    phone.holds.clear();
    phone.pump();
    CHECK(phone.get("progress", "self")["totalCompletions"] == 3);
    phone.increment("progress", "self", "totalCompletions", 1);
    check_settled(server, phone);
    CHECK(total(server) == 4);
    CHECK(server.size("sovereign_logs") == 1);
  }
}

TEST_CASE("faults: a failed commit takes back its own writes and keeps later ones") {
  ModelServer server;
  Device phone(server, "phone");
  CHECK(phone.put("logs", kId, kLog).empty());
  phone.holds = {Wish::kCommit};
  phone.commit_failures = {{"quota", "the disk is full"}};
  const Ticket first = phone.begin(Write{0, {{"patch", "logs", kId, {{"content", "bad"}}, "", 1}}});
  const Ticket second = phone.begin(increment_once());
  const Ticket third =
      phone.begin(Write{0, {{"patch", "logs", kId, {{"metadata", {{"a", 1}}}}, "", 1}}});
  CHECK(phone.get("logs", kId)["content"] == "bad");
  phone.release(Wish::kCommit);
  CHECK(phone.code_of(first) == "quota");
  CHECK(phone.code_of(second).empty());
  CHECK(phone.code_of(third).empty());
  CHECK(phone.get("logs", kId)["content"] == "x");
  CHECK(phone.get("logs", kId)["metadata"] == Json{{"a", 1}});
  CHECK(phone.get("progress", "self")["totalCompletions"] == 1);
  CHECK_FALSE(phone.failures.empty());
  const Json before = phone.dump();
  phone.restart();
  CHECK(phone.dump() == before);
  check_settled(server, phone);
}

TEST_CASE("faults: a full disk during a sync") {
  for (int failing = 0; failing < 4; ++failing) {
    CAPTURE(failing);
    ModelServer server;
    Device phone(server, "phone");
    REQUIRE(phone.sync().empty());
    phone.increment("progress", "self", "totalCompletions", 3);
    phone.holds = {Wish::kCommit};
    const Ticket sync = phone.begin(SyncNow{});
    for (int step = 0; step < failing; ++step) phone.let_one(Wish::kCommit);
    phone.commit_failures = {{"quota", "the disk is full"}};
    phone.release(Wish::kCommit);
    CHECK((phone.code_of(sync) == (phone.commit_failures.empty() ? "quota" : "")));
    phone.commit_failures.clear();
    check_settled(server, phone);
    CHECK(total(server) == 3);
  }
}

TEST_CASE("faults: a database whose first commit failed is born with the next") {
  ModelServer server;
  Device phone(server, "phone", nullptr, false, {{"quota", "the disk is full"}});
  CHECK(phone.put("logs", kId, kLog).empty());
  check_settled(server, phone);
  CHECK(parse_json(phone.bodies.back())["request"]["device"] != "");
}

TEST_CASE("faults: a damaged segment is told and left out, the server fills the gap") {
  ModelServer server;
  auto disk = std::make_shared<Disk>();
  {
    Device phone(server, "phone", disk);
    REQUIRE(phone.sync().empty());
    phone.put("logs", kId, kLog);
    REQUIRE(phone.sync().empty());
    phone.increment("progress", "self", "totalCompletions", 3);
  }
  for (std::size_t at = 0; at < disk->segments.size(); ++at) {
    CAPTURE(at);
    auto damaged = std::make_shared<Disk>(*disk);
    damaged->segments[at][20] = static_cast<char>(damaged->segments[at][20] ^ 1);
    ModelServer same = server;
    Device phone(same, "phone again", damaged);
    REQUIRE_FALSE(phone.failures.empty());
    CHECK(phone.failures[0].code == "storage-damaged");
    phone.put("achievements", "after", {{"progress", 7}});
    check_settled(same, phone);
    CHECK(phone.get("achievements", "after")["progress"] == 7);
    CHECK(phone.get("logs", kId)["content"] == "x");
  }
}
