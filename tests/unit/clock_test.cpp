// Clocks: their text, what comes after what, and which clock a column of a row has.
#include "protocol/clock.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace somatic;

namespace {
constexpr const char* kDevice = "AbCdEf01-9dad-41d1-80b4-00c04fd430c8";
}

TEST_CASE("clock: made from a time") {
  struct Case {
    std::string name;
    Ms at;
    std::string device;
    std::string want;
  };
  const Case cases[] = {
      {"a time of ours", 1795389900120, kDevice, "1795389900120-0000-abcdef01"},
      {"small", 7, kDevice, "0000000000007-0000-abcdef01"},
      {"before 1970", -5, kDevice, "0000000000000-0000-abcdef01"},
      {"too late", 10000000000000, kDevice, "9999999999999-0000-abcdef01"},
      {"the server", 7, "00000000", "0000000000007-0000-00000000"},
      {"no device", 7, "", "0000000000007-0000-00000000"},
      {"a short, odd device", 7, "x1", "0000000000007-0000-01000000"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(make_clock(c.at, c.device) == c.want);
    CHECK(clock_time(c.want) == std::clamp<Ms>(c.at, 0, 9999999999999));
  }
}

TEST_CASE("clock: the next one of a device") {
  struct Case {
    std::string name;
    Ms at;
    std::string seen;
    std::string want;
  };
  const Case cases[] = {
      {"time has passed", 9, "0000000000007-0003-ffffffff", "0000000000009-0000-abcdef01"},
      {"same time, earlier device", 7, "0000000000007-0000-00000001",
       "0000000000007-0000-abcdef01"},
      {"same time, later device", 7, "0000000000007-0000-ffffffff", "0000000000007-0001-abcdef01"},
      {"my own", 7, "0000000000007-0000-abcdef01", "0000000000007-0001-abcdef01"},
      {"seen is ahead", 3, "0000000000007-000f-ffffffff", "0000000000007-0010-abcdef01"},
      {"seen is ahead, earlier device", 3, "0000000000007-000f-00000000",
       "0000000000007-000f-abcdef01"},
      {"counter full", 3, "0000000000007-ffff-ffffffff", "0000000000008-0000-abcdef01"},
      {"end of time", 3, "9999999999999-ffff-ffffffff", "9999999999999-ffff-abcdef01"},
      {"nothing seen", 3, "", "0000000000003-0000-abcdef01"},
      {"no clock", 3, "zzz", "0000000000003-0000-abcdef01"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(clock_after(c.at, c.seen, kDevice) == c.want);
  }
}

TEST_CASE("clock: time of what is no clock") {
  for (const char* text :
       {"", "5", "zzz", "0000000000007-0000-ABCDEF01", "0000000000007-0000-abcdef012",
        "000000000000x-0000-abcdef01", "0000000000007_0000-abcdef01"}) {
    CAPTURE(text);
    CHECK(clock_time(text) == 0);
  }
}

TEST_CASE("clock: of a column") {
  const Json clocks = parse_json(R"({
    "*": "0000000000005-0000-00000000", "mood": "0000000000007-0000-abcdef01",
    "broken": "zzz", "odd": 5})");
  CHECK(column_clock(clocks, "mood") == "0000000000007-0000-abcdef01");
  CHECK(column_clock(clocks, "other") == "0000000000005-0000-00000000");
  CHECK(column_clock(clocks, "broken") == "0000000000005-0000-00000000");
  CHECK(column_clock(clocks, "odd") == "0000000000005-0000-00000000");
  CHECK(column_clock(Json::object(), "mood").empty());
  for (const char* text : {"null", "[]", "5", "\"x\"", R"({"mood": {}})"}) {
    CHECK(column_clock(parse_json(text), "mood").empty());
  }
}
