// What a write of the app becomes: validated against the schema, reduced to the columns that really
// change, with what they were. Refuses with an Error that names the field and what is wrong with
// it; changes nothing itself. Local writes only: what the server sends is kept whatever it holds.
#pragma once

#include <string>

#include "protocol/protocol.hpp"
#include "protocol/schema.hpp"
#include "store/entries.hpp"
#include "store/store.hpp"

namespace somatic {

struct Moment {
  Ms wall_ms = 0;
  /// the server's time as far as it is known
  Ms server_ms = 0;
};

/// An empty change: nothing would change. The row may not exist yet; its id is then made from
/// `user_id`, the collection and the key.
Result<EntryChange> accept(const Schema& schema, const Store& store, const std::string& user_id,
                           const Op& op, const Moment& now);

}  // namespace somatic
