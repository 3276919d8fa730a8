// Messages written as CBOR: read back by nlohmann/json they are what their JSON is.
#include "base/cbor.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
namespace somatic {

struct Inner {
  std::string text;
  bool flag = false;
};
struct Outer {
  std::int64_t number = 0;
  std::optional<std::int64_t> maybe;
  std::vector<std::optional<std::int64_t>> maybes;
  std::vector<Inner> inners;
  Json any;
};

namespace {

template <typename T>
Json read_back(const T& message) {
  std::string bytes;
  append_cbor(message, bytes);
  return Json::from_cbor(bytes);
}

}  // namespace

template <>
struct Fields<Inner> {
  static constexpr auto list = std::tuple{field("text", &Inner::text), field("flag", &Inner::flag)};
};
template <>
struct Fields<Outer> {
  static constexpr const char* type = "outer";
  static constexpr auto list = std::tuple{
      field("number", &Outer::number), field("maybe", &Outer::maybe),
      field("maybes", &Outer::maybes), field("inners", &Outer::inners), field("any", &Outer::any)};
};

TEST_CASE("cbor: numbers and lengths around every size of a head") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t around :
       std::vector<std::int64_t>{0, 23, 0xFF, 0xFFFF, 0xFFFFFFFF, kMost - 1}) {
    for (const std::int64_t number : {around - 1, around, around + 1, -around, -around - 1}) {
      CAPTURE(number);
      const Json back = read_back(number);
      CHECK(back == number);
      CHECK(Json::to_cbor(back) == Json::to_cbor(Json(number)));
    }
  }
  CHECK(read_back(std::numeric_limits<std::int64_t>::min()) ==
        std::numeric_limits<std::int64_t>::min());
  for (const std::size_t length : {0UL, 23UL, 24UL, 255UL, 256UL, 65535UL, 65536UL}) {
    CAPTURE(length);
    const std::string text(length, 'x');
    CHECK(read_back(text) == text);
    CHECK(read_back(std::vector<std::string>(length, "")).size() == length);
  }
}

TEST_CASE("cbor: a JSON value is byte for byte what nlohmann/json writes") {
  const Json values = {nullptr,
                       true,
                       false,
                       0,
                       -1,
                       23U,
                       24,
                       -25,
                       std::numeric_limits<std::uint64_t>::max(),
                       std::numeric_limits<std::int64_t>::min(),
                       std::numeric_limits<std::int64_t>::max(),
                       0.5,
                       -1.1,
                       -0.0,
                       std::numeric_limits<double>::quiet_NaN(),
                       -std::numeric_limits<double>::infinity(),
                       "",
                       "\xC3\xA4",
                       "\xFF\xC3",
                       std::string(300, 'x'),
                       std::string(65536, 'x'),
                       Json::binary({1, 2, 255}),
                       Json::binary({1, 2, 255}, 7),
                       Json(Json::value_t::discarded),
                       Json::array(),
                       std::vector<int>(24, -7),
                       std::vector<int>(256, 1000),
                       Json::object(),
                       {{"a", {1, {{"b", nullptr}}, "c"}}, {std::string(30, 'k'), 1e300}}};
  for (const Json& value : values) {
    CAPTURE(value);
    std::string bytes;
    append_cbor(value, bytes);
    const auto wanted = Json::to_cbor(value);
    CHECK(bytes == std::string(wanted.begin(), wanted.end()));
  }
}

TEST_CASE("cbor: a message is what its JSON is, with what is at its default left out") {
  Outer outer{7, std::nullopt, {}, {}, nullptr};
  CHECK(read_back(outer) == Json{{"number", 7}});
  outer = {0, 0, {1, std::nullopt}, {{"\xC3\xA4", true}, {}}, {{"a", {1.5, nullptr, "b"}}}};
  CHECK(read_back(outer) == to_json(outer));
  CHECK(read_back(outer)["inners"] == Json{{{"text", "\xC3\xA4"}, {"flag", true}}, Json::object()});
  const std::variant<Outer> any = outer;
  CHECK(read_back(any) == to_json(any));
  CHECK(read_back(any)["type"] == "outer");
}

}  // namespace somatic
