// Dates and timestamps: what is read, what is refused, and that both ways agree.
#include "base/calendar.hpp"

#include <doctest/doctest.h>

using namespace somatic;

TEST_CASE("calendar: dates") {
  struct Case {
    std::string name;
    std::string text;
    std::optional<std::int32_t> want;
  };
  const Case cases[] = {
      {"epoch", "1970-01-01", 0},
      {"the day before", "1969-12-31", -1},
      {"a day of our time", "2026-11-22", 20779},
      {"first day", "0001-01-01", -719162},
      {"last day", "9999-12-31", 2932896},
      {"leap day", "2024-02-29", 19782},
      {"leap day of a 400th year", "2000-02-29", 11016},
      {"no leap day", "2023-02-29", std::nullopt},
      {"no leap day in 1900", "1900-02-29", std::nullopt},
      {"31 April", "2026-04-31", std::nullopt},
      {"month 13", "2026-13-01", std::nullopt},
      {"month 0", "2026-00-10", std::nullopt},
      {"day 0", "2026-01-00", std::nullopt},
      {"year 0", "0000-01-01", std::nullopt},
      {"one digit", "2026-1-01", std::nullopt},
      {"trailing blank", "2026-01-01 ", std::nullopt},
      {"leading sign", "+026-01-01", std::nullopt},
      {"with a time", "2026-01-01T00:00:00Z", std::nullopt},
      {"nothing", "", std::nullopt},
      {"cut short", "2026-01-0", std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(parse_date(c.text) == c.want);
    if (c.want) CHECK(format_date(*c.want) == c.text);
  }
}

TEST_CASE("calendar: every date survives the round trip") {
  for (std::int32_t day = -719162; day <= 2932896; day += 13) {
    const std::string text = format_date(day);
    if (parse_date(text) != day) FAIL(text);
  }
  CHECK(format_date(-800000) == "0001-01-01");
  CHECK(format_date(INT32_MAX) == "9999-12-31");
}

TEST_CASE("calendar: timestamps") {
  constexpr Ms kEvening = 1795389900000;  // 2026-11-22T23:25:00Z
  struct Case {
    std::string name;
    std::string text;
    std::optional<Ms> want;
  };
  const Case cases[] = {
      {"as the API shows it", "2026-11-22T23:25:00.120Z", kEvening + 120},
      {"as PostgreSQL prints it", "2026-11-22T23:25:00.12+00:00", kEvening + 120},
      {"with a blank", "2026-11-22 23:25:00+00", kEvening},
      {"no seconds", "2026-11-22T23:25Z", kEvening},
      {"microseconds are cut", "2026-11-22T23:25:00.999999Z", kEvening + 999},
      {"one digit of fraction", "2026-11-22T23:25:00.5Z", kEvening + 500},
      {"east", "2026-11-23T01:25:00+02:00", kEvening},
      {"east, no colon", "2026-11-23T04:55:00+0530", kEvening},
      {"west", "2026-11-22T15:25:00-08", kEvening},
      {"before 1970", "1969-12-31T23:59:59.250Z", -750},
      {"a bare date", "2026-11-22", kEvening - 84300000},
      {"no zone", "2026-11-22T23:25:00", std::nullopt},
      {"hour 24", "2026-11-22T24:00:00Z", std::nullopt},
      {"second 60", "2026-11-22T23:59:60Z", std::nullopt},
      {"point without digits", "2026-11-22T23:25:00.Z", std::nullopt},
      {"half a zone", "2026-11-22T23:25:00+0", std::nullopt},
      {"colon without minutes", "2026-11-22T23:25:00+02:", std::nullopt},
      {"more behind", "2026-11-22T23:25:00Z ", std::nullopt},
      {"infinity", "infinity", std::nullopt},
      {"no such day", "2026-02-30T00:00:00Z", std::nullopt},
      {"only a T", "2026-11-22T", std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(parse_timestamp(c.text) == c.want);
    if (!c.want) continue;
    CHECK(parse_timestamp(format_timestamp(*c.want)) == c.want);
    CHECK(parse_timestamp(wire_timestamp(*c.want)) == c.want);
  }
}

TEST_CASE("calendar: the written forms") {
  struct Case {
    Ms at;
    std::string shown;
    std::string wire;
  };
  const Case cases[] = {
      {0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00+00:00"},
      {-1, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999+00:00"},
      {1795389900120, "2026-11-22T23:25:00.120Z", "2026-11-22T23:25:00.12+00:00"},
      {1795389900100, "2026-11-22T23:25:00.100Z", "2026-11-22T23:25:00.1+00:00"},
      {1795389900007, "2026-11-22T23:25:00.007Z", "2026-11-22T23:25:00.007+00:00"},
      {INT64_MAX, "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999+00:00"},
      {INT64_MIN, "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00+00:00"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.at);
    CHECK(format_timestamp(c.at) == c.shown);
    CHECK(wire_timestamp(c.at) == c.wire);
  }
}
