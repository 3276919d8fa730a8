// Writes as changes: what is refused, what a key may be, and what is left of a write that says
// little or nothing new.
#include "sync/accept.hpp"

#include <doctest/doctest.h>

#include "base/uuid.hpp"
#include "support/somatic_schema.hpp"

using namespace somatic;
using testing::somatic_schema;

namespace {

const char* const kUser = "a0000000-0000-4000-8000-00000000000a";
const char* const kId = "11111111-1111-4111-8111-111111111111";
const Moment kNow{1795389900000, 1795389900000};

Result<EntryChange> try_write(const Schema& schema, const Store& store, const std::string& op,
                              const std::string& collection, const std::string& key,
                              const std::string& fields, const std::string& field = "",
                              const Json& by = 1) {
  return accept(schema, store, kUser, {op, collection, key, parse_json(fields), field, by}, kNow);
}

/// The change of a write that must be accepted.
Change written(const Store& store, const std::string& op, const std::string& collection,
               const std::string& key, const std::string& fields, const std::string& field = "",
               const Json& by = 1) {
  const auto result = try_write(somatic_schema(), store, op, collection, key, fields, field, by);
  if (!result.ok()) FAIL(result.error().message);
  return result.value().change;
}

Store store_with(const char* collection, const char* key, const char* columns) {
  Store store;
  Store::Edit row(store, {collection, key});
  row->id = kId;
  row->server = ServerRow{kId, 1, parse_json(columns), Json::object()};
  return store;
}

}  // namespace

TEST_CASE("accept: every refusal") {
  struct Case {
    std::string op, collection, key, fields, field, code;
    Json by = 1;
  };
  const std::string log = R"({"category":"chat","content":"x"})", bad = "invalid-value";
  const Case cases[] = {
      {"put", "nothing", "k", "{}", "", "unknown-collection"},
      {"remove", "nothing", "k", "{}", "", "unknown-collection"},
      {"put", "logs", kId, R"({"category":"chat","content":"x","colour":1})", "", "unknown-field"},
      {"put", "logs", "not a uuid", log, "", bad},
      {"put", "logs", "", log, "", bad},
      {"remove", "logs", "x", "{}", "", bad},
      {"put", "logs", kId, "[]", "", bad},
      {"put", "logs", kId, "null", "", bad},
      {"put", "logs", kId, R"({"category":"chat"})", "", bad},  // content is required
      {"put", "logs", kId, R"({"category":"chat","content":null})", "", bad},
      {"patch", "logs", kId, R"({"content":"x"})", "", bad},  // would make a row without category
      {"put", "logs", kId, R"({"id":"22222222-2222-4222-8222-222222222222","category":"chat",
        "content":"x"})",
       "", bad},
      {"put", "logs", kId, R"({"id":7,"category":"chat","content":"x"})", "", bad},
      {"put", "progress", "me", "{}", "", bad},
      {"put", "progress", "", "{}", "", bad},
      {"put", "health", "2026-13-01", "{}", "", bad},
      {"put", "health", "today", "{}", "", bad},
      {"put", "health", "2026-11-22", R"({"date":"2026-11-23"})", "", bad},
      {"put", "achievements", "", "{}", "", bad},
      {"put", "progress", "self", R"({"complianceStreak":-1})", "", bad},
      {"put", "progress", "self", R"({"complianceStreak":"5"})", "", bad},
      {"put", "progress", "self", R"({"lastCompletedDate":"yesterday"})", "", bad},
      {"put", "progress", "self", R"({"totalCompletions":-1})", "", bad},
      {"increment", "progress", "self", "{}", "complianceStreak", bad},
      {"increment", "progress", "self", "{}", "noField", "unknown-field"},
      {"increment", "progress", "self", "{}", "", "unknown-field"},
      {"increment", "progress", "self", "{}", "totalCompletions", bad, 1.5},
      {"increment", "progress", "self", "{}", "totalCompletions", bad, "1"},
      {"increment", "progress", "self", "{}", "totalCompletions", bad, nullptr},
      {"increment", "progress", "self", "{}", "totalCompletions", bad, 1e300},
      {"increment", "progress", "self", R"({"totalCompletions":4})", "totalCompletions", bad},
      {"upsert", "logs", kId, log, "", bad},  // no such operation
  };
  for (const Case& c : cases) {
    CAPTURE(c.op);
    CAPTURE(c.key);
    CAPTURE(c.fields);
    CAPTURE(c.by.dump());
    const auto result =
        try_write(somatic_schema(), {}, c.op, c.collection, c.key, c.fields, c.field, c.by);
    CHECK((result.ok() ? "accepted" : result.error().code) == c.code);
  }
}

TEST_CASE("accept: keys and ids") {
  const auto id_of = [](const char* collection, const char* key, const char* fields) {
    const auto result = try_write(somatic_schema(), {}, "put", collection, key, fields);
    return result.ok() ? result.value().key + " " + result.value().id : result.error().message;
  };
  const std::string upper = "AAAAAAAA-1111-4111-8111-111111111111";
  CHECK(id_of("logs", upper.c_str(), R"({"category":"c","content":"x"})") ==
        "aaaaaaaa-1111-4111-8111-111111111111 aaaaaaaa-1111-4111-8111-111111111111");
  CHECK(id_of("progress", "self", "{}") == "self " + uuid_v5(kUser, "progress/self"));
  CHECK(id_of("achievements", "first_light", "{}") ==
        "first_light " + uuid_v5(kUser, "achievements/first_light"));
  CHECK(id_of("theme", "self", R"({"theme":"dark"})") == "self ");
  // a row that is known keeps the id it has, whatever would be made today
  const Store store = store_with("achievements", "a", R"({"achievement_id":"a"})");
  const auto again = try_write(somatic_schema(), store, "put", "achievements", "a",
                               R"({"achievementId":"a","progress":3})");
  REQUIRE(again.ok());
  CHECK(again.value().id == kId);
  CHECK(again.value().change.set == Json{{"progress", 3}});
}

TEST_CASE("accept: only what changes is a change, with what it was") {
  const Store store = store_with("logs", kId, R"({"category":"chat","content":"x",
    "metadata":{"a":1},"created_at":"2026-11-22T00:00:00.000Z"})");
  CHECK(written(store, "put", "logs", kId, R"({"category":"chat","content":"x"})").empty());
  CHECK(written(store, "patch", "logs", kId, R"({"createdAt":"2026-11-22T00:00:00Z"})").empty());
  const Change change = written(store, "patch", "logs", kId, R"({"content":"y","metadata":null})");
  CHECK(change.set == parse_json(R"({"content":"y","metadata":null})"));
  CHECK(change.base == parse_json(R"({"content":"x","metadata":{"a":1}})"));
  const Change gone = written(store, "remove", "logs", kId, "{}");
  CHECK(gone.del);
  CHECK(gone.base["content"] == "x");
  CHECK(written({}, "remove", "logs", kId, "{}").empty());
}

TEST_CASE("accept: rules that only grow never go back") {
  const Store store = store_with("achievements", "a", R"({"achievement_id":"a","unlocked":true,
    "unlocked_date":"2026-11-01T00:00:00.000Z","progress":50})");
  const std::string stale[] = {
      R"({"unlocked":false})",
      R"({"unlocked":null,"progress":null,"unlockedDate":null})",
      R"({"progress":40})",
      R"({"unlockedDate":"2026-11-02T00:00:00Z"})",
  };
  for (const std::string& fields : stale) {
    CAPTURE(fields);
    CHECK(written(store, "put", "achievements", "a", fields).empty());
  }
  CHECK(written(store, "put", "achievements", "a",
                R"({"progress":60,"unlockedDate":"2026-10-31T00:00:00Z"})")
            .set == parse_json(R"({"progress":60,"unlocked_date":"2026-10-31T00:00:00.000Z"})"));
  const Store first = store_with("attunements", "2026-11-22", R"({"date":"2026-11-22",
    "insightful_question":"q","synthesized_answer":"a","based_on":null})");
  CHECK(written(first, "put", "attunements", "2026-11-22",
                R"({"insightfulQuestion":"other","synthesizedAnswer":"other","basedOn":[1]})")
            .set == parse_json(R"({"based_on":[1]})"));
}

TEST_CASE("accept: a field inside a column changes that member only") {
  const auto schema = parse_schema(parse_json(R"({"collections":{"notes":{"table":"t","key":"id",
    "fields":{"id":{"column":"id","type":"text"},
    "mood":{"column":"metadata.body.mood","type":"text"},
    "meta":{"column":"metadata","type":"json"}}}}})"));
  REQUIRE(schema.ok());
  const auto set = [&](const Store& store, const char* fields) {
    const auto result = try_write(schema.value(), store, "patch", "notes", kId, fields);
    if (!result.ok()) FAIL(result.error().message);
    return result.value().change.set;
  };
  const Store store =
      store_with("notes", kId, R"({"metadata":{"body":{"mood":"low","x":1},"y":2}})");
  CHECK(set(store, R"({"mood":"high"})") ==
        parse_json(R"({"metadata":{"body":{"mood":"high","x":1},"y":2}})"));
  CHECK(set(store, R"({"mood":"low"})").empty());
  CHECK(set(store, R"({"meta":{"z":3},"mood":"high"})") ==
        parse_json(R"({"metadata":{"body":{"mood":"high"},"z":3}})"));
  CHECK(set(store_with("notes", kId, R"({"metadata":"text"})"), R"({"mood":"high"})") ==
        parse_json(R"({"metadata":{"body":{"mood":"high"}}})"));
  CHECK(set({}, R"({"mood":"high"})") == parse_json(R"({"metadata":{"body":{"mood":"high"}}})"));
}

TEST_CASE("accept: a streak and its last day are days") {
  const Store none;
  const Store five = store_with("progress", "self", R"({"compliance_streak":5,
    "last_completed_date":"2026-11-22","completed_days":[["2026-11-18","2026-11-22"]]})");
  struct Case {
    const Store* store;
    std::string fields, days;  // empty: unchanged
  };
  const Case cases[] = {
      {&none, R"({"complianceStreak":3,"lastCompletedDate":"2026-11-22"})",
       R"([["2026-11-20","2026-11-22"]])"},
      {&none, R"({"lastCompletedDate":"2026-11-22"})", R"([["2026-11-22","2026-11-22"]])"},
      {&none, R"({"complianceStreak":3})", ""},
      {&none, R"({"complianceStreak":0,"lastCompletedDate":"2026-11-22"})", ""},
      {&five, R"({"complianceStreak":6,"lastCompletedDate":"2026-11-23"})",
       R"([["2026-11-18","2026-11-23"]])"},
      {&five, R"({"complianceStreak":1,"lastCompletedDate":"2026-11-16"})",
       R"([["2026-11-16","2026-11-16"],["2026-11-18","2026-11-22"]])"},
      {&five, R"({"complianceStreak":0})", ""},
      {&five, R"({"completedDays":[]})", ""},
      {&five, R"({"completedDays":["2026-11-14",["2026-11-10","2026-11-11"]]})",
       R"([["2026-11-10","2026-11-11"],["2026-11-14","2026-11-14"],["2026-11-18","2026-11-22"]])"},
      {&none, R"({"complianceStreak":1000000000,"lastCompletedDate":"2026-11-22"})",
       R"([["1926-11-23","2026-11-22"]])"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.fields);
    const Change change = written(*c.store, "put", "progress", "self", c.fields);
    const Json want = c.days.empty() ? Json() : parse_json(c.days);
    CHECK(at(change.set, "completed_days") == want);
    CHECK_FALSE(change.set.contains("compliance_streak"));
    CHECK_FALSE(change.set.contains("last_completed_date"));
  }
}

TEST_CASE("accept: increments") {
  const Store store = store_with("progress", "self", R"({"total_completions":10})");
  CHECK(written(store, "increment", "progress", "self", "{}", "totalCompletions", 3).inc ==
        Json{{"total_completions", 3}});
  CHECK(written(store, "increment", "progress", "self", "{}", "totalCompletions", -2.0).inc ==
        Json{{"total_completions", -2}});
  CHECK(written(store, "increment", "progress", "self", "{}", "totalCompletions", 0).empty());
  const Change both = written({}, "increment", "progress", "self",
                              R"({"lastCompletedDate":"2026-11-22"})", "totalCompletions");
  CHECK(both.inc == Json{{"total_completions", 1}});
  CHECK(both.set == parse_json(R"({"completed_days":[["2026-11-22","2026-11-22"]]})"));
}
