// A server that answers nonsense: whatever it says, nothing throws, nothing loops, nothing that the
// user wrote is lost, and an honest server afterwards puts everything right.
#include <doctest/doctest.h>

#include "random_json.hpp"
#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";

Json odd_value(Random& random) {
  static const char* const kOdd[] = {"null",
                                     "true",
                                     "0",
                                     "-1",
                                     "1.5",
                                     "1e300",
                                     "-1e300",
                                     "9223372036854775807",
                                     "\"\"",
                                     "\"x\"",
                                     "[]",
                                     "[[]]",
                                     "{}",
                                     "[null,1]",
                                     "18446744073709551615",
                                     "\"00\"",
                                     "{\"id\":1}",
                                     "[1,2,3]",
                                     "\"2026-11-22T23:25:00Z\"",
                                     "-9223372036854775808"};
  return parse_json(kOdd[below(random, static_cast<int>(std::size(kOdd)))]);
}

/// Every place in a value, as a pointer to it.
void collect_places(Json& value, std::vector<Json*>& places) {
  places.push_back(&value);
  if (!value.is_structured()) return;
  for (Json& inner : value) collect_places(inner, places);
}

/// One to three places of an answer get another value, vanish, or appear twice.
std::string mutated(const std::string& answer, Random& random) {
  Json json = parse_json(answer);
  for (int i = below(random, 3); i >= 0; --i) {
    std::vector<Json*> places;
    collect_places(json, places);
    Json& place = *places[static_cast<std::size_t>(below(random, static_cast<int>(places.size())))];
    switch (below(random, 4)) {
      case 0:
        if (place.is_structured() && !place.empty()) {
          place.erase(std::next(place.begin(), below(random, static_cast<int>(place.size()))));
          break;
        }
        [[fallthrough]];
      case 1:
        if (place.is_array() && !place.empty()) {
          place.push_back(place[0]);
          break;
        }
        [[fallthrough]];
      default:
        place = odd_value(random);
    }
  }
  return json.dump();
}

/// A row of every kind of answer: new, edited on both sides, deleted, counted, rejected, pulled.
void make_work(ModelServer& server, Device& phone, Random& random) {
  const std::string row = Random(std::to_string(below(random, 3))).uuid_v4();
  phone.put("logs", row,
            {{"category", "chat"},
             {"content", std::to_string(below(random, 9))},
             {"metadata", {{"a", below(random, 3)}, {"text", std::string(90, 'm')}}}});
  phone.increment("progress", "self", "totalCompletions");
  phone.put("achievements", "a" + std::to_string(below(random, 3)),
            {{"progress", below(random, 9)}});
  phone.patch("path", "self", {{"katas", Json::array({{{"id", "k"}, {"n", below(random, 9)}}})}});
  if (below(random, 3) == 0) phone.remove("logs", row);
  if (below(random, 2) == 0) {
    server.write("sovereign_logs", row, {{"category", "chat"}, {"content", "theirs"}});
  } else if (server.find("sovereign_logs", {{"id", row}}).is_object()) {
    server.remove("sovereign_logs", row);
  }
  server.write("health_metrics_history", kId, {{"date", "2026-11-22"}, {"steps", 5}});
  server.now += 1000;
}

}  // namespace

TEST_CASE("hostile: mutated answers throw nothing and break nothing") {
  for (int seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    Random random("hostile " + std::to_string(seed));
    ModelServer server;
    Device phone(server, "phone");
    REQUIRE(phone.sync().empty());
    server.refuses = [](const std::string&, const Json& row) -> std::optional<Error> {
      if (at(row, "content") != "7") return std::nullopt;
      return Error{"23514", "no"};
    };
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      make_work(server, phone, random);
      phone.spoil = [&](const std::string& answer) { return mutated(answer, random); };
      phone.sync();
      const Json list = {{"where", {{"metadata.a", 1}}}, {"orderBy", "createdAt"}};
      CHECK(phone.ask({{"collection", "logs"}, {"list", list}}).is_array());
      CHECK(phone.ask({{"overwritten", true}}).is_array());
      CHECK(phone.dump().is_object());
      if (below(random, 4) == 0) {
        const Json before = phone.dump();
        phone.restart();
        CHECK(phone.dump() == before);
      }
    }
  }
}

TEST_CASE("hostile: broken text, then an honest answer: nothing is lost") {
  for (int seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Random random("broken " + std::to_string(seed));
    ModelServer server;
    Device phone(server, "phone");
    REQUIRE(phone.sync().empty());
    std::int64_t acknowledged = 0;
    for (int round = 0; round < 10; ++round) {
      if (phone.increment("progress", "self", "totalCompletions").empty()) ++acknowledged;
      phone.spoil = [&](std::string answer) {
        const auto at = static_cast<std::size_t>(below(random, static_cast<int>(answer.size())));
        if (below(random, 2) == 0) return answer.substr(0, at);
        answer[at] = "\xFF\"{}[],:0"[below(random, 9)];
        // a broken number is a lie, not broken text: lies about the counter are for the test above
        return parse_json(answer).is_discarded() ? answer : std::string("{");
      };
      CHECK(phone.sync() == "server");
    }
    phone.spoil = nullptr;
    REQUIRE(settle_down({&phone}));
    CHECK(phone.get("progress", "self")["totalCompletions"] == acknowledged);
  }
}

TEST_CASE("hostile: answers that lead nowhere end in waiting") {
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  phone.put("logs", kId, {{"category", "chat"}, {"content", "x"}});
  std::string name;
  const auto with = [](const char* member, Json value) {
    return [=](const std::string& answer) {
      Json json = parse_json(answer);
      json[member] = value;
      return json.dump();
    };
  };
  SUBCASE("always more, always the same") { phone.spoil = with("more", true); }
  SUBCASE("no answer to what was pushed") { phone.spoil = with("answers", Json::array()); }
  SUBCASE("conflict for ever") {
    phone.spoil = [&](const std::string& answer) {
      Json json = parse_json(answer);
      for (Json& each : json["answers"]) each = {{"mid", each["mid"]}, {"status", "conflict"}};
      json["rows"] = Json::object();  // nothing that would tell what is in conflict
      return json.dump();
    };
  }
  const std::size_t asked = phone.bodies.size();
  CHECK(phone.sync() == "server");
  CHECK(phone.bodies.size() < asked + 20);
  phone.spoil = nullptr;
  CHECK(settle_down({&phone}));
  CHECK(phone.get("logs", kId)["content"] == "x");
  CHECK(server.size("sovereign_logs") == 1);
}

TEST_CASE("hostile: very deep JSON") {
  const auto deep = [](int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']');
  };
  ModelServer server;
  Device phone(server, "phone");
  REQUIRE(phone.sync().empty());
  SUBCASE("of another app is kept, merged and shown") {
    Json nested = 1;
    for (int i = 0; i < 500; ++i) nested = Json{{"a", std::move(nested)}};
    server.write("sovereign_logs", kId,
                 {{"category", "chat"}, {"content", "x"}, {"metadata", nested}});
    REQUIRE(phone.sync().empty());
    CHECK(phone.get("logs", kId)["metadata"] == nested);
    phone.patch("logs", kId, {{"content", "y"}});
    REQUIRE(phone.sync().empty());
    phone.restart();
    CHECK(phone.get("logs", kId)["metadata"] == nested);
  }
  SUBCASE("that would overflow the stack is no answer") {
    phone.spoil = [&](const std::string& answer) {
      return answer.substr(0, answer.size() - 1) + R"(,"x":)" + deep(200'000) + "}";
    };
    CHECK(phone.sync() == "server");
    phone.spoil = nullptr;
    CHECK(phone.sync().empty());
  }
}
