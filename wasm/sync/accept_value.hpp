// One value of a write against one field's declaration: type, bounds, size, and the form in which
// it is stored.
#pragma once

#include "base/error.hpp"
#include "base/json.hpp"
#include "protocol/schema.hpp"
#include "sync/accept.hpp"

namespace somatic {

inline constexpr std::size_t kTextBytesMax = 204'800;
inline constexpr std::size_t kValueBytesMax = 1'000'000;
inline constexpr int kJsonDepthMax = 100;

/// The column value of a field value, null included; or why it is refused.
Result<Json> accept_value(const CollectionSpec& collection, const FieldSpec& field,
                          const Json& value, const Moment& now);

}  // namespace somatic
