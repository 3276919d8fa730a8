// The engine's part in folding, and the vectors that are on the disk only.

#include <set>
#include <string>
#include <utility>

#include "base/planted.hpp"
#include "engine/self.hpp"
#include "store/snapshot.hpp"

namespace somatic {

bool Engine::begin_snapshot(bool whole) {
  if (self_->read_only || self_->store.has_foreign() || !self_->is_loaded) return false;
  self_->store.begin_snapshot(whole);
  return true;
}

std::string Engine::next_piece(std::size_t bytes) {
  return somatic::next_piece(self_->store, self_->schema, bytes);
}

std::string Engine::next_vectors() { return somatic::next_vectors(self_->store); }

std::size_t Engine::named_vectors() const {
  const Store::Snapshot* snapshot = self_->store.snapshot();
  return snapshot == nullptr ? 0 : snapshot->vectors.size();
}

std::string Engine::vectors_still_named(std::string_view file) {
  auto left = somatic::vectors_still_named(self_->store, file);
  if (left.ok()) return std::move(left.value());
  self_->is_damaged = true;
  return {};
}

void Engine::end_snapshot(bool is_kept) {
  Store& store = self_->store;
  if (is_kept && store.snapshot() != nullptr) {
    std::set<std::string> written = std::move(store.snapshot()->written_vectors);
    if (!written.empty()) {  // most have none, and asking looks at every unsent row
      for (const std::string& name : store.unsent_vectors(self_->schema)) written.erase(name);
      store.vectors().drop(written);
    }
    if (is_planted(Bug::kVectorsForgotten)) store.vectors().keep_only({});
  }
  store.end_snapshot(is_kept);
}

const std::string* Engine::vector(const std::string& name) const {
  return self_->store.vectors().find(name);
}

std::vector<Effect> Engine::give_vectors(std::string_view file, Now now) {
  self_->now = now;
  auto vectors = decode_vectors(file, kJournalFormat);
  if (!vectors.ok()) {
    self_->is_damaged = true;
    self_->out.push_back(Failed{vectors.error().code, vectors.error().message});
    return self_->effects();
  }
  for (NamedVector& each : vectors.value()) {
    Vectors& kept = self_->store.vectors();
    if (kept.keeps_all() || self_->run.wanted_vectors().contains(each.name)) {
      kept.put(each.name, std::move(each.bytes));
    }
  }
  return self_->effects();
}

}  // namespace somatic
