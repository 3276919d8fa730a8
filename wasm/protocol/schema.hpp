// The declarative schema as the core sees it: collections, their fields, types, bounds and merge
// rules. Parsed once from the JSON that js/schema.js declares; nothing about a table is written
// anywhere else in the core.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace somatic {

enum class FieldType { kText, kInteger, kNumber, kBoolean, kDate, kTimestamp, kJson, kVector };
enum class MergeRule { kNewest, kDeep, kMax, kMin, kOr, kCounter, kUnion, kFirst, kByKey };
/// What a field is computed from instead of being stored: the length or the last day of the last
/// range of a union-of-days field.
enum class Derivation { kNone, kStreak, kLastDay };
enum class OnDelete { kNewest, kDeleteWins };

struct FieldSpec {
  std::string name;
  std::string column;
  /// the rest of "metadata.mood" after the column; empty for a whole column
  std::vector<std::string> path;
  FieldType type = FieldType::kText;
  MergeRule merge = MergeRule::kNewest;
  std::string element_key;     ///< kByKey: the member that names an element
  std::string element_newest;  ///< kByKey: the member whose timestamp decides between two edits;
                               ///< may be empty
  bool null_loses = false;     ///< a value beats null, whatever the clocks say
  bool default_now = false;    ///< a new row without it gets the time of its first write
  bool required = false;
  std::optional<double> min, max;
  std::optional<int> scale;  ///< decimal places the server stores
  std::vector<Json> values;
  std::optional<std::size_t> max_bytes;
  Derivation derivation = Derivation::kNone;
  std::string derived_from;  ///< the union-of-days column
};

struct CollectionSpec {
  std::string name;
  std::string table;      ///< empty when local_only
  std::string key_field;  ///< "self": one row per user, with the key "self"
  std::map<std::string, FieldSpec> fields;
  /// Places that name a row as well as its key does: a column and the way into it. Of two rows with
  /// one such name only one stays.
  std::vector<std::vector<std::string>> identity;
  std::vector<std::string> vector_columns;
  OnDelete on_delete = OnDelete::kNewest;
  bool local_only = false;

  [[nodiscard]] bool is_singleton() const { return key_field == "self"; }
  [[nodiscard]] const FieldSpec* field(const std::string& field_name) const;
  /// the whole-column field of a column, or null for a column the schema does not know
  [[nodiscard]] const FieldSpec* by_column(const std::string& column) const;
  /// the column of the key field; empty for a singleton
  [[nodiscard]] std::string key_column() const;
  /// the key is the row's own id, chosen by the caller
  [[nodiscard]] bool key_is_id() const { return key_column() == "id"; }
};

struct Schema {
  std::map<std::string, CollectionSpec> collections;

  [[nodiscard]] const CollectionSpec* collection(const std::string& name) const;
  [[nodiscard]] const CollectionSpec* by_table(const std::string& table) const;
};

/// Takes what defineSchema() made. A mistake in it is an Error that names the place.
Result<Schema> parse_schema(const Json& declared);

}  // namespace somatic
