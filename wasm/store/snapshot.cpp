// Rows are encoded one by one, so that a piece can stop at its size; what is at its default is left
// out.

#include "store/snapshot.hpp"

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "store/journal.hpp"

namespace somatic {

// As they stand in a row of a snapshot.

template <>
struct Fields<ServerRow> {
  static constexpr auto list =
      std::tuple{field("id", &ServerRow::id), field("version", &ServerRow::version),
                 field("columns", &ServerRow::columns), field("clocks", &ServerRow::clocks)};
};
template <>
struct Fields<Rejected> {
  static constexpr auto list =
      std::tuple{field("mid", &Rejected::mid), field("change", &Rejected::change),
                 field("code", &Rejected::code), field("message", &Rejected::message),
                 field("at", &Rejected::at)};
};
template <>
struct Fields<Frozen> {
  static constexpr auto list =
      std::tuple{field("mid", &Frozen::mid), field("base", &Frozen::base),
                 field("change", &Frozen::change), field("whole", &Frozen::is_whole)};
};

namespace {

/// 1.5 MB at 384 dimensions: one transaction, and one read when they are loaded.
constexpr std::size_t kVectorsPerFile = 1024;

void put(Json& out, const char* name, Json value) {
  const bool is_default = value.is_null() || value == "" || value == 0 ||
                          (value.is_structured() && value.empty()) || value == false;
  if (!is_default) out[name] = std::move(value);
}

/// What is there or not: std::optional, Boxed.
template <typename Maybe>
  requires requires(const Maybe& value) { *value; }
void put(Json& out, const char* name, const Maybe& value) {
  if (value) out[name] = to_json(*value);
}

template <typename Maybe, typename T>
void put(Json& out, const char* name, const Maybe& value, Json (*write)(const T&)) {
  if (value) out[name] = write(*value);
}

template <typename Maybe, typename T>
void take(Json& json, const char* name, Maybe& value, T (*read)(Json&)) {
  if (Json* found = member(json, name)) value = read(*found);
}

template <typename T>
void take(Json& json, const char* name, T& value) {
  if (Json* found = member(json, name)) read_member(*found, value);
}

template <typename T>
void take(Json& json, const char* name, Boxed<T>& value) {
  T read;
  Json* found = member(json, name);
  if (found == nullptr || found->is_null()) return;
  read_member(*found, read);
  value = std::move(read);
}

Json write_former(const Former& former) {
  Json out = to_json(former.row);
  put(out, "owed", former.is_owed);
  return out;
}

Former read_former(Json& json) {
  Former former;
  take(json, "owed", former.is_owed);
  read_member(json, former.row);
  return former;
}

Json write_gone(const Gone& gone) { return Json::array({gone.version, gone.clock}); }

Gone read_gone(Json& json) {
  Gone gone;
  if (json.is_array() && json.size() == 2) {
    read_member(json[0], gone.version);
    read_member(json[1], gone.clock);
  }
  return gone;
}

Json write_stamp(const Stamp& at) { return Json::array({at.wall_ms, at.mono_ms, at.boot}); }

Stamp read_stamp(Json& json) {
  Stamp stamp;
  if (!json.is_array() || json.size() != 3) return stamp;
  read_member(json[0], stamp.wall_ms);
  read_member(json[1], stamp.mono_ms);
  read_member(json[2], stamp.boot);
  return stamp;
}

/// The names under which stamps are kept.
std::set<std::string> columns_of(const Change& change) {
  std::set<std::string> names;
  if (change.del) names.insert("*");
  for (const auto* columns : {&change.set, &change.inc}) {
    for (const auto& [column, value] : columns->items()) names.insert(column);
  }
  return names;
}

/// Mostly all columns share one stamp, `at`; else each has its own in `stamps`.
Json write_pending(const Pending& pending) {
  Json out = {{"change", to_json(pending.change)}};
  if (pending.stamps.empty()) return out;
  const Stamp& shared = pending.stamps.begin()->second;
  std::set<std::string> columns;
  bool is_one = true;
  for (const auto& [column, at] : pending.stamps) {
    columns.insert(column);
    is_one = is_one && at == shared;
  }
  if (is_one && columns == columns_of(pending.change)) {
    out["at"] = write_stamp(shared);
    return out;
  }
  for (const auto& [column, at] : pending.stamps) out["stamps"][column] = write_stamp(at);
  return out;
}

Pending read_pending(Json& json) {
  Pending pending;
  take(json, "change", pending.change);
  if (Json* shared = member(json, "at")) {
    const Stamp at = read_stamp(*shared);
    for (const std::string& column : columns_of(pending.change)) {
      pending.stamps[column] = at;
    }
  }
  if (Json* stamps = member(json, "stamps"); stamps != nullptr && stamps->is_object()) {
    for (auto& [column, at] : stamps->items()) pending.stamps[column] = read_stamp(at);
  }
  return pending;
}

Json write_row(const Row& row) {
  Json out = Json::object();
  put(out, "id", row.id);
  put(out, "aliases", row.aliases);
  put(out, "order", row.order);
  put(out, "server", row.server);
  put(out, "former", row.former, write_former);
  put(out, "gone", row.gone, write_gone);
  put(out, "rejected", row.rejected);
  put(out, "frozen", row.frozen);
  put(out, "queued", to_json(row.queued));
  put(out, "pending", row.pending, write_pending);
  put(out, "counted", row.counted);
  return out;
}

Row read_row(Json& json) {
  Row row;
  take(json, "id", row.id);
  take(json, "aliases", row.aliases);
  take(json, "order", row.order);
  take(json, "server", row.server);
  take(json, "former", row.former, read_former);
  take(json, "gone", row.gone, read_gone);
  take(json, "rejected", row.rejected);
  take(json, "frozen", row.frozen);
  take(json, "queued", row.queued);
  take(json, "pending", row.pending, read_pending);
  take(json, "counted", row.counted);
  return row;
}

/// Answers the bytes that are carried with the row.
std::size_t note_vectors(const Schema& schema, Store& store, const RowRef& ref, const Row& row,
                         Carried& carried) {
  const CollectionSpec* collection = schema.collection(ref.collection);
  if (collection == nullptr) return 0;
  Store::Snapshot& snapshot = *store.snapshot();
  const bool is_carried = row.is_unsent() || row.rejected;
  std::size_t size = 0;
  each_vector(*collection, row, [&](const std::string& name) {
    snapshot.vectors.insert(name);
    const std::string* bytes = store.vectors().find(name);
    if (bytes == nullptr) return;
    snapshot.fresh_vectors.emplace(bytes->size(), name);
    if (!is_carried) return;
    carried.vectors.push_back(
        {name, Json::binary(std::vector<std::uint8_t>(bytes->begin(), bytes->end()))});
    size += bytes->size();
  });
  return size;
}

}  // namespace

Json pack_row(const Row& row) { return Json::binary(Json::to_cbor(write_row(row))); }

Row unpack_row(const Json& packed) {
  const auto& bytes = packed.get_binary();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Json row = Json::from_cbor(text.begin(), text.end(), true, false);
  return read_row(row);
}

Json meta_to_json(const Meta& meta) {
  Json out = Json::object();
  put(out, "device", meta.device);
  put(out, "epoch", meta.epoch);
  put(out, "resync", meta.resync);
  put(out, "cursor", meta.cursor);
  put(out, "horizon", meta.horizon);
  put(out, "lastMid", meta.last_mid);
  put(out, "acks", meta.acks);
  put(out, "overwritten", meta.overwritten);
  put(out, "wallOffset", meta.wall_offset);
  put(out, "lastSyncedAt", meta.last_synced_at);
  Json boots = Json::object();
  for (const auto& [boot, offset] : meta.boots) {
    boots[boot] = Json::array({offset.offset_ms, offset.round_trip_ms});
  }
  put(out, "boots", boots);
  return out;
}

Meta meta_from_json(Json json) {
  Meta meta;
  take(json, "device", meta.device);
  take(json, "epoch", meta.epoch);
  take(json, "resync", meta.resync);
  take(json, "cursor", meta.cursor);
  take(json, "horizon", meta.horizon);
  take(json, "lastMid", meta.last_mid);
  take(json, "acks", meta.acks);
  take(json, "overwritten", meta.overwritten);
  take(json, "wallOffset", meta.wall_offset);
  take(json, "lastSyncedAt", meta.last_synced_at);
  for (const auto& [boot, offset] : members(at(json, "boots"))) {
    if (!offset.is_array() || offset.size() != 2) continue;
    meta.boots[boot] = {whole_number(offset[0]), whole_number(offset[1])};
  }
  return meta;
}

std::string next_piece(Store& store, const Schema& schema, std::size_t piece_bytes) {
  Store::Snapshot* snapshot = store.snapshot();
  if (snapshot == nullptr || snapshot->is_told) return {};
  std::vector<Entry> entries;
  if (!snapshot->has_stood) {
    Stood stood{snapshot->is_whole, meta_to_json(snapshot->meta), {}};
    for (const auto& [name, collection] : schema.collections) stood.collections.push_back(name);
    entries.emplace_back(std::move(stood));
    snapshot->has_stood = true;
  }
  Kept kept;
  Carried carried;
  std::size_t size = 0;
  while (snapshot->next < snapshot->refs.size() && size < piece_bytes) {
    const RowRef& ref = snapshot->refs[snapshot->next++];
    Json row = nullptr;
    if (const Row* stands = store.as_of_snapshot(ref)) {
      row = pack_row(*stands);
      size += row.get_binary().size() + note_vectors(schema, store, ref, *stands, carried);
    } else if (snapshot->is_whole) {
      continue;  // all begins anew: what is not there need not be said
    }
    size += ref.collection.size() + ref.key.size();
    kept.rows.push_back({ref.collection, ref.key, std::move(row)});
  }
  if (!kept.rows.empty()) entries.emplace_back(std::move(kept));
  if (!carried.vectors.empty()) entries.emplace_back(std::move(carried));
  snapshot->is_told = snapshot->next == snapshot->refs.size();
  return encode_segment(entries, store.format());
}

std::string next_vectors(Store& store) {
  Store::Snapshot* snapshot = store.snapshot();
  if (snapshot == nullptr || !snapshot->is_told) return {};
  std::vector<NamedVector> vectors;
  auto& fresh = snapshot->fresh_vectors;
  while (!fresh.empty() && vectors.size() < kVectorsPerFile) {
    const auto& [size, name] = *fresh.begin();
    if (!vectors.empty() && vectors.front().bytes.size() != size) break;
    const std::string* bytes = store.vectors().find(name);
    if (bytes != nullptr && snapshot->written_vectors.insert(name).second) {
      vectors.push_back({name, *bytes});
    }
    fresh.erase(fresh.begin());
  }
  return vectors.empty() ? std::string() : encode_vectors(vectors);
}

Result<std::string> vectors_still_named(Store& store, std::string_view file) {
  Store::Snapshot* snapshot = store.snapshot();
  if (snapshot == nullptr) return std::string();
  auto vectors = decode_vectors(file, kJournalFormat);
  if (!vectors.ok()) return vectors.error();
  std::erase_if(vectors.value(), [&](const NamedVector& each) {
    return !snapshot->vectors.contains(each.name) ||
           !snapshot->written_vectors.insert(each.name).second;
  });
  return vectors.value().empty() ? std::string() : encode_vectors(vectors.value());
}

}  // namespace somatic
