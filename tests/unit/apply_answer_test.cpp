// Answers that come in an order no single context would see: the server's copy never goes back.
#include <doctest/doctest.h>

#include "support/somatic_schema.hpp"
#include "sync/apply.hpp"

using namespace somatic;
using testing::somatic_schema;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const char* const kMid = "22222222-2222-4222-8222-222222222222";

Json log_row(std::int64_t version, const char* content) {
  return {{"id", kId},
          {"version", version},
          {"clocks", {{"*", make_clock(1000 + version, "00000000")}}},
          {"category", "chat"},
          {"content", content}};
}

/// One row, edited and frozen on version 5, then heard of as version 9.
struct Rows {
  Store store;
  Outcome outcome;

  Rows() {
    apply(Born{"d0000000-0000-4000-8000-000000000001"});
    answer({{"rows", {{"sovereign_logs", {log_row(5, "five")}}}}, {"cursor", 5}});
  }
  void apply(const Entry& entry) { somatic::apply(somatic_schema(), entry, store, outcome); }
  void answer(Json body, std::vector<EntryRow> sent = {}) {
    body["now"] = 2000;
    body["epoch"] = "e";
    apply(Answered{store.meta().device,
                   {2000, 2000, "boot"},
                   0,
                   store.meta().cursor,
                   std::move(sent),
                   {},
                   body});
  }
  void edit(const char* content, bool del = false) {
    Change change;
    change.del = del;
    if (!del) change.set = {{"content", content}};
    change.base = {{"content", "five"}};
    apply(Wrote{{1500, 1500, "boot"}, {{"logs", kId, kId, change}}});
  }
  void freeze() { apply(Froze{{1600, 1600, "boot"}, {{"logs", kId, kMid}}}); }
  void hear_of_nine() {
    answer({{"rows", {{"sovereign_logs", {log_row(9, "nine")}}}}, {"cursor", 9}});
  }
  void answer_mutation(Json one) {
    one["mid"] = kMid;
    answer({{"answers", {one}}, {"cursor", 9}}, {{"logs", kId, kMid}});
  }
  [[nodiscard]] const Row& row() const { return *store.find({"logs", kId}); }
};

}  // namespace

TEST_CASE("apply_answer: a late answer does not turn the server's copy back") {
  struct Case {
    std::string name;
    Json answer;
  };
  const Case cases[] = {
      {"duplicate", {{"status", "duplicate"}, {"version", 6}, {"row", log_row(6, "six")}}},
      {"duplicate gone", {{"status", "duplicate"}, {"version", 6}, {"gone", {7, ""}}}},
      {"applied", {{"status", "applied"}, {"version", 6}, {"changed", {{"content", "six"}}}}},
      {"conflict", {{"status", "conflict"}, {"row", log_row(7, "seven")}}},
      {"conflict gone", {{"status", "conflict"}, {"gone", {7, "9999999999999-0000-00000000"}}}},
      {"conflict, nothing there", {{"status", "conflict"}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Rows rows;
    rows.edit("mine");
    rows.freeze();
    rows.hear_of_nine();
    rows.answer_mutation(c.answer);
    REQUIRE(rows.row().server.has_value());
    CHECK(rows.row().server->version == 9);
    CHECK(rows.row().server->columns["content"] == "nine");
    if (rows.row().frozen) CHECK(rows.row().frozen->base == 9);
  }
}

TEST_CASE("apply_answer: a deletion answered late does not take a row that was made again") {
  // Version 0: the server had no such row, so what is here now is another, of the same key.
  const Json answers[] = {{{"status", "applied"}, {"version", 6}},
                          {{"status", "applied"}, {"version", 0}},
                          {{"status", "duplicate"}, {"version", 0}, {"gone", {0, ""}}}};
  for (const Json& answer : answers) {
    CAPTURE(answer.dump());
    Rows rows;
    rows.edit("", true);
    rows.freeze();
    rows.hear_of_nine();
    rows.answer_mutation(answer);
    REQUIRE(rows.row().server.has_value());
    CHECK(rows.row().columns() != nullptr);
  }
}

TEST_CASE("apply_answer: a deletion of what the server does not know any more is done") {
  Rows rows;
  rows.edit("", true);
  rows.freeze();
  rows.answer_mutation({{"status", "applied"}, {"version", 0}});
  CHECK(rows.store.find({"logs", kId}) == nullptr);
}

TEST_CASE("apply_answer: the first answer to a mutation counts, others change nothing") {
  Rows rows;
  rows.edit("mine");
  rows.freeze();
  rows.answer_mutation({{"status", "applied"}, {"version", 10}});
  const Json columns = *rows.row().columns();
  rows.answer_mutation({{"status", "rejected"}, {"code", "23514"}});
  rows.answer_mutation({{"status", "conflict"}, {"row", log_row(4, "four")}});
  CHECK(rows.row().server->version == 10);
  CHECK(*rows.row().columns() == columns);
  CHECK(rows.store.rejected().empty());
  CHECK(rows.store.meta().acks == std::vector<std::string>{kMid});
}

TEST_CASE("apply_answer: a status nobody knows leaves the mutation to be sent again") {
  Rows rows;
  rows.edit("mine");
  rows.freeze();
  rows.answer_mutation({{"status", "postponed"}});
  REQUIRE(rows.row().frozen.has_value());
  CHECK(rows.row().frozen->mid == kMid);
}

TEST_CASE("apply_answer: an older page than the cursor brings no row back") {
  Rows rows;
  rows.hear_of_nine();
  const Json tombstone = {"sovereign_logs", kId, 12, "9999999999999-0000-00000000"};
  rows.answer({{"tombstones", {tombstone}}, {"cursor", 12}});
  CHECK(rows.store.find({"logs", kId}) == nullptr);
  rows.hear_of_nine();
  CHECK(rows.store.find({"logs", kId}) == nullptr);
  CHECK(rows.store.meta().cursor == 12);
}
