// Civil dates by era arithmetic (400-year cycles of 146,097 days, years counted from March so that
// the leap day is the last of its year), and the strict readers and writers of both text forms.
#include "base/calendar.hpp"

#include <algorithm>

namespace somatic {
namespace {

constexpr Ms kSecond = 1000;
constexpr Ms kMinute = 60 * kSecond;
constexpr Ms kHour = 60 * kMinute;
constexpr Ms kDay = 24 * kHour;
constexpr std::int32_t kFirstDay = -719162;  // 0001-01-01
constexpr std::int32_t kLastDay = 2932896;   // 9999-12-31

std::int32_t days_from_civil(int year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int era = (year >= 0 ? year : year - 399) / 400;
  const int year_of_era = year - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

int days_in_month(int year, int month) {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// Takes characters off the front of a text; one failure makes every later question fail too.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && text_.empty(); }
  [[nodiscard]] bool at_digit() const {
    return !text_.empty() && text_[0] >= '0' && text_[0] <= '9';
  }
  bool skip(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) { ok_ = skip(c) && ok_; }
  /// exactly `digits` digits, at most `highest`
  int number(int digits, int highest) {
    int value = 0;
    for (int i = 0; i < digits && ok_; ++i) {
      ok_ = at_digit();
      if (ok_) value = value * 10 + (text_[0] - '0'), text_.remove_prefix(1);
    }
    ok_ = ok_ && value <= highest;
    return ok_ ? value : 0;
  }
  std::int32_t date() {
    const int year = number(4, 9999);
    expect('-');
    const int month = number(2, 12);
    expect('-');
    const int day = number(2, 31);
    ok_ = ok_ && year >= 1 && month >= 1 && day >= 1 && day <= days_in_month(year, month);
    return ok_ ? days_from_civil(year, month, day) : 0;
  }
  /// digits after the point as milliseconds, further ones cut
  Ms fraction() {
    ok_ = ok_ && at_digit();
    Ms value = 0;
    for (Ms unit = 100; at_digit(); unit /= 10)
      value += (text_[0] - '0') * unit, text_.remove_prefix(1);
    return value;
  }
  /// what to add to UTC to get the local time
  Ms zone() {
    if (skip('Z')) return 0;
    const bool west = skip('-');
    if (!west) expect('+');
    Ms offset = number(2, 23) * kHour;
    if (skip(':') || at_digit()) offset += number(2, 59) * kMinute;
    return west ? -offset : offset;
  }

 private:
  std::string_view text_;
  bool ok_ = true;
};

void append_number(std::string& out, std::int64_t value, int digits) {
  const std::string text = std::to_string(value);
  out.append(static_cast<std::size_t>(std::max(0, digits - static_cast<int>(text.size()))), '0');
  out += text;
}

/// "2026-11-22T23:25:00" of a time inside the years this module knows; the milliseconds go to `ms`.
std::string to_seconds(Ms at, Ms& ms) {
  at = std::clamp(at, kFirstDay * kDay, kLastDay * kDay + kDay - 1);
  const Ms day = (at - (at < 0 ? kDay - 1 : 0)) / kDay;  // rounds down, also before 1970
  const Ms in_day = at - day * kDay;
  std::string out = format_date(static_cast<std::int32_t>(day));
  out += 'T';
  append_number(out, in_day / kHour, 2);
  out += ':';
  append_number(out, in_day / kMinute % 60, 2);
  out += ':';
  append_number(out, in_day / kSecond % 60, 2);
  ms = in_day % kSecond;
  return out;
}

}  // namespace

std::optional<std::int32_t> parse_date(std::string_view text) {
  Reader reader(text);
  const std::int32_t day = reader.date();
  if (!reader.done()) return std::nullopt;
  return day;
}

std::string format_date(std::int32_t days) {
  days = std::clamp(days, kFirstDay, kLastDay) + 719468;  // from here on, days since 0000-03-01
  const int era = (days >= 0 ? days : days - 146096) / 146097;
  const int day_of_era = days - era * 146097;
  const int year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int shifted_month = (5 * day_of_year + 2) / 153;
  const int month = shifted_month + (shifted_month < 10 ? 3 : -9);
  std::string out;
  append_number(out, year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
  out += '-';
  append_number(out, month, 2);
  out += '-';
  append_number(out, day_of_year - (153 * shifted_month + 2) / 5 + 1, 2);
  return out;
}

std::optional<Ms> parse_timestamp(std::string_view text) {
  Reader reader(text);
  Ms at = reader.date() * kDay;
  if (reader.done()) return at;
  if (!reader.skip('T')) reader.expect(' ');
  at += reader.number(2, 23) * kHour;
  reader.expect(':');
  at += reader.number(2, 59) * kMinute;
  if (reader.skip(':')) {
    at += reader.number(2, 59) * kSecond;
    if (reader.skip('.')) at += reader.fraction();
  }
  at -= reader.zone();
  if (!reader.done()) return std::nullopt;
  return at;
}

std::string format_timestamp(Ms at) {
  Ms ms = 0;
  std::string out = to_seconds(at, ms);
  out += '.';
  append_number(out, ms, 3);
  out += 'Z';
  return out;
}

std::string wire_timestamp(Ms at) {
  Ms ms = 0;
  std::string out = to_seconds(at, ms);
  if (ms != 0) {
    out += '.';
    append_number(out, ms, 3);
    while (out.back() == '0') out.pop_back();
  }
  out += "+00:00";
  return out;
}

}  // namespace somatic
