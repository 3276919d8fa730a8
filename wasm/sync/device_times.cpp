// One shift per edited column: the edit's stamp tells what the device's clock said then, and when
// it really was.

#include "sync/device_times.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "sync/days.hpp"
#include "sync/layers.hpp"

namespace somatic {
namespace {

constexpr Ms kTrustedMs = 2000;
constexpr Ms kDayMs = 24LL * 60 * 60 * 1000;

/// The moment of an edit, on both clocks.
struct Edit {
  const Ms device_ms, true_ms;

  Edit(const Meta& meta, const Stamp& at) : device_ms(at.wall_ms), true_ms(server_time(meta, at)) {}

  [[nodiscard]] Ms shift() const { return true_ms - device_ms; }
  [[nodiscard]] bool is_trusted() const { return std::llabs(shift()) <= kTrustedMs; }
  [[nodiscard]] bool is_by_device(Ms at) const {
    const Ms off_device = std::llabs(at - device_ms);
    return off_device <= kDayMs && off_device <= std::llabs(at - true_ms);
  }
};

void correct_timestamp(const Edit& edit, Json& value) {
  const auto at = parse_timestamp(text_of(value));
  if (at && edit.is_by_device(*at)) value = format_timestamp(*at + edit.shift());
}

/// Only in elements that this edit changed: the others' times were right before.
void correct_elements(const FieldSpec& field, const Edit& edit, const Json* base, Json& value) {
  if (!value.is_array()) return;
  for (Json& element : value) {
    if (!element.is_object() || !element.contains(field.element_newest)) continue;
    bool is_old = false;
    if (base != nullptr) {
      for (const Json& old : elements(*base)) is_old = is_old || old == element;
    }
    if (!is_old) correct_timestamp(edit, element[field.element_newest]);
  }
}

/// Days are local dates: they move by whole days, and only single new ones. A range that reaches
/// into the past is history.
void correct_days(const Edit& edit, const Json* base, Json& value) {
  const auto days_off = static_cast<std::int32_t>(
      (edit.shift() + (edit.shift() < 0 ? -kDayMs / 2 : kDayMs / 2)) / kDayMs);
  if (days_off == 0 || !value.is_array() || !all_days(value)) return;
  const auto today = static_cast<std::int32_t>(edit.device_ms / kDayMs);
  const auto known = base == nullptr ? std::vector<DayRange>() : day_ranges(*base);
  std::vector<DayRange> corrected;
  for (const DayRange& range : day_ranges(value)) {
    bool is_known = false;
    for (const DayRange& old : known) is_known = is_known || old == range;
    const bool is_now = range.last >= today - 1 && range.last <= today + 1;
    if (is_known || !is_now) {
      corrected.push_back(range);
      continue;
    }
    if (range.first < range.last) corrected.push_back({range.first, range.last - 1});
    corrected.push_back({range.last + days_off, range.last + days_off});
  }
  value = days_json(join_ranges(std::move(corrected)));
}

}  // namespace

bool has_wrong_times(const Meta& meta, const Pending& pending) {
  return std::any_of(pending.stamps.begin(), pending.stamps.end(),
                     [&](const auto& edited) { return !Edit(meta, edited.second).is_trusted(); });
}

void correct_times(const CollectionSpec& collection, const Meta& meta, Pending& pending) {
  for (const auto& [column, stamp] : pending.stamps) {
    const Edit edit(meta, stamp);
    const auto value = pending.change.set.find(column);
    const FieldSpec* field = collection.by_column(column);
    if (edit.is_trusted() || field == nullptr || value == pending.change.set.end()) {
      continue;
    }
    const Json* base = member(pending.change.base, column);
    if (field->type == FieldType::kTimestamp) {
      correct_timestamp(edit, *value);
    } else if (field->merge == MergeRule::kByKey && !field->element_newest.empty()) {
      correct_elements(*field, edit, base, *value);
    } else if (field->merge == MergeRule::kUnion) {
      correct_days(edit, base, *value);
    }
  }
}

std::optional<Error> future_day(const CollectionSpec& collection, const std::string& key, Ms now) {
  const FieldSpec* field = collection.field(collection.key_field);
  if (field == nullptr || field->type != FieldType::kDate) return std::nullopt;
  const auto day = parse_date(key);
  if (!day || *day <= (now + kDayMs) / kDayMs) return std::nullopt;
  return Error{"invalid-value",
               collection.name + ": the day " + key +
                   " is more than a day in the future (is this device's clock right?)"};
}

bool waits_for_time(const Schema& schema, const Meta& meta, const RowRef& row, const Stamp& at) {
  const CollectionSpec* collection = schema.collection(row.collection);
  if (collection == nullptr || meta.boots.contains(at.boot)) return false;
  return future_day(*collection, row.key, server_time(meta, at)).has_value();
}

}  // namespace somatic
