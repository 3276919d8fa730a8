// Types and bounds, one small check each.

#include "sync/accept_value.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/calendar.hpp"
#include "sync/days.hpp"
#include "sync/merge.hpp"

namespace somatic {
namespace {

/// Measures without recursion deeper than the limit.
bool is_deeper_than(const Json& value, int levels) {
  if (!value.is_structured()) return false;
  if (levels == 0) return true;
  return std::any_of(value.begin(), value.end(),
                     [&](const Json& inner) { return is_deeper_than(inner, levels - 1); });
}

/// No less than the length of the value printed: of a text every letter may become six, "\u0000".
std::size_t printed_at_most(const Json& value) {
  constexpr std::size_t kLetter = 6, kNumber = 32, kMarks = 4;
  if (value.is_string()) return kMarks + kLetter * text_of(value).size();
  std::size_t bytes = kNumber;
  for (const Json& element : elements(value)) bytes += kMarks + printed_at_most(element);
  for (const auto& [name, member] : members(value)) {
    bytes += kMarks + kLetter * name.size() + printed_at_most(member);
  }
  return bytes;
}

/// Shortest text that reads back as the same float: what PostgreSQL's vector type prints.
std::string float_text(float value) {
  char buffer[64];
  char* end = nlohmann::detail::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, end);
  if (text.size() > 2 && text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

class Check {
 public:
  Check(const CollectionSpec& collection, const FieldSpec& field, const Json& value,
        const Moment& now)
      : collection_(collection), field_(field), value_(value), now_(now) {}

  Result<Json> run() const {
    if (value_.is_null()) {
      if (field_.required) return refuse("is required");
      return Json();
    }
    if (!field_.values.empty() &&
        std::find(field_.values.begin(), field_.values.end(), value_) == field_.values.end()) {
      return refuse("must be one of " + Json(field_.values).dump());
    }
    switch (field_.type) {
      case FieldType::kText:
        return text();
      case FieldType::kInteger:
        return integer();
      case FieldType::kNumber:
        return number();
      case FieldType::kBoolean:
        if (!value_.is_boolean()) return refuse("must be true or false");
        return value_;
      case FieldType::kDate:
        return date();
      case FieldType::kTimestamp:
        return timestamp();
      case FieldType::kJson:
        return json();
      case FieldType::kVector:
        return vector();
    }
    return refuse("has an unknown type");
  }

 private:
  [[nodiscard]] Error refuse(const std::string& what, const char* code = "invalid-value") const {
    return {code, collection_.name + "." + field_.name + " " + what};
  }

  [[nodiscard]] Result<Json> text() const {
    if (!value_.is_string()) return refuse("must be text");
    const std::size_t most = field_.max_bytes.value_or(kTextBytesMax);
    if (value_.get_ref<const std::string&>().size() > most) {
      return refuse("is longer than " + std::to_string(most) + " bytes", "too-large");
    }
    return value_;
  }

  [[nodiscard]] Result<Json> bounded(Json number) const {
    const double as_double = number.get<double>();
    if (!std::isfinite(as_double)) return refuse("must be a finite number");
    if (field_.min && as_double < *field_.min) {
      return refuse("must be at least " + Json(*field_.min).dump());
    }
    if (field_.max && as_double > *field_.max) {
      return refuse("must be at most " + Json(*field_.max).dump());
    }
    return number;
  }

  [[nodiscard]] Result<Json> integer() const {
    if (!value_.is_number()) return refuse("must be a whole number");
    const double as_double = value_.get<double>();
    if (std::trunc(as_double) != as_double || std::abs(as_double) > 9007199254740991.0) {
      return refuse("must be a whole number");
    }
    return bounded(static_cast<std::int64_t>(as_double));
  }

  [[nodiscard]] Result<Json> number() const {
    if (!value_.is_number()) return refuse("must be a number");
    if (!field_.scale || value_.is_number_integer()) return bounded(value_);
    const double unit = std::pow(10.0, *field_.scale);
    return bounded(std::round(value_.get<double>() * unit) / unit);
  }

  [[nodiscard]] Result<Json> date() const {
    if (!value_.is_string() || !parse_date(value_.get_ref<const std::string&>())) {
      return refuse("must be a date, YYYY-MM-DD");
    }
    return value_;
  }

  [[nodiscard]] Result<Json> timestamp() const {
    const auto at =
        value_.is_string() ? parse_timestamp(value_.get_ref<const std::string&>()) : std::nullopt;
    if (!at) return refuse("must be a timestamp, ISO 8601 with a zone");
    if (*at > now_.latest_ms()) return refuse("is more than a day in the future");
    return Json(format_timestamp(*at));
  }

  [[nodiscard]] Result<Json> json() const {
    if (is_deeper_than(value_, kJsonDepthMax)) {
      return refuse("is nested more than " + std::to_string(kJsonDepthMax) + " levels deep");
    }
    const std::size_t most = field_.max_bytes.value_or(kValueBytesMax);
    if (printed_at_most(value_) > most &&
        value_.dump(-1, ' ', false, Json::error_handler_t::replace).size() > most) {
      return refuse("is larger than " + std::to_string(most) + " bytes", "too-large");
    }
    if (field_.merge == MergeRule::kUnion || field_.merge == MergeRule::kByKey) {
      if (!value_.is_array()) return refuse("must be an array");
    }
    if (field_.merge == MergeRule::kUnion && all_days(value_)) {
      const std::vector<DayRange> days = day_ranges(value_);
      if (!days.empty() && days.back().last > now_.latest_ms() / Moment::kDayMs) {
        return refuse("has a day that is more than a day in the future");
      }
    }
    return value_;
  }

  [[nodiscard]] Result<Json> vector() const {
    if (!value_.is_array() || value_.empty()) return refuse("must be an array of numbers");
    std::string text = "[";
    bool all_zero = true;
    for (const Json& element : value_) {
      const float number = element.is_number() ? element.get<float>() : INFINITY;
      if (!std::isfinite(number)) return refuse("must hold finite numbers only");
      all_zero = all_zero && number == 0.0F;
      if (text.size() > 1) text += ',';
      text += float_text(number);
    }
    if (all_zero) return refuse("must not be all zeros: it has no direction");
    return Json(text + "]");
  }

  const CollectionSpec& collection_;
  const FieldSpec& field_;
  const Json& value_;
  const Moment& now_;
};

}  // namespace

Result<Json> accept_value(const CollectionSpec& collection, const FieldSpec& field,
                          const Json& value, const Moment& now) {
  return Check(collection, field, value, now).run();
}

}  // namespace somatic
