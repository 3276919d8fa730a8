// What can go wrong, as values: every code the public API may show, and Result, which carries one
// across a call. The JavaScript side reads this list through the module; nothing about a code is
// written twice.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace somatic {

struct ErrorCode {
  std::string_view name;
  /// true: the same call may succeed later without the caller changing anything
  bool retryable;
};

inline constexpr std::array kErrorCodes = {
    ErrorCode{"unknown-collection", false},
    ErrorCode{"unknown-field", false},
    ErrorCode{"invalid-value", false},
    ErrorCode{"too-large", false},
    ErrorCode{"signed-out", true},
    ErrorCode{"closed", false},
    ErrorCode{"offline", true},
    ErrorCode{"unauthorized", true},
    ErrorCode{"migrations-missing", true},
    ErrorCode{"quota", true},
    ErrorCode{"storage-lost", true},
    ErrorCode{"storage-damaged", false},
    ErrorCode{"reload-needed", false},
    ErrorCode{"unsent-work", false},
    ErrorCode{"locked", true},
    ErrorCode{"wrong-secret", false},
    ErrorCode{"aborted", true},
    ErrorCode{"server", true},
    ErrorCode{"invariant", false},
};

constexpr bool is_retryable(std::string_view name) {
  for (const ErrorCode& code : kErrorCodes) {
    if (code.name == name) return code.retryable;
  }
  return false;
}

struct Error {
  std::string code;
  std::string message;

  bool operator==(const Error&) const = default;
};

/// A value, or why there is none. Ask before taking: `value()` of an error throws
/// std::bad_variant_access.
template <typename T>
class Result {
 public:
  Result(T value) : either_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : either_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return either_.index() == 0; }
  [[nodiscard]] const T& value() const { return std::get<0>(either_); }
  [[nodiscard]] T& value() { return std::get<0>(either_); }
  [[nodiscard]] const Error& error() const { return std::get<1>(either_); }

 private:
  std::variant<T, Error> either_;
};

}  // namespace somatic
