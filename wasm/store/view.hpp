// Between columns (as the server has them) and fields (as the app sees them), and the questions
// that the app may ask of a collection. Reads only.
#pragma once

#include <string>
#include <vector>

#include "protocol/schema.hpp"
#include "store/store.hpp"

namespace somatic {

/// A remote value in the one form kept here: timestamps "...mmmZ", everything else as it came.
/// Wrong types are kept as they are.
Json canonical_column(const CollectionSpec& collection, const std::string& column,
                      const Json& value);

/// The app's key of a row with these columns; empty when the key column holds no text.
std::string key_of_row(const CollectionSpec& collection, const Json& columns);

/// What a row is named besides its key by the text at a place (CollectionSpec::identity) of its
/// column, as "metadata.messageId=m1"; empty: nothing.
std::string identity_at(const std::vector<std::string>& place, const Json& column);
/// What names a row with these columns besides its key.
std::vector<std::string> identities_of(const CollectionSpec& collection, const Json& columns);

/// Every declared field, null where the row has none, and the key. A vector that is not in memory
/// is its name.
Json as_seen(const CollectionSpec& collection, const std::string& key, const Json& columns,
             const Vectors& vectors);

/// {id, collection, key, code, message, at, value} of a rejected row.
Json rejected_as_seen(const CollectionSpec& collection, const std::string& key, const Row& row,
                      const Vectors& vectors);

/// Keys of the rows that match, in order. `options` is the public API's ListOptions.
Json list_keys(const CollectionSpec& collection, const Store& store, const Json& options);

}  // namespace somatic
