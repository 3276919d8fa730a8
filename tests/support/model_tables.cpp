// Days are kept as a plain set of day numbers here: another way than the core's, on purpose.
#include "support/model_tables.hpp"

#include <cmath>
#include <set>

#include "base/calendar.hpp"

namespace somatic::testing {
namespace {

using Days = std::set<std::int32_t>;

void add_days(const Json& ranges, Days& days) {
  for (const Json& range : elements(ranges)) {
    if (!range.is_array() || range.size() != 2) continue;
    const auto first = parse_date(text_of(range[0]));
    const auto last = parse_date(text_of(range[1]));
    if (!first || !last) continue;
    for (std::int32_t day = *first; day <= *last; ++day) days.insert(day);
  }
}

void add_streak(const Json& row, Days& days) {
  const auto last = parse_date(text_at(row, "last_completed_date"));
  const std::int64_t streak = integer_at(row, "compliance_streak");
  if (!last) return;
  for (std::int32_t back = 0; back < streak && back < 36525; ++back) days.insert(*last - back);
}

Json as_ranges(const Days& days) {
  Json ranges = Json::array();
  for (const std::int32_t day : days) {
    if (!days.contains(day - 1)) ranges.push_back({format_date(day), format_date(day)});
    ranges.back()[1] = format_date(day);
  }
  return ranges;
}

}  // namespace

const std::map<std::string, ModelTable>& model_tables() {
  using Column = ModelColumn;
  const Column plain, needed{Column::kPlain, nullptr, true}, number2{Column::kNumeric2, nullptr},
      time{Column::kTimestamp, nullptr}, time_now{Column::kNow, nullptr},
      zero{Column::kPlain, Json(0)}, no{Column::kPlain, Json(false)};
  static const std::map<std::string, ModelTable> tables = {
      {"user_progress",
       {"user_id",
        {{"compliance_streak", zero},
         {"last_completed_date", plain},
         {"total_completions", zero},
         {"completed_days", plain}}}},
      {"achievements",
       {"achievement_id",
        {{"achievement_id", needed},
         {"unlocked", no},
         {"unlocked_date", time},
         {"progress", zero},
         {"created_at", time_now}}}},
      {"sovereign_path_data",
       {"user_id",
        {{"human_design_chart", plain},
         {"birth_data", plain},
         {"oejts_answers", plain},
         {"oejts_results", plain},
         {"archetype_analysis", plain},
         {"last_archetype_update", time},
         {"katas", plain},
         {"health_metrics", plain},
         {"patterns", plain},
         {"last_sync_date", time_now},
         {"created_at", time_now}}}},
      {"sovereign_logs",
       {"",
        {{"category", needed},
         {"content", needed},
         {"metadata", plain},
         {"created_at", time_now}}}},
      {"cosmic_data_cache",
       {"date",
        {{"date", needed},
         {"location", plain},
         {"astronomy", plain},
         {"cached_at", time_now},
         {"fresh", plain}}}},
      {"astrology_data_cache",
       {"user_id",
        {{"birth_data", plain},
         {"natal_chart", plain},
         {"transits", plain},
         {"personal_trading", plain},
         {"cached_at", time_now},
         {"fresh", plain}}}},
      {"daily_attunements",
       {"date",
        {{"date", needed},
         {"insightful_question", needed},
         {"synthesized_answer", needed},
         {"based_on", plain},
         {"generated_at", time_now}}}},
      {"vector_embeddings",
       {"",
        {{"content", needed},
         {"embedding", plain},
         {"metadata", needed},
         {"created_at", time_now}}}},
      {"health_metrics_history",
       {"date",
        {{"date", needed},
         {"steps", plain},
         {"sleep_hours", number2},
         {"walking_asymmetry", number2},
         {"synced_at", time_now}}}},
  };
  return tables;
}

Json stored_value(const ModelColumn& column, const Json& value) {
  if (column.kind == ModelColumn::kNumeric2 && value.is_number()) {
    return std::round(value.get<double>() * 100) / 100;
  }
  if (column.kind == ModelColumn::kTimestamp || column.kind == ModelColumn::kNow) {
    const auto at = parse_timestamp(text_of(value));
    if (at) return wire_timestamp(*at);
  }
  return value;
}

void derive_streak(const Json& before, Json& row) {
  Days days;
  add_days(row["completed_days"], days);
  if (before.is_null()) {
    if (days.empty()) add_streak(row, days);
  } else {
    const bool same_days = at(before, "completed_days") == row["completed_days"];
    const bool other_streak = at(before, "compliance_streak") != row["compliance_streak"] ||
                              at(before, "last_completed_date") != row["last_completed_date"];
    if (same_days && other_streak) add_streak(row, days);
    if (at(before, "completed_days").is_null() && before != row) add_streak(before, days);
  }
  if (days.empty()) return;
  const Json ranges = as_ranges(days);
  const Json& latest = ranges.back();
  row["completed_days"] = ranges;
  row["last_completed_date"] = latest[1];
  row["compliance_streak"] = *parse_date(text_of(latest[1])) - *parse_date(text_of(latest[0])) + 1;
}

}  // namespace somatic::testing
