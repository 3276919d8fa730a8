// One field at a time: every rule as a table. `later` says whose clock is later; base "-" is
// unknown.
#include <doctest/doctest.h>

#include <string>

#include "sync/merge.hpp"

using namespace somatic;

namespace {

constexpr const char* kMine = "mine";
constexpr const char* kTheirs = "theirs";

struct Case {
  std::string name, base, mine, theirs, later, want;
};

FieldSpec rule(MergeRule merge, FieldType type = FieldType::kJson) {
  FieldSpec field;
  field.merge = merge;
  field.type = type;
  return field;
}

void check(const FieldSpec& field, const Case& c) {
  CAPTURE(c.name);
  const bool mine_later = c.later == kMine;
  const std::string mine_clock = make_clock(1795389900000 + (mine_later ? 1 : 0), "aaaaaaaa");
  const std::string their_clock = make_clock(1795389900000 + (mine_later ? 0 : 1), "bbbbbbbb");
  const Json base = c.base == "-" ? Json() : parse_json(c.base);
  const Json mine = parse_json(c.mine);
  const Json theirs = parse_json(c.theirs);
  const Json merged =
      merge_value(field, c.base == "-" ? nullptr : &base, mine, mine_clock, theirs, their_clock);
  CHECK(merged == parse_json(c.want));
}

template <std::size_t N>
void check_all(const FieldSpec& field, const Case (&cases)[N]) {
  for (const Case& c : cases) check(field, c);
}

}  // namespace

TEST_CASE("merge: what needs no rule is the same under every rule") {
  const Case cases[] = {
      {"only theirs changed", "1", "1", "2", kMine, "2"},
      {"only mine changed", "1", "2", "1", kTheirs, "2"},
      {"only mine changed, to null", "1", "null", "1", kTheirs, "null"},
      {"only theirs changed, to null", "1", "1", "null", kMine, "null"},
      {"nobody changed", "1", "1", "1", kMine, "1"},
      {"an integer and its double are one", "1", "1.0", "2", kMine, "2"},
      {"both say the same, base unknown", "-", "2", "2", kMine, "2"},
  };
  for (int merge = 0; merge <= static_cast<int>(MergeRule::kByKey); ++merge) {
    CAPTURE(merge);
    FieldSpec field = rule(static_cast<MergeRule>(merge));
    check_all(field, cases);
    field.null_loses = true;
    check_all(field, cases);
  }
}

TEST_CASE("merge: newest") {
  const Case cases[] = {
      {"mine later", "1", "2", "3", kMine, "2"},
      {"theirs later", "1", "2", "3", kTheirs, "3"},
      {"base unknown", "-", "\"a\"", "\"b\"", kTheirs, "\"b\""},
      {"null is a value like others", "1", "null", "3", kMine, "null"},
      {"objects whole", "-", R"({"a":1})", R"({"b":2})", kMine, R"({"a":1})"},
  };
  check_all(rule(MergeRule::kNewest), cases);

  FieldSpec field = rule(MergeRule::kNewest);
  const std::string clock = make_clock(5, "aaaaaaaa");
  CHECK(merge_value(field, nullptr, 1, clock, 2, clock) == Json(2));
  CHECK(merge_value(field, nullptr, 1, clock, 2, "") == Json(1));

  field.null_loses = true;
  const Case null_cases[] = {
      {"a later null loses", "1", "null", "3", kMine, "3"},
      {"a later null of theirs loses", "1", "2", "null", kTheirs, "2"},
      {"base unknown", "-", "2", "null", kTheirs, "2"},
      {"two values: newest", "1", "2", "3", kTheirs, "3"},
  };
  check_all(field, null_cases);
}

TEST_CASE("merge: deep") {
  const Case cases[] = {
      {"different keys", R"({"a":1,"b":1})", R"({"a":2,"b":1})", R"({"a":1,"b":3})", kMine,
       R"({"a":2,"b":3})"},
      {"keys new on both sides", "{}", R"({"a":1})", R"({"b":2})", kTheirs, R"({"a":1,"b":2})"},
      {"same key: the later", R"({"a":1})", R"({"a":2,"x":1})", R"({"a":3})", kTheirs,
       R"({"a":3,"x":1})"},
      {"removed by one, unchanged by the other", R"({"a":1,"b":1})", R"({"b":1})",
       R"({"a":1,"b":2})", kTheirs, R"({"b":2})"},
      {"removed by theirs", R"({"a":1,"b":1})", R"({"a":1,"b":2})", R"({"b":1})", kTheirs,
       R"({"b":2})"},
      {"removed by mine, edited by theirs", R"({"a":1,"b":1})", R"({"b":1})", R"({"a":5,"b":1})",
       kMine, R"({"a":5,"b":1})"},
      {"edited by mine, removed by theirs", R"({"a":1,"b":1})", R"({"a":5,"b":2})", R"({"b":1})",
       kTheirs, R"({"a":5,"b":2})"},
      {"nested", R"({"a":{"x":1,"y":1}})", R"({"a":{"x":2,"y":1}})", R"({"a":{"x":1,"y":3}})",
       kMine, R"({"a":{"x":2,"y":3}})"},
      {"base unknown: keys of both", "-", R"({"a":{"x":1},"c":1})", R"({"a":{"y":2},"c":2})", kMine,
       R"({"a":{"x":1,"y":2},"c":1})"},
      {"base is no object", "5", R"({"a":1})", R"({"b":2})", kMine, R"({"a":1,"b":2})"},
      {"object against array", "{}", R"({"a":1})", "[1]", kTheirs, "[1]"},
      {"object against null", R"({"a":1})", R"({"a":2})", "null", kMine, R"({"a":2})"},
      {"arrays are values", R"({"a":[]})", R"({"a":[1]})", R"({"a":[2]})", kMine, R"({"a":[1]})"},
      {"not objects", "1", "2", "3", kTheirs, "3"},
  };
  check_all(rule(MergeRule::kDeep), cases);
}

TEST_CASE("merge: deep ends at a limit, whatever a row nests") {
  Json mine = {{"side", "mine"}, {"m", 1}};
  Json theirs = {{"side", "theirs"}, {"t", 1}};
  for (int i = 0; i < 1000; ++i) {
    mine = {{"in", std::move(mine)}};
    theirs = {{"in", std::move(theirs)}};
  }
  const Json merged = merge_value(rule(MergeRule::kDeep), nullptr, mine, make_clock(2, "aaaaaaaa"),
                                  theirs, make_clock(1, "bbbbbbbb"));
  CHECK(merged == mine);
}

TEST_CASE("merge: max, min") {
  const Case max_cases[] = {
      {"larger is mine", "1", "7", "5", kTheirs, "7"},
      {"larger is theirs", "1", "5", "7", kMine, "7"},
      {"integer and double", "1", "5", "5.5", kMine, "5.5"},
      {"null loses", "1", "null", "0", kMine, "0"},
      {"their null loses", "1", "0", "null", kTheirs, "0"},
      {"not numbers: newest", "1", "\"z\"", "5", kTheirs, "5"},
      {"booleans: newest", "null", "true", "false", kTheirs, "false"},
  };
  check_all(rule(MergeRule::kMax, FieldType::kInteger), max_cases);
  const Case min_cases[] = {
      {"smaller is mine", "9", "5", "7", kTheirs, "5"},
      {"smaller is theirs", "9", "7", "5", kMine, "5"},
      {"null loses", "9", "null", "7", kMine, "7"},
  };
  check_all(rule(MergeRule::kMin, FieldType::kNumber), min_cases);
  const Case time_cases[] = {
      {"as instants, not as text", "null", R"("2026-11-01T00:30:00+02:00")",
       R"("2026-10-31T23:00:00+00:00")", kMine, R"("2026-11-01T00:30:00+02:00")"},
      {"the same instant: newest", "null", R"("2026-11-01T00:00:00Z")",
       R"("2026-11-01T00:00:00+00:00")", kTheirs, R"("2026-11-01T00:00:00+00:00")"},
      {"no time: newest", "null", R"("soon")", R"("2026-11-01T00:00:00Z")", kMine, R"("soon")"},
      {"a number: newest", "null", "5", R"("2026-11-01T00:00:00Z")", kTheirs,
       R"("2026-11-01T00:00:00Z")"},
      {"a time years ahead is not believed", "null", R"("2031-01-01T00:00:00Z")",
       R"("2026-11-01T00:00:00Z")", kMine, R"("2026-11-01T00:00:00Z")"},
  };
  check_all(rule(MergeRule::kMin, FieldType::kTimestamp), time_cases);
  const Case last_cases[] = {
      {"dates", "null", R"("2026-11-09")", R"("2026-11-10")", kMine, R"("2026-11-10")"},
      {"a date years ahead is not believed", "null", R"("2031-01-01")", R"("2026-11-10")", kMine,
       R"("2026-11-10")"},
  };
  check_all(rule(MergeRule::kMax, FieldType::kDate), last_cases);
}

TEST_CASE("merge: or, first") {
  const Case or_cases[] = {
      {"true is mine", "null", "true", "false", kTheirs, "true"},
      {"true is theirs", "null", "false", "true", kMine, "true"},
      {"null loses", "true", "null", "false", kMine, "false"},
      {"their null loses", "-", "false", "null", kTheirs, "false"},
      {"not booleans: newest", "-", "1", "true", kMine, "1"},
  };
  check_all(rule(MergeRule::kOr, FieldType::kBoolean), or_cases);
  const Case first_cases[] = {
      {"the stored one stays", "-", "1", "2", kMine, "2"},
      {"base known", "0", "1", "2", kMine, "2"},
      {"nothing stored", "-", "1", "null", kTheirs, "1"},
  };
  check_all(rule(MergeRule::kFirst), first_cases);
}

TEST_CASE("merge: counter") {
  const Case cases[] = {
      {"both counted", "5", "7", "6", kMine, "8"},
      {"both counted the same", "5", "6", "6", kMine, "7"},
      {"down and up", "5", "4", "8", kMine, "7"},
      {"null counts as 0", "null", "1", "2", kMine, "3"},
      {"cleared and counted", "5", "null", "6", kTheirs, "1"},
      {"base unknown: the larger", "-", "7", "9", kMine, "9"},
      {"base unknown: the larger is mine", "-", "9", "7", kTheirs, "9"},
      {"base unknown, null", "-", "null", "-3", kMine, "-3"},
      {"doubles", "0.5", "1.0", "0.75", kMine, "1.25"},
      {"too large to stay an integer", "0", "9223372036854775807", "9223372036854775807", kMine,
       "1.8446744073709552e19"},
      {"larger than 64 bits already", "0", "18446744073709551615", "1", kMine,
       "1.8446744073709552e19"},
      {"not a number: newest", "5", "\"x\"", "6", kMine, "\"x\""},
      {"base not a number: newest", "\"x\"", "7", "6", kTheirs, "6"},
  };
  check_all(rule(MergeRule::kCounter, FieldType::kInteger), cases);
  const Json five = 5;
  const Json merged = merge_value(rule(MergeRule::kCounter), &five, 6, "", 6, "");
  CHECK(merged.is_number_integer());
}

TEST_CASE("merge: union") {
  const Case cases[] = {
      {"days of both", R"([["2026-11-02","2026-11-03"]])", R"([["2026-11-02","2026-11-04"]])",
       R"(["2026-11-01",["2026-11-02","2026-11-03"]])", kMine, R"([["2026-11-01","2026-11-04"]])"},
      {"days, base unknown", "-", R"(["2026-11-01"])", R"(["2026-11-03"])", kTheirs,
       R"([["2026-11-01","2026-11-01"],["2026-11-03","2026-11-03"]])"},
      {"another spelling of base is no change", R"(["2026-11-01","2026-11-02"])",
       R"([["2026-11-01","2026-11-02"]])", R"(["2026-11-01"])", kMine,
       R"([["2026-11-01","2026-11-01"]])"},
      {"null is no days", R"(["2026-11-01"])", "null", R"(["2026-11-01","2026-11-02"])", kMine,
       R"([["2026-11-01","2026-11-02"]])"},
      {"values: theirs, then new ones sorted", "-", R"(["c","b","a"])", R"(["z","a"])", kMine,
       R"(["z","a","b","c"])"},
      {"values: each once", "-", R"([1,1,2])", R"([3,3,2])", kMine, R"([3,2,1])"},
      {"values: mixed with days", "-", R"(["2026-11-01"])", R"(["x"])", kMine,
       R"(["x","2026-11-01"])"},
      {"values: nothing is deleted", R"(["a","b"])", R"(["a","c"])", R"(["b","d"])", kMine,
       R"(["b","d","a","c"])"},
      {"not an array: newest", "-", R"({"a":1})", R"(["x"])", kMine, R"({"a":1})"},
  };
  check_all(rule(MergeRule::kUnion), cases);
}

TEST_CASE("merge: by key") {
  FieldSpec field = rule(MergeRule::kByKey);
  field.element_key = "id";
  const Case cases[] = {
      {"different elements", R"([{"id":"a","v":1},{"id":"b","v":1}])",
       R"([{"id":"a","v":2},{"id":"b","v":1}])", R"([{"id":"a","v":1},{"id":"b","v":3}])", kMine,
       R"([{"id":"a","v":2},{"id":"b","v":3}])"},
      {"theirs' order, then mine that are new, by key", "[]",
       R"([{"id":"d"},{"id":"c"},{"id":"a"}])", R"([{"id":"z"},{"id":"a"}])", kMine,
       R"([{"id":"z"},{"id":"a"},{"id":"c"},{"id":"d"}])"},
      {"deleted by mine", R"([{"id":"a"},{"id":"b"}])", R"([{"id":"b"},{"id":"c"}])",
       R"([{"id":"a"},{"id":"b"},{"id":"d"}])", kTheirs, R"([{"id":"b"},{"id":"d"},{"id":"c"}])"},
      {"deleted by theirs", R"([{"id":"a"},{"id":"b"}])", R"([{"id":"a"},{"id":"b"},{"id":"c"}])",
       R"([{"id":"b"}])", kTheirs, R"([{"id":"b"},{"id":"c"}])"},
      {"deleted by mine, edited by theirs", R"([{"id":"a","v":1}])", R"([{"id":"c"}])",
       R"([{"id":"a","v":2}])", kMine, R"([{"id":"a","v":2},{"id":"c"}])"},
      {"edited by mine, deleted by theirs", R"([{"id":"a","v":1}])", R"([{"id":"a","v":2}])",
       R"([])", kTheirs, R"([{"id":"a","v":2}])"},
      {"both edited: deep", R"([{"id":"a","v":1,"w":1}])", R"([{"id":"a","v":2,"w":1}])",
       R"([{"id":"a","v":1,"w":3}])", kMine, R"([{"id":"a","v":2,"w":3}])"},
      {"both edited the same member: the later", R"([{"id":"a","v":1}])", R"([{"id":"a","v":2}])",
       R"([{"id":"a","v":3}])", kMine, R"([{"id":"a","v":2}])"},
      {"base unknown: all of both", "-", R"([{"id":"a","v":1}])", R"([{"id":"b"}])", kMine,
       R"([{"id":"b"},{"id":"a","v":1}])"},
      {"numbers as keys, before texts", "[]", R"([{"id":"1"},{"id":10},{"id":9}])", R"([{"id":2}])",
       kMine, R"([{"id":2},{"id":9},{"id":10},{"id":"1"}])"},
      {"the last of duplicates counts", R"([])", R"([{"id":"a","v":1},{"id":"a","v":2}])",
       R"([{"id":"b","v":1},{"id":"c"},{"id":"b","v":2}])", kMine,
       R"([{"id":"c"},{"id":"b","v":2},{"id":"a","v":2}])"},
      {"without a key: by value, only added", R"([{"v":1},7])", R"([{"v":1},{"v":3},7,"x"])",
       R"([{"v":2},7,{"id":null}])", kMine, R"([{"v":2},7,{"id":null},{"v":1},{"v":3},"x"])"},
      {"null is no elements", R"([{"id":"a"},{"id":"b"}])", "null",
       R"([{"id":"a"},{"id":"b"},{"id":"c"}])", kMine, R"([{"id":"c"}])"},
      {"not an array: newest", "[]", "5", R"([{"id":"a"}])", kMine, "5"},
  };
  check_all(field, cases);

  field.element_newest = "at";
  const Case newest_cases[] = {
      {"the later element wins whole", R"([{"id":1,"v":1,"w":1,"at":"2026-11-01T00:00:00Z"}])",
       R"([{"id":1,"v":2,"w":1,"at":"2026-11-03T00:00:00Z"}])",
       R"([{"id":1,"v":1,"w":3,"at":"2026-11-02T00:00:00Z"}])", kTheirs,
       R"([{"id":1,"v":2,"w":1,"at":"2026-11-03T00:00:00Z"}])"},
      {"no time is older", R"([{"id":1,"v":1}])", R"([{"id":1,"v":2}])",
       R"([{"id":1,"v":3,"at":"2026-11-02T00:00:00Z"}])", kMine,
       R"([{"id":1,"v":3,"at":"2026-11-02T00:00:00Z"}])"},
      {"what is no time is older", "-", R"([{"id":1,"v":2,"at":"2026-11-02T00:00:00Z"}])",
       R"([{"id":1,"v":3,"at":"soon"}])", kTheirs,
       R"([{"id":1,"v":2,"at":"2026-11-02T00:00:00Z"}])"},
      {"no times: deep", R"([{"id":1,"v":1,"w":1}])", R"([{"id":1,"v":2,"w":1}])",
       R"([{"id":1,"v":1,"w":3}])", kMine, R"([{"id":1,"v":2,"w":3}])"},
      {"only one changed it: its change, whatever its time",
       R"([{"id":1,"v":1,"at":"2026-11-05T00:00:00Z"},{"id":2}])",
       R"([{"id":1,"v":2,"at":"2026-11-01T00:00:00Z"},{"id":2}])",
       R"([{"id":1,"v":1,"at":"2026-11-05T00:00:00Z"}])", kTheirs,
       R"([{"id":1,"v":2,"at":"2026-11-01T00:00:00Z"}])"},
      {"a time years ahead is not believed", "-", R"([{"id":1,"v":2,"at":"2031-01-01T00:00:00Z"}])",
       R"([{"id":1,"v":3,"at":"2026-11-02T00:00:00Z"}])", kMine,
       R"([{"id":1,"v":3,"at":"2026-11-02T00:00:00Z"}])"},
  };
  check_all(field, newest_cases);
}

TEST_CASE("merge: no rule throws, whatever the types") {
  const char* const texts[] = {"null",
                               "true",
                               "7",
                               "-1.5",
                               "18446744073709551615",
                               "\"x\"",
                               "\"2026-11-01\"",
                               "[]",
                               "[1,\"a\",null]",
                               "[[\"2026-11-01\"],{}]",
                               R"([{"id":1},{"id":{"a":1}},{"id":1.5,"at":7},5])",
                               "{}",
                               R"({"a":{"b":[1]},"id":[]})",
                               "1e308",
                               "-1e308"};
  for (int merge = 0; merge <= static_cast<int>(MergeRule::kByKey); ++merge) {
    for (int type = 0; type <= static_cast<int>(FieldType::kVector); ++type) {
      FieldSpec field = rule(static_cast<MergeRule>(merge), static_cast<FieldType>(type));
      field.element_key = "id";
      field.element_newest = "at";
      for (const char* base_text : texts) {
        const Json base = parse_json(base_text);
        for (const char* mine : texts) {
          for (const char* theirs : texts) {
            (void)merge_value(field, &base, parse_json(mine), "", parse_json(theirs), "x");
            (void)merge_value(field, nullptr, parse_json(mine), "x", parse_json(theirs), "");
          }
        }
      }
    }
  }
}
