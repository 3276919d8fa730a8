// Two devices of one user: what each wrote while the other could not know ends up on both.
#include <doctest/doctest.h>

#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";

struct Pair {
  ModelServer server;
  Device phone{server, "phone"}, laptop{server, "laptop"};

  /// Both know of each other's work so far.
  void meet() {
    REQUIRE(settle_down({&phone, &laptop}));
    REQUIRE(phone.dump() == laptop.dump());
  }
  /// Both, and a device that never saw any of it, read the same.
  void meet_fresh() {
    meet();
    Device fresh(server, "fresh");
    REQUIRE(fresh.sync().empty());
    CHECK(fresh.dump() == phone.dump());
  }
};

}  // namespace

TEST_CASE("devices: a counter counts both") {
  Pair two;
  two.phone.put("progress", "self", {{"totalCompletions", 10}});
  two.meet();
  two.phone.increment("progress", "self", "totalCompletions");
  two.laptop.increment("progress", "self", "totalCompletions");
  CHECK(two.phone.get("progress", "self")["totalCompletions"] == 11);
  two.meet_fresh();
  CHECK(two.phone.get("progress", "self")["totalCompletions"] == 12);
  CHECK(two.laptop.get("progress", "self")["totalCompletions"] == 12);
}

TEST_CASE("devices: a counter counts two first increments") {
  Pair two;
  two.phone.increment("progress", "self", "totalCompletions", 2);
  two.laptop.increment("progress", "self", "totalCompletions", 3);
  two.meet_fresh();
  CHECK(two.phone.get("progress", "self")["totalCompletions"] == 5);
  CHECK(two.server.size("user_progress") == 1);
}

TEST_CASE("devices: three increments in one quiet period are one mutation") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("progress", "self", {{"totalCompletions", 10}});
  REQUIRE(phone.sync().empty());
  const std::size_t before = server.applied();
  for (int i = 0; i < 3; ++i)
    CHECK(phone.increment("progress", "self", "totalCompletions").empty());
  REQUIRE(phone.sync().empty());
  CHECK(server.applied() == before + 1);
  CHECK(server.find("user_progress", {})["total_completions"] == 13);
}

TEST_CASE("devices: an increment meets an edit that it does not know") {
  Pair two;
  two.phone.put("progress", "self", {{"totalCompletions", 10}, {"completedDays", {"2026-11-20"}}});
  two.meet();
  two.phone.patch("progress", "self", {{"completedDays", {"2026-11-21"}}});
  REQUIRE(two.phone.sync().empty());
  two.laptop.increment("progress", "self", "totalCompletions");
  REQUIRE(two.laptop.sync().empty());
  // The row was changed on another base: the laptop must have been told the rest of it.
  CHECK(two.laptop.get("progress", "self")["complianceStreak"] == 2);
  two.meet_fresh();
}

TEST_CASE("devices: an increment meets an edit, and the answer comes in pages") {
  Pair two;
  two.phone.put("progress", "self", {{"totalCompletions", 10}, {"completedDays", {"2026-11-20"}}});
  two.meet();
  for (int i = 0; i < 4; ++i) {
    two.phone.put("achievements", "a" + std::to_string(i), {{"progress", i}});
  }
  two.phone.patch("progress", "self", {{"completedDays", {"2026-11-21"}}});
  REQUIRE(two.phone.sync().empty());
  two.server.page_max = 2;
  two.laptop.increment("progress", "self", "totalCompletions");
  two.laptop.patch("achievements", "a9", {{"progress", 9}});
  REQUIRE(two.laptop.sync().empty());
  CHECK(two.laptop.get("progress", "self")["complianceStreak"] == 2);
  two.laptop.patch("progress", "self", {{"completedDays", {"2026-11-22"}}});
  two.meet_fresh();
  CHECK(two.phone.get("progress", "self")["complianceStreak"] == 3);
}

TEST_CASE("devices: different fields of one row are both kept") {
  Pair two;
  two.phone.put("health", "2026-11-22", {{"steps", 1}, {"sleepHours", 1}});
  two.phone.put("logs", kId, {{"category", "chat"}, {"content", "x"}, {"metadata", {{"a", 1}}}});
  two.meet();
  two.phone.patch("health", "2026-11-22", {{"steps", 2}});
  two.laptop.patch("health", "2026-11-22", {{"sleepHours", 2.5}});
  two.phone.patch("logs", kId, {{"metadata", {{"a", 1}, {"b", 2}}}});
  two.laptop.patch("logs", kId, {{"metadata", {{"a", 1}, {"c", 3}}}, {"content", "y"}});
  two.meet_fresh();
  const Json health = two.phone.get("health", "2026-11-22");
  CHECK(health["steps"] == 2);
  CHECK(health["sleepHours"] == 2.5);
  const Json log = two.phone.get("logs", kId);
  CHECK(log["metadata"] == parse_json(R"({"a":1,"b":2,"c":3})"));
  CHECK(log["content"] == "y");
}

TEST_CASE("devices: a column that was merged is no older than either side of it") {
  Pair two;
  Device tablet(two.server, "tablet");
  two.phone.put("logs", kId, {{"category", "chat"}, {"content", "x"}, {"metadata", {{"a", 0}}}});
  REQUIRE(settle_down({&two.phone, &two.laptop, &tablet}));
  const auto write = [&](Device& device, const Json& metadata) {
    two.server.now += 10'000;
    device.patch("logs", kId, {{"metadata", metadata}});
    device.fates = {Fate::kRequestLost};  // frozen, and so on what it was made on
    CHECK(device.sync() == "offline");
  };
  write(two.phone, {{"a", 1}, {"b", 1}});
  write(tablet, {{"a", 2}});
  write(two.laptop, {{"a", 1}});
  REQUIRE(two.laptop.sync().empty());
  REQUIRE(two.phone.sync().empty());  // says what the laptop said, and more, but said it earlier
  REQUIRE(tablet.sync().empty());
  REQUIRE(settle_down({&two.phone, &two.laptop, &tablet}));
  for (const Device* device : {&two.phone, &two.laptop, &tablet}) {
    CHECK(device->get("logs", kId)["metadata"] == parse_json(R"({"a":1,"b":1})"));
  }
}

TEST_CASE("devices: rows made apart with one natural key become one") {
  Pair two;
  two.phone.put("health", "2026-11-22", {{"steps", 4000}});
  two.laptop.put("health", "2026-11-22", {{"sleepHours", 7.5}});
  two.server.write("achievements", "99999999-9999-4999-8999-999999999999",
                   {{"achievement_id", "dawn"}, {"progress", 30}});
  two.phone.put("achievements", "dawn", {{"progress", 20}});
  two.laptop.put("achievements", "dawn", {{"unlocked", true}});
  two.meet_fresh();
  CHECK(two.phone.get("health", "2026-11-22")["steps"] == 4000);
  CHECK(two.phone.get("health", "2026-11-22")["sleepHours"] == 7.5);
  const Json dawn = two.phone.get("achievements", "dawn");
  CHECK(dawn["progress"] == 30);
  CHECK(dawn["unlocked"] == true);
  CHECK(two.server.size("achievements") == 1);
  CHECK(two.server.size("health_metrics_history") == 1);
}

TEST_CASE("devices: an achievement stays unlocked") {
  Pair two;
  two.phone.put("achievements", "dawn", {{"unlocked", false}, {"progress", 50}});
  two.meet();
  two.phone.put("achievements", "dawn",
                {{"unlocked", true}, {"unlockedDate", "2026-11-22T10:00:00Z"}, {"progress", 100}});
  two.laptop.put("achievements", "dawn", {{"unlocked", false}, {"progress", 60}});
  two.meet_fresh();
  const Json dawn = two.laptop.get("achievements", "dawn");
  CHECK(dawn["unlocked"] == true);
  CHECK(dawn["progress"] == 100);
  CHECK(dawn["unlockedDate"] == "2026-11-22T10:00:00.000Z");
}

TEST_CASE("devices: answers of a questionnaire unite, the newest per question") {
  const auto answer = [](int question, int value, const char* at) {
    return Json{{"questionId", question}, {"value", value}, {"answeredAt", at}};
  };
  Pair two;
  two.phone.put("path", "self",
                {{"oejtsAnswers", Json::array({answer(1, 1, "2026-11-20T00:00:00Z")})}});
  two.meet();
  two.phone.patch("path", "self",
                  {{"oejtsAnswers", Json::array({answer(1, 2, "2026-11-22T10:00:00Z"),
                                                 answer(2, 2, "2026-11-22T10:00:00Z")})}});
  two.laptop.patch("path", "self",
                   {{"oejtsAnswers", Json::array({answer(1, 3, "2026-11-22T09:00:00Z"),
                                                  answer(3, 3, "2026-11-22T09:00:00Z")})}});
  two.meet_fresh();
  std::map<int, int> values;
  const Json path = two.laptop.get("path", "self");
  for (const Json& each : path["oejtsAnswers"]) values[each["questionId"]] = each["value"];
  CHECK(values == std::map<int, int>{{1, 2}, {2, 2}, {3, 3}});
}

TEST_CASE("devices: a streak is made of everyone's days") {
  Pair two;
  // a streak of 5 that ends on Sunday, 2026-11-22
  two.phone.put("progress", "self", {{"complianceStreak", 5}, {"lastCompletedDate", "2026-11-22"}});
  two.meet();
  two.phone.put("progress", "self", {{"complianceStreak", 6}, {"lastCompletedDate", "2026-11-23"}});
  two.phone.put("progress", "self", {{"complianceStreak", 7}, {"lastCompletedDate", "2026-11-24"}});
  two.laptop.put("progress", "self",
                 {{"complianceStreak", 1}, {"lastCompletedDate", "2026-11-25"}});
  two.meet_fresh();
  CHECK(two.phone.get("progress", "self")["complianceStreak"] == 8);
  CHECK(two.laptop.get("progress", "self")["lastCompletedDate"] == "2026-11-25");
}

TEST_CASE("devices: a fresh device that completes before its first pull keeps the old streak") {
  for (const bool old_row : {false, true}) {
    CAPTURE(old_row);
    ModelServer server;
    Device phone(server, "phone");
    if (old_row) {  // written by an app that knows nothing of days
      server.write("user_progress", kId,
                   {{"compliance_streak", 5},
                    {"last_completed_date", "2026-11-22"},
                    {"total_completions", 40}});
    } else {
      phone.put(
          "progress", "self",
          {{"complianceStreak", 5}, {"lastCompletedDate", "2026-11-22"}, {"totalCompletions", 40}});
      REQUIRE(phone.sync().empty());
    }
    Device fresh(server, "fresh");
    fresh.increment("progress", "self", "totalCompletions", 1,
                    {{"complianceStreak", 1}, {"lastCompletedDate", "2026-11-23"}});
    REQUIRE(settle_down({&fresh, &phone}));
    for (Device* device : {&fresh, &phone}) {
      CHECK(device->get("progress", "self")["complianceStreak"] == 6);
      CHECK(device->get("progress", "self")["totalCompletions"] == 41);
    }
    CHECK(server.size("user_progress") == 1);
  }
}

TEST_CASE("devices: what the server makes of a value is what everyone reads") {
  Pair two;
  two.phone.put("health", "2026-11-22", {{"sleepHours", 7}, {"walkingAsymmetry", 1.005}});
  two.phone.put("attunements", "2026-11-22",
                {{"insightfulQuestion", "q"}, {"synthesizedAnswer", "a"}});
  two.meet_fresh();
  CHECK_FALSE(two.phone.get("health", "2026-11-22")["syncedAt"].is_null());
}

TEST_CASE("devices: the first attunement of a day wins") {
  Pair two;
  two.phone.put("attunements", "2026-11-22",
                {{"insightfulQuestion", "q1"}, {"synthesizedAnswer", "a1"}});
  two.server.now += 1000;
  two.laptop.put("attunements", "2026-11-22",
                 {{"insightfulQuestion", "q2"}, {"synthesizedAnswer", "a2"}});
  REQUIRE(two.phone.sync().empty());
  two.meet_fresh();
  CHECK(two.laptop.get("attunements", "2026-11-22")["insightfulQuestion"] == "q1");
  CHECK(two.laptop.get("attunements", "2026-11-22")["synthesizedAnswer"] == "a1");
}
