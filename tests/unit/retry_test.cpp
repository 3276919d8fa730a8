// Failures and waits: the table of docs/protocol.md, line by line, and the bounds of every wait.
#include "sync/retry.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "support/protocol_table.hpp"

using namespace somatic;
using testing::protocol_table;

TEST_CASE("retry: what a failure means") {
  const std::map<std::string, Failure> classes = {
      {"retry", Failure::kRetry},
      {"retry soon", Failure::kRetrySoon},
      {"rate limited", Failure::kRateLimited},
      {"halve", Failure::kHalve},
      {"refresh", Failure::kRefresh},
      {"signed out", Failure::kSignedOut},
      {"migrations missing", Failure::kMigrationsMissing},
      {"server", Failure::kServer},
  };
  std::set<std::string> met;
  for (const auto& line : protocol_table("failures")) {
    REQUIRE(line.size() == 4);
    const std::string &code = line[1], &name = line[2], &want = line[3];
    CAPTURE(name);
    REQUIRE(classes.contains(want));
    CHECK(classify(std::stoi(line[0]), code == "-" ? "" : code) == classes.at(want));
    met.insert(want);
  }
  CHECK(met.size() == classes.size());
}

TEST_CASE("retry: how long to wait") {
  struct Case {
    std::string name;
    Failure failure;
    int attempt;
    double fraction;
    std::optional<Ms> retry_after;
    Ms want;
  };
  constexpr double kMost = 0.999999;
  const Case cases[] = {
      {"first, shortest", Failure::kRetry, 1, 0, {}, 500},
      {"first, longest", Failure::kRetry, 1, kMost, {}, 999},
      {"second", Failure::kServer, 2, 0, {}, 1000},
      {"fifth, half way", Failure::kHalve, 5, 0.5, {}, 12000},
      {"at the ceiling", Failure::kRetry, 10, 0, {}, 150000},
      {"far beyond", Failure::kRetry, 2000000000, kMost, {}, 299999},
      {"attempt 0 is the first", Failure::kRetry, 0, 0, {}, 500},
      {"soon", Failure::kRetrySoon, 1, 0, {}, 25},
      {"soon, fourth", Failure::kRetrySoon, 4, 0, {}, 200},
      {"migrations: at least a minute", Failure::kMigrationsMissing, 1, 0, {}, 60000},
      {"migrations: at most five", Failure::kMigrationsMissing, 9, kMost, {}, 299999},
      {"the server says longer", Failure::kRateLimited, 1, 0, 30000, 30000},
      {"the server says shorter", Failure::kRateLimited, 5, 0, 1000, 8000},
      {"the server says an hour", Failure::kRetry, 1, 0, 3600000, 3600000},
      {"a fraction out of range", Failure::kRetry, 1, 7.0, {}, 500},
      {"a negative fraction", Failure::kRetry, 1, -1.0, {}, 500},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(backoff_ms(c.failure, c.attempt, c.fraction, c.retry_after) == c.want);
  }
}

TEST_CASE("retry: Retry-After") {
  constexpr Ms kNow = 784111777000;  // Sun, 06 Nov 1994 08:49:37 GMT
  struct Case {
    std::string name, header;
    Ms now;
    std::optional<Ms> want;
  };
  const Case cases[] = {
      {"seconds", "120", kNow, 120000},
      {"at once", "0", kNow, 0},
      {"with blanks", " 7 ", kNow, 7000},
      {"a date", "Sun, 06 Nov 1994 08:49:37 GMT", kNow - 90000, 90000},
      {"a date in January", "Sun, 01 Jan 1995 00:00:00 GMT", kNow, 4806623000},
      {"a date in October", "Sat, 01 Oct 1994 00:00:00 GMT", 780969600000, 0},
      {"a date in December", "Thu, 01 Dec 1994 00:00:00 GMT", 786240000000 - 5, 5},
      {"a date gone by", "Sun, 06 Nov 1994 08:49:37 GMT", kNow + 1, 0},
      {"no such month", "Sun, 06 anF 1994 08:49:37 GMT", kNow, std::nullopt},
      {"no such day", "Sun, 31 Nov 1994 08:49:37 GMT", kNow, std::nullopt},
      {"another zone", "Sun, 06 Nov 1994 08:49:37 CET", kNow, std::nullopt},
      {"fraction", "1.5", kNow, std::nullopt},
      {"negative", "-1", kNow, std::nullopt},
      {"too many digits", "99999999999999999999", kNow, std::nullopt},
      {"nothing", "", kNow, std::nullopt},
      {"words", "soon", kNow, std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(parse_retry_after(c.header, c.now) == c.want);
  }
}
