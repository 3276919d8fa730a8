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
      SUBCASE("the earlier is heard first") { REQUIRE(settle_down({&earlier, &last})); }
      SUBCASE("the later is heard first") { REQUIRE(settle_down({&last, &earlier})); }
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
      phone.put("health", "2026-11-22", {{"steps", 1}});
      server.now += 60'000;
      laptop.put("health", "2026-11-22", {{"steps", 2}});
      server.now += 60'000;
      if (killed) {
        phone.restart();
        laptop.restart();
      }
      REQUIRE(settle_down({&laptop, &phone}));
      CHECK(phone.get("health", "2026-11-22")["steps"] == 2);
      CHECK(laptop.get("health", "2026-11-22")["steps"] == 2);
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
