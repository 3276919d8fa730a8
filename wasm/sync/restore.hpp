// A text that lost a merge, put back where it stood: as a write of the app.
#pragma once

#include "base/error.hpp"
#include "protocol/protocol.hpp"
#include "protocol/schema.hpp"
#include "store/store.hpp"

namespace somatic {

/// The write that puts `text` (one of Meta::overwritten) back. "invalid-value" when its place is
/// gone: the element of an array, or the object it was a member of, is not there any more.
Result<Op> restoring(const Schema& schema, const Store& store, const Json& text);

}  // namespace somatic
