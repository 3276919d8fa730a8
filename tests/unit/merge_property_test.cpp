// What must hold of every merge, over random values: both orders end equal, a merge repeated
// changes nothing, and the ways of saying the same (fold, overlay, rebase, merge_value) agree.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "random_json.hpp"
#include "sync/merge.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

constexpr int kRuns = 3000;
constexpr MergeRule kRules[] = {MergeRule::kNewest, MergeRule::kDeep,  MergeRule::kMax,
                                MergeRule::kMin,    MergeRule::kOr,    MergeRule::kCounter,
                                MergeRule::kUnion,  MergeRule::kFirst, MergeRule::kByKey};

FieldSpec spec(MergeRule merge, Random& random) {
  FieldSpec field;
  field.merge = merge;
  field.type = below(random, 2) == 0 ? FieldType::kDate : FieldType::kJson;
  field.element_key = "id";
  if (below(random, 2) == 0) field.element_newest = "at";
  field.null_loses = below(random, 2) == 0;
  return field;
}

std::string clock_at(int tick, const char* device) {
  return make_clock(1795389900000 + tick, device);
}

/// The order of elements is the server's: it is no part of being equal.
Json unordered(Json value) {
  if (value.is_array()) std::stable_sort(value.begin(), value.end());
  return value;
}

/// Columns named as their rules are numbered, and days with what is derived from them.
CollectionSpec every_rule() {
  CollectionSpec out;
  for (const MergeRule merge : kRules) {
    FieldSpec field;
    field.column = std::to_string(static_cast<int>(merge));
    field.merge = merge;
    field.element_key = "id";
    out.fields[field.column] = field;
  }
  FieldSpec streak;
  streak.column = "streak";
  streak.derivation = Derivation::kStreak;
  streak.derived_from = "days";
  out.fields["streak"] = streak;
  return out;
}

Json random_days(Random& random) { return Json::array({random_day(random), random_day(random)}); }

/// An edit as an engine makes it on what is seen: with the base of all it touches.
Change random_change(Random& random, const CollectionSpec& collection, const Json& view) {
  Change out;
  if (below(random, 6) == 0) {
    out.del = true;
    if (view.is_object()) out.base = view;
    return out;
  }
  for (const auto& [column, field] : collection.fields) {
    if (below(random, 3) != 0) continue;
    if (field.derivation != Derivation::kNone) {
      out.set["days"] = random_days(random);
    } else if (field.merge == MergeRule::kCounter) {
      if (below(random, 2) == 0) {
        out.inc[column] = 1 + below(random, 3);
      } else {
        out.set[column] = below(random, 9);
      }
    } else {
      out.set[column] = random_value(random, field.merge);
    }
  }
  for (const Json* edits : {&out.set, &out.inc}) {
    for (const auto& [column, value] : members(*edits)) {
      if (!view.is_object()) continue;
      const Json* seen = member(view, column);
      out.base[column] = seen == nullptr ? Json() : *seen;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("property: two devices, both orders, one value") {
  for (const MergeRule merge : kRules) {
    if (merge == MergeRule::kFirst) continue;  // by its meaning, the order decides
    CAPTURE(static_cast<int>(merge));
    Random random("orders");
    for (int run = 0; run < kRuns; ++run) {
      const FieldSpec field = spec(merge, random);
      const Json base = random_value(random, merge);
      const Json a = random_value(random, merge);
      const Json b = random_value(random, merge);
      const Json* known = below(random, 3) == 0 ? nullptr : &base;
      const std::string a_clock = clock_at(below(random, 3), "aaaaaaaa");
      const std::string b_clock = clock_at(below(random, 3), "bbbbbbbb");
      const Json ab = merge_value(field, known, a, a_clock, b, b_clock);
      const Json ba = merge_value(field, known, b, b_clock, a, a_clock);
      if (unordered(ab) == unordered(ba)) continue;
      CAPTURE(run);
      CAPTURE(base);
      CAPTURE(a);
      CAPTURE(b);
      CHECK(ab == ba);
      return;
    }
  }
}

TEST_CASE("property: merging again changes nothing") {
  for (const MergeRule merge : kRules) {
    CAPTURE(static_cast<int>(merge));
    Random random("again");
    for (int run = 0; run < kRuns; ++run) {
      const FieldSpec field = spec(merge, random);
      const Json base = random_value(random, merge);
      const Json mine = random_value(random, merge);
      const Json theirs = random_value(random, merge);
      const Json* known = below(random, 3) == 0 ? nullptr : &base;
      const std::string my_clock = clock_at(below(random, 3), "aaaaaaaa");
      const std::string their_clock = clock_at(below(random, 3), "bbbbbbbb");
      const std::string late = std::max(my_clock, their_clock);
      const Json merged = merge_value(field, known, mine, my_clock, theirs, their_clock);
      // what was merged, seen again on the same row, or met by the same edit on another device
      CHECK(merge_value(field, &theirs, merged, late, theirs, their_clock) == merged);
      if (merge != MergeRule::kCounter) {
        CHECK(merge_value(field, known, merged, late, merged, late) == merged);
      }
    }
  }
}

TEST_CASE("property: folded edits show what the edits show one by one") {
  const CollectionSpec collection = every_rule();
  Random random("fold");
  for (int run = 0; run < kRuns; ++run) {
    CAPTURE(run);
    Json row;
    if (below(random, 4) != 0) {
      row = overlay(collection, nullptr, random_change(random, collection, nullptr));
    }
    Json view = row;
    Change folded;
    for (int edits = 1 + below(random, 4); edits > 0; --edits) {
      const Change edit = random_change(random, collection, view);
      if (edit.empty()) continue;
      view = overlay(collection, view, edit);
      folded = fold(folded, edit);
    }
    if (folded.empty()) continue;
    const Json at_once = overlay(collection, row, folded);
    CHECK(at_once.is_null() == view.is_null());
    CHECK(without_nulls(at_once) == without_nulls(view));
    // a base is what the row held before (null counts as 0), or not known; a derived column was
    // never edited, so its base is only what was seen
    for (const auto& [column, value] : members(folded.base)) {
      if (column == "streak") continue;
      CAPTURE(column);
      const Json* was = member(row, column);
      const bool none = was == nullptr || was->is_null();
      CHECK((none ? value.is_null() || value == 0 : value == *was));
    }
  }
}

TEST_CASE("property: a rebased change shows what the fields merge to") {
  const CollectionSpec collection = every_rule();
  Random random("rebase");
  for (int run = 0; run < kRuns; ++run) {
    CAPTURE(run);
    const Json base =
        overlay(collection, Json::object(), random_change(random, collection, nullptr));
    Change mine = random_change(random, collection, base);
    const Change other = random_change(random, collection, base);
    if (mine.del || other.del || base.is_null()) continue;
    ServerRow theirs;
    theirs.columns = overlay(collection, base, other);
    for (const auto& [column, value] : members(theirs.columns)) {
      theirs.clocks[column] = clock_at(below(random, 3), "bbbbbbbb");
    }
    for (const Json* edits : {&mine.set, &mine.inc}) {
      for (const auto& [column, value] : members(*edits)) {
        mine.clocks[column] = clock_at(below(random, 3), "aaaaaaaa");
      }
    }
    const Rebased out = rebase(collection, mine, theirs);
    const Json view = overlay(collection, theirs.columns, out.change);
    for (const auto& [column, value] : members(mine.set)) {
      CAPTURE(column);
      if (column == "days") continue;
      const Json* stored = member(theirs.columns, column);
      const Json merged =
          merge_value(collection.fields.at(column), member(mine.base, column), value,
                      column_clock(mine.clocks, column), stored == nullptr ? Json() : *stored,
                      column_clock(theirs.clocks, column));
      const Json* shown = member(view, column);
      CHECK((shown == nullptr ? Json() : *shown) == merged);
    }
    CHECK(rebase(collection, out.change, theirs).change == out.change);
  }
}
