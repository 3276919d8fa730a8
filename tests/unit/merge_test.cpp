// Rows: what is left of a change on top of a row that moved on, or is gone, and which texts are
// lost.
#include "sync/merge.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace somatic;

namespace {

const std::string kOld = "1795389900001-0000-aaaaaaaa";
const std::string kMid = "1795389900002-0000-bbbbbbbb";
const std::string kLate = "1795389900003-0000-cccccccc";

FieldSpec field(const std::string& column, MergeRule merge = MergeRule::kNewest) {
  FieldSpec out;
  out.name = column;
  out.column = column;
  out.merge = merge;
  return out;
}

CollectionSpec collection() {
  CollectionSpec out;
  out.name = "things";
  out.table = "things";
  out.key_field = "id";
  out.fields["text"] = field("text");
  out.fields["note"] = field("note");
  out.fields["metadata"] = field("metadata", MergeRule::kDeep);
  out.fields["done"] = field("done", MergeRule::kOr);
  out.fields["count"] = field("count", MergeRule::kCounter);
  out.fields["days"] = field("days", MergeRule::kUnion);
  out.fields["katas"] = field("katas", MergeRule::kByKey);
  out.fields["katas"].element_key = "id";
  out.fields["streak"] = field("streak");
  out.fields["streak"].derivation = Derivation::kStreak;
  out.fields["streak"].derived_from = "days";
  out.fields["last"] = field("last");
  out.fields["last"].derivation = Derivation::kLastDay;
  out.fields["last"].derived_from = "days";
  out.fields["best"] = field("metadata", MergeRule::kMax);
  out.fields["best"].path = {"scores", "best"};
  return out;
}

Change change_of(const std::string& text) {
  const Json json = parse_json(text);
  REQUIRE_FALSE(json.is_discarded());
  Change out;
  if (const Json* del = member(json, "del")) out.del = del->get<bool>();
  if (const Json* part = member(json, "set")) out.set = *part;
  if (const Json* part = member(json, "inc")) out.inc = *part;
  if (const Json* part = member(json, "base")) out.base = *part;
  if (const Json* part = member(json, "clocks")) out.clocks = *part;
  return out;
}

ServerRow row_of(const std::string& columns, const Json& clocks) {
  ServerRow out;
  out.version = 7;
  out.columns = parse_json(columns);
  out.clocks = clocks;
  return out;
}

std::string long_text(char letter) { return std::string(81, letter); }

}  // namespace

TEST_CASE("rebase: what is left of a change") {
  struct Case {
    std::string name, mine;
    Json my_clocks;
    std::string theirs;
    Json their_clocks;
    std::string left, left_base;
    Json left_clocks;
  };
  const Case cases[] = {
      {"another column: mine stays",
       R"({"set":{"text":"b"},"base":{"text":"a"}})",
       {{"*", kOld}},
       R"({"text":"a","note":"n"})",
       {{"*", kLate}},
       R"({"text":"b"})",
       R"({"text":"a"})",
       {{"text", kOld}}},
      {"the same column: the later stays",
       R"({"set":{"text":"b"},"base":{"text":"a"}})",
       {{"text", kLate}},
       R"({"text":"c"})",
       {{"text", kMid}},
       R"({"text":"b"})",
       R"({"text":"c"})",
       {{"text", kLate}}},
      {"the same column: the earlier is gone",
       R"({"set":{"text":"b"},"base":{"text":"a"}})",
       {{"text", kOld}},
       R"({"text":"c"})",
       {{"text", kMid}},
       "{}",
       "{}",
       Json::object()},
      {"the same value: nothing to say",
       R"({"set":{"text":"c"},"base":{"text":"a"}})",
       {{"text", kLate}},
       R"({"text":"c"})",
       {{"*", kMid}},
       "{}",
       "{}",
       Json::object()},
      {"mixed: the later clock of both",
       R"({"set":{"metadata":{"a":1}},"base":{"metadata":{}}})",
       {{"*", kOld}},
       R"({"metadata":{"b":2}})",
       {{"metadata", kLate}},
       R"({"metadata":{"a":1,"b":2}})",
       R"({"metadata":{"b":2}})",
       {{"metadata", kLate}}},
      {"mine wins by its rule: mine's clock",
       R"({"set":{"done":true},"base":{"done":null}})",
       {{"*", kOld}},
       R"({"done":false})",
       {{"*", kLate}},
       R"({"done":true})",
       R"({"done":false})",
       {{"done", kOld}}},
      {"a column that nobody set is no opposition",
       R"({"set":{"note":"n","text":"b"}})",
       {{"*", kOld}},
       R"({"note":null,"text":"c"})",
       {{"*", kLate}},
       R"({"note":"n"})",
       R"({"note":null})",
       {{"note", kOld}}},
      {"a column that was cleared is",
       R"({"set":{"note":"n"}})",
       {{"*", kOld}},
       R"({"note":null})",
       {{"note", kLate}},
       "{}",
       "{}",
       Json::object()},
      {"a column the row lacks",
       R"({"set":{"note":"n"}})",
       {{"*", kOld}},
       "{}",
       {{"*", kLate}},
       R"({"note":"n"})",
       R"({"note":null})",
       {{"note", kOld}}},
      {"a column the schema does not know: deep",
       R"({"set":{"new":{"a":1}},"base":{"new":{}}})",
       {{"*", kOld}},
       R"({"new":{"b":2}})",
       {{"*", kLate}},
       R"({"new":{"a":1,"b":2}})",
       R"({"new":{"b":2}})",
       {{"new", kLate}}},
      {"a path with a rule of its own",
       R"({"set":{"metadata":{"scores":{"best":9}}},"base":{"metadata":{"scores":{"best":1}}}})",
       {{"*", kOld}},
       R"({"metadata":{"scores":{"best":5},"x":1}})",
       {{"*", kLate}},
       R"({"metadata":{"scores":{"best":9},"x":1}})",
       R"({"metadata":{"scores":{"best":5},"x":1}})",
       {{"metadata", kLate}}},
      {"a derived column follows the merged days",
       R"({"set":{"days":[["2026-11-02","2026-11-02"]],"streak":1,"last":"2026-11-02"}})",
       {{"*", kOld}},
       R"({"days":[["2026-11-03","2026-11-04"]],"streak":2,"last":"2026-11-04"})",
       {{"*", kLate}},
       R"({"days":[["2026-11-02","2026-11-04"]],"streak":3})",
       R"({"days":[["2026-11-03","2026-11-04"]],"streak":2})",
       {{"days", kLate}, {"streak", kLate}}},
      {"a derived column without days: newest",
       R"({"set":{"streak":5},"base":{"streak":1}})",
       {{"*", kLate}},
       R"({"days":null,"streak":3})",
       {{"*", kOld}},
       R"({"streak":5})",
       R"({"streak":3})",
       {{"streak", kLate}}},
  };
  const CollectionSpec things = collection();
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Change mine = change_of(c.mine);
    mine.clocks = c.my_clocks;
    const ServerRow theirs = row_of(c.theirs, c.their_clocks);
    const Rebased out = rebase(things, mine, theirs);
    CHECK(out.change.set == parse_json(c.left));
    CHECK(out.change.base == parse_json(c.left_base));
    CHECK(out.change.clocks == c.left_clocks);
    CHECK(out.change.inc.empty());
    CHECK(out.lost.empty());
    CHECK(rebase(things, out.change, theirs).change == out.change);
  }
}

TEST_CASE("rebase: increments stay increments") {
  Change mine =
      change_of(R"({"set":{"text":"b"},"inc":{"count":2},"base":{"text":"a","count":5}})");
  mine.clocks = {{"*", kOld}};
  const Rebased out =
      rebase(collection(), mine, row_of(R"({"text":"c","count":9})", {{"*", kLate}}));
  CHECK(out.change.set.empty());
  CHECK(out.change.inc == Json({{"count", 2}}));
  CHECK(out.change.base == Json({{"count", 9}}));
  CHECK(out.change.clocks == Json({{"count", kOld}}));
}

TEST_CASE("rebase: a deletion against an edited row") {
  CollectionSpec things = collection();
  Change mine;
  mine.del = true;
  mine.base = {{"text", "a"}, {"note", long_text('n')}};
  const ServerRow theirs =
      row_of(R"({"text":")" + long_text('t') + R"(","note":")" + long_text('n') + R"("})",
             {{"*", kOld}, {"text", kMid}, {"broken", "zzz"}, {"odd", 5}});

  mine.clocks = {{"*", kLate}};
  const Rebased later = rebase(things, mine, theirs);
  CHECK(later.change.del);
  CHECK(later.change.clocks == mine.clocks);
  CHECK(later.change.base == theirs.columns);
  CHECK(later.lost == std::vector<LostText>{{"text", long_text('t')}});

  mine.clocks = {{"*", kOld}};
  const Rebased earlier = rebase(things, mine, theirs);
  CHECK(earlier.change.empty());
  CHECK(earlier.lost.empty());

  mine.clocks = {{"*", kMid}};
  CHECK(rebase(things, mine, theirs).change.empty());  // later means later

  things.on_delete = OnDelete::kDeleteWins;
  const Rebased wins = rebase(things, mine, theirs);
  CHECK(wins.change.del);
  CHECK(wins.lost.empty());
}

TEST_CASE("rebase on a deletion") {
  CollectionSpec things = collection();
  Change mine = change_of(R"({"set":{"text":"b"},"inc":{"count":1},"base":{"text":"a"}})");
  mine.clocks = {{"text", kLate}, {"count", kOld}};
  const Json before = parse_json(R"({"text":"a","note":"n","count":4,"done":null})");

  SUBCASE("a later edit makes the whole row again") {
    const Rebased out = rebase_on_gone(things, mine, before, kMid);
    CHECK(out.change.set == parse_json(R"({"text":"b","note":"n","count":5})"));
    CHECK(out.change.inc.empty());
    CHECK(out.change.base.empty());
    CHECK(out.change.clocks == Json({{"*", kMid}, {"text", kLate}, {"count", kOld}}));
    CHECK(out.lost.empty());
  }
  SUBCASE("the row before is not known") {
    const Rebased out = rebase_on_gone(things, mine, nullptr, kMid);
    CHECK(out.change.set == parse_json(R"({"text":"b","count":1})"));
  }
  SUBCASE("the id names the row, it is no column of it") {
    Json seen = before;
    seen["id"] = "11111111-1111-4111-8111-111111111111";
    CHECK_FALSE(rebase_on_gone(things, mine, seen, kMid).change.set.contains("id"));
  }
  SUBCASE("a null that was set stays") {
    mine.set["note"] = nullptr;
    const Rebased out = rebase_on_gone(things, mine, before, kMid);
    CHECK(out.change.set == parse_json(R"({"text":"b","note":null,"count":5})"));
  }
  SUBCASE("an earlier edit is lost, its long text kept") {
    mine.set["note"] = long_text('n');
    mine.set["metadata"] = {{"same", long_text('s')}, {"insights", long_text('i')}};
    mine.base["metadata"] = {{"same", long_text('s')}};
    const Rebased out = rebase_on_gone(things, mine, before, "1795389900009-0000-cccccccc");
    CHECK(out.change.empty());
    CHECK(out.lost ==
          std::vector<LostText>{{"metadata.insights", long_text('i')}, {"note", long_text('n')}});
  }
  SUBCASE("an edit of the same moment is not later") {
    CHECK(rebase_on_gone(things, mine, before, kLate).change.empty());
  }
  SUBCASE("delete wins") {
    mine.set["note"] = long_text('n');
    things.on_delete = OnDelete::kDeleteWins;
    const Rebased out = rebase_on_gone(things, mine, before, kOld);
    CHECK(out.change.empty());
    CHECK(out.lost.empty());
  }
  SUBCASE("deletion against deletion") {
    Change del;
    del.del = true;
    del.clocks = {{"*", kLate}};
    CHECK(rebase_on_gone(things, del, before, kOld).change.empty());
  }
}

TEST_CASE("rebase: texts that lost") {
  struct Case {
    std::string name, column;
    Json base, mine, theirs;
    bool mine_later;
    std::vector<LostText> want;
  };
  const std::string a = long_text('a');
  const std::string m = long_text('m');
  const std::string t = long_text('t');
  const std::string umlauts = [] {
    std::string out;
    for (int i = 0; i < 80; ++i) out += "\xC3\xA4";
    return out;
  }();
  const Case cases[] = {
      {"mine loses", "text", "x", m, "t", false, {{"text", m}}},
      {"theirs loses", "text", "x", "m", t, true, {{"text", t}}},
      {"one of two", "text", "x", m, t, true, {{"text", t}}},
      {"80 characters are not long", "text", "x", std::string(80, 'm'), "t", false, {}},
      {"80 characters of two bytes neither", "text", "x", umlauts, "t", false, {}},
      {"81 of two bytes are", "text", "x", umlauts + "!", "t", false, {{"text", umlauts + "!"}}},
      {"not an edit: the same as base", "text", a, "m", a, true, {}},
      {"inside JSON",
       "metadata",
       {{"i", "x"}},
       {{"i", m}},
       {{"i", "t"}},
       false,
       {{"metadata.i", m}}},
      {"deeper, theirs",
       "metadata",
       {{"i", {{"j", "x"}}}},
       {{"i", {{"j", "m"}}}},
       {{"i", {{"j", t}, {"k", a}}}},
       true,
       {{"metadata.i.j", t}}},
      {"in an array",
       "metadata",
       {{"l", Json::array()}},
       {{"l", {"m"}}},
       {{"l", {"t", t}}},
       true,
       {{"metadata.l.1", t}}},
      {"moved is not lost",
       "metadata",
       {{"l", {a}}},
       {{"l", {"m", a}}},
       {{"l", {a, "t"}}},
       true,
       {}},
      {"in a named element",
       "katas",
       Json::array({{{"id", "k1"}, {"n", "x"}}}),
       Json::array({{{"id", "k1"}, {"n", m}}}),
       Json::array({{{"id", "k1"}, {"n", t}}}),
       true,
       {{"katas.k1.n", t}}},
      {"a column the schema does not know", "new", "x", m, "t", false, {{"new", m}}},
  };
  const CollectionSpec things = collection();
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Change mine;
    mine.set[c.column] = c.mine;
    mine.base[c.column] = c.base;
    mine.clocks = {{"*", c.mine_later ? kLate : kOld}};
    ServerRow theirs;
    theirs.columns[c.column] = c.theirs;
    theirs.clocks = {{c.column, kMid}};
    CHECK(rebase(things, mine, theirs).lost == c.want);
  }
}

TEST_CASE("rebase: nothing throws, whatever a row holds") {
  const CollectionSpec things = collection();
  const char* const texts[] = {"null",
                               "5",
                               "\"x\"",
                               "[]",
                               "[{\"id\":1},2]",
                               "{}",
                               R"({"text":[1],"metadata":5,"days":"x","katas":{},"count":"7"})",
                               R"({"metadata":{"scores":[]},"days":[["x"]],"streak":{}})"};
  const char* const changes[] = {
      R"({"set":{"text":"b","metadata":{"scores":{"best":1}},"days":["2026-11-01"],"streak":1,
          "katas":[{"id":1}],"new":{}},"inc":{"count":1}})",
      R"({"set":{"text":null,"days":null,"streak":null},"inc":{"count":"x"},"base":{"text":{}}})",
      R"({"del":true})", "{}"};
  for (const char* columns : texts) {
    for (const char* clocks : texts) {
      const ServerRow row = row_of(columns, parse_json(clocks));
      for (const char* text : changes) {
        Change mine = change_of(text);
        for (const char* my_clocks : texts) {
          mine.clocks = parse_json(my_clocks);
          (void)overlay(things, row.columns, rebase(things, mine, row).change);
          (void)rebase_on_gone(things, mine, row.columns, "");
          (void)fold(mine, rebase(things, mine, row).change);
        }
      }
    }
  }
  Change odd;
  odd.set = 5;
  odd.inc = Json::array({1});
  odd.base = "x";
  odd.clocks = nullptr;
  (void)fold(odd, odd);
  (void)rebase(things, odd, row_of("7", Json::array()));
  CHECK(overlay(things, "x", odd) == Json::object());
}
