// Three devices and a model server: compare-and-swap with versions, tombstones, conflicts answered
// with the current row. In every order of their steps all pushes end, and where the rules promise
// it the order does not show.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "random_json.hpp"
#include "sync/merge.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

CollectionSpec collection() {
  CollectionSpec out;
  const auto add = [&](const std::string& column, MergeRule merge) {
    FieldSpec& field = out.fields[column];
    field.column = column;
    field.merge = merge;
    field.element_key = "id";
  };
  add("newest", MergeRule::kNewest);
  add("deep", MergeRule::kDeep);
  add("max", MergeRule::kMax);
  add("min", MergeRule::kMin);
  add("or", MergeRule::kOr);
  add("counter", MergeRule::kCounter);
  add("union", MergeRule::kUnion);
  add("katas", MergeRule::kByKey);
  return out;
}

struct Server {
  std::int64_t version = 0;
  std::optional<ServerRow> row;
  std::optional<std::int64_t> tombstone;
  std::string gone_clock;

  /// the stored version a mutation must know; nothing when the row was never there
  [[nodiscard]] std::optional<std::int64_t> head() const {
    return row ? std::optional(row->version) : tombstone;
  }
  bool push(const CollectionSpec& spec, const Change& change, std::optional<std::int64_t> base) {
    const bool pure_increment = !change.del && change.set.empty();
    const bool nothing_to_delete = change.del && !row;
    const bool made_again = !row && !base && !change.del;
    if (base != head() && !(pure_increment && row) && !made_again && !nothing_to_delete) {
      return false;
    }
    ++version;
    if (change.del) {
      row.reset();
      tombstone = version;
      gone_clock = column_clock(change.clocks, "*");
      return true;
    }
    ServerRow stored = row.value_or(ServerRow{});
    stored.version = version;
    stored.columns = overlay(spec, stored.columns, change);
    for (const Json* edits : {&change.set, &change.inc}) {
      for (const auto& [column, value] : members(*edits)) {
        stored.clocks[column] = column_clock(change.clocks, column);
      }
    }
    row = stored;
    return true;
  }
};

struct Device {
  std::optional<ServerRow> known;
  std::optional<std::int64_t> base;  ///< version that `pending` stands on
  Change pending;
  int tries = 0;

  /// One request: the push is applied, or what it answers is taken in.
  void step(const CollectionSpec& spec, Server& server) {
    if (pending.empty()) return;
    ++tries;
    if (server.push(spec, pending, base)) {
      pending = Change{};
    } else if (server.row) {
      pending = rebase(spec, pending, *server.row).change;
    } else {
      const Json before = known ? known->columns : Json();
      pending = rebase_on_gone(spec, pending, before, server.gone_clock).change;
    }
    base = server.head();
    known = server.row;
  }
};

struct World {
  CollectionSpec spec = collection();
  Server server;
  std::vector<Device> devices = std::vector<Device>(3);

  void run_in(const std::vector<std::size_t>& order) {
    for (const std::size_t turn : order) devices[turn].step(spec, server);
    for (int round = 0; round < 10; ++round) {
      for (const std::size_t turn : order) devices[turn].step(spec, server);
    }
    for (const Device& device : devices) {
      CHECK(device.pending.empty());
      CHECK(device.tries <= 8);
    }
  }
  /// what a device shows after its next pull
  [[nodiscard]] Json shown() const {
    return server.row ? without_nulls(server.row->columns) : Json();
  }
};

/// Edits as people make them: counts and days grow, each device has keys and elements of its own.
Change growing_edit(Random& random, std::size_t device, const Json& row) {
  Change out;
  const std::string mine = "d" + std::to_string(device);
  const auto set = [&](const std::string& column, Json value) {
    out.set[column] = std::move(value);
    if (!row.is_object()) return;
    const Json* was = member(row, column);
    out.base[column] = was == nullptr ? Json() : *was;
  };
  const auto old = [&](const std::string& column, const Json& otherwise) {
    const Json* was = member(row, column);
    return was == nullptr ? otherwise : *was;
  };
  if (below(random, 2) == 0) set("newest", mine + std::to_string(below(random, 3)));
  if (below(random, 2) == 0) set("max", 5 + below(random, 9));
  if (below(random, 2) == 0) set("min", -below(random, 9) - 1);
  if (below(random, 2) == 0) set("or", below(random, 2) == 0);
  if (below(random, 2) == 0) out.inc["counter"] = 1 + below(random, 3);
  if (below(random, 2) == 0) {
    Json days = old("union", Json::array());
    days.push_back(random_day(random));
    set("union", normalize_days(days));
  }
  if (below(random, 2) == 0) {
    Json object = old("deep", Json::object());
    object[mine] = below(random, 9);
    set("deep", object);
  }
  if (below(random, 2) == 0) {
    Json katas = old("katas", Json::array());
    katas.push_back({{"id", mine}, {"v", below(random, 9)}});
    set("katas", katas);
  }
  for (const Json* edits : {&out.set, &out.inc}) {
    for (const auto& [column, value] : members(*edits)) {
      out.clocks[column] = make_clock(1795389900000 + below(random, 5), mine + "aaaaaa");
    }
  }
  return out;
}

World make_world(const std::string& seed, bool with_row) {
  Random random(seed);
  World world;
  if (with_row) {
    Change first = growing_edit(random, 9, Json());
    first.set["newest"] = "first";
    first.clocks = {{"*", make_clock(1795389800000, "99999999")}};
    world.server.push(world.spec, first, std::nullopt);
  }
  for (std::size_t i = 0; i < world.devices.size(); ++i) {
    Device& device = world.devices[i];
    device.known = world.server.row;
    device.base = world.server.head();
    const Json seen = device.known ? device.known->columns : Json();
    device.pending = growing_edit(random, i, seen);
  }
  return world;
}

/// The six orders of three devices running one after the other, then steps that interleave.
std::vector<std::vector<std::size_t>> all_orders(Random& random) {
  std::vector<std::vector<std::size_t>> out;
  std::vector<std::size_t> order = {0, 1, 2};
  do {
    std::vector<std::size_t> turns;
    for (const std::size_t device : order) turns.insert(turns.end(), 4, device);
    out.push_back(turns);
    out.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  for (int i = 0; i < 6; ++i) {
    std::vector<std::size_t> turns;
    for (int j = 0; j < 12; ++j) turns.push_back(static_cast<std::size_t>(below(random, 3)));
    turns.insert(turns.end(), {0, 1, 2});
    out.push_back(turns);
  }
  return out;
}

/// The order of elements is the server's: it is no part of being equal.
Json unordered(Json row) {
  const auto katas = row.find("katas");
  if (katas != row.end() && katas->is_array()) std::stable_sort(katas->begin(), katas->end());
  return row;
}

}  // namespace

TEST_CASE("convergence: edits of three devices give one row in every order") {
  for (int run = 0; run < 100; ++run) {
    CAPTURE(run);
    const std::string seed = "grow" + std::to_string(run);
    Random random(seed);
    std::optional<Json> first;
    for (const std::vector<std::size_t>& order : all_orders(random)) {
      World world = make_world(seed, run % 3 != 0);
      world.run_in(order);
      const Json row = unordered(world.shown());
      if (!first) first = row;
      CHECK(row == *first);
      if (row != *first) return;
    }
  }
}

TEST_CASE("convergence: no device's edit disappears because another edited something else") {
  Random random("apart");
  for (const std::vector<std::size_t>& order : all_orders(random)) {
    World world;
    const char* const columns[] = {"newest", "max", "unknown"};
    for (std::size_t i = 0; i < 3; ++i) {
      world.devices[i].pending.set[columns[i]] = static_cast<int>(i);
      world.devices[i].pending.clocks[columns[i]] = make_clock(
          1795389900000 + 10 * below(random, 3), std::string(8, static_cast<char>('a' + i)));
    }
    world.run_in(order);
    CHECK(world.shown() == Json({{"newest", 0}, {"max", 1}, {"unknown", 2}}));
  }
}

TEST_CASE("convergence: any edits and deletions end, and the latest edit is kept") {
  for (int run = 0; run < 100; ++run) {
    CAPTURE(run);
    const std::string seed = "any" + std::to_string(run);
    Random random(seed);
    for (const std::vector<std::size_t>& order : all_orders(random)) {
      World world = make_world(seed, true);
      Device& deleting = world.devices[0];
      deleting.pending = Change{};
      deleting.pending.del = true;
      deleting.pending.base = deleting.known->columns;
      deleting.pending.clocks = {{"*", make_clock(1795389950000, "d0aaaaaa")}};
      Device& last = world.devices[2];
      last.pending.set["newest"] = "last word";
      last.pending.base["newest"] = last.known->columns["newest"];
      last.pending.clocks["newest"] = make_clock(1795389990000, "d2aaaaaa");
      world.run_in(order);
      REQUIRE(world.server.row);
      CHECK(world.shown().at("newest") == "last word");
    }
  }
}

TEST_CASE("convergence: random values of every rule, any order: every push ends") {
  Random random("wild");
  for (int run = 0; run < 100; ++run) {
    CAPTURE(run);
    World world = make_world("wild" + std::to_string(run), run % 2 == 0);
    for (Device& device : world.devices) {
      for (const auto& [column, field] : world.spec.fields) {
        if (below(random, 3) != 0) continue;
        device.pending.inc.erase(column);
        device.pending.set[column] = random_value(random, field.merge);
        if (below(random, 2) == 0) device.pending.base[column] = random_value(random, field.merge);
        device.pending.clocks[column] = make_clock(1795389900000 + below(random, 9), "abcdabcd");
      }
    }
    world.run_in(all_orders(random)[static_cast<std::size_t>(below(random, 18))]);
  }
}
