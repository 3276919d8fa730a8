// Edit against deletion, both ways, and rows that come and go before the server hears of them.
#include <doctest/doctest.h>

#include "support/device.hpp"
#include "support/somatic_schema.hpp"
#include "sync/layers.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const Json kLog = {{"category", "journal"}, {"content", "x"}, {"metadata", {{"mood", "low"}}}};
const std::string kLongText(100, 'w');

/// Two devices that both have one log.
struct Pair {
  ModelServer server;
  Device phone{server, "phone"}, laptop{server, "laptop"};

  Pair() {
    phone.put("logs", kId, kLog);
    meet();
    server.now += 60'000;
  }
  void meet() {
    REQUIRE(settle_down({&phone, &laptop}));
    CHECK(phone.dump() == laptop.dump());
    Device fresh(server, "fresh");
    REQUIRE(fresh.sync().empty());
    CHECK(fresh.dump() == phone.dump());
  }
};

}  // namespace

TEST_CASE("deletion: it reaches everyone") {
  Pair two;
  two.phone.remove("logs", kId);
  CHECK(two.phone.get("logs", kId).is_null());
  two.meet();
  CHECK(two.laptop.get("logs", kId).is_null());
  CHECK(two.laptop.ask({{"collection", "logs"}, {"size", true}}) == 0);
  CHECK(two.server.size("sovereign_logs") == 0);
}

TEST_CASE("deletion: a later edit makes the whole row again") {
  for (const bool deletion_first : {true, false}) {
    CAPTURE(deletion_first);
    Pair two;
    two.phone.remove("logs", kId);
    two.server.now += 5000;
    two.laptop.patch("logs", kId, {{"content", "later"}});
    REQUIRE((deletion_first ? two.phone : two.laptop).sync().empty());
    two.meet();
    const Json log = two.phone.get("logs", kId);
    REQUIRE(log.is_object());
    CHECK(log["content"] == "later");
    CHECK(log["category"] == "journal");
    CHECK(log["metadata"] == kLog["metadata"]);
    CHECK(log["createdAt"] == two.laptop.get("logs", kId)["createdAt"]);
  }
}

TEST_CASE("deletion: a later deletion wins, and a long text is kept") {
  for (const bool deletion_first : {true, false}) {
    CAPTURE(deletion_first);
    Pair two;
    two.laptop.patch("logs", kId, {{"content", kLongText}});
    two.server.now += 5000;
    two.phone.remove("logs", kId);
    REQUIRE((deletion_first ? two.phone : two.laptop).sync().empty());
    two.meet();
    CHECK(two.laptop.get("logs", kId).is_null());
    std::size_t kept = 0;
    for (Device* device : {&two.phone, &two.laptop}) {
      for (const Json& text : device->ask({{"overwritten", true}})) {
        CHECK(text["text"] == kLongText);
        CHECK(text["field"] == "content");
        ++kept;
      }
    }
    CHECK(kept == 1);
  }
}

TEST_CASE("deletion: a cache's deletion wins over a later edit") {
  Pair two;
  two.phone.put("cosmic", "2026-11-22", {{"location", {{"city", "Oslo"}}}});
  two.meet();
  two.phone.remove("cosmic", "2026-11-22");
  two.server.now += 5000;
  two.laptop.patch("cosmic", "2026-11-22", {{"location", {{"city", "Rome"}}}});
  REQUIRE(two.phone.sync().empty());
  two.meet();
  CHECK(two.laptop.get("cosmic", "2026-11-22").is_null());
}

TEST_CASE("deletion: an increment that outlives one is counted once") {
  Pair two;
  two.phone.put("progress", "self", {{"totalCompletions", 10}});
  two.meet();
  two.server.now += 5000;
  two.phone.remove("progress", "self");
  REQUIRE(two.phone.sync().empty());
  two.server.now += 5000;
  SUBCASE("made before the deletion is known") {
    two.laptop.increment("progress", "self", "totalCompletions");
  }
  SUBCASE("frozen before the deletion is known") {
    two.laptop.increment("progress", "self", "totalCompletions");
    two.laptop.fates = {Fate::kRequestLost};
    CHECK(two.laptop.sync() == "offline");
  }
  SUBCASE("made while the deletion is on its way") {
    two.laptop.holds = {Wish::kFetch};
    const Ticket sync = two.laptop.begin(SyncNow{});
    two.laptop.increment("progress", "self", "totalCompletions");
    two.laptop.release(Wish::kFetch);
    CHECK(two.laptop.code_of(sync).empty());
  }
  SUBCASE("made while its answer is lost, and deleted meanwhile") {
    two.laptop.increment("progress", "self", "totalCompletions", 5);
    two.laptop.fates = {Fate::kResponseLost};
    CHECK(two.laptop.sync() == "offline");
    REQUIRE(two.phone.sync().empty());
    two.server.now += 5000;
    two.phone.remove("progress", "self");
    REQUIRE(two.phone.sync().empty());
    two.server.now += 5000;
    two.laptop.increment("progress", "self", "totalCompletions", -4);
  }
  two.meet();
  CHECK(two.laptop.get("progress", "self")["totalCompletions"] == 11);
}

TEST_CASE("deletion: of a row that was never sent sends nothing") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  phone.put("logs", kId, kLog);
  phone.patch("logs", kId, {{"content", "y"}});
  phone.remove("logs", kId);
  CHECK(phone.pending() == 0);
  REQUIRE(phone.sync().empty());
  CHECK(server.applied() == 0);
  CHECK(server.head() == 0);
  phone.restart();
  CHECK(phone.pending() == 0);
  CHECK(phone.get("logs", kId).is_null());
}

TEST_CASE("deletion: a row written again is a new one") {
  Pair two;
  SUBCASE("before the deletion is sent") { two.phone.remove("logs", kId); }
  SUBCASE("while the deletion is on its way") {
    two.phone.remove("logs", kId);
    two.phone.fates = {Fate::kResponseLost};
    CHECK(two.phone.sync() == "offline");
  }
  SUBCASE("after the deletion was sent") {
    two.phone.remove("logs", kId);
    REQUIRE(two.phone.sync().empty());
  }
  two.phone.put("logs", kId, {{"category", "chat"}, {"content", "new"}});
  CHECK(two.phone.get("logs", kId)["metadata"].is_null());
  two.meet();
  const Json log = two.laptop.get("logs", kId);
  CHECK(log["category"] == "chat");
  CHECK(log["content"] == "new");
  CHECK(log["metadata"].is_null());
  CHECK_FALSE(log["createdAt"].is_null());
}

TEST_CASE("deletion: what a row written anew leaves empty is as old as its deletion") {
  const Stamp deleted_at{1000, 1000, "boot"}, written_at{2000, 2000, "boot"};
  Row row;
  row.id = kId;
  row.server = ServerRow{kId, 5, kLog, {{"*", make_clock(500, "00000000")}}};
  Change deletion, anew;
  deletion.del = true;
  deletion.base = kLog;
  anew.set = {{"content", "new"}};
  stack(row, deletion, deleted_at, 1);
  stack(row, anew, written_at, 2);  // of a context that had heard of neither category nor metadata
  REQUIRE(row.pending.has_value());
  CHECK(row.pending->change.set["metadata"].is_null());
  for (const auto& [column, value] : row.pending->change.set.items()) {
    CAPTURE(column);
    REQUIRE(row.pending->stamps.contains(column));
    CHECK(row.pending->stamps.at(column) == (column == "content" ? written_at : deleted_at));
  }
}

TEST_CASE("deletion: one that lost shows the row, and an edit of it leaves the rest alone") {
  Row row;
  row.id = kId;
  row.server = ServerRow{kId, 5, kLog, {{"*", make_clock(5000, "00000000")}}};
  Change deletion, edit;
  deletion.del = true;
  deletion.base = kLog;
  deletion.base["content"] = "what another device has changed since";
  edit.set = {{"content", "new"}};
  edit.base = {{"content", "x"}};
  const CollectionSpec& logs = *somatic_schema().collection("logs");
  stack(row, deletion, {1000, 1000, "boot"}, 1);
  refresh(logs, {}, row);
  REQUIRE(row.columns() != nullptr);
  stack(row, edit, {6000, 6000, "boot"}, 2);
  REQUIRE(row.pending.has_value());
  CHECK(row.pending->change.set == Json{{"content", "new"}});
}

TEST_CASE("deletion: on both sides is agreed") {
  Pair two;
  two.phone.remove("logs", kId);
  two.laptop.remove("logs", kId);
  two.meet();
  CHECK(two.server.size("sovereign_logs") == 0);
  CHECK(two.laptop.rejected() == 0);
}

TEST_CASE("deletion: by somebody who writes directly") {
  Pair two;
  two.laptop.patch("logs", kId, {{"content", "earlier"}});
  two.server.now += 5000;
  two.server.remove("sovereign_logs", kId);
  two.meet();
  CHECK(two.laptop.get("logs", kId).is_null());
}
