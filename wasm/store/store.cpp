// Rows, their indexes and the two undo layers.

#include "store/store.hpp"

#include <utility>

#include "base/planted.hpp"

namespace somatic {
namespace {

std::string look_up(const KeysByName& index, const std::string& collection,
                    const std::string& name) {
  const auto in_collection = index.find(collection);
  if (in_collection == index.end()) return {};
  const auto found = in_collection->second.find(name);
  return found == in_collection->second.end() ? std::string() : found->second;
}

/// Of two rows with one name the first keeps it.
void take_off(KeysByName& index, const RowRef& ref, const std::string& name) {
  auto& in_collection = index[ref.collection];
  const auto found = in_collection.find(name);
  if (found != in_collection.end() && found->second == ref.key) in_collection.erase(found);
}

}  // namespace

Store::Edit::Edit(Store& store, RowRef ref)
    : store_(store), ref_(std::move(ref)), row_(store.begin_edit(ref_)) {}
Store::Edit::~Edit() { store_.end_edit(ref_, row_); }

const Row* Store::find(const std::string& collection, const std::string& key) const {
  const auto* in_collection = rows(collection);
  if (in_collection == nullptr) return nullptr;
  const auto found = in_collection->find(key);
  return found == in_collection->end() ? nullptr : &found->second;
}

std::string Store::key_of(const std::string& collection, const std::string& id) const {
  return look_up(key_by_id_, collection, id);
}

std::string Store::key_of_name(const std::string& collection, const std::string& name) const {
  return look_up(key_by_name_, collection, name);
}

const std::map<std::string, Row>* Store::rows(const std::string& collection) const {
  const auto found = rows_.find(collection);
  return found == rows_.end() ? nullptr : &found->second;
}

std::size_t Store::visible(const std::string& collection) const {
  const auto found = visible_.find(collection);
  return found == visible_.end() ? 0 : found->second;
}

std::size_t Store::row_count() const {
  std::size_t count = 0;
  for (const auto& [collection, rows] : rows_) count += rows.size();
  return count;
}

std::set<std::string> Store::unsent_vectors(const Schema& schema) const {
  std::set<std::string> names;
  const auto collect = [&](const RowRef& ref) {
    const CollectionSpec* collection = schema.collection(ref.collection);
    const Row* row = collection == nullptr ? nullptr : find(ref);
    if (row == nullptr) return;
    each_vector(*collection, *row, [&](const std::string& name) { names.insert(name); });
  };
  for (const auto& [order, ref] : outbox_) collect(ref);
  for (const RowRef& ref : rejected_) collect(ref);
  return names;
}

Meta& Store::edit_meta() {
  if (!open_.meta) open_.meta = meta_;
  return meta_;
}

Row& Store::begin_edit(const RowRef& ref) {
  const auto [found, is_new] = rows_[ref.collection].try_emplace(ref.key);
  Row& row = found->second;
  if (is_new) {
    open_.before.try_emplace(ref, std::nullopt);
  } else {
    open_.before.try_emplace(ref, row);
    unindex(ref, row);
  }
  return row;
}

void Store::end_edit(const RowRef& ref, const Row& row) {
  touched_[ref.collection].insert(ref.key);
  if (row.is_forgotten()) {
    rows_[ref.collection].erase(ref.key);
  } else {
    index(ref, row);
  }
}

void Store::index(const RowRef& ref, const Row& row) {
  if (!row.id.empty()) key_by_id_[ref.collection][row.id] = ref.key;
  for (const auto* names : {&row.aliases, &row.identities}) {
    for (const std::string& name : *names) key_by_name_[ref.collection].emplace(name, ref.key);
  }
  if (row.is_unsent()) outbox_.emplace_hint(outbox_.end(), row.order, ref);
  if (row.rejected) rejected_.insert(ref);
  if (row.columns() != nullptr) ++visible_[ref.collection];
}

void Store::unindex(const RowRef& ref, const Row& row) {
  if (!row.id.empty()) take_off(key_by_id_, ref, row.id);
  for (const auto* names : {&row.aliases, &row.identities}) {
    for (const std::string& name : *names) take_off(key_by_name_, ref, name);
  }
  outbox_.erase({row.order, ref});
  rejected_.erase(ref);
  if (row.columns() != nullptr) --visible_[ref.collection];
}

void Store::seal() { sealed_ = std::exchange(open_, {}); }

void Store::commit() {
  for (auto& [ref, before] : sealed_.before) {
    changed_.insert(ref);
    if (snapshot_) snapshot_->since.try_emplace(ref, std::move(before));
  }
  sealed_ = {};
}

void Store::begin_snapshot(bool whole) {
  if (snapshot_) end_snapshot(false);
  snapshot_.emplace();
  snapshot_->is_whole = whole;
  snapshot_->meta = sealed_.meta ? *sealed_.meta : open_.meta ? *open_.meta : meta_;
  if (whole) {
    for (const auto& [collection, rows] : rows_) {
      for (const auto& [key, row] : rows) snapshot_->refs.push_back({collection, key});
    }
    // What is deleted by a write that is not durable yet is there still.
    for (const auto* layer : {&open_, &sealed_}) {
      for (const auto& [ref, before] : layer->before) {
        if (find(ref) == nullptr) snapshot_->refs.push_back(ref);
      }
    }
  } else {
    snapshot_->refs.assign(changed_.begin(), changed_.end());
  }
  changed_.clear();
  outdated_.clear();
}

void Store::end_snapshot(bool is_kept) {
  if (!snapshot_) return;
  if (!is_kept) changed_.insert(snapshot_->refs.begin(), snapshot_->refs.end());
  snapshot_.reset();
}

const Row* Store::as_of_snapshot(const RowRef& ref) const {
  if (is_planted(Bug::kSnapshotOfNow)) return find(ref);
  for (const auto* before : {&snapshot_->since, &sealed_.before, &open_.before}) {
    const auto found = before->find(ref);
    if (found != before->end()) return found->second ? &*found->second : nullptr;
  }
  return find(ref);
}

void Store::rollback() {
  undo(open_);
  undo(sealed_);
}

void Store::begin_trial() { before_trial_ = std::exchange(open_, {}); }

void Store::end_trial() {
  undo(open_);
  open_ = std::exchange(before_trial_, {});
}

void Store::undo(Layer& layer) {
  for (auto& [ref, before] : layer.before) {
    auto& in_collection = rows_[ref.collection];
    if (const auto found = in_collection.find(ref.key); found != in_collection.end()) {
      unindex(ref, found->second);
      in_collection.erase(found);
    }
    touched_[ref.collection].insert(ref.key);
    if (!before) continue;
    Row& row = in_collection[ref.key] = std::move(*before);
    index(ref, row);
  }
  if (layer.meta) meta_ = std::move(*layer.meta);
  layer = {};
}

std::map<std::string, std::set<std::string>> Store::take_touched() {
  return std::exchange(touched_, {});
}

}  // namespace somatic
