// Columns as fields, and list(): filter, order, range, page. A list is sorted on demand:
// collections hold thousands of rows, not millions.

#include "store/view.hpp"

#include <algorithm>
#include <utility>

#include "base/calendar.hpp"

namespace somatic {
namespace {

const Json& at_path(const Json& value, const std::vector<std::string>& path, std::size_t from = 0) {
  const Json* here = &value;
  for (std::size_t step = from; step < path.size(); ++step) here = &at(*here, path[step]);
  return *here;
}

const Json& field_value(const FieldSpec& field, const Json& columns) {
  return at_path(at(columns, field.column), field.path);
}

Json numbers_of(const Json& column, const Vectors& vectors) {
  if (!column.is_string()) return nullptr;
  const Json text = Vectors::is_name(column) ? vectors.text(column) : column;
  if (text.is_null()) return column;
  Json numbers = parse_json(text_of(text));
  return numbers.is_discarded() ? Json(nullptr) : numbers;
}

/// What `where`, `orderBy` and `from`/`to` name: a field, or a path that begins with one.
class Selector {
 public:
  Selector(const CollectionSpec& collection, const std::string& name) {
    const std::size_t dot = name.find('.');
    field_ = collection.field(name);
    if (field_ != nullptr || dot == std::string::npos) return;
    field_ = collection.field(name.substr(0, dot));
    for (std::size_t from = dot; from != std::string::npos;) {
      const std::size_t next = name.find('.', from + 1);
      path_.push_back(name.substr(from + 1, next - from - 1));
      from = next;
    }
  }
  [[nodiscard]] Json operator()(const Json& columns) const {
    if (field_ == nullptr) return nullptr;
    return at_path(field_value(*field_, columns), path_);
  }
  /// A value to compare with, in the form that is stored.
  [[nodiscard]] Json wanted(const Json& given) const {
    const bool is_moment =
        field_ != nullptr && path_.empty() && field_->type == FieldType::kTimestamp;
    const auto moment = is_moment ? parse_timestamp(text_of(given)) : std::nullopt;
    return moment ? Json(format_timestamp(*moment)) : given;
  }

 private:
  const FieldSpec* field_ = nullptr;
  std::vector<std::string> path_;
};

struct Found {
  Json order;
  const std::string* key;
};

}  // namespace

Json canonical_column(const CollectionSpec& collection, const std::string& column,
                      const Json& value) {
  if (!value.is_string()) return value;
  const FieldSpec* field = collection.by_column(column);
  if (field == nullptr || field->type != FieldType::kTimestamp) return value;
  const auto at = parse_timestamp(value.get_ref<const std::string&>());
  return at ? Json(format_timestamp(*at)) : value;
}

std::string key_of_row(const CollectionSpec& collection, const Json& columns) {
  if (collection.is_singleton()) return "self";
  return text_at(columns, collection.key_column());
}

std::string identity_at(const std::vector<std::string>& place, const Json& column) {
  const std::string_view value = text_of(at_path(column, place, 1));
  if (value.empty()) return {};
  std::string name;
  for (const std::string& step : place) name += step + '.';
  name.back() = '=';
  return name.append(value);
}

std::vector<std::string> identities_of(const CollectionSpec& collection, const Json& columns) {
  std::vector<std::string> names;
  for (const auto& place : collection.identity) {
    std::string name = identity_at(place, at(columns, place.front()));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

Json as_seen(const CollectionSpec& collection, const std::string& key, const Json& columns,
             const Vectors& vectors) {
  Json row = Json::object();
  for (const auto& [name, field] : collection.fields) {
    const Json& value = field_value(field, columns);
    row[name] = field.type == FieldType::kVector ? numbers_of(value, vectors) : value;
  }
  if (!collection.is_singleton()) row[collection.key_field] = key;
  return row;
}

Json rejected_as_seen(const CollectionSpec& collection, const std::string& key, const Row& row,
                      const Vectors& vectors) {
  const Json* columns = row.columns();
  return {{"id", row.rejected->mid},
          {"collection", collection.name},
          {"key", key},
          {"code", row.rejected->code},
          {"message", row.rejected->message},
          {"at", row.rejected->at},
          {"value", columns == nullptr ? Json() : as_seen(collection, key, *columns, vectors)}};
}

Json list_keys(const CollectionSpec& collection, const Store& store, const Json& options) {
  const auto* rows = store.rows(collection.name);
  if (rows == nullptr) return Json::array();
  const auto option = [&](const char* name) -> const Json& { return at(options, name); };
  std::vector<std::pair<Selector, Json>> where;
  for (const auto& [name, wanted] : members(option("where"))) {
    const Selector selector(collection, name);
    where.emplace_back(selector, selector.wanted(wanted));
  }
  const Json& order_by = option("orderBy");
  const std::string order_name =
      order_by.is_string() ? order_by.get<std::string>() : collection.key_field;
  const Selector order(collection, order_name);
  const bool by_key = order_name == collection.key_field;
  const Json from = order.wanted(option("from")), to = order.wanted(option("to"));

  std::vector<Found> found;
  for (const auto& [key, row] : *rows) {
    const Json* columns = row.columns();
    if (columns == nullptr) continue;
    const bool matches = std::all_of(where.begin(), where.end(), [&](const auto& condition) {
      return condition.first(*columns) == condition.second;
    });
    if (!matches) continue;
    Json value = by_key ? Json(key) : order(*columns);
    if (!from.is_null() && (value.is_null() || value < from)) continue;
    if (!to.is_null() && (value.is_null() || to < value)) continue;
    found.push_back({std::move(value), &key});
  }
  const bool descending = option("desc") == true;
  std::sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
    if (a.order != b.order) return descending ? b.order < a.order : a.order < b.order;
    return descending ? *b.key < *a.key : *a.key < *b.key;
  });

  const Json &after = option("after"), &limit = option("limit");
  auto first = found.begin();
  if (after.is_string()) {
    const auto last_seen = std::find_if(found.begin(), found.end(), [&](const Found& each) {
      return *each.key == after.get_ref<const std::string&>();
    });
    first = last_seen == found.end() ? found.begin() : last_seen + 1;
  }
  const bool is_limited = limit.is_number() && whole_number(limit) >= 0;
  Json keys = Json::array();
  for (; first != found.end(); ++first) {
    if (is_limited && std::cmp_greater_equal(keys.size(), whole_number(limit))) break;
    keys.push_back(*first->key);
  }
  return keys;
}

}  // namespace somatic
