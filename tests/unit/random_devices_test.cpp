// Three devices do anything in any order over a bad network with wrong clocks. When all is quiet
// they agree with each other, with a fresh device, and with the server; what only grows never
// shrank, and every acknowledged increment counts once.
#include <doctest/doctest.h>

#include "random_json.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

std::string text_of_step(int step) { return std::to_string(step) + std::string(90, 't'); }

struct World {
  explicit World(int seed, bool with_deletions)
      : random("world " + std::to_string(seed)), deletions(with_deletions) {
    for (Device* device : all()) device->wall_skew = below(random, 2'000'000'000) - 1'000'000'000;
    server.refuses = [](const std::string&, const Json& row) -> std::optional<Error> {
      if (at(row, "category") != "refused") return std::nullopt;
      return Error{"23514", "no"};
    };
    server.page_max = 1 + below(random, 30);
  }

  std::vector<Device*> all() { return {&one, &two, &three}; }

  void step(int number) {
    Device& device = *all()[static_cast<std::size_t>(below(random, 3))];
    server.now += below(random, 3000);
    const std::string row = Random("row " + std::to_string(below(random, 4))).uuid_v4();
    const std::string day = format_date(20779 + below(random, 3));
    switch (below(random, 14)) {
      case 0:
        device.fates = {static_cast<Fate>(below(random, 4)), static_cast<Fate>(below(random, 4))};
        [[fallthrough]];
      case 1:
      case 2:
        device.sync();
        break;
      case 3:
        device.restart();
        break;
      case 4:
        device.put("logs", row,
                   {{"category", below(random, 9) == 0 ? "refused" : "chat"},
                    {"content", text_of_step(number)}});
        break;
      case 5:
        device.patch("logs", row, {{"metadata", random_tree(random, 3)}});
        break;
      case 6:
        device.put("health", day,
                   {{below(random, 2) == 0 ? "sleepHours" : "walkingAsymmetry", number / 7.0}});
        break;
      case 7:
        unlocked = device.put("achievements", "a", {{"unlocked", number % 2 == 0}}).empty() &&
                           number % 2 == 0
                       ? true
                       : unlocked;
        break;
      case 8:
        device.put("progress", "self",
                   {{"complianceStreak", 1 + below(random, 2)}, {"lastCompletedDate", day}});
        break;
      case 9:
        device.patch("path", "self",
                     {{"katas", Json::array({{{"id", below(random, 3)}, {"n", number}}})}});
        break;
      case 10:
        if (deletions)
          device.remove(below(random, 2) == 0 ? "logs" : "health",
                        below(random, 2) == 0 ? row : day);
        break;
      case 11:
        if (deletions) device.remove("logs", row);
        break;
      default:
        if (device.increment("progress", "self", "totalCompletions", 1).empty()) ++acknowledged;
    }
  }

  Random random;
  bool deletions;
  ModelServer server;
  Device one{server, "one"}, two{server, "two"}, three{server, "three"};
  std::int64_t acknowledged = 0;
  bool unlocked = false;
};

Json without_rejected(Device& device) {
  for (const Json& each : device.ask({{"rejected", true}})) {
    CHECK(device.discard_rejected(text_at(each, "id")).empty());
  }
  return device.dump();
}

}  // namespace

TEST_CASE("random devices: all end equal, and nothing is lost or counted twice") {
  for (int seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    World world(seed, seed % 2 == 0);
    for (int number = 0; number < 120; ++number) world.step(number);
    for (Device* device : world.all()) device->fates.clear();
    REQUIRE(settle_down(world.all()));
    Device fresh(world.server, "fresh");
    REQUIRE(fresh.sync().empty());
    const Json want = fresh.dump();
    for (Device* device : world.all()) CHECK(without_rejected(*device) == want);
    CHECK(integer_at(fresh.get("progress", "self"), "totalCompletions") == world.acknowledged);
    if (world.unlocked) CHECK(fresh.get("achievements", "a")["unlocked"] == true);
  }
}
