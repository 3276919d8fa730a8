// list(): where, orderBy, desc, from, to, after, limit; and rows as the app sees them.
#include "store/view.hpp"

#include <doctest/doctest.h>

#include "support/somatic_schema.hpp"

using namespace somatic;
using testing::somatic_schema;

namespace {

const CollectionSpec& logs() { return *somatic_schema().collection("logs"); }

/// Five rows a to e; c is deleted here and not yet there; e has odd types.
Store five_logs() {
  struct Given {
    const char *key, *columns;
  };
  const Given rows[] = {
      {"a", R"({"category":"chat","content":"1","created_at":"2026-11-20T00:00:00.000Z",
        "metadata":{"sessionId":"s1","n":{"deep":2}}})"},
      {"b", R"({"category":"chat","content":"2","created_at":"2026-11-22T00:00:00.000Z",
        "metadata":{"sessionId":"s2"}})"},
      {"c", R"({"category":"chat","content":"3","created_at":"2026-11-23T00:00:00.000Z"})"},
      {"d", R"({"category":"journal","content":"4","created_at":"2026-11-21T00:00:00.000Z",
        "metadata":{"sessionId":"s1","n":{"deep":10}}})"},
      {"e", R"({"category":7,"content":null,"metadata":"s1","unheard":[1]})"},
  };
  Store store;
  for (const Given& given : rows) {
    Store::Edit row(store, {"logs", given.key});
    row->id = given.key;
    row->server = ServerRow{given.key, 1, parse_json(given.columns), Json::object()};
    row->server->columns["id"] = given.key;
    if (row->id == "c") row->pending = Pending{Change{true, {}, {}, {}, {}}, {}};
  }
  return store;
}

std::string listed(const std::string& options) {
  const Store store = five_logs();
  std::string keys;
  for (const Json& key : list_keys(logs(), store, parse_json(options))) keys += text_of(key);
  return keys;
}

}  // namespace

TEST_CASE("list: filter, order, range, page") {
  struct Case {
    std::string options, want;
  };
  const Case cases[] = {
      {R"({})", "abde"},
      {R"(null)", "abde"},
      {R"({"where":{"category":"chat"}})", "ab"},
      {R"({"where":{"category":"chat","content":"2"}})", "b"},
      {R"({"where":{"category":7}})", "e"},
      {R"({"where":{"content":null}})", "e"},
      {R"({"where":{"metadata.sessionId":"s1"}})", "ad"},
      {R"({"where":{"metadata.n.deep":10.0}})", "d"},
      {R"({"where":{"metadata.n":{"deep":2}}})", "a"},
      {R"({"where":{"metadata.nothing":null}})", "abde"},
      {R"({"where":{"noField":1}})", ""},
      {R"({"orderBy":"createdAt"})", "eadb"},
      {R"({"orderBy":"createdAt","desc":true})", "bdae"},
      {R"({"desc":true})", "edba"},
      {R"({"orderBy":"category"})", "eabd"},
      {R"({"orderBy":"metadata.n.deep","from":0})", "ad"},
      {R"({"orderBy":"createdAt","from":"2026-11-21"})", "db"},
      {R"({"orderBy":"createdAt","to":"2026-11-21T00:00:00.000Z"})", "ad"},
      {R"({"from":"b","to":"d"})", "bd"},
      {R"({"limit":2})", "ab"},
      {R"({"limit":0})", ""},
      {R"({"limit":99})", "abde"},
      {R"({"after":"b"})", "de"},
      {R"({"after":"a","limit":1,"desc":true})", ""},
      {R"({"after":"e","limit":2,"desc":true})", "db"},
      {R"({"after":"e"})", ""},
      {R"({"orderBy":"createdAt","after":"a","limit":1})", "d"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.options);
    CHECK(listed(c.options) == c.want);
  }
}

TEST_CASE("list: a moment may be written in any way") {
  CHECK(listed(R"({"where":{"createdAt":"2026-11-21T00:00:00Z"}})") == "d");
  CHECK(listed(R"({"where":{"createdAt":"2026-11-21T01:00:00+01:00"}})") == "d");
  CHECK(listed(R"({"orderBy":"createdAt","from":"2026-11-21T00:00:00Z"})") == "db");
  CHECK(listed(R"({"orderBy":"createdAt","to":"2026-11-21T01:00:00+01:00"})") == "ad");
}

TEST_CASE("list: odd options are no reason to fail") {
  for (const std::string odd : {"5", "[]", "\"x\"", R"({"where":[1]})", R"({"where":"x"})",
                                R"({"orderBy":7})", R"({"limit":"2"})", R"({"limit":-1})",
                                R"({"limit":1e300})", R"({"after":7})", R"({"desc":"yes"})"}) {
    CAPTURE(odd);
    CHECK(listed(odd) == "abde");
  }
}

TEST_CASE("rows: every declared field, null where there is none, and the key") {
  const Json columns = parse_json(R"({"id":"i","embedding":"[1,-0.5]","metadata":5,"unheard":1})");
  const CollectionSpec& embeddings = *somatic_schema().collection("embeddings");
  CHECK(as_seen(embeddings, "k", columns, {}) ==
        parse_json(R"({"id":"k","content":null,"embedding":[1,-0.5],"metadata":5,
          "createdAt":null})"));
  CHECK(key_of_row(embeddings, columns) == "i");
  CHECK(key_of_row(embeddings, {{"id", 7}}).empty());
  CHECK(key_of_row(*somatic_schema().collection("progress"), Json::object()) == "self");
  CHECK(canonical_column(logs(), "created_at", "2026-11-22T23:25:00.12+00:00") ==
        "2026-11-22T23:25:00.120Z");
  CHECK(canonical_column(logs(), "created_at", "yesterday") == "yesterday");
  CHECK(canonical_column(logs(), "content", "2026-11-22T23:25:00.12+00:00") ==
        "2026-11-22T23:25:00.12+00:00");
}

TEST_CASE("rows: a vector column that holds no vector does no harm") {
  const CollectionSpec& embeddings = *somatic_schema().collection("embeddings");
  for (const std::string odd : {"\"\"", "\"[1,\"", "7", "{}", "null", "[1]"}) {
    CAPTURE(odd);
    const Json seen = as_seen(embeddings, "k", {{"embedding", parse_json(odd)}}, {});
    CHECK_FALSE(seen["embedding"].is_discarded());
  }
}
