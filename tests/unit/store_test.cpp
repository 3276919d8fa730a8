// The store against a naive one that copies everything: random edits, seals, commits, rollbacks and
// trials must leave the same rows and the same indexes.
#include "store/store.hpp"

#include <doctest/doctest.h>

#include "random_json.hpp"

using namespace somatic;
using testing::below;

namespace {

/// Everything there is to see, recomputed from the rows alone.
Json picture(const Store& store) {
  Json out = {{"cursor", store.meta().cursor}};
  for (const std::string collection : {"a", "b"}) {
    const auto* rows = store.rows(collection);
    if (rows == nullptr) continue;
    for (const auto& [key, row] : *rows) {
      out[collection][key] = {{"id", row.id}, {"order", row.order}};
      if (row.server) out[collection][key]["server"] = row.server->columns;
      if (row.pending) out[collection][key]["pending"] = row.pending->change.set;
    }
  }
  return out;
}

/// The indexes say what the rows say.
void check_indexes(const Store& store) {
  std::size_t unsent = 0, rejected = 0;
  for (const std::string collection : {"a", "b"}) {
    std::size_t visible = 0;
    const auto* rows = store.rows(collection);
    if (rows == nullptr) continue;
    for (const auto& [key, row] : *rows) {
      if (row.columns() != nullptr) ++visible;
      if (row.rejected) ++rejected;
      if (!row.id.empty()) CHECK(store.key_of(collection, row.id) == key);
      if (!row.is_unsent()) continue;
      ++unsent;
      CHECK(store.outbox().contains({row.order, {collection, key}}));
    }
    CHECK(store.visible(collection) == visible);
  }
  CHECK(store.outbox().size() == unsent);
  CHECK(store.rejected().size() == rejected);
}

void edit_something(Store& store, Random& random) {
  if (below(random, 8) == 0) {
    store.edit_meta().cursor = below(random, 1000);
    return;
  }
  const RowRef ref{below(random, 2) == 0 ? "a" : "b", std::to_string(below(random, 6))};
  const std::int64_t order = store.next_order();
  Store::Edit row(store, ref);
  row->id = ref.collection + ref.key + (below(random, 4) == 0 ? "'" : "");
  const int what = below(random, 5);
  row->server.reset();
  row->pending.reset();
  row->rejected.reset();
  row->layered.reset();
  row->order = 0;
  if (what == 0) return;  // forgotten
  if (what != 1) row->server = ServerRow{row->id, what, {{"n", below(random, 100)}}, {}};
  if (what < 3) {
    row->pending = Pending{};
    row->pending->change.set = {{"n", below(random, 100)}};
    row->layered = row->pending->change.set;
    row->order = order;
  }
  if (what == 4) {
    row->rejected = Rejected{};
    row->layered = Json::object();
  }
}

}  // namespace

TEST_CASE("store: undo agrees with a copy of everything") {
  Random random("store");
  Store store;
  // What the store must look like when nothing, the sealed layer, or both layers are undone.
  Json durable = picture(store), sealed = durable;
  bool is_sealed = false;
  for (int step = 0; step < 4000; ++step) {
    CAPTURE(step);
    switch (below(random, 10)) {
      case 0:  // only what is open may be sealed, and only when nothing is sealed
        if (is_sealed) break;
        store.seal();
        sealed = picture(store);
        is_sealed = true;
        break;
      case 1:
        if (!is_sealed) break;
        store.commit();
        durable = sealed;
        is_sealed = false;
        break;
      case 2:
        store.rollback();
        sealed = durable;
        is_sealed = false;
        CHECK(picture(store) == durable);
        break;
      case 3: {
        const Json before = picture(store);
        store.begin_trial();
        for (int i = below(random, 5); i >= 0; --i) edit_something(store, random);
        store.end_trial();
        CHECK(picture(store) == before);
        break;
      }
      default:
        edit_something(store, random);
    }
    check_indexes(store);
  }
}

TEST_CASE("store: touched rows are told once, undone ones too") {
  Store store;
  {
    Store::Edit(store, {"a", "1"})->id = "x";
  }
  {
    Store::Edit(store, {"a", "1"})->server = ServerRow{"x", 1, Json::object(), Json::object()};
  }
  CHECK(store.take_touched() == std::map<std::string, std::set<std::string>>{{"a", {"1"}}});
  CHECK(store.take_touched().empty());
  store.rollback();
  CHECK(store.take_touched().contains("a"));
  CHECK(store.find({"a", "1"}) == nullptr);
}
