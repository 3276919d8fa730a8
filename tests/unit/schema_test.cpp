// The declared schema: what is read from it, and that every mistake names its place.
#include "protocol/schema.hpp"

#include <doctest/doctest.h>

#include "support/somatic_schema.hpp"

using namespace somatic;
using testing::somatic_schema;

namespace {

Json schema_with(const std::string& field) {
  Json schema = parse_json(R"({"collections":{"notes":{"table":"t","key":"id","fields":{
    "id":{"column":"id","type":"text"}}}}})");
  schema["collections"]["notes"]["fields"]["x"] = parse_json(field);
  return schema;
}

}  // namespace

TEST_CASE("schema: the app's own is read") {
  const Schema& schema = somatic_schema();
  const CollectionSpec& progress = *schema.collection("progress");
  CHECK(progress.is_singleton());
  CHECK(progress.key_column().empty());
  CHECK(progress.field("totalCompletions")->merge == MergeRule::kCounter);
  CHECK(progress.field("completedDays")->merge == MergeRule::kUnion);
  CHECK(progress.field("complianceStreak")->derivation == Derivation::kStreak);
  CHECK(progress.field("complianceStreak")->derived_from == "completed_days");
  CHECK(schema.by_table("user_progress") == &progress);

  const CollectionSpec& logs = *schema.collection("logs");
  CHECK(logs.key_is_id());
  CHECK(logs.field("metadata")->merge == MergeRule::kDeep);
  CHECK(logs.field("content")->required);
  CHECK(logs.field("content")->max_bytes == 204'800U);

  CHECK(schema.collection("path")->field("oejtsAnswers")->element_key == "questionId");
  CHECK(schema.collection("path")->field("oejtsAnswers")->element_newest == "answeredAt");
  CHECK(schema.collection("cosmic")->on_delete == OnDelete::kDeleteWins);
  CHECK(schema.collection("health")->field("sleepHours")->scale == 2);
  CHECK(schema.collection("health")->field("steps")->null_loses);
  CHECK(schema.collection("theme")->local_only);
  CHECK(schema.collection("theme")->table.empty());
  CHECK(schema.collection("nothing") == nullptr);
  CHECK(schema.by_table("theme") == nullptr);
  CHECK(logs.by_column("created_at") == logs.field("createdAt"));
  CHECK(logs.by_column("no_such_column") == nullptr);
}

TEST_CASE("schema: a field may live inside a JSON column") {
  const auto schema = parse_schema(schema_with(R"({"column":"metadata.body.mood","type":"text"})"));
  REQUIRE(schema.ok());
  const CollectionSpec& notes = *schema.value().collection("notes");
  const FieldSpec& mood = *notes.field("x");
  CHECK(mood.column == "metadata");
  CHECK(mood.path == std::vector<std::string>{"body", "mood"});
  CHECK(notes.by_column("metadata") == nullptr);
}

TEST_CASE("schema: every mistake in a field names its place") {
  struct Case {
    std::string field, what;
  };
  const Case cases[] = {
      {"5", "must be an object"},
      {"[]", "must be an object"},
      {R"({"type":"text"})", "needs a column"},
      {R"({"column":7,"type":"text"})", "needs a column"},
      {R"({"column":"x"})", "unknown type"},
      {R"({"column":"x","type":"string"})", "unknown type"},
      {R"({"column":"x","type":["text"]})", "unknown type"},
      {R"({"column":"x","type":"text","merge":"latest"})", "unknown merge rule"},
      {R"({"column":"x","type":"text","merge":null})", "unknown merge rule"},
      {R"({"column":"x","type":"json","merge":{}})", "needs byKey"},
      {R"({"column":"x","type":"json","merge":{"byKey":3}})", "needs byKey"},
      {R"({"column":"x","type":"date","derived":"streak"})", "unknown derivation"},
      {R"({"column":"x","type":"date","derived":{"from":"id"}})", "unknown derivation"},
      {R"({"column":"x","type":"date","derived":{"from":"id","as":"streak"}})", "merge union"},
      {R"({"column":"x","type":"date","derived":{"from":"y","as":"lastDay"}})", "merge union"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.field);
    const auto schema = parse_schema(schema_with(c.field));
    REQUIRE_FALSE(schema.ok());
    CHECK(schema.error().code == "invalid-value");
    CHECK(schema.error().message.find("notes.x") != std::string::npos);
    CHECK(schema.error().message.find(c.what) != std::string::npos);
  }
}

TEST_CASE("schema: every mistake in a collection is refused") {
  const std::string cases[] = {
      "null",
      "[]",
      "{}",
      R"({"collections":[]})",
      R"({"collections":{"a":1}})",
      // no key, no table, no fields, a key that is no field, or only part of a column
      R"({"collections":{"a":{"table":"t","fields":{}}}})",
      R"({"collections":{"a":{"key":"self","fields":{}}}})",
      R"({"collections":{"a":{"table":"t","key":"self"}}})",
      R"({"collections":{"a":{"table":"t","key":"id","fields":{}}}})",
      R"({"collections":{"a":{"table":"t","key":"k","fields":
        {"k":{"column":"data.k","type":"text"}}}}})",
      R"({"collections":{"a":{"table":"t","key":"self","onDelete":"oldest","fields":{}}}})",
      // two collections on one table
      R"({"collections":{"a":{"table":"t","key":"self","fields":{}},
        "b":{"table":"t","key":"self","fields":{}}}})",
  };
  for (const std::string& text : cases) {
    CAPTURE(text);
    CHECK_FALSE(parse_schema(parse_json(text)).ok());
  }
  CHECK(parse_schema(parse_json(R"({"collections":{}})")).ok());
  CHECK(parse_schema(parse_json(
                         R"({"collections":{"a":{"key":"self","localOnly":true,"fields":{}},
                           "b":{"key":"self","localOnly":true,"fields":{}}}})"))
            .ok());
}
