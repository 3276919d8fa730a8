// What the app sees of a row is what its layers add up to, whichever way it is kept.
#include "sync/layers.hpp"

#include <doctest/doctest.h>

#include "random_json.hpp"
#include "support/somatic_schema.hpp"
#include "sync/accept.hpp"
#include "sync/apply.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kUser = "a0000000-0000-4000-8000-00000000000a";

/// One device that writes and sends; what it sent is refused now and then, and never answered else.
class Writing {
 public:
  explicit Writing(int seed) : random_("layers " + std::to_string(seed)) {
    apply(Born{"d0000000-0000-4000-8000-000000000001"});
  }

  void write(const std::string& what, const RowRef& ref, const Json& fields = Json::object()) {
    Op op{what, ref.collection, ref.key, fields, "", 1};
    if (what == "increment") op.field = "totalCompletions";
    auto accepted = accept(somatic_schema(), store, kUser, op, {now_, now_});
    REQUIRE_MESSAGE(accepted.ok(), accepted.error().message);
    if (accepted.value().change.empty()) return;
    apply(Wrote{at(), {std::move(accepted.value())}});
  }
  void freeze(const RowRef& ref) {
    apply(Froze{at(), {{ref.collection, ref.key, random_.uuid_v4()}}});
  }
  void refuse(const RowRef& ref) {
    const Row* row = store.find(ref);
    if (row == nullptr || !row->frozen) return;
    apply(Refused{at(), {ref.collection, ref.key, row->frozen->mid}, "23514", "no"});
  }

  void anything() {
    now_ += below(random_, 1000);
    const std::string id = Random("row " + std::to_string(below(random_, 3))).uuid_v4();
    const RowRef log{"logs", id}, progress{"progress", "self"};
    switch (below(random_, 9)) {
      case 0:
        return write("put", log, {{"category", "chat"}, {"content", number()}});
      case 1:
        return patch(log, {{"metadata", random_tree(random_, 3)}});
      case 2:
        return write("remove", log);
      case 3:
        return write("put", progress, {{"lastCompletedDate", random_day(random_)}});
      case 4:
        return write("increment", progress);
      case 5:
        return write("remove", progress);
      case 6:
      case 7:
        return freeze(below(random_, 2) == 0 ? log : progress);
      default:
        return refuse(below(random_, 2) == 0 ? log : progress);
    }
  }

  void patch(const RowRef& ref, const Json& fields) {
    const Row* row = store.find(ref);
    if (row == nullptr || row->columns() == nullptr) return;
    write("patch", ref, fields);
  }

  Store store;

 private:
  std::string number() { return std::to_string(below(random_, 1000)); }
  [[nodiscard]] Stamp at() const { return {now_, now_, "boot"}; }
  void apply(const Entry& entry) { somatic::apply(somatic_schema(), entry, store, outcome_); }

  Random random_;
  Ms now_ = 1'795'000'000'000;
  Outcome outcome_;
};

}  // namespace

TEST_CASE("layers: what the app sees is what they add up to") {
  int seen = 0, as_written = 0;
  for (int seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    Writing device(seed);
    for (int step = 0; step < 60; ++step) {
      CAPTURE(step);
      device.anything();
      for (const char* name : {"logs", "progress"}) {
        const auto* rows = device.store.rows(name);
        if (rows == nullptr) continue;
        for (const auto& [key, row] : *rows) {
          const auto all = shown(*somatic_schema().collection(name), device.store.meta(), row);
          const Json* columns = row.columns();
          REQUIRE(all.has_value() == (columns != nullptr));
          if (columns == nullptr) continue;
          REQUIRE(all->columns == *columns);
          ++seen;
          if (row.is_seen_as_written) ++as_written;
        }
      }
    }
  }
  CHECK(as_written > 100);
  CHECK(seen - as_written > 100);
}

TEST_CASE("layers: of a row that was written once there is one copy") {
  Writing device(0);
  const std::string id = Random("row").uuid_v4();
  device.write("put", {"logs", id}, {{"category", "chat"}, {"content", "once"}});
  const Row* row = device.store.find("logs", id);
  REQUIRE(row->pending);
  CHECK(row->columns() == &row->pending->change.set);
  device.freeze({"logs", id});
  CHECK(at(*row->columns(), "content") == "once");
}
