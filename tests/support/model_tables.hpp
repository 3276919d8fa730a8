// The tables as the model server knows them, and what their triggers and column types do to a
// value. Knows no protocol.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace somatic::testing {

struct ModelColumn {
  enum Kind { kPlain, kNumeric2, kTimestamp, kNow } kind = kPlain;
  Json initial;           ///< default; kNow: a timestamp that defaults to now()
  bool not_null = false;  ///< and no default
};

struct ModelTable {
  /// names a row for its user: a column, "user_id" (one row), or empty (only the id does)
  std::string key;
  std::map<std::string, ModelColumn> columns;
};

const std::map<std::string, ModelTable>& model_tables();

/// A value as the column's type stores it and to_jsonb prints it.
Json stored_value(const ModelColumn& column, const Json& value);

/// completed_days is normalised, compliance_streak and last_completed_date follow from it; a writer
/// that changes only those two adds its days. `before` is null for an insert.
void derive_streak(const Json& before, Json& row);

}  // namespace somatic::testing
