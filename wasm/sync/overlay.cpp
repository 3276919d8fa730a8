// A change on top of what is below it: on a row (overlay) or on an earlier change (fold). Both say
// the same: overlay(row, fold(a, b)) is overlay(overlay(row, a), b), with absent as null.
#include <string>
#include <utility>

#include "sync/merge.hpp"
#include "sync/rules.hpp"

namespace somatic {
namespace {

void make_object(Json& value) {
  if (!value.is_object()) value = Json::object();
}

bool is_nothing(const Change& change) {
  return change.empty() && change.base.empty() && change.clocks.empty();
}

bool only_sets(const Change& change) {
  return !change.del && change.inc.empty() && change.clocks.empty();
}

bool has(const Json& object, const std::string& name) { return member(object, name) != nullptr; }

void derive(const CollectionSpec& collection, Json& columns) {
  for (const auto& [name, field] : collection.fields) {
    if (field.derivation == Derivation::kNone || !field.path.empty()) continue;
    const Json* days = member(columns, field.derived_from);
    if (days == nullptr) continue;
    Json value = derive_from_days(field.derivation, *days);
    if (!value.is_null()) columns[field.column] = std::move(value);
  }
}

/// An edit after a deletion: the row's other columns do not come back, and an increment starts from
/// nothing, whatever the server still stores. What the server itself gives a row is not cleared.
Change make_anew(const Change& deletion, Change anew) {
  for (const auto& [column, amount] : members(anew.inc)) {
    anew.set[column] = add_numbers(nullptr, amount);
  }
  anew.inc = Json::object();
  anew.base = deletion.base;
  const std::string_view clock = column_clock(deletion.clocks, "*");
  for (const auto& [column, value] : members(deletion.base)) {
    const bool given_by_server = column == "id" || column == "created_at";
    if (value.is_null() || given_by_server || has(anew.set, column)) continue;
    anew.set[column] = nullptr;
    if (!clock.empty()) anew.clocks[column] = clock;
  }
  return anew;
}

/// Base of the later edit's columns, as far as the earlier ones did not touch them.
void fold_base(Change& earlier, const Change& later) {
  for (const auto& [column, value] : members(later.base)) {
    if (has(earlier.base, column) || has(earlier.set, column)) continue;
    const Json* added = member(earlier.inc, column);
    earlier.base[column] = added == nullptr ? value : add_numbers(value, *added, -1);
  }
}

void fold_clocks(Change& into, const Change& later) {
  for (const Json* edits : {&later.set, &later.inc}) {
    for (const auto& [column, value] : members(*edits)) {
      const std::string_view clock = column_clock(later.clocks, column);
      if (!clock.empty()) into.clocks[column] = clock;
    }
  }
}

}  // namespace

Json overlay(const CollectionSpec& collection, Json columns, const Change& change) {
  if (change.del) return nullptr;
  make_object(columns);
  for (const auto& [column, value] : members(change.set)) columns[column] = value;
  for (const auto& [column, amount] : members(change.inc)) {
    columns[column] = add_numbers(columns[column], amount);
  }
  derive(collection, columns);
  return columns;
}

Change fold(Change earlier, Change later) {
  for (Change* change : {&earlier, &later}) {
    for (Json* part : {&change->set, &change->inc, &change->base, &change->clocks}) {
      make_object(*part);
    }
  }
  if (later.empty()) return earlier;
  if (is_nothing(earlier) && only_sets(later)) return later;
  if (earlier.del && !later.del) return make_anew(earlier, fold(Change{}, std::move(later)));
  fold_base(earlier, later);
  if (later.del) {
    earlier.del = true;
    earlier.set = Json::object();
    earlier.inc = Json::object();
    earlier.clocks = std::move(later.clocks);
    return earlier;
  }
  fold_clocks(earlier, later);
  if (auto* given = later.set.get_ptr<Json::object_t*>()) {
    for (auto& [column, value] : *given) {
      earlier.set[column] = std::move(value);
      earlier.inc.erase(column);
    }
  }
  for (const auto& [column, amount] : members(later.inc)) {
    Json& sum = has(earlier.set, column) ? earlier.set[column] : earlier.inc[column];
    sum = add_numbers(sum, amount);
  }
  return earlier;
}

}  // namespace somatic
