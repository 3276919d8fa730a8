// What a backup tells of the rows: docs/backup.md. A sum does not tell who counted, so a count that
// is not sent yet is told apart from its row, under the name that its mutation keeps: whoever sends
// it first counts it, for everybody.
#pragma once

#include <string>
#include <vector>

#include "protocol/schema.hpp"
#include "store/entries.hpp"
#include "store/store.hpp"

namespace somatic {

/// Where the rows of one answer of the export end: more would hold up whoever types.
inline constexpr std::size_t kBackupBytes = 256'000;

/// Rows whose unsent edits count something: before they are told, each gets a name (entry Named).
std::vector<RowRef> rows_to_name(const Schema& schema, const Store& store);
/// Entry Named for one row: its pending counts wait under `mid` from here on.
void name_counts(const CollectionSpec& collection, const Meta& meta, const std::string& mid,
                 const std::string& key, Row& row);

/// Rows as the app sees them, each with a member "$sync", in key order after the key `after`, about
/// kBackupBytes of them: {rows, last}. No `last`: there are no more.
Json rows_told(const CollectionSpec& collection, const Store& store, const std::string& after);
/// One of them; null: there is none.
Json row_told(const CollectionSpec& collection, const Store& store, const std::string& key);
/// What is unsent or was refused, one item per mutation. Not `is_durable`: without names, which
/// another context's segment may still change.
Json unsent_told(const Schema& schema, const Store& store, bool is_durable);

}  // namespace somatic
