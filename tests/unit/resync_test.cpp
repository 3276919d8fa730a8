// The server forgot: restored from an older backup, another epoch, tombstones or ledger purged.
// What any device still has comes back once; what was deleted long ago goes.
#include <doctest/doctest.h>

#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const char* const kOther = "22222222-2222-4222-8222-222222222222";
const Json kLog = {{"category", "chat"}, {"content", "x"}, {"metadata", Json::object()}};

std::string numbered_id(int number) {
  return "3333333" + std::to_string(number % 10) + "-3333-4333-8333-333333333333";
}

struct World {
  ModelServer server;
  Device phone{server, "phone"}, laptop{server, "laptop"};

  void meet() {
    REQUIRE(settle_down({&phone, &laptop}));
    CHECK(phone.dump() == laptop.dump());
    Device fresh(server, "fresh");
    REQUIRE(fresh.sync().empty());
    CHECK(fresh.dump() == phone.dump());
  }
  /// The operator puts a backup back. `says_so`: and tells it, with a new epoch.
  void restore(const ModelServer& backup, bool says_so) {
    const std::int64_t now = server.now;
    const int boots = server.boots;
    server = backup;
    server.now = now + 60'000;
    server.boots = boots;
    if (says_so) server.epoch = "e0000000-0000-4000-8000-000000000002";
  }
  [[nodiscard]] Json total() const {
    return server.find("user_progress", Json::object())["total_completions"];
  }
  void complete(Device& device, int times = 1) {
    for (int i = 0; i < times; ++i) {
      REQUIRE(device.increment("progress", "self", "totalCompletions").empty());
    }
  }
};

}  // namespace

TEST_CASE("resync: a restored server gets back what any device still has") {
  for (const bool says_so : {false, true}) {
    CAPTURE(says_so);
    World world;
    world.complete(world.phone, 10);
    world.phone.put("logs", kId, kLog);
    world.phone.put("achievements", "first", {{"unlocked", false}, {"progress", 1}});
    world.phone.put("path", "self", {{"oejtsAnswers", {{{"questionId", "q1"}, {"value", 1}}}}});
    world.meet();
    const ModelServer backup = world.server;

    world.server.now += 60'000;
    world.complete(world.laptop, 5);
    world.phone.put("logs", kOther, {{"category", "journal"}, {"content", "written after"}});
    world.phone.patch("logs", kId, {{"content", "edited after"}});
    world.laptop.put("achievements", "first", {{"unlocked", true}, {"progress", 7}});
    world.laptop.put(
        "path", "self",
        {{"oejtsAnswers",
          {{{"questionId", "q1"}, {"value", 1}}, {{"questionId", "q2"}, {"value", 2}}}}});
    world.meet();
    const Json before = world.phone.dump();

    world.restore(backup, says_so);
    world.meet();
    CHECK(world.phone.dump() == before);
    CHECK(world.total() == 15);
    CHECK(world.phone.rejected() == 0);
  }
}

TEST_CASE("resync: unsent edits meet the restored server like any other") {
  World world;
  world.complete(world.phone, 10);
  world.phone.put("logs", kId, kLog);
  world.meet();
  const ModelServer backup = world.server;
  world.complete(world.phone, 5);
  world.meet();

  world.complete(world.phone);
  world.phone.patch("logs", kId, {{"content", "unsent"}});
  world.complete(world.laptop, 2);
  world.restore(backup, true);
  SUBCASE("the phone is first") { REQUIRE(world.phone.sync().empty()); }
  SUBCASE("the laptop is first") { REQUIRE(world.laptop.sync().empty()); }
  SUBCASE("the phone’s answers are lost") {
    world.phone.fates = {Fate::kResponseLost, Fate::kAnswered, Fate::kResponseLost};
    for (int i = 0; i < 4; ++i) world.phone.sync();
  }
  world.meet();
  CHECK(world.total() == 18);
  CHECK(world.phone.get("logs", kId)["content"] == "unsent");
}

TEST_CASE("resync: rows that the backup never had come back before the unsent edits on them") {
  World world;
  world.phone.put("logs", kOther, kLog);
  world.meet();
  const ModelServer backup = world.server;
  world.complete(world.phone, 5);
  world.phone.put("logs", kId, kLog);
  world.meet();
  world.complete(world.phone);
  world.complete(world.laptop);
  world.laptop.patch("logs", kId, {{"metadata", {{"mood", "calm"}}}});
  world.restore(backup, true);
  world.meet();
  CHECK(world.total() == 7);
  CHECK(world.phone.get("logs", kId)["metadata"] == Json{{"mood", "calm"}});
}

TEST_CASE("resync: a mutation whose answer was lost counts once, in the backup or not") {
  for (const bool is_in_backup : {true, false}) {
    CAPTURE(is_in_backup);
    World world;
    world.complete(world.phone, 10);
    world.meet();
    std::optional<ModelServer> backup;
    if (!is_in_backup) backup = world.server;
    world.complete(world.phone);
    world.phone.fates = {Fate::kResponseLost};
    REQUIRE(world.phone.sync() == "offline");
    CHECK(world.total() == 11);
    if (is_in_backup) backup = world.server;
    world.restore(*backup, true);
    world.meet();
    CHECK(world.total() == 11);
  }
}

TEST_CASE("resync: what is newer on the restored server stays, and the loser’s text is kept") {
  World world;
  const std::string mine(90, 'm');
  world.phone.put("logs", kId, kLog);
  world.meet();
  const ModelServer backup = world.server;
  world.phone.patch("logs", kId, {{"content", mine}});
  world.meet();
  world.restore(backup, true);
  world.server.write("sovereign_logs", kId, {{"content", "later, after the restore"}});
  world.meet();
  CHECK(world.phone.get("logs", kId)["content"] == "later, after the restore");
  const Json kept = world.phone.ask({{"overwritten", true}});
  REQUIRE(kept.size() == 1);
  CHECK(kept[0]["text"] == mine);
}

TEST_CASE("resync: deletions after the restore count, by their time") {
  World world;
  world.phone.put("logs", kId, kLog);
  world.phone.put("logs", kOther, kLog);
  world.meet();
  const ModelServer backup = world.server;
  world.phone.patch("logs", kId, {{"content", "edited after the backup"}});
  world.meet();
  world.restore(backup, true);
  world.server.remove("sovereign_logs", kId);
  world.phone.remove("logs", kOther);
  world.meet();
  CHECK(world.phone.get("logs", kId).is_null());
  CHECK(world.phone.get("logs", kOther).is_null());
  CHECK(world.server.size("sovereign_logs") == 0);
}

TEST_CASE("resync: beyond the horizon deleted rows go, unsent work stays") {
  World world;
  SUBCASE("in one page") {}
  SUBCASE("in pages that end below the horizon") { world.server.page_max = 1; }
  for (int i = 0; i < 4; ++i) world.phone.put("logs", numbered_id(i), kLog);
  world.complete(world.phone, 3);
  world.meet();
  world.laptop.patch("logs", numbered_id(1), {{"content", "edited on a device that was away"}});
  world.laptop.put("logs", kOther, kLog);
  world.complete(world.laptop);
  for (int i = 0; i < 3; ++i) world.phone.remove("logs", numbered_id(i));
  REQUIRE(world.phone.sync().empty());
  world.server.now += 401LL * 24 * 3600 * 1000;
  world.server.forget_tombstones();
  world.meet();
  CHECK(world.laptop.get("logs", numbered_id(0)).is_null());
  CHECK(world.laptop.get("logs", numbered_id(2)).is_null());
  const Json edited = world.laptop.get("logs", numbered_id(1));
  REQUIRE(edited.is_object());
  CHECK(edited["content"] == "edited on a device that was away");
  CHECK(edited["category"] == "chat");
  CHECK(world.phone.get("logs", kOther).is_object());
  CHECK(world.phone.get("logs", numbered_id(3)).is_object());
  CHECK(world.total() == 4);
}

TEST_CASE("resync: everything stays readable and writable while it goes on, through any kill") {
  World world;
  for (int i = 0; i < 10; ++i) world.phone.put("logs", numbered_id(i), kLog);
  world.meet();
  const ModelServer backup = world.server;
  world.phone.patch("logs", numbered_id(1), {{"content", "after the backup"}});
  world.complete(world.phone, 2);
  world.meet();
  const Json before = world.phone.dump();
  world.restore(backup, false);
  world.server.page_max = 3;
  for (int requests = 0; requests < 12; ++requests) {
    world.phone.fates.assign(static_cast<std::size_t>(requests % 4), Fate::kAnswered);
    world.phone.fates.push_back(requests % 2 == 0 ? Fate::kResponseLost : Fate::kRequestLost);
    world.phone.sync();
    world.phone.restart();
    Json now = world.phone.dump();
    now["pending"] = 0;
    CHECK(now == before);
  }
  world.phone.fates.clear();
  world.complete(world.phone);
  world.meet();
  CHECK(world.total() == 3);
}

TEST_CASE("resync: two contexts of one device, both told at once") {
  World world;
  auto disk = std::make_shared<Disk>();
  Device one(world.server, "one", disk), two(world.server, "two", disk);
  world.complete(one, 4);
  one.put("logs", kId, kLog);
  REQUIRE(settle_down({&one, &two}));
  const ModelServer backup = world.server;
  world.complete(one, 2);
  one.patch("logs", kId, {{"content", "after"}});
  REQUIRE(settle_down({&one, &two}));
  world.complete(two);
  one.catch_up();
  world.restore(backup, true);
  world.server.page_max = 1;
  one.holds = two.holds = {Wish::kFetch, Wish::kCommit};
  const Ticket first = one.begin(SyncNow{});
  const Ticket second = two.begin(SyncNow{});
  for (int step = 0; step < 400 && (one.code_of(first) == "?" || two.code_of(second) == "?");
       ++step) {
    Device& device = step % 3 == 0 ? two : one;
    device.let_one(step % 2 == 0 ? Wish::kFetch : Wish::kCommit);
  }
  one.release(Wish::kFetch);
  one.release(Wish::kCommit);
  two.release(Wish::kFetch);
  two.release(Wish::kCommit);
  CHECK(one.code_of(first).empty());
  CHECK(two.code_of(second).empty());
  REQUIRE(settle_down({&one, &two, &world.phone}));
  one.catch_up();
  two.catch_up();
  CHECK(one.dump() == two.dump());
  CHECK(world.phone.dump() == one.dump());
  CHECK(world.total() == 7);
  CHECK(one.get("logs", kId)["content"] == "after");
}

TEST_CASE("resync: an answer from before it removes nothing that the server lost") {
  World world;
  auto disk = std::make_shared<Disk>();
  Device one(world.server, "one", disk), two(world.server, "two", disk);
  world.complete(one, 4);
  REQUIRE(settle_down({&one, &two}));
  const ModelServer backup = world.server;
  one.put("logs", kId, kLog);
  two.catch_up();
  one.holds = {Wish::kCommit};
  one.begin(SyncNow{});
  one.let_one(Wish::kCommit);  // frozen; then sent and answered, and the answer waits to be written
  CHECK(world.server.size("sovereign_logs") == 1);
  world.restore(backup, true);
  two.catch_up();
  REQUIRE(two.sync().empty());
  CHECK(world.server.size("sovereign_logs") == 1);
  world.restore(backup, false);
  world.server.epoch = "e0000000-0000-4000-8000-000000000003";
  one.release(Wish::kCommit);
  REQUIRE(settle_down({&one, &two, &world.phone}));
  CHECK(world.server.size("sovereign_logs") == 1);
  CHECK(world.phone.get("logs", kId).is_object());
}

TEST_CASE("resync: a purged ledger and a context that slept through the answer count once") {
  for (const int older : {0, 3}) {
    CAPTURE(older);
    World world;
    auto disk = std::make_shared<Disk>();
    Device one(world.server, "one", disk), two(world.server, "two", disk);
    REQUIRE(one.sync().empty());
    world.complete(one, older);
    REQUIRE(settle_down({&one, &two}));
    world.complete(one);
    two.catch_up();
    two.holds = {Wish::kFetch};
    two.begin(SyncNow{});  // frozen and on its way: the machine sleeps
    REQUIRE(one.sync().empty());
    world.complete(one);
    REQUIRE(one.sync().empty());
    REQUIRE(one.sync().empty());
    world.server.now += 8LL * 24 * 3600 * 1000;
    world.server.purge_ledger();
    two.release(Wish::kFetch);
    REQUIRE(settle_down({&one, &two}));
    CHECK(world.total() == older + 2);
    CHECK(two.get("progress", "self")["totalCompletions"] == older + 2);
  }
}

TEST_CASE("resync: the ledger keeps what was never acknowledged") {
  World world;
  world.complete(world.phone, 3);
  world.meet();
  world.complete(world.phone);
  world.phone.fates = {Fate::kResponseLost};
  REQUIRE(world.phone.sync() == "offline");
  world.server.now += 400LL * 24 * 3600 * 1000;
  world.server.purge_ledger();
  world.meet();
  CHECK(world.total() == 4);
}

TEST_CASE("resync: a server that asks for it for ever is an error, not a loop") {
  World world;
  world.phone.put("logs", kId, kLog);
  world.meet();
  world.phone.spoil = [](const std::string&) {
    return std::string(
        R"({"protocol":1,"now":1795389900000,"epoch":"e0000000-0000-4000-8000-000000000001","resync":"restored"})");
  };
  CHECK(world.phone.sync() == "server");
  world.phone.spoil = nullptr;
  world.meet();
  CHECK(world.phone.get("logs", kId).is_object());
}

TEST_CASE(
    "resync: a device that brings a row back keeps what another wrote meanwhile, when it loses") {
  World world;
  const std::string mine(90, 'm'), theirs(90, 't');
  world.phone.put("logs", kId, kLog);
  world.meet();
  const ModelServer backup = world.server;
  world.server.now += 1000;
  const Ms wrote_theirs = world.server.now;
  world.server.now += 1000;
  world.phone.patch("logs", kId, {{"content", mine}});
  world.meet();
  world.restore(backup, true);
  const Ms now = world.server.now;
  world.server.now = wrote_theirs;
  world.server.write("sovereign_logs", kId, {{"content", theirs}});
  world.server.now = now;
  world.meet();
  CHECK(world.phone.get("logs", kId)["content"] == mine);
  std::set<std::string> kept;
  for (Device* device : {&world.phone, &world.laptop}) {
    for (const Json& each : device->ask({{"overwritten", true}}))
      kept.insert(text_at(each, "text"));
  }
  CHECK(kept.contains(theirs));
}

TEST_CASE("resync: a count that another device brought back is not counted again") {
  World world;
  world.complete(world.phone, 1);
  world.meet();
  const ModelServer backup = world.server;
  world.complete(world.phone, 2);
  world.phone.fates = {Fate::kResponseLost};
  REQUIRE(world.phone.sync() == "offline");
  REQUIRE(world.laptop.sync().empty());  // sees 3, and who counted last
  world.restore(backup, true);
  REQUIRE(world.laptop.sync().empty());
  REQUIRE(world.total() == 3);
  world.meet();
  CHECK(world.total() == 3);
}
