// One declaration per message: there and back, and that nothing odd in JSON does more than leave a
// default.
#include "base/fields.hpp"

#include <doctest/doctest.h>

#include "protocol/protocol.hpp"
#include "store/entries.hpp"

using namespace somatic;

namespace {

template <typename Variant>
std::optional<Variant> there_and_back(const Variant& message) {
  return from_json(parse_json(to_json(message).dump()), static_cast<Variant*>(nullptr));
}

}  // namespace

TEST_CASE("fields: every event survives JSON") {
  const std::vector<Event> events = {
      Write{7,
            {{"put", "logs", "k", {{"content", "x"}}, "", 1}, {"remove", "logs", "j", {}, "", 1}}},
      Loaded{},
      Flushed{12},
      FlushFailed{"quota", "the disk is full"},
      SessionIs{"token", "user", ""},
      UserGone{},
      SyncNow{3},
      AbortSync{3},
      Poke{},
      LeaderIs{false},
      Fetched{4, 200, "{}", "120", 99, 7, true},
      TimerFired{},
      KeepVectors{},
      VectorsGiven{"storage-lost", "no"},
      FormatLimit{1},
      RetryRejected{1, "id"},
      DiscardRejected{2, "id"},
      RestoreOverwritten{3, "id"},
      Export{4},
      Import{5, {{{"collection", "logs"}}}, Json::array()},
      Writes{{Write{6, {}}, Write{7, {}}}},
      Close{},
  };
  CHECK(events.size() == std::variant_size_v<Event>);
  for (const Event& event : events) {
    const Json json = to_json(event);
    CAPTURE(json.dump());
    const auto back = there_and_back(event);
    REQUIRE(back.has_value());
    CHECK(back->index() == event.index());
    CHECK(to_json(*back) == json);
  }
}

TEST_CASE("fields: every effect survives JSON") {
  const std::vector<Effect> effects = {
      Commit{{1, 2}},
      Fetch{1, "/rest/v1/rpc/sync", "{}", "token"},
      WantVectors{},
      AskSession{true},
      SetTimer{std::nullopt},
      Settled{1, "offline", "no network", {{"pushed", 1}}},
      Changed{"logs", {"a", "b"}},
      StatusChanged{},
      Progress{"push", 1, 10},
      Notify{"rejected", {{"id", "x"}}},
      Failed{"server", "no"},
  };
  CHECK(effects.size() == std::variant_size_v<Effect>);
  for (const Effect& effect : effects) {
    const Json json = to_json(effect);
    CAPTURE(json.dump());
    const auto back = there_and_back(effect);
    REQUIRE(back.has_value());
    CHECK(back->index() == effect.index());
    CHECK(to_json(*back) == json);
  }
  const auto timer = there_and_back(Effect(SetTimer{5}));
  REQUIRE(timer.has_value());
  CHECK(std::get<SetTimer>(*timer).at == 5);
}

TEST_CASE("fields: what is missing, mistyped or unknown leaves the default") {
  const std::string odd[] = {"null", "true", "5", "\"x\"", "[]", "[1]", "{}", "1e300", "-1e300"};
  for (const std::string& value : odd) {
    CAPTURE(value);
    const Json json = {{"type", "fetched"},
                       {"body", parse_json(value)},
                       {"retryAfter", parse_json(value)},
                       {"news", parse_json(value)}};
    const auto event = from_json(json, static_cast<Event*>(nullptr));
    REQUIRE(event.has_value());
    const auto& fetched = std::get<Fetched>(*event);
    CHECK(fetched.status == 0);
    CHECK(fetched.body == (json["body"].is_string() ? "x" : ""));
  }
  for (const std::string& value : odd) {
    CHECK_FALSE(from_json(parse_json(value), static_cast<Event*>(nullptr)).has_value());
    const Json unknown = {{"type", parse_json(value)}};
    CHECK_FALSE(from_json(unknown, static_cast<Event*>(nullptr)).has_value());
  }
}

TEST_CASE("fields: numbers beyond an integer do not overflow") {
  Flushed flushed;
  for (const std::string number : {"1e300", "-1e300", "18446744073709551615", "1.5"}) {
    CAPTURE(number);
    Json json = parse_json(std::string(R"({"seq":)") + number + "}");
    read_member(json, flushed);
    CHECK((flushed.seq > 0) == (number[0] != '-'));
  }
}

TEST_CASE("fields: entries keep a change whole") {
  Change change;
  change.set = {{"content", "x"}, {"metadata", {{"mood", nullptr}}}};
  change.inc = {{"n", 3}};
  change.base = {{"content", nullptr}};
  change.clocks = {{"*", "c"}};
  const Entry entry = Wrote{{1, 2, "boot"}, {{"logs", "key", "id", change}}};
  const auto back = there_and_back(entry);
  REQUIRE(back.has_value());
  const auto& wrote = std::get<Wrote>(*back);
  CHECK(wrote.at == Stamp{1, 2, "boot"});
  REQUIRE(wrote.changes.size() == 1);
  CHECK(wrote.changes[0].change == change);
  CHECK(wrote.changes[0].key == "key");
}

TEST_CASE("fields: what is at its default is not written") {
  const auto text = [](const auto& message) { return to_json(message).dump(); };
  CHECK(text(Effect(Settled{7, "", "", nullptr})) == R"({"ticket":7,"type":"settled"})");
  CHECK(text(Event(LeaderIs{true})) == R"({"type":"leaderIs"})");
  CHECK(text(Event(LeaderIs{false})) == R"({"here":false,"type":"leaderIs"})");
  CHECK(text(Change{}) == "{}");
}
