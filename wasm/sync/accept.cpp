// Put, patch, increment and remove, each as one Change against what the app sees now.

#include "sync/accept.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/uuid.hpp"
#include "store/vectors.hpp"
#include "store/view.hpp"
#include "sync/accept_value.hpp"
#include "sync/device_times.hpp"
#include "sync/merge.hpp"

namespace somatic {
namespace {

Error refuse(const std::string& message) { return {"invalid-value", message}; }

/// A century: a longer streak is nonsense, and is cut as the server cuts it.
constexpr std::int64_t kStreakDaysMax = 36525;

/// Rules by which a value can only go one way: the write itself obeys them, so that a stale screen
/// cannot lock an achievement again.
bool only_grows(MergeRule rule) {
  return rule == MergeRule::kMax || rule == MergeRule::kMin || rule == MergeRule::kOr ||
         rule == MergeRule::kUnion || rule == MergeRule::kFirst;
}

Result<std::string> accept_key(const CollectionSpec& collection, const std::string& key) {
  if (collection.is_singleton()) {
    if (key != "self") return refuse(collection.name + " has one row: its key is \"self\"");
    return key;
  }
  if (collection.key_is_id()) {
    auto id = canonical_uuid(key);
    if (!id)
      return refuse(collection.name + ": the key must be a UUID, not \"" + key.substr(0, 80) +
                    "\"");
    return *id;
  }
  if (key.empty() || key.size() > 1024) {
    return refuse(collection.name + ": the key must be text of 1 to 1,024 bytes");
  }
  const FieldSpec& field = *collection.field(collection.key_field);
  if (field.type != FieldType::kDate) return key;
  if (!parse_date(key)) return refuse(collection.name + ": the key must be a date, YYYY-MM-DD");
  return key;
}

class Writer {
 public:
  /// `asked`: the key that the app used; another one than `key` where the row has two.
  Writer(const CollectionSpec& collection, std::string key, std::string asked, const Row* row,
         const Moment& now)
      : collection_(collection),
        key_(std::move(key)),
        asked_(std::move(asked)),
        row_(row),
        now_(now) {
    if (row != nullptr) columns_ = row->columns();
  }

  Result<Change> remove() {
    if (columns_ == nullptr) return Change{};
    change_.del = true;
    change_.base = *columns_;
    return std::move(change_);
  }

  Result<Change> write(const Op& op) {
    if (op.op != "put" && op.op != "patch" && op.op != "increment") {
      return refuse("there is no operation " + op.op);
    }
    if (!op.fields.is_object()) return refuse(collection_.name + ": a row must be an object");
    for (const auto& [name, value] : members(op.fields)) {
      if (auto error = give(name, value)) return *error;
    }
    give_days(op.fields);
    if (op.op == "increment") {
      if (auto error = increment(op.field, op.by)) return *error;
    }
    if (columns_ == nullptr) {
      if (auto error = complete_new_row()) return *error;
    }
    return std::move(change_);
  }

 private:
  [[nodiscard]] const Json& shown(const std::string& column) const {
    static const Json kNull;
    return columns_ == nullptr ? kNull : at(*columns_, column);
  }

  [[nodiscard]] const Json& current(const std::string& column) const {
    const Json* given = member(change_.set, column);
    return given == nullptr ? shown(column) : *given;
  }

  void set(const std::string& column, Json value) {
    if (Vectors::is_same(shown(column), value)) {
      change_.set.erase(column);
      change_.base.erase(column);
      return;
    }
    if (columns_ != nullptr) change_.base[column] = shown(column);
    change_.set[column] = std::move(value);
  }

  std::optional<Error> give(const std::string& name, const Json& value) {
    const FieldSpec* field = collection_.field(name);
    if (field == nullptr) return Error{"unknown-field", collection_.name + " has no field " + name};
    if (name == collection_.key_field) {
      const auto key = value.is_string() ? accept_key(collection_, value.get<std::string>())
                                         : Result<std::string>(refuse("no text"));
      if (key.ok() && (key.value() == key_ || key.value() == asked_)) return std::nullopt;
      return refuse(collection_.name + "." + name + " differs from the key");
    }
    auto accepted = accept_value(collection_, *field, value, now_);
    if (!accepted.ok()) return accepted.error();
    if (field->derivation != Derivation::kNone) return std::nullopt;  // give_days
    if (field->path.empty()) {
      Json stored = std::move(accepted.value());
      if (field->merge == MergeRule::kUnion || (only_grows(field->merge) && columns_ != nullptr)) {
        stored = merge_value(*field, nullptr, stored, "", current(field->column), "");
      }
      set(field->column, std::move(stored));
      return std::nullopt;
    }
    return give_path(*field, std::move(accepted.value()));
  }

  /// A field inside a JSON column: the column with that member changed.
  std::optional<Error> give_path(const FieldSpec& field, Json value) {
    Json whole = current(field.column);
    if (!whole.is_object()) whole = Json::object();
    Json* here = &whole;
    for (const std::string& step : field.path) {
      if (!here->is_object()) *here = Json::object();
      here = &(*here)[step];
    }
    *here = std::move(value);
    set(field.column, std::move(whole));
    return std::nullopt;
  }

  /// A streak and its last day, as an app keeps them, are days that were completed.
  void give_days(const Json& fields) {
    std::map<std::string, std::pair<Json, Json>> told;  // union column -> streak, last day
    for (const auto& [name, field] : collection_.fields) {
      if (field.derivation == Derivation::kNone) continue;
      auto& [streak, last_day] = told[field.derived_from];
      Json& part = field.derivation == Derivation::kStreak ? streak : last_day;
      part = fields.value(name, Json());
      if (field.derivation == Derivation::kLastDay && part.is_null()) part = shown(field.column);
    }
    for (const auto& [column, days] : told) {
      const auto& [streak, last_day] = days;
      const bool is_told = !streak.is_null() || !last_day.is_null();
      const auto last =
          last_day.is_string() ? parse_date(last_day.get<std::string>()) : std::nullopt;
      const auto length = static_cast<std::int32_t>(
          streak.is_number() ? std::min<std::int64_t>(whole_number(streak), kStreakDaysMax) : 1);
      if (!is_told || !last || length < 1) continue;
      const Json range =
          Json::array({Json::array({format_date(*last - length + 1), format_date(*last)})});
      set(column,
          merge_value(*collection_.by_column(column), nullptr, range, "", current(column), ""));
    }
  }

  std::optional<Error> increment(const std::string& name, const Json& by) {
    const FieldSpec* field = collection_.field(name);
    if (field == nullptr) return Error{"unknown-field", collection_.name + " has no field " + name};
    if (field->merge != MergeRule::kCounter) {
      return refuse(collection_.name + "." + name + " is not a counter");
    }
    if (change_.set.contains(field->column)) {
      return refuse(collection_.name + "." + name + " is set and incremented at once");
    }
    const double amount = by.is_number() ? by.get<double>() : NAN;
    if (std::trunc(amount) != amount || std::abs(amount) > 9007199254740991.0) {
      return refuse(collection_.name + "." + name + " can only be incremented by a whole number");
    }
    if (amount != 0) change_.inc[field->column] = static_cast<std::int64_t>(amount);
    return std::nullopt;
  }

  std::optional<Error> complete_new_row() {
    for (const auto& [name, field] : collection_.fields) {
      if (field.default_now && !change_.set.contains(field.column)) {
        change_.set[field.column] = format_timestamp(now_.server_ms);
      }
      const bool given = name == collection_.key_field || !current(field.column).is_null();
      if (field.required && !given) return refuse(collection_.name + "." + name + " is required");
    }
    const std::string key_column = collection_.key_column();
    if (!key_column.empty() && key_column != "id") change_.set[key_column] = key_;
    // Written anew over a deletion that the server does not know yet: what the new row does not say
    // is empty.
    if (row_ == nullptr || !row_->server) return std::nullopt;
    for (const auto& [column, value] : row_->server->columns.items()) {
      if (column != "id" && !value.is_null()) change_.set.emplace(column, nullptr);
    }
    return std::nullopt;
  }

  const CollectionSpec& collection_;
  const std::string key_, asked_;
  const Row* row_;
  const Moment& now_;
  const Json* columns_ = nullptr;
  Change change_;
};

/// The key that an app's row goes by when there is none of that key to see: another row's, whose
/// alias the key is, or whose identity what is put carries; else the key itself.
std::string other_key(const CollectionSpec& collection, const Store& store, const std::string& key,
                      const Op& op) {
  const std::string home = store.key_of_name(collection.name, key);
  if (!home.empty()) return home;
  if (op.op != "put") return key;
  for (const auto& place : collection.identity) {
    const FieldSpec* field = collection.by_column(place.front());
    if (field == nullptr) continue;
    const std::string name = identity_at(place, at(op.fields, field->name));
    const std::string twin = name.empty() ? name : store.key_of_name(collection.name, name);
    if (!twin.empty()) return twin;
  }
  return key;
}

}  // namespace

Result<EntryChange> accept(const Schema& schema, const Store& store, const std::string& user_id,
                           const Op& op, const Moment& now) {
  const CollectionSpec* collection = schema.collection(op.collection);
  if (collection == nullptr) {
    return Error{"unknown-collection", "there is no collection " + op.collection};
  }
  auto asked = accept_key(*collection, op.key);
  if (!asked.ok()) return asked.error();
  std::string key = asked.value();
  const Row* row = store.find(op.collection, key);
  if (row == nullptr || row->columns() == nullptr) {
    key = other_key(*collection, store, asked.value(), op);
    if (key != asked.value()) row = store.find(op.collection, key);
  }
  const bool is_new = op.op != "remove" && (row == nullptr || row->columns() == nullptr);
  if (auto error = is_new ? future_day(*collection, key, now.server_ms) : std::nullopt) {
    return *error;
  }
  Writer writer(*collection, key, asked.value(), row, now);
  auto change = op.op == "remove" ? writer.remove() : writer.write(op);
  if (!change.ok()) return change.error();
  EntryChange entry{op.collection, std::move(key), {}, std::move(change.value())};
  if (op.op != "remove" && row != nullptr && row->columns() != nullptr)
    entry.seen = *row->columns();
  if (collection->key_is_id()) {
    entry.id = asked.value();  // becomes an alias where it is not the row's own
  } else if (row != nullptr && !row->id.empty()) {
    entry.id = row->id;
  } else if (!collection->local_only) {
    entry.id = uuid_v5(user_id, op.collection + "/" + entry.key);
  }
  return entry;
}

}  // namespace somatic
