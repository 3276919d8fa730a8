// Wrong clocks: the later real edit wins, whatever the devices believe the time is.
#include <doctest/doctest.h>

#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

constexpr Ms kTwoYears = 2LL * 365 * 24 * 60 * 60 * 1000;
const char* const kId = "11111111-1111-4111-8111-111111111111";

Json log(const std::string& content) { return {{"category", "chat"}, {"content", content}}; }

struct Case {
  std::string name;
  Ms phone_skew, laptop_skew;
};
const Case kCases[] = {{"right", 0, 0},
                       {"phone ahead", kTwoYears, 0},
                       {"phone behind", -kTwoYears, 0},
                       {"apart", kTwoYears, -kTwoYears},
                       {"apart the other way", -kTwoYears, kTwoYears}};

}  // namespace

TEST_CASE("clocks: the later edit wins after first contact") {
  for (const Case& c : kCases) {
    for (const bool phone_last : {true, false}) {
      CAPTURE(c.name);
      CAPTURE(phone_last);
      ModelServer server;
      Device phone(server, "phone"), laptop(server, "laptop");
      phone.wall_skew = c.phone_skew;
      laptop.wall_skew = c.laptop_skew;
      phone.put("logs", kId, log("first"));
      REQUIRE(settle_down({&phone, &laptop}));
      server.now += 10'000;
      Device& last = phone_last ? phone : laptop;
      Device& earlier = phone_last ? laptop : phone;
      earlier.patch("logs", kId, {{"content", "earlier"}});
      server.now += 10'000;
      last.patch("logs", kId, {{"content", "later"}});
      server.now += 10'000;
      REQUIRE(settle_down({&laptop, &phone}));
      CHECK(phone.get("logs", kId)["content"] == "later");
      CHECK(laptop.get("logs", kId)["content"] == "later");
    }
  }
}

TEST_CASE("clocks: edits made before first contact are dated when it comes") {
  for (const Case& c : kCases) {
    for (const bool killed : {false, true}) {
      CAPTURE(c.name);
      CAPTURE(killed);
      ModelServer server;
      Device phone(server, "phone"), laptop(server, "laptop");
      phone.wall_skew = c.phone_skew;
      laptop.wall_skew = c.laptop_skew;
      phone.put("logs", kId, log("earlier"));
      server.now += 60'000;
      laptop.put("logs", kId, log("later"));
      server.now += 60'000;
      if (killed) {
        phone.restart();
        laptop.restart();
      }
      REQUIRE(settle_down({&laptop, &phone}));
      CHECK(phone.get("logs", kId)["content"] == "later");
      CHECK(laptop.get("logs", kId)["content"] == "later");
    }
  }
}

TEST_CASE("clocks: a wall clock that jumps while the app runs changes nothing") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  phone.put("logs", kId, log("first"));
  REQUIRE(settle_down({&phone, &laptop}));
  phone.wall_skew = kTwoYears;
  server.now += 10'000;
  phone.patch("logs", kId, {{"content", "earlier"}});
  phone.wall_skew = -kTwoYears;
  server.now += 10'000;
  laptop.patch("logs", kId, {{"content", "later"}});
  REQUIRE(settle_down({&laptop, &phone}));
  CHECK(phone.get("logs", kId)["content"] == "later");
  CHECK(laptop.get("logs", kId)["content"] == "later");
}

TEST_CASE("clocks: a monotonic clock that slept is noticed with the next answer") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  phone.put("logs", kId, log("first"));
  REQUIRE(settle_down({&phone, &laptop}));
  phone.sleep(8LL * 60 * 60 * 1000);
  phone.latency_ms = 200;  // slower than the answer that set the clock
  REQUIRE(phone.sync().empty());
  laptop.patch("logs", kId, {{"content", "earlier"}});
  server.now += 10'000;
  phone.patch("logs", kId, {{"content", "later"}});
  REQUIRE(settle_down({&laptop, &phone}));
  CHECK(phone.get("logs", kId)["content"] == "later");
  CHECK(laptop.get("logs", kId)["content"] == "later");
}

TEST_CASE("clocks: an edit made on what another device wrote is later, however slow the clock") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  REQUIRE(settle_down({&phone, &laptop}));
  // an answer that took long: the laptop's idea of the time is late
  phone.put("logs", kId, log("first"));
  REQUIRE(phone.sync().empty());
  REQUIRE(laptop.sync().empty());
  laptop.patch("logs", kId, {{"content", "second"}});
  REQUIRE(laptop.sync().empty());
  const Json stored = server.find("sovereign_logs", {{"content", "second"}});
  CHECK(text_at(stored["clocks"], "content") > text_at(stored["clocks"], "*"));
}

TEST_CASE("clocks: a deletion of what is seen is later, though the server's clock went back") {
  for (const bool edited : {false, true}) {
    for (const bool sent : {false, true}) {
      CAPTURE(edited);
      CAPTURE(sent);
      ModelServer server;
      Device phone(server, "phone"), laptop(server, "laptop");
      laptop.put("logs", kId, log("first"));
      REQUIRE(settle_down({&laptop, &phone}));
      server.now -= 60'000;
      REQUIRE(phone.sync().empty());
      if (edited) phone.patch("logs", kId, {{"content", "second"}});
      if (sent) REQUIRE(phone.sync().empty());
      phone.remove("logs", kId);
      CHECK(phone.get("logs", kId).is_null());
      REQUIRE(settle_down({&phone, &laptop}));
      CHECK(phone.get("logs", kId).is_null());
      CHECK(laptop.get("logs", kId).is_null());
      CHECK(server.size("sovereign_logs") == 0);
    }
  }
}

TEST_CASE("clocks: times the app wrote are refused when they lie in the future") {
  ModelServer server;
  Device phone(server, "phone");
  phone.wall_skew = -kTwoYears;
  const Json today = {{"unlockedDate", "2026-11-22T23:00:00Z"}};
  CHECK(phone.put("achievements", "dawn", today) == "invalid-value");
  REQUIRE(phone.sync().empty());
  CHECK(phone.put("achievements", "dawn", today).empty());
  CHECK(phone.put("achievements", "dusk", {{"unlockedDate", "2028-11-22T23:00:00Z"}}) ==
        "invalid-value");
}

namespace {

Json answers(const std::string& answered_at, int value) {
  return {{"oejtsAnswers",
           Json::array({{{"questionId", "q1"}, {"value", value}, {"answeredAt", answered_at}}})}};
}

/// What `new Date().toISOString()` says on a device.
std::string app_time(const ModelServer& server, const Device& device) {
  return format_timestamp(server.now + device.wall_skew);
}

}  // namespace

TEST_CASE("clocks: times that the app wrote by a wrong clock are put right before they decide") {
  for (const Case& c : kCases) {
    for (const bool before_contact : {true, false}) {
      for (const int order : {0, 1, 2, 3}) {
        const bool jumps = order > 1, laptop_first = order % 2 == 1;
        CAPTURE(c.name);
        CAPTURE(before_contact);
        CAPTURE(laptop_first);
        CAPTURE(jumps);
        ModelServer server;
        Device phone(server, "phone"), laptop(server, "laptop");
        phone.wall_skew = c.phone_skew;
        laptop.wall_skew = c.laptop_skew;
        if (!before_contact) REQUIRE(settle_down({&phone, &laptop}));
        if (jumps) phone.wall_skew += 3LL * 24 * 60 * 60 * 1000;
        server.now += 60'000;
        const std::string first = format_timestamp(server.now);
        const char* const day = "2024-01-01";  // past by every clock
        const auto write = [&](Device& device, int value) {
          const std::string now = app_time(server, device);
          CHECK(device.put("path", "self", answers(now, value)).empty());
          CHECK(device.put("achievements", "dawn", {{"unlocked", true}, {"unlockedDate", now}})
                    .empty());
          CHECK(device.put("astrology", "self", {{"cachedAt", now}, {"transits", value}}).empty());
          CHECK(device.put("cosmic", day, {{"cachedAt", now}, {"astronomy", value}}).empty());
          CHECK(device
                    .put("attunements", day,
                         {{"generatedAt", now},
                          {"insightfulQuestion", "Why?"},
                          {"synthesizedAnswer", std::to_string(value)}})
                    .empty());
        };
        write(phone, 1);
        server.now += 60'000;
        const std::string second = format_timestamp(server.now);
        write(laptop, 2);
        std::vector<Device*> turn = {&phone, &laptop};
        if (laptop_first) turn = {&laptop, &phone};
        REQUIRE(settle_down(turn));
        for (Device* device : {&phone, &laptop}) {
          const Json answer = device->get("path", "self")["oejtsAnswers"][0];
          CHECK(answer["value"] == 2);
          const auto near = [](const Json& text, const std::string& want) {
            const auto at = parse_timestamp(text.get<std::string>());
            const auto expected = parse_timestamp(want);
            return at && std::abs(*at - *expected) < 2000;
          };
          CHECK(near(answer["answeredAt"], second));
          CHECK(near(device->get("achievements", "dawn")["unlockedDate"], first));
          CHECK(device->get("astrology", "self")["transits"] == 2);
          CHECK(near(device->get("astrology", "self")["cachedAt"], second));
          CHECK(device->get("cosmic", day)["astronomy"] == 2);
          CHECK(near(device->get("cosmic", day)["cachedAt"], second));
          // The first that the server accepts wins, whole; its time is right all the same.
          const Json attunement = device->get("attunements", day);
          CHECK(attunement["synthesizedAnswer"] == (laptop_first ? "2" : "1"));
          CHECK(near(attunement["generatedAt"], laptop_first ? second : first));
        }
      }
    }
  }
}

TEST_CASE("clocks: a right clock leaves what the app wrote as it is, and old times stay old") {
  ModelServer server;
  Device phone(server, "phone");
  phone.latency_ms = 300;
  REQUIRE(phone.sync().empty());
  const Json given = {{"unlocked", true}, {"unlockedDate", "2026-11-22T23:24:59.123Z"}};
  phone.put("achievements", "dawn", given);
  phone.put("path", "self", answers("2026-11-22T20:00:00.5+01:00", 1));
  REQUIRE(phone.sync().empty());
  CHECK(phone.get("achievements", "dawn")["unlockedDate"] == "2026-11-22T23:24:59.123Z");
  CHECK(phone.get("path", "self")["oejtsAnswers"][0]["answeredAt"] ==
        "2026-11-22T20:00:00.5+01:00");
  phone.wall_skew = kTwoYears;
  phone.put("achievements", "dusk", {{"unlockedDate", "2019-05-01T00:00:00Z"}});
  REQUIRE(phone.sync().empty());
  CHECK(phone.get("achievements", "dusk")["unlockedDate"] == "2019-05-01T00:00:00.000Z");
}

TEST_CASE("clocks: a day by a wrong clock joins the streak where it belongs") {
  for (const Ms skew : {kTwoYears, -kTwoYears}) {
    CAPTURE(skew);
    ModelServer server;
    Device phone(server, "phone"), laptop(server, "laptop");
    laptop.put("progress", "self",
               {{"completedDays", Json::array({Json::array({"2026-11-18", "2026-11-21"})})}});
    REQUIRE(settle_down({&laptop, &phone}));
    phone.wall_skew = skew;
    const std::string today = app_time(server, phone).substr(0, 10);
    CHECK(phone
              .increment("progress", "self", "totalCompletions", 1,
                         {{"completedDays", Json::array({today})}})
              .empty());
    REQUIRE(settle_down({&phone, &laptop}));
    for (Device* device : {&phone, &laptop}) {
      const Json progress = device->get("progress", "self");
      CHECK(progress["completedDays"] == Json::array({Json::array({"2026-11-18", "2026-11-22"})}));
      CHECK(progress["complianceStreak"] == 5);
      CHECK(progress["lastCompletedDate"] == "2026-11-22");
    }
  }
}

TEST_CASE("clocks: a day in the future is refused, as a key and in a streak") {
  ModelServer server;
  Device phone(server, "phone");
  phone.wall_skew = kTwoYears;
  REQUIRE(phone.sync().empty());
  CHECK(phone.put("health", "2028-11-21", {{"steps", 1}}) == "invalid-value");
  CHECK(phone.put("health", "2026-11-23", {{"steps", 1}}).empty());  // it is tomorrow in the east
  CHECK(phone.put("progress", "self", {{"completedDays", Json::array({"2028-12-25"})}}) ==
        "invalid-value");
  CHECK(phone.put("progress", "self",
                  {{"completedDays", Json::array({Json::array({"2026-11-20", "2028-12-25"})})}}) ==
        "invalid-value");
}

TEST_CASE("clocks: a day of the future that was written before first contact is refused then") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  phone.wall_skew = kTwoYears;
  const std::string key = app_time(server, phone).substr(0, 10);
  REQUIRE(phone.put("health", key, {{"steps", 1}}).empty());  // nobody can know better yet
  REQUIRE(phone.put("health", "2026-11-21", {{"steps", 2}}).empty());
  SUBCASE("at once") {}
  SUBCASE("after a restart") { phone.restart(); }
  REQUIRE(phone.sync().empty());
  CHECK(phone.last_report["rejected"] == 1);
  REQUIRE(settle_down({&phone, &laptop}));
  CHECK(server.size("health_metrics_history") == 1);
  CHECK(laptop.get("health", "2026-11-21")["steps"] == 2);
  const Json rejected = phone.ask({{"rejected", true}});
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0]["key"] == key);
  CHECK(rejected[0]["code"] == "invalid-value");
  CHECK(phone.get("health", key)["steps"] == 1);  // reads as written until it is discarded
  const Json before = phone.dump();
  phone.restart();
  CHECK(phone.dump() == before);
  REQUIRE(phone.retry_rejected(text_at(rejected[0], "id")).empty());
  REQUIRE(phone.sync().empty());
  CHECK(phone.rejected() == 1);
  CHECK(phone.remove("health", key).empty());
  CHECK(phone.rejected() == 0);
  CHECK(phone.get("health", key).is_null());
}

TEST_CASE("clocks: a row of a future day that is there can be edited and removed") {
  ModelServer server;
  Device phone(server, "phone");
  const std::string key = "2028-11-21";  // by an older version of the app, on a wrong clock
  server.write("health_metrics_history", kId, {{"date", key}, {"steps", 1}});
  REQUIRE(phone.sync().empty());
  CHECK(phone.patch("health", key, {{"steps", 2}}).empty());
  REQUIRE(phone.sync().empty());
  CHECK(server.find("health_metrics_history", {{"date", key}})["steps"] == 2);
  CHECK(phone.remove("health", key).empty());
  REQUIRE(phone.sync().empty());
  CHECK(server.size("health_metrics_history") == 0);
  CHECK(phone.rejected() == 0);
}
