// The table of failures, the back-off and Retry-After. A code in the body knows more than the
// status it came with, so codes are asked first.
#include "sync/retry.hpp"

#include <algorithm>

namespace somatic {
namespace {

struct CodeRule {
  std::string_view prefix;  ///< a whole code, or the class of a SQLSTATE
  Failure failure;
};

/// First match counts.
constexpr CodeRule kCodeRules[] = {
    {"40001", Failure::kRetrySoon},             // serialization failure
    {"40P01", Failure::kRetrySoon},             // deadlock
    {"55P03", Failure::kRetrySoon},             // lock not available
    {"57014", Failure::kHalve},                 // statement timeout
    {"57P0", Failure::kRetry},                  // server shutting down or starting
    {"25006", Failure::kRetry},                 // read-only for now: failover, disk full
    {"08", Failure::kRetry},                    // connection
    {"53", Failure::kRetry},                    // out of resources
    {"PGRST000", Failure::kRetry},              // no connection to the database
    {"PGRST001", Failure::kRetry},              // the connection failed inside
    {"PGRST002", Failure::kRetry},              // schema cache not built yet
    {"PGRST003", Failure::kRetry},              // connection pool exhausted
    {"PGRST301", Failure::kRefresh},            // token not accepted
    {"PGRST303", Failure::kRefresh},            // token expired
    {"PGRST302", Failure::kSignedOut},          // anonymous access is off
    {"PGRST202", Failure::kMigrationsMissing},  // no such function
    {"PGRST204", Failure::kMigrationsMissing},  // no such column
    {"PGRST205", Failure::kMigrationsMissing},  // no such table
    {"42P01", Failure::kMigrationsMissing},     // undefined table
    {"42703", Failure::kMigrationsMissing},     // undefined column
    {"42883", Failure::kMigrationsMissing},     // undefined function
};

/// "57P0" stands for 57P01 to 57P05; a token's code must fit as a whole.
bool matches(std::string_view code, std::string_view prefix) {
  const bool sqlstate = code.size() == 5;
  return code == prefix || (sqlstate && code.substr(0, prefix.size()) == prefix);
}

constexpr Ms kSecond = 1000;
constexpr Ms kMinute = 60 * kSecond;
constexpr Ms kWaitMax = 5 * kMinute;

Ms first_wait(Failure failure) {
  if (failure == Failure::kRetrySoon) return 50;
  // the upper half of two minutes: never less than one
  if (failure == Failure::kMigrationsMissing) return 2 * kMinute;
  return kSecond;
}

std::optional<Ms> digits(std::string_view text) {
  // Ten digits are three hundred years; more would only overflow.
  if (text.empty() || text.size() > 10) return std::nullopt;
  Ms value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT", the one form a server may still write (RFC 9110, 5.6.7).
std::optional<Ms> http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return {};
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return {};
  std::string iso(text.substr(12, 4));
  iso += month < 27 ? "-0" : "-1";
  iso += static_cast<char>('0' + (month / 3 + 1) % 10);
  iso += '-';
  iso += text.substr(5, 2);
  iso += 'T';
  iso += text.substr(17, 8);
  iso += 'Z';
  return parse_timestamp(iso);
}

}  // namespace

Failure classify(int status, std::string_view code) {
  if (status == 0) return Failure::kRetry;
  if (status == 429) return Failure::kRateLimited;
  if (status == 413) return Failure::kHalve;
  for (const CodeRule& rule : kCodeRules) {
    if (matches(code, rule.prefix)) return rule.failure;
  }
  // Not allowed to call the function: as anonymous for want of a session, else for want of a grant.
  if (code == "42501") return status == 401 ? Failure::kSignedOut : Failure::kMigrationsMissing;
  if (status == 401) return Failure::kRefresh;
  const bool gateway = status == 502 || status == 503 || status == 504 ||
                       (status >= 520 && status <= 524) || status == 408 || status == 425;
  return gateway ? Failure::kRetry : Failure::kServer;
}

Ms backoff_ms(Failure failure, int attempt, double fraction, std::optional<Ms> retry_after_ms) {
  Ms wait = first_wait(failure);
  for (int i = 1; i < attempt && wait < kWaitMax; ++i) wait *= 2;
  wait = std::min(wait, kWaitMax);
  const double part = fraction >= 0 && fraction < 1 ? fraction : 0;
  const Ms jittered = wait / 2 + static_cast<Ms>(static_cast<double>(wait / 2) * part);
  return std::max(jittered, retry_after_ms.value_or(0));
}

std::optional<Ms> parse_retry_after(std::string_view header, Ms now) {
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
  if (const auto seconds = digits(header)) return *seconds * kSecond;
  if (const auto at = http_date(header)) return std::max<Ms>(*at - now, 0);
  return std::nullopt;
}

// Not for its own size or time alone: a trigger of the project may be to blame. A user who is gone
// (23503) is none of that.
bool is_about_content(int status, Failure failure, std::string_view code) {
  if (failure == Failure::kHalve) return true;
  const bool is_sqlstate = code.size() == 5 && code.substr(0, 2) != "23";
  return failure == Failure::kServer && status >= 400 && is_sqlstate;
}

Error failure_as_error(Failure failure, int status, const std::string& message) {
  const std::string detail = message.empty() ? "status " + std::to_string(status) : message;
  switch (failure) {
    case Failure::kRefresh:
      return {"unauthorized",
              "the server does not accept this session: sign in again (" + detail + ")"};
    case Failure::kSignedOut:
      return {"signed-out", "nobody is signed in: the changes are kept here until somebody is"};
    case Failure::kMigrationsMissing:
      return {"migrations-missing",
              "the Supabase migrations are missing: run `supabase db push` (" + detail + ")"};
    case Failure::kRetry:
      if (status == 0)
        return {"offline", "the server cannot be reached: the changes are kept here"};
      break;
    default:
      break;
  }
  return {"server", "the server could not answer (" + detail + "): the changes are kept here"};
}

}  // namespace somatic
