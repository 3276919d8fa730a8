// A change on top of a row, and edits folded into one.
#include <doctest/doctest.h>

#include <string>

#include "sync/merge.hpp"

using namespace somatic;

namespace {

CollectionSpec progress() {
  CollectionSpec out;
  const auto add = [&](const std::string& column, Derivation derivation) {
    FieldSpec& field = out.fields[column];
    field.column = column;
    field.derivation = derivation;
    if (derivation != Derivation::kNone) field.derived_from = "days";
  };
  add("days", Derivation::kNone);
  add("streak", Derivation::kStreak);
  add("last", Derivation::kLastDay);
  return out;
}

Change change(const Json& set, const Json& inc = Json::object(),
              const Json& base = Json::object()) {
  Change out;
  out.set = set;
  out.inc = inc;
  out.base = base;
  return out;
}

Change deletion(const Json& base = Json::object()) {
  Change out;
  out.del = true;
  out.base = base;
  return out;
}

}  // namespace

TEST_CASE("overlay") {
  struct Case {
    std::string name, columns;
    Change change;
    std::string want;
  };
  const Case cases[] = {
      {"set replaces", R"({"a":1,"b":1})", change({{"a", 2}}), R"({"a":2,"b":1})"},
      {"inc adds", R"({"n":1})", change(Json::object(), {{"n", 2}}), R"({"n":3})"},
      {"to nothing as to 0", R"({"m":null})", change(Json::object(), {{"n", 2}, {"m", 3}}),
       R"({"n":2,"m":3})"},
      {"to what is no number as to 0", R"({"n":"x"})", change(Json::object(), {{"n", 2}}),
       R"({"n":2})"},
      {"set, then inc", R"({"n":9})", change({{"n", 1}}, {{"n", 2}}), R"({"n":3})"},
      {"a deletion", R"({"a":1})", deletion(), "null"},
      {"on no row", "null", change({{"a", 1}}), R"({"a":1})"},
      {"derived columns are computed", R"({"streak":9})",
       change({{"days", Json::array({Json::array({"2026-11-01", "2026-11-03"})})}}),
       R"({"days":[["2026-11-01","2026-11-03"]],"streak":3,"last":"2026-11-03"})"},
      {"from single days too", R"({"days":["2026-11-02","2026-11-01"]})", change({{"a", 1}}),
       R"({"a":1,"days":["2026-11-02","2026-11-01"],"streak":2,"last":"2026-11-02"})"},
      {"and left alone without days", R"({"days":[],"streak":9,"last":"2026-11-03"})",
       change({{"a", 1}}), R"({"a":1,"days":[],"streak":9,"last":"2026-11-03"})"},
      {"or with null", R"({"days":null,"streak":9})", change({{"a", 1}}),
       R"({"a":1,"days":null,"streak":9})"},
  };
  const CollectionSpec collection = progress();
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(overlay(collection, parse_json(c.columns), c.change) == parse_json(c.want));
  }
}

TEST_CASE("fold") {
  struct Case {
    std::string name;
    Change earlier, later, want;
  };
  const Json none = Json::object();
  const Case cases[] = {
      {"other columns", change({{"a", 1}}, none, {{"a", 0}}), change({{"b", 2}}, none, {{"b", 0}}),
       change({{"a", 1}, {"b", 2}}, none, {{"a", 0}, {"b", 0}})},
      {"the same column: the later value, the first base", change({{"a", 1}}, none, {{"a", 0}}),
       change({{"a", 2}}, none, {{"a", 1}}), change({{"a", 2}}, none, {{"a", 0}})},
      {"a base that was not known stays so", change({{"a", 1}}),
       change({{"a", 2}}, none, {{"a", 1}}), change({{"a", 2}})},
      {"increments add up", change(none, {{"n", 1}}), change(none, {{"n", 2}}),
       change(none, {{"n", 3}})},
      {"an increment after a set", change({{"n", 5}}, none, {{"n", 1}}), change(none, {{"n", 2}}),
       change({{"n", 7}}, none, {{"n", 1}})},
      {"a set after an increment", change(none, {{"n", 2}}), change({{"n", 9}}, none, {{"n", 6}}),
       change({{"n", 9}}, none, {{"n", 4}})},
      {"a deletion swallows everything and knows the base",
       change({{"a", 1}}, {{"n", 1}}, {{"a", 0}}), deletion({{"a", 1}, {"b", 2}, {"n", 5}}),
       deletion({{"a", 0}, {"b", 2}, {"n", 4}})},
      {"an edit after a deletion sets anew and clears the rest",
       deletion({{"a", 0}, {"b", 2}, {"c", nullptr}, {"id", "i"}, {"created_at", "t"}}),
       change({{"a", 7}}),
       change({{"a", 7}, {"b", nullptr}}, none,
              {{"a", 0}, {"b", 2}, {"c", nullptr}, {"id", "i"}, {"created_at", "t"}})},
      {"an increment after a deletion starts from nothing", deletion({{"n", 5}}),
       change(none, {{"n", 2}}), change({{"n", 2}}, none, {{"n", 5}})},
      {"deleted twice", deletion({{"a", 0}}), deletion(), deletion({{"a", 0}})},
      {"nothing on a deletion", deletion({{"a", 0}}), Change{}, deletion({{"a", 0}})},
      {"on nothing", Change{}, change({{"a", 1}}, {{"n", 1}}, {{"a", 0}}),
       change({{"a", 1}}, {{"n", 1}}, {{"a", 0}})},
      {"just values on nothing", Change{}, change({{"a", 1}}, none, {{"a", 0}}),
       change({{"a", 1}}, none, {{"a", 0}})},
      {"values that are no object on nothing", Change{}, change("a", none, 7), Change{}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(fold(c.earlier, c.later) == c.want);
  }
}

TEST_CASE("fold: each column has the clock of its last edit") {
  const std::string old = "1795389900001-0000-aaaaaaaa";
  const std::string late = "1795389900003-0000-aaaaaaaa";
  Change earlier = change({{"a", 1}, {"b", 1}});
  earlier.clocks = {{"a", old}, {"b", old}};
  Change later = change({{"b", 2}}, {{"n", 1}});
  later.clocks = {{"*", late}};
  CHECK(fold(earlier, later).clocks == Json({{"a", old}, {"b", late}, {"n", late}}));

  Change gone = deletion({{"a", 1}, {"c", 3}});
  gone.clocks = {{"*", old}};
  CHECK(fold(earlier, gone).clocks == Json({{"*", old}}));
  CHECK(fold(gone, later).clocks == Json({{"a", old}, {"b", late}, {"c", old}, {"n", late}}));
}
