// What a write of the app becomes: validated against the schema, reduced to the columns that really
// change, with what they were. Refuses with an Error that names the field and what is wrong with
// it; changes nothing itself. Local writes only: what the server sends is kept whatever it holds.
#pragma once

#include <algorithm>
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

  /// The latest that "now" can be for the app: what is later was not meant as a time that has come.
  /// A device's wrong clock is put right when the edit is frozen (device_times.hpp).
  [[nodiscard]] Ms latest_ms() const { return std::max(wall_ms, server_ms) + kDayMs; }

  static constexpr Ms kDayMs = 24LL * 60 * 60 * 1000;
};

/// An empty change: nothing would change. The row may not exist yet; its id is then made from
/// `user_id`, the collection and the key.
Result<EntryChange> accept(const Schema& schema, const Store& store, const std::string& user_id,
                           const Op& op, const Moment& now);

}  // namespace somatic
