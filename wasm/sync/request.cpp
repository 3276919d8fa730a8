// Frozen rows as mutations, in outbox order.

#include "sync/request.hpp"

#include <utility>

#include "base/calendar.hpp"

namespace somatic {
namespace {

/// A stored value as PostgreSQL would print it, so that an unchanged value is recognised there.
/// Null: a vector that is lost.
Json wire_value(const CollectionSpec& collection, const Vectors& vectors, const std::string& column,
                const Json& value) {
  const FieldSpec* field = collection.by_column(column);
  if (field != nullptr && field->type == FieldType::kVector && Vectors::is_name(value)) {
    return vectors.text(value);
  }
  if (field == nullptr || field->type != FieldType::kTimestamp || !value.is_string()) return value;
  const auto at = parse_timestamp(value.get_ref<const std::string&>());
  return at ? Json(wire_timestamp(*at)) : value;
}

Json mutation(const CollectionSpec& collection, const Vectors& vectors, const Row& row) {
  const Frozen& frozen = *row.frozen;
  Json out = {{"mid", frozen.mid},
              {"table", collection.table},
              {"id", row.id},
              {"base", frozen.base ? Json(*frozen.base) : Json()},
              {"clocks", frozen.change.clocks}};
  if (frozen.change.del) {
    out["del"] = true;
    return out;
  }
  Json set = Json::object();
  for (const auto& [column, value] : frozen.change.set.items()) {
    Json wire = wire_value(collection, vectors, column, value);
    const bool is_lost = wire.is_null() && !value.is_null();
    if (column != "id" && !is_lost) set[column] = std::move(wire);
  }
  out["set"] = std::move(set);
  if (!frozen.change.inc.empty()) out["inc"] = frozen.change.inc;
  return out;
}

}  // namespace

std::vector<RowRef> next_batch(const Store& store, Batch size) {
  std::vector<RowRef> batch;
  std::int64_t last_order = 0;
  for (const auto& [order, ref] : store.outbox()) {
    if (batch.size() >= size.rows_max && (size.may_split || order != last_order)) break;
    batch.push_back(ref);
    last_order = order;
  }
  return batch;
}

std::set<std::string> missing_vectors(const Schema& schema, const Store& store, Batch size) {
  std::set<std::string> missing;
  for (const RowRef& ref : next_batch(store, size)) {
    const Row& row = *store.find(ref);
    const CollectionSpec* collection = schema.collection(ref.collection);
    if (!row.frozen || collection == nullptr) continue;
    for (const std::string& column : collection->vector_columns) {
      const Json& value = at(row.frozen->change.set, column);
      if (Vectors::is_name(value) && store.vectors().text(value).is_null()) {
        missing.insert(value.get<std::string>());
      }
    }
  }
  return missing;
}

Request build_request(const Schema& schema, const Store& store, Batch size) {
  Request request;
  const Meta& meta = store.meta();
  request.device = meta.device;
  request.last = meta.last_mid;
  request.from = meta.cursor;
  request.acks = meta.acks;
  std::string mutations;
  std::int64_t last_order = 0;
  for (const RowRef& ref : next_batch(store, size)) {
    const Row& row = *store.find(ref);
    const CollectionSpec* collection = schema.collection(ref.collection);
    if (!row.frozen || collection == nullptr) continue;
    const bool is_full = mutations.size() > kPushBytes;
    if (is_full && (size.may_split || row.order != last_order)) break;
    if (!mutations.empty()) mutations += ',';
    mutations += mutation(*collection, store.vectors(), row).dump();
    last_order = row.order;
    request.sent.push_back({ref.collection, ref.key, row.frozen->mid});
  }
  const Json head = {{"protocol", kProtocol},
                     {"device", meta.device},
                     {"epoch", meta.epoch.empty() ? Json() : Json(meta.epoch)},
                     {"cursor", meta.cursor},
                     {"horizon", meta.horizon},
                     {"last", meta.last_mid.empty() ? Json() : Json(meta.last_mid)},
                     {"acks", meta.acks},
                     {"limit", kPullRows}};
  std::string body = R"({"request":)" + head.dump();
  body.pop_back();
  request.body = body + R"(,"push":[)" + mutations + "]}}";
  return request;
}

}  // namespace somatic
