// Tests wasm/base/error.hpp: which codes may be retried, and what a Result holds.
#include "base/error.hpp"

#include <doctest/doctest.h>

using somatic::Error;
using somatic::Result;

TEST_CASE("only listed codes are retryable") {
  CHECK(somatic::is_retryable("offline"));
  CHECK_FALSE(somatic::is_retryable("invalid-value"));
  CHECK_FALSE(somatic::is_retryable("no such code"));
}

TEST_CASE("a result is a value or an error") {
  const Result<int> good = 1;
  const Result<int> bad = Error{"quota", "the disk is full"};

  CHECK(good.ok());
  CHECK(good.value() == 1);
  CHECK_FALSE(bad.ok());
  CHECK(bad.error().code == "quota");
}
