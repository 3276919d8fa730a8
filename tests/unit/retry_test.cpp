// Failures and waits: the table, line by line, and the bounds of every wait.
#include "sync/retry.hpp"

#include <doctest/doctest.h>

using namespace somatic;

TEST_CASE("retry: what a failure means") {
  struct Case {
    std::string name;
    int status;
    std::string code;
    Failure want;
  };
  const Case cases[] = {
      {"no network", 0, "", Failure::kRetry},
      {"bad gateway", 502, "", Failure::kRetry},
      {"unavailable", 503, "", Failure::kRetry},
      {"gateway timeout", 504, "", Failure::kRetry},
      {"a proxy's own", 520, "", Failure::kRetry},
      {"request timeout", 408, "", Failure::kRetry},
      {"no database", 503, "PGRST000", Failure::kRetry},
      {"pool exhausted", 504, "PGRST003", Failure::kRetry},
      {"connection failure", 500, "08006", Failure::kRetry},
      {"too many connections", 500, "53300", Failure::kRetry},
      {"shutting down", 500, "57P01", Failure::kRetry},
      {"starting", 500, "57P03", Failure::kRetry},
      {"read-only", 405, "25006", Failure::kRetry},
      {"rate limit", 429, "", Failure::kRateLimited},
      {"rate limit with a code", 429, "over_request_rate_limit", Failure::kRateLimited},
      {"serialization", 500, "40001", Failure::kRetrySoon},
      {"deadlock", 500, "40P01", Failure::kRetrySoon},
      {"lock", 500, "55P03", Failure::kRetrySoon},
      {"timeout", 500, "57014", Failure::kHalve},
      {"timeout behind a gateway", 504, "57014", Failure::kHalve},
      {"body too large", 413, "", Failure::kHalve},
      {"token expired", 401, "PGRST303", Failure::kRefresh},
      {"bad token", 401, "PGRST301", Failure::kRefresh},
      {"refused before PostgREST", 401, "", Failure::kRefresh},
      {"as anonymous", 401, "42501", Failure::kSignedOut},
      {"anonymous access off", 401, "PGRST302", Failure::kSignedOut},
      {"no grant", 403, "42501", Failure::kMigrationsMissing},
      {"no function", 404, "PGRST202", Failure::kMigrationsMissing},
      {"no column in the cache", 400, "PGRST204", Failure::kMigrationsMissing},
      {"no table in the cache", 404, "PGRST205", Failure::kMigrationsMissing},
      {"no table", 404, "42P01", Failure::kMigrationsMissing},
      {"no column", 400, "42703", Failure::kMigrationsMissing},
      {"no inner function", 404, "42883", Failure::kMigrationsMissing},
      {"server error", 500, "", Failure::kServer},
      {"unknown code", 500, "XX000", Failure::kServer},
      {"bad request", 400, "22P02", Failure::kServer},
      {"not ours: a portal's page", 200, "", Failure::kServer},
      {"not ours: 404", 404, "", Failure::kServer},
      {"not ours: 403", 403, "", Failure::kServer},
      {"a code that only begins like a class", 500, "0800", Failure::kServer},
      {"a code that only begins like another", 500, "PGRST2020", Failure::kServer},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(classify(c.status, c.code) == c.want);
  }
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
