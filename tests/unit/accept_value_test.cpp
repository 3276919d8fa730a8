// Every type against good and bad values: the refusals of the public API, but for what JavaScript
// refuses before it becomes JSON (js/value.js).
#include "sync/accept_value.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "support/somatic_schema.hpp"

using namespace somatic;

namespace {

const Moment kNow{0, 1795389900000};  // 2026-11-22T23:25:00Z

std::string result(const FieldSpec& field, const Json& value) {
  CollectionSpec collection;
  collection.name = "c";
  const auto accepted = accept_value(collection, field, value, kNow);
  if (accepted.ok()) return accepted.value().dump();
  CHECK(accepted.error().message.substr(0, 3) == "c.f");
  return accepted.error().code;
}

FieldSpec field_of(FieldType type) {
  FieldSpec field;
  field.name = "f";
  field.column = "f";
  field.type = type;
  return field;
}

std::string nested(int levels) {
  return std::string(static_cast<std::size_t>(levels), '[') +
         std::string(static_cast<std::size_t>(levels), ']');
}

}  // namespace

TEST_CASE("accept_value: types") {
  using enum FieldType;
  struct Case {
    FieldType type;
    std::string value, want;  // empty: refused
  };
  const Case cases[] = {
      {kText, R"("")", R"("")"},
      {kText, R"("a\u00e4\ud83d\ude00")", "\"a\xC3\xA4\xF0\x9F\x98\x80\""},
      {kText, "5", ""},
      {kText, "{}", ""},
      {kInteger, "5", "5"},
      {kInteger, "5.0", "5"},
      {kInteger, "-0.0", "0"},
      {kInteger, "5.5", ""},
      {kInteger, "\"5\"", ""},
      {kInteger, "true", ""},
      {kInteger, "9007199254740991", "9007199254740991"},
      {kInteger, "9007199254740993", ""},
      {kInteger, "18446744073709551615", ""},
      {kInteger, "1e999", ""},
      {kNumber, "0.1", "0.1"},
      {kNumber, "1e999", ""},
      {kNumber, "-1e999", ""},
      {kNumber, "null", "null"},
      {kNumber, "\"1\"", ""},
      {kBoolean, "true", "true"},
      {kBoolean, "0", ""},
      {kDate, R"("2026-02-28")", R"("2026-02-28")"},
      {kDate, R"("2026-02-29")", ""},
      {kDate, R"("2026-2-8")", ""},
      {kDate, R"("2026-02-28T00:00:00Z")", ""},
      {kDate, "20260228", ""},
      {kTimestamp, R"("2026-11-22T23:25:00Z")", R"("2026-11-22T23:25:00.000Z")"},
      {kTimestamp, R"("2026-11-23T01:25:00.1239+02:00")", R"("2026-11-22T23:25:00.123Z")"},
      {kTimestamp, R"("2026-11-22T23:25:00")", ""},  // no zone
      {kTimestamp, R"("now")", ""},
      {kTimestamp, "1795389900000", ""},
      {kTimestamp, R"("2026-11-23T23:25:00Z")", R"("2026-11-23T23:25:00.000Z")"},
      {kTimestamp, R"("2026-11-23T23:25:00.001Z")", ""},  // more than a day ahead
      {kJson, R"({"a":[1,null]})", R"({"a":[1,null]})"},
      {kJson, "7", "7"},
      {kVector, "[1,0.5,-2]", R"("[1,0.5,-2]")"},
      {kVector, "[0.1]", R"("[0.1]")"},
      {kVector, "[]", ""},
      {kVector, "[0,0.0,-0.0]", ""},
      {kVector, "[1,null]", ""},
      {kVector, "[1,\"2\"]", ""},
      {kVector, "[1e999]", ""},
      {kVector, "[1e300]", ""},  // no float
      {kVector, "[1e-60]", ""},  // zero as a float
      {kVector, R"("[1,2]")", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CAPTURE(static_cast<int>(c.type));
    // 1e999 cannot even be read; a host that made one by itself is refused here.
    Json value = parse_json(c.value);
    if (value.is_discarded()) {
      const double infinite = std::numeric_limits<double>::infinity();
      value = c.type == kVector ? Json::array({infinite}) : Json(infinite);
    }
    CHECK(result(field_of(c.type), value) == (c.want.empty() ? "invalid-value" : c.want));
  }
}

TEST_CASE("accept_value: bounds, scale, choices, required") {
  FieldSpec steps = field_of(FieldType::kInteger);
  steps.min = 0;
  steps.max = 10;
  CHECK(result(steps, 0) == "0");
  CHECK(result(steps, 10) == "10");
  CHECK(result(steps, -1) == "invalid-value");
  CHECK(result(steps, 11) == "invalid-value");
  CHECK(result(steps, nullptr) == "null");

  FieldSpec hours = field_of(FieldType::kNumber);
  hours.scale = 2;
  CHECK(result(hours, 7.005) == result(hours, 7.005));
  CHECK(result(hours, 7.456) == "7.46");
  CHECK(result(hours, -0.001) == "-0.0");
  CHECK(result(hours, 8) == "8");
  CHECK(result(hours, 1e300) == "1e+300");  // no infinity on the way

  FieldSpec rating = field_of(FieldType::kText);
  rating.values = {"low", "high", 3};
  rating.required = true;
  CHECK(result(rating, "low") == "\"low\"");
  CHECK(result(rating, "middle") == "invalid-value");
  CHECK(result(rating, nullptr) == "invalid-value");

  FieldSpec katas = field_of(FieldType::kJson);
  katas.merge = MergeRule::kByKey;
  CHECK(result(katas, Json::array()) == "[]");
  CHECK(result(katas, Json::object()) == "invalid-value");
}

TEST_CASE("accept_value: sizes and depth, at the limit and past it") {
  const FieldSpec text = field_of(FieldType::kText), json = field_of(FieldType::kJson);
  CHECK(result(text, std::string(kTextBytesMax, 'x')).size() == kTextBytesMax + 2);
  CHECK(result(text, std::string(kTextBytesMax + 1, 'x')) == "too-large");
  FieldSpec title = text;
  title.max_bytes = 3;
  CHECK(result(title, "\xC3\xA4\xC3\xA4") == "too-large");  // two letters, four bytes
  CHECK(result(title, "abc") == "\"abc\"");
  CHECK(result(json, Json(std::string(kValueBytesMax - 2, 'x'))).size() == kValueBytesMax);
  CHECK(result(json, Json(std::string(kValueBytesMax - 1, 'x'))) == "too-large");

  CHECK(result(json, parse_json(nested(100))) == nested(100));
  CHECK(result(json, parse_json(nested(101))) == "invalid-value");
  CHECK(result(json, parse_json(nested(5000))) == "invalid-value");
}
