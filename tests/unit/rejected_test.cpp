// Rows that the server refuses for good: alone, with their reason, until mended or discarded.
#include <doctest/doctest.h>

#include "base/uuid.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";

Json log(const std::string& content) { return {{"category", "chat"}, {"content", content}}; }

/// A server that refuses logs with the content "bad", and a phone that knows it.
struct Refusing {
  ModelServer server;
  Device phone{server, "phone"};

  Refusing() {
    server.refuses = [](const std::string&, const Json& row) -> std::optional<Error> {
      if (at(row, "content") != "bad") return std::nullopt;
      return Error{"23514", "new row violates a check"};
    };
    REQUIRE(phone.sync().empty());
  }
  [[nodiscard]] Json list() const { return phone.ask({{"rejected", true}}); }
  std::string only_id() const {
    REQUIRE(list().size() == 1);
    return text_at(list()[0], "id");
  }
};

}  // namespace

TEST_CASE("rejected: one bad row among 300 is refused alone") {
  Refusing world;
  Random random("ids");
  for (int i = 0; i < 299; ++i) world.phone.put("logs", random.uuid_v4(), log("good"));
  world.phone.put("logs", kId, log("bad"));
  const std::size_t calls = world.server.calls.size();
  REQUIRE(world.phone.sync().empty());
  CHECK(world.server.calls.size() == calls + 1);
  CHECK(world.server.size("sovereign_logs") == 299);
  CHECK(world.phone.last_report["pushed"] == 299);
  CHECK(world.phone.last_report["rejected"] == 1);
  CHECK(world.phone.pending() == 0);
  CHECK(world.phone.rejected() == 1);
  CHECK(world.phone.get("logs", kId)["content"] == "bad");
  const Json rejected = world.list()[0];
  CHECK(rejected["collection"] == "logs");
  CHECK(rejected["key"] == kId);
  CHECK(rejected["code"] == "23514");
  CHECK(rejected["message"] == "new row violates a check");
  CHECK(rejected["value"] == world.phone.get("logs", kId));
  REQUIRE(world.phone.notices.size() == 1);
  CHECK(world.phone.notices[0].event == "rejected");
  CHECK(world.phone.notices[0].detail == rejected);

  const Json before = world.phone.dump();
  world.phone.restart();
  CHECK(world.phone.dump() == before);
  const std::size_t applied = world.server.applied();
  REQUIRE(world.phone.sync().empty());
  CHECK(world.server.applied() == applied);
  CHECK(world.server.calls.back().pushed == 0);
}

TEST_CASE("rejected: a new edit absorbs it and is tried as one mutation") {
  Refusing world;
  world.phone.put("logs", kId, log("bad"));
  REQUIRE(world.phone.sync().empty());
  SUBCASE("and mends it") {
    world.phone.patch("logs", kId, {{"content", "mended"}});
    CHECK(world.phone.rejected() == 0);
    CHECK(world.phone.pending() == 1);
    REQUIRE(world.phone.sync().empty());
    CHECK(world.phone.rejected() == 0);
    CHECK(world.server.find("sovereign_logs", {{"content", "mended"}})["category"] == "chat");
  }
  SUBCASE("and does not") {
    world.phone.patch("logs", kId, {{"metadata", {{"a", 1}}}});
    REQUIRE(world.phone.sync().empty());
    CHECK(world.phone.rejected() == 1);
    CHECK(world.list()[0]["value"]["metadata"] == Json{{"a", 1}});
    CHECK(world.phone.get("logs", kId)["content"] == "bad");
  }
  SUBCASE("by deleting the row, which the server never had") {
    world.phone.remove("logs", kId);
    CHECK(world.phone.pending() == 0);
    CHECK(world.phone.rejected() == 0);
    REQUIRE(world.phone.sync().empty());
    CHECK(world.server.calls.back().pushed == 0);
    CHECK(world.phone.get("logs", kId).is_null());
  }
  SUBCASE("made while the refusal was on its way") {
    world.phone.patch("logs", kId, {{"metadata", {{"a", 1}}}});
    world.phone.holds = {Wish::kFetch};
    const Ticket sync = world.phone.begin(SyncNow{});
    world.phone.patch("logs", kId, {{"content", "mended"}});
    world.phone.release(Wish::kFetch);
    CHECK(world.phone.code_of(sync).empty());
    CHECK(world.phone.rejected() == 0);
    CHECK(world.phone.pending() == 0);
    CHECK(world.server.find("sovereign_logs", {{"content", "mended"}})["metadata"] ==
          Json{{"a", 1}});
  }
}

TEST_CASE("rejected: a retry works once the server would take it") {
  Refusing world;
  world.phone.put("logs", kId, log("bad"));
  REQUIRE(world.phone.sync().empty());
  const std::string id = world.only_id();
  CHECK(world.phone.retry_rejected(id).empty());
  CHECK(world.phone.pending() == 1);
  REQUIRE(world.phone.sync().empty());
  CHECK(world.only_id() != id);
  world.server.refuses = nullptr;
  CHECK(world.phone.retry_rejected(world.only_id()).empty());
  REQUIRE(world.phone.sync().empty());
  CHECK(world.phone.rejected() == 0);
  CHECK(world.server.size("sovereign_logs") == 1);
  CHECK(world.phone.retry_rejected("no such id").empty());
}

TEST_CASE("rejected: discarding shows the server's value, or nothing") {
  Refusing world;
  SUBCASE("the server never had the row") {
    world.phone.put("logs", kId, log("bad"));
    REQUIRE(world.phone.sync().empty());
    CHECK(world.phone.discard_rejected(world.only_id()).empty());
    CHECK(world.phone.get("logs", kId).is_null());
    CHECK(world.phone.ask({{"collection", "logs"}, {"size", true}}) == 0);
  }
  SUBCASE("the server has the row") {
    world.phone.put("logs", kId, log("good"));
    REQUIRE(world.phone.sync().empty());
    world.phone.patch("logs", kId, {{"content", "bad"}, {"metadata", {{"a", 1}}}});
    REQUIRE(world.phone.sync().empty());
    CHECK(world.phone.get("logs", kId)["content"] == "bad");
    CHECK(world.phone.discard_rejected(world.only_id()).empty());
    CHECK(world.phone.get("logs", kId)["content"] == "good");
    CHECK(world.phone.get("logs", kId)["metadata"].is_null());
  }
  CHECK(world.phone.rejected() == 0);
  const Json before = world.phone.dump();
  world.phone.restart();
  CHECK(world.phone.dump() == before);
  REQUIRE(world.phone.sync().empty());
  CHECK(world.phone.dump() == before);
}

TEST_CASE("rejected: what others write to the row is seen below it") {
  Refusing world;
  Device laptop(world.server, "laptop");
  world.phone.put("logs", kId, log("good"));
  REQUIRE(settle_down({&world.phone, &laptop}));
  world.phone.patch("logs", kId, {{"content", "bad"}});
  REQUIRE(world.phone.sync().empty());
  world.server.now += 1000;
  laptop.patch("logs", kId, {{"metadata", {{"a", 1}}}});
  REQUIRE(settle_down({&laptop, &world.phone}));
  CHECK(world.phone.get("logs", kId)["metadata"] == Json{{"a", 1}});
  CHECK(world.phone.get("logs", kId)["content"] == "bad");
  CHECK(world.phone.discard_rejected(world.only_id()).empty());
  CHECK(world.phone.dump() == laptop.dump());
}
