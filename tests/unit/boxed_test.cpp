// A value that is mostly not there: as std::optional, but that a moved one is gone.
#include "base/boxed.hpp"

#include <doctest/doctest.h>

#include <string>

namespace somatic {

TEST_CASE("boxed: there or not there, copied as a value") {
  Boxed<std::string> none, some = std::string("text");
  CHECK_FALSE(none);
  REQUIRE(some);
  CHECK(some.has_value());
  CHECK(*some == "text");
  CHECK(some->size() == 4);
  Boxed<std::string> copy = some;
  *copy += "s";
  CHECK(*some == "text");
  none = copy;
  CHECK(*none == "texts");
  some = std::nullopt;
  CHECK_FALSE(some);
  copy.reset();
  CHECK_FALSE(copy);
}

TEST_CASE("boxed: what is taken out of one is gone from it") {
  Boxed<std::string> some = std::string("text");
  const std::string taken = *std::exchange(some, std::nullopt);
  CHECK(taken == "text");
  CHECK_FALSE(some);
  some = std::string("more");
  const Boxed<std::string> other = std::move(some);
  CHECK(*other == "more");
  CHECK_FALSE(some);  // NOLINT(bugprone-use-after-move)
}

}  // namespace somatic
