// Day sets: what counts as one, how ranges join, and what a streak is.
#include "sync/days.hpp"

#include <doctest/doctest.h>

using namespace somatic;

TEST_CASE("days: normalized") {
  struct Case {
    std::string name, days, want;
    bool all;
  };
  const Case cases[] = {
      {"none", "[]", "[]", true},
      {"a day", R"(["2026-11-01"])", R"([["2026-11-01","2026-11-01"]])", true},
      {"touching days join", R"(["2026-11-02","2026-11-01"])", R"([["2026-11-01","2026-11-02"]])",
       true},
      {"over the end of a month", R"([["2026-10-30","2026-10-31"],"2026-11-01"])",
       R"([["2026-10-30","2026-11-01"]])", true},
      {"a gap stays", R"(["2026-11-03","2026-11-01"])",
       R"([["2026-11-01","2026-11-01"],["2026-11-03","2026-11-03"]])", true},
      {"one inside the other", R"([["2026-11-01","2026-11-09"],["2026-11-02","2026-11-03"]])",
       R"([["2026-11-01","2026-11-09"]])", true},
      {"what is no day is left out", R"(["x",5,null,["2026-11-01"],{"a":1},"2026-11-05"])",
       R"([["2026-11-05","2026-11-05"]])", false},
      {"a backwards range is no range", R"([["2026-11-05","2026-11-01"]])", "[]", false},
      {"three ends are no range", R"([["2026-11-01","2026-11-02","2026-11-03"]])", "[]", false},
      {"not an array", R"("2026-11-01")", "[]", true},
      {"an object", R"({"2026-11-01":"2026-11-02"})", "[]", true},
      {"null", "null", "[]", true},
      {"the last day there is", R"(["9999-12-31","9999-12-30"])",
       R"([["9999-12-30","9999-12-31"]])", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Json days = parse_json(c.days);
    CHECK(normalize_days(days) == parse_json(c.want));
    CHECK(normalize_days(normalize_days(days)) == normalize_days(days));
    CHECK(all_days(days) == c.all);
  }
}

TEST_CASE("days: streak and last day are those of the last range") {
  const Json days = parse_json(R"([["2026-11-01","2026-11-09"],["2026-12-30","2027-01-01"]])");
  CHECK(derive_from_days(Derivation::kStreak, days) == Json(3));
  CHECK(derive_from_days(Derivation::kLastDay, days) == Json("2027-01-01"));
  CHECK(derive_from_days(Derivation::kNone, days).is_null());
  CHECK(derive_from_days(Derivation::kStreak, Json::array()).is_null());
  CHECK(derive_from_days(Derivation::kLastDay, nullptr).is_null());
}
