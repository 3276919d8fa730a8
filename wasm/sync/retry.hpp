// What a failed request means, what it is called, and when to try again. Pure: the table of
// failures and the back-off.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/calendar.hpp"
#include "base/error.hpp"

namespace somatic {

enum class Failure {
  kRetry,              ///< network, gateway, server restarting: later, with back-off
  kRetrySoon,          ///< serialization, deadlock, lock: at once or nearly, same mutation ids
  kRateLimited,        ///< 429: after Retry-After
  kHalve,              ///< timeout or body too large: the same work in smaller batches
  kRefresh,            ///< the token expired or is not accepted: refresh once
  kSignedOut,          ///< anonymous: wait for a session
  kMigrationsMissing,  ///< the function is not there: say so, try rarely
  kServer,             ///< another 5xx or an answer that is not ours: bounded retry, halve
};

/// `status` 0: no answer at all. `code` is the PostgREST or SQLSTATE code in the body, empty when
/// there was none.
Failure classify(int status, std::string_view code);

/// A request failed for what is in it, and left nothing done.
bool is_about_content(int status, Failure failure, std::string_view code);

/// As the app is told: `message` is the server's, empty when there was none.
Error failure_as_error(Failure failure, int status, const std::string& message);

/// Milliseconds to wait before try number `attempt` (1 = the first retry): exponential from 1 s to
/// 5 min with full jitter in the upper half; `fraction` in [0,1) is the random part; never before
/// `retry_after_ms`. kRetrySoon starts at 50 ms; kMigrationsMissing waits at least a minute.
Ms backoff_ms(Failure failure, int attempt, double fraction, std::optional<Ms> retry_after_ms);

/// "120" or an HTTP date is a wait in milliseconds from `now`; nothing when it is neither.
std::optional<Ms> parse_retry_after(std::string_view header, Ms now);

}  // namespace somatic
