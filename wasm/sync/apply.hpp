// Entries on the store: the one place where state changes. The same entries in the same order give
// the same state in every context, so nothing here may depend on anything but the entry, the store
// and the schema.
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/protocol.hpp"
#include "protocol/schema.hpp"
#include "store/entries.hpp"
#include "store/store.hpp"
#include "sync/merge.hpp"

namespace somatic {

/// What an entry brought, for the report and the app's listeners, and what it says of the context
/// that wrote it: there may be something to send; it is sending; it was answered.
struct Outcome {
  std::int64_t pushed = 0, pulled = 0, conflicts = 0, rejected = 0;
  std::int64_t imported = 0;  ///< rows that a backup changed
  bool is_written = false, is_sent = false, is_answered = false;
  std::vector<Notify> notices;
};

void apply(const Schema& schema, const Entry& entry, Store& store, Outcome& outcome);

/// Before an entry of this context's own is applied again, after others that came first: an edit
/// whose row they took away without a trace says the whole row, as its writer saw it. A part of a
/// row is no row. True: the entry is another now.
bool make_whole(const Schema& schema, const Store& store, Entry& entry);

/// Part of apply, in a file of its own: the server's answer.
void apply_answer(const Schema& schema, const Answered& answered, Store& store, Outcome& outcome);

/// Counts a mutation that was rejected just now, and tells the app unless it is tried again.
void note_rejected(const CollectionSpec& collection, const std::string& key, const Store& store,
                   Outcome& outcome);

/// Keeps a text that lost a merge, 90 days.
void keep_lost(const CollectionSpec& collection, const std::string& key, Ms at,
               const std::vector<LostText>& lost, Store& store, Outcome& outcome);

}  // namespace somatic
