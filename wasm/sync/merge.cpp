// Rows: a change meets the row that the server has now, or its deletion. Which rule a column
// follows is looked up here; what the rules do is in merge_value.cpp and merge_tree.cpp.
#include "sync/merge.hpp"

#include <algorithm>

#include "sync/lost_text.hpp"

namespace somatic {
namespace {

const Json kNull;

/// How one column merges: its own rule, and the rules of paths inside it ("metadata.mood").
struct ColumnRules {
  FieldSpec unknown;  ///< a column the schema does not know: newest, objects deep
  const FieldSpec* whole = &unknown;
  std::vector<const FieldSpec*> parts;

  ColumnRules(const CollectionSpec& collection, const std::string& column) {
    unknown.merge = MergeRule::kDeep;
    for (const auto& [name, field] : collection.fields) {
      if (field.column != column) continue;
      if (field.path.empty()) {
        whole = &field;
      } else {
        parts.push_back(&field);
      }
    }
  }
  ColumnRules(const ColumnRules&) = delete;
  ColumnRules& operator=(const ColumnRules&) = delete;
};

const Json* at_path(const Json& value, const std::vector<std::string>& path) {
  const Json* at = &value;
  for (const std::string& step : path) {
    at = member(*at, step);
    if (at == nullptr) return nullptr;
  }
  return at;
}

void set_at_path(Json& value, const std::vector<std::string>& path, Json inner) {
  Json* at = &value;
  for (const std::string& step : path) {
    const auto found = at->find(step);
    if (found == at->end()) return;
    at = &*found;
  }
  *at = std::move(inner);
}

/// One column, then the places inside it that have rules of their own and a value on both sides.
Json merge_column(const ColumnRules& rules, const Json* base, const Json& mine,
                  std::string_view mine_clock, const Json& theirs, std::string_view theirs_clock) {
  Json merged = merge_value(*rules.whole, base, mine, mine_clock, theirs, theirs_clock);
  for (const FieldSpec* part : rules.parts) {
    const Json* my_part = at_path(mine, part->path);
    const Json* their_part = at_path(theirs, part->path);
    if (my_part == nullptr || their_part == nullptr) continue;
    const Json* base_part = base == nullptr ? nullptr : at_path(*base, part->path);
    set_at_path(merged, part->path,
                merge_value(*part, base_part, *my_part, mine_clock, *their_part, theirs_clock));
  }
  return merged;
}

const Json& stored(const ServerRow& row, const std::string& column) {
  const Json* value = member(row.columns, column);
  return value == nullptr ? kNull : *value;
}

void put_clock(Change& change, const std::string& column, std::string_view clock) {
  if (!clock.empty()) change.clocks[column] = clock;
}

/// What the merge made of one column of mine, if it is not what theirs is already.
void keep(Change& change, const std::string& column, Json merged, std::string_view clock,
          const ServerRow& theirs) {
  const Json& base = stored(theirs, column);
  if (merged == base) return;
  change.set[column] = std::move(merged);
  change.base[column] = base;
  put_clock(change, column, clock);
}

const FieldSpec* derived_field(const CollectionSpec& collection, const std::string& column) {
  for (const auto& [name, field] : collection.fields) {
    if (field.derivation != Derivation::kNone && field.column == column) return &field;
  }
  return nullptr;
}

/// A derived column is computed from the merged days; it is merged only while there are none.
bool is_computed(const CollectionSpec& collection, const std::string& column, const Json& columns) {
  const FieldSpec* field = derived_field(collection, column);
  const Json* days = field == nullptr ? nullptr : member(columns, field->derived_from);
  return days != nullptr && !derive_from_days(field->derivation, *days).is_null();
}

Rebased rebase_deletion(const CollectionSpec& collection, const Change& mine,
                        const ServerRow& theirs) {
  const std::string_view clock = column_clock(mine.clocks, "*");
  const bool delete_wins = collection.on_delete == OnDelete::kDeleteWins;
  std::string_view newest;
  for (const auto& [column, entry] : members(theirs.clocks)) {
    newest = std::max(newest, column_clock(theirs.clocks, column));
  }
  Rebased out;
  // Of the row as it was seen: later than it, whatever the clocks say.
  const bool is_seen = mine.base == theirs.columns;
  if (!delete_wins && !is_seen && clock <= newest) return out;
  out.change.del = true;
  put_clock(out.change, "*", clock);
  for (const auto& [column, value] : members(theirs.columns)) {
    out.change.base[column] = value;
    if (delete_wins) continue;
    const ColumnRules rules(collection, column);
    note_lost_texts(out.lost, column, rules.whole->element_key, member(mine.base, column), value,
                    kNull);
  }
  return out;
}

}  // namespace

Rebased rebase(const CollectionSpec& collection, const Change& mine, const ServerRow& theirs) {
  if (mine.del) return rebase_deletion(collection, mine, theirs);
  Rebased out;
  const auto merge_one = [&](const std::string& column, const Json& value) {
    const ColumnRules rules(collection, column);
    const Json& other = stored(theirs, column);
    const std::string_view my_clock = column_clock(mine.clocks, column);
    const std::string_view their_clock = column_clock(theirs.clocks, column);
    const Json* base = member(mine.base, column);
    const bool never_set = other.is_null() && member(theirs.clocks, column) == nullptr;
    const bool is_bare_count = base == nullptr && rules.whole->merge == MergeRule::kCounter;
    if (base == nullptr && never_set && !is_bare_count) base = &kNull;
    Json merged = merge_column(rules, base, value, my_clock, other, their_clock);
    const std::string& key = rules.whole->element_key;
    note_lost_texts(out.lost, column, key, base, value, merged);
    note_lost_texts(out.lost, column, key, base, other, merged);
    const bool mixed = merged != value;
    keep(out.change, column, std::move(merged), mixed ? std::max(my_clock, their_clock) : my_clock,
         theirs);
    if (is_bare_count) out.change.base.erase(column);
  };
  for (const auto& [column, value] : members(mine.set)) {
    if (derived_field(collection, column) == nullptr) merge_one(column, value);
  }
  for (const auto& [column, amount] : members(mine.inc)) {
    out.change.inc[column] = amount;
    out.change.base[column] = stored(theirs, column);
    put_clock(out.change, column, column_clock(mine.clocks, column));
  }
  const Json view = overlay(collection, theirs.columns, out.change);
  for (const auto& [column, value] : members(mine.set)) {
    if (derived_field(collection, column) == nullptr) continue;
    if (!is_computed(collection, column, view)) {
      merge_one(column, value);
      continue;
    }
    const std::string_view clock =
        std::max(column_clock(mine.clocks, column), column_clock(theirs.clocks, column));
    const Json* computed = member(view, column);
    keep(out.change, column, computed == nullptr ? kNull : *computed, clock, theirs);
  }
  return out;
}

Rebased rebase_on_gone(const CollectionSpec& collection, const Change& mine, const Json& before,
                       std::string_view gone_clock) {
  Rebased out;
  if (mine.del || collection.on_delete == OnDelete::kDeleteWins) return out;
  std::string_view newest;
  for (const Json* edits : {&mine.set, &mine.inc}) {
    for (const auto& [column, value] : members(*edits)) {
      newest = std::max(newest, column_clock(mine.clocks, column));
    }
  }
  if (newest <= gone_clock) {
    for (const auto& [column, value] : members(mine.set)) {
      const ColumnRules rules(collection, column);
      note_lost_texts(out.lost, column, rules.whole->element_key, member(mine.base, column), value,
                      kNull);
    }
    return out;
  }
  put_clock(out.change, "*", gone_clock);
  const Json whole = overlay(collection, before, mine);
  for (const auto& [column, value] : members(whole)) {
    const bool edited = member(mine.set, column) != nullptr || member(mine.inc, column) != nullptr;
    // a null that nobody set would override the server's default; the id is the mutation's own
    if ((value.is_null() && !edited) || column == "id") continue;
    out.change.set[column] = value;
    if (edited) put_clock(out.change, column, column_clock(mine.clocks, column));
  }
  return out;
}

}  // namespace somatic
