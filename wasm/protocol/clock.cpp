// Clock text: "<13-digit ms>-<4 hex>-<8 hex>", fixed width, so that text order is clock order.
#include "protocol/clock.hpp"

#include <algorithm>

namespace somatic {
namespace {

constexpr Ms kTimeMax = 9999999999999;
constexpr std::size_t kTimeDigits = 13;
constexpr std::size_t kCounterAt = kTimeDigits + 1;
constexpr std::size_t kDeviceAt = kCounterAt + 5;
constexpr std::size_t kClockSize = kDeviceAt + 8;
constexpr std::uint32_t kCounterMax = 0xFFFF;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_clock(std::string_view text) {
  if (text.size() != kClockSize) return false;
  for (std::size_t i = 0; i < kClockSize; ++i) {
    const bool dash = i == kTimeDigits || i == kDeviceAt - 1;
    if (dash              ? text[i] != '-'
        : i < kTimeDigits ? text[i] < '0' || text[i] > '9'
                          : !is_hex(text[i])) {
      return false;
    }
  }
  return true;
}

std::uint32_t counter_of(std::string_view clock) {
  std::uint32_t value = 0;
  for (const char c : clock.substr(kCounterAt, 4)) {
    value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return value;
}

/// The first 8 hex digits of a device id, lower-case; what is missing becomes 0.
std::string device_part(std::string_view device) {
  std::string out;
  for (char c : device.substr(0, 8)) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    out += is_hex(c) ? c : '0';
  }
  out.resize(8, '0');
  return out;
}

Clock compose(Ms at, std::uint32_t counter, const std::string& device) {
  std::string time = std::to_string(std::clamp<Ms>(at, 0, kTimeMax));
  Clock out(kTimeDigits - time.size(), '0');
  out += time;
  out += '-';
  for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef"[(counter >> shift) & 0xF];
  out += '-';
  out += device;
  return out;
}

}  // namespace

Clock make_clock(Ms at, std::string_view device) { return compose(at, 0, device_part(device)); }

Clock clock_after(Ms at, std::string_view seen, std::string_view device) {
  const std::string mine = device_part(device);
  Clock now = compose(at, 0, mine);
  if (!is_clock(seen) || now > seen) return now;
  const Ms time = clock_time(seen);
  const std::uint32_t counter = counter_of(seen);
  Clock same = compose(time, counter, mine);
  if (same > seen) return same;
  if (counter < kCounterMax) return compose(time, counter + 1, mine);
  return time < kTimeMax ? compose(time + 1, 0, mine) : same;
}

Ms clock_time(std::string_view clock) {
  if (!is_clock(clock)) return 0;
  Ms time = 0;
  for (const char c : clock.substr(0, kTimeDigits)) time = time * 10 + (c - '0');
  return time;
}

bool is_clock_of(std::string_view text, std::string_view device) {
  return is_clock(text) && text.substr(kDeviceAt) == device_part(device);
}

std::string_view column_clock(const Json& clocks, const std::string& column) {
  for (const std::string& name : {column, std::string("*")}) {
    const Json* entry = member(clocks, name);
    if (entry != nullptr && is_clock(text_of(*entry))) return text_of(*entry);
  }
  return {};
}

}  // namespace somatic
