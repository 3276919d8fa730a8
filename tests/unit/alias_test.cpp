// One row under two names: an app id that two keys carry, a row the server knows under another id.
// Both names read it, and nothing written under either is lost.
#include <doctest/doctest.h>

#include "base/uuid.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kOne = "11111111-1111-4111-8111-111111111111";
const char* const kTwo = "22222222-2222-4222-8222-222222222222";
const char* const kRandom = "99999999-9999-4999-8999-999999999999";

Json entry(const std::string& content, const Json& more = Json::object()) {
  Json metadata = {{"journalId", "journal-1"}};
  metadata.update(more);
  return {{"category", "journal"}, {"content", content}, {"metadata", metadata}};
}

std::size_t count(const Device& device) {
  return device.ask({{"collection", "logs"}, {"list", {}}}).size();
}

}  // namespace

TEST_CASE("alias: a put that carries another row's identity is merged into that row") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.put("logs", kOne, entry("first", {{"mood", "calm"}})).empty());
  SUBCASE("unsent") {}
  SUBCASE("sent") { REQUIRE(phone.sync().empty()); }
  REQUIRE(phone.put("logs", kTwo, entry("second")).empty());
  CHECK(count(phone) == 1);
  for (const char* key : {kOne, kTwo}) {
    CHECK(phone.get("logs", key)["content"] == "second");
    CHECK(phone.get("logs", key)["id"] == kOne);
  }
  REQUIRE(phone.patch("logs", kTwo, {{"content", "third"}}).empty());
  phone.restart();
  REQUIRE(phone.sync().empty());
  CHECK(phone.get("logs", kTwo)["content"] == "third");
  CHECK(server.size("sovereign_logs") == 1);
  REQUIRE(phone.remove("logs", kTwo).empty());
  CHECK(phone.get("logs", kOne).is_null());
  CHECK(count(phone) == 0);
}

TEST_CASE("alias: different ids, or none, are different rows") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("logs", kOne, entry("one"));
  phone.put("logs", kTwo,
            {{"category", "chat"}, {"content", "two"}, {"metadata", {{"messageId", "journal-1"}}}});
  phone.put("logs", kRandom,
            {{"category", "chat"}, {"content", "three"}, {"metadata", {{"messageId", ""}}}});
  CHECK(count(phone) == 3);
  REQUIRE(phone.sync().empty());
  CHECK(server.size("sovereign_logs") == 3);
}

TEST_CASE("alias: two devices make one entry under two keys") {
  for (const bool edited_meanwhile : {false, true}) {
    CAPTURE(edited_meanwhile);
    ModelServer server;
    Device phone(server, "phone"), laptop(server, "laptop");
    REQUIRE(settle_down({&phone, &laptop}));
    phone.put("logs", kOne, entry("by the phone", {{"mood", "calm"}}));
    server.now += 10'000;
    laptop.put("logs", kTwo, entry("by the laptop", {{"insights", "many"}}));
    REQUIRE(phone.sync().empty());
    if (edited_meanwhile) {
      laptop.holds = {Wish::kFetch};
      laptop.begin(SyncNow{});
      laptop.patch("logs", kTwo, {{"content", "edited meanwhile"}});
      laptop.release(Wish::kFetch);
    }
    REQUIRE(settle_down({&laptop, &phone}));
    CHECK(server.size("sovereign_logs") == 1);
    CHECK(phone.dump() == laptop.dump());
    for (const char* key : {kOne, kTwo}) {
      const Json row = laptop.get("logs", key);
      REQUIRE(row.is_object());
      CHECK(row["content"] == (edited_meanwhile ? "edited meanwhile" : "by the laptop"));
      CHECK(row["metadata"] ==
            Json{{"journalId", "journal-1"}, {"mood", "calm"}, {"insights", "many"}});
    }
    CHECK(laptop.pending() == 0);
    laptop.restart();
    CHECK(laptop.get("logs", kTwo) == phone.get("logs", kOne));
  }
}

TEST_CASE("alias: the lost answer of an adopted entry") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  phone.put("logs", kOne, entry("by the phone"));
  REQUIRE(settle_down({&phone, &laptop}));
  Device tablet(server, "tablet");
  tablet.put("logs", kTwo, entry("by the tablet"));
  tablet.fates = {Fate::kRequestLost, Fate::kAnswered, Fate::kResponseLost, Fate::kResponseLost};
  for (int i = 0; i < 4; ++i) tablet.sync();
  REQUIRE(settle_down({&tablet, &phone, &laptop}));
  CHECK(server.size("sovereign_logs") == 1);
  CHECK(tablet.dump() == phone.dump());
  CHECK(tablet.get("logs", kTwo)["content"] == "by the tablet");
}

TEST_CASE("alias: an attunement that was not the first keeps its id as another name") {
  ModelServer server;
  server.write(
      "daily_attunements", kRandom,
      {{"date", "2026-11-22"}, {"insightful_question", "first?"}, {"synthesized_answer", "yes"}});
  Device phone(server, "phone");
  phone.put("attunements", "2026-11-22",
            {{"insightfulQuestion", "second?"}, {"synthesizedAnswer", "no"}});
  const std::string made = uuid_v5(kUser, "attunements/2026-11-22");
  REQUIRE(phone.sync().empty());
  for (const std::string& name : {std::string("2026-11-22"), made, std::string(kRandom)}) {
    CAPTURE(name);
    CHECK(phone.get("attunements", name)["insightfulQuestion"] == "first?");
  }
  phone.restart();
  CHECK(phone.get("attunements", made)["date"] == "2026-11-22");
}
