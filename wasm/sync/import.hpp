// What a backup that is read brings to a row: docs/backup.md. Decides only; what it brings waits in
// Row::queued, and is from there on an edit like others: without a base, as old as its clocks.
#pragma once

#include <string>
#include <vector>

#include "protocol/schema.hpp"
#include "store/entries.hpp"
#include "store/store.hpp"
#include "sync/merge.hpp"

namespace somatic {

/// One row of a backup, {collection, row, unsent}, for the entry Imported. Mutations without a name
/// get one from what they say, so that two who read the same backup agree.
ToldRow read_told(const CollectionSpec& collection, const std::string& user_id,
                  const std::string& mid, const Json& told);
/// The key under which this device has the row.
std::string home_of(const CollectionSpec& collection, const Store& store, const ToldRow& told);

struct News {
  std::vector<Frozen> mutations;
  std::vector<LostText> lost;
  std::vector<std::string> counted, aliases;

  [[nodiscard]] bool empty() const { return mutations.empty() && aliases.empty(); }
};
/// What a row of a backup, read at `at`, says that this row does not. Nothing: it changes nothing.
News news_in(const CollectionSpec& collection, const Meta& meta, const ToldRow& told,
             const Stamp& at, const Row& here);

}  // namespace somatic
