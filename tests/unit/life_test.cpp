// Walks the table "Life of a mutation" of docs/protocol.md: each line's state is set up, its event
// applied, and the state after compared. The table is the test's data: it cannot lie.
#include <doctest/doctest.h>

#include <functional>

#include "base/uuid.hpp"
#include "support/protocol_table.hpp"
#include "support/somatic_schema.hpp"
#include "sync/apply.hpp"

using namespace somatic;
using testing::somatic_schema;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const char* const kMid = "22222222-2222-4222-8222-222222222222";
const char* const kDevice = "d0000000-0000-4000-8000-000000000001";
/// When the row was written, when the edit was made; other rows and tombstones lie around these.
constexpr Ms kWritten = 1000, kEdited = 5000, kNow = 9000;

Json log_row(std::int64_t version, Ms at, const std::string& content) {
  return {{"id", kId},
          {"version", version},
          {"clocks", {{"*", make_clock(at, "00000000")}}},
          {"category", "chat"},
          {"content", content}};
}

/// One row of one device, and the server's side of the story as bare answers.
class Life {
 public:
  explicit Life(const std::string& state) {
    apply(Born{kDevice});
    answer({{"cursor", 4}});
    if (state == "absent") return;
    if (state != "new pending") pull(log_row(5, kWritten, "five"));
    if (state == "clean") return;
    if (state.starts_with("owed")) {
      resync("restored", Json());
      if (state == "owed and pending") edit("edited");
      return;
    }
    edit("edited");
    if (state.ends_with("new pending") || state == "pending") return;
    freeze();
    if (state == "sent and pending") edit("edited again");
    if (state == "rejected") mutation({{"status", "rejected"}, {"code", "23514"}});
    if (state == "sent and owed") resync("restored", log_row(3, kWritten - 1, "older"));
  }

  void happen(const std::string& event) {
    const std::map<std::string, std::function<void()>> events = {
        {"edit", [&] { edit("another"); }},
        {"delete", [&] { remove(); }},
        {"freeze", [&] { freeze(); }},
        {"row pulled", [&] { pull(log_row(9, kWritten + 1, "nine")); }},
        {"same row pulled, then freeze",
         [&] {
           pull(log_row(9, kWritten + 1, "edited"));
           freeze();
         }},
        {"tombstone", [&] { bury(kNow); }},
        {"earlier tombstone", [&] { bury(kEdited - 1); }},
        {"later tombstone", [&] { bury(kNow); }},
        {"applied", [&] { mutation({{"status", "applied"}, {"version", 9}}); }},
        {"duplicate, row",
         [&] {
           mutation(
               {{"status", "duplicate"}, {"version", 9}, {"row", log_row(9, kEdited, "edited")}});
         }},
        {"duplicate, gone",
         [&] { mutation({{"status", "duplicate"}, {"gone", {9, make_clock(kNow, "00000000")}}}); }},
        {"conflict, earlier row",
         [&] { mutation({{"status", "conflict"}, {"row", log_row(9, kEdited - 1, "nine")}}); }},
        {"conflict, later row",
         [&] { mutation({{"status", "conflict"}, {"row", log_row(9, kEdited + 1, "nine")}}); }},
        {"conflict, earlier tombstone",
         [&] {
           mutation({{"status", "conflict"}, {"gone", {9, make_clock(kEdited - 1, "00000000")}}});
         }},
        {"conflict, later tombstone",
         [&] { mutation({{"status", "conflict"}, {"gone", {9, make_clock(kNow, "00000000")}}}); }},
        {"conflict, neither", [&] { mutation({{"status", "conflict"}}); }},
        {"rejected", [&] { mutation({{"status", "rejected"}, {"code", "23514"}}); }},
        {"answer to another",
         [&] {
           mutation({{"status", "applied"}, {"version", 9}},
                    "33333333-3333-4333-8333-333333333333");
         }},
        {"retry", [&] { apply(Retried{at(kNow), {"logs", kId, kMid}}); }},
        {"discard", [&] { apply(Discarded{{"logs", kId, kMid}}); }},
        {"resync, row there", [&] { resync("restored", log_row(5, kWritten, "five")); }},
        {"resync, row older", [&] { resync("restored", log_row(3, kWritten - 1, "older")); }},
        {"resync, row lost", [&] { resync("restored", Json()); }},
        {"resync, horizon", [&] { resync("horizon", Json()); }},
    };
    const auto found = events.find(event);
    REQUIRE_MESSAGE(found != events.end(), "no such event: " << event);
    found->second();
  }

  [[nodiscard]] std::string state() const {
    const Row* row = store_.find({"logs", kId});
    if (row == nullptr || row->columns() == nullptr) {
      const bool is_deleting = row != nullptr && (row->frozen || row->pending);
      if (!is_deleting) return "absent";
    }
    std::vector<std::string> layers;
    if (row->rejected) layers.emplace_back("rejected");
    if (row->frozen) layers.emplace_back(row->frozen->mid == kMid ? "sent" : "sent again");
    if (row->is_owed()) layers.emplace_back("owed");
    if (row->pending) layers.emplace_back("pending");
    if (layers.empty()) return "clean";
    std::string name = layers[0];
    for (std::size_t i = 1; i < layers.size(); ++i) name += " and " + layers[i];
    return name;
  }
  [[nodiscard]] std::string mid() const { return store_.find({"logs", kId})->frozen->mid; }

 private:
  static Stamp at(Ms ms) { return {ms, ms, "boot"}; }

  void apply(const Entry& entry) { somatic::apply(somatic_schema(), entry, store_, outcome_); }
  void answer(Json body, std::vector<EntryRow> sent = {}) {
    body["now"] = kNow;
    body["epoch"] = "e";
    if (!body.contains("cursor")) body["cursor"] = 9;
    apply(Answered{
        store_.meta().device, at(kNow), 0, store_.meta().cursor, std::move(sent), {}, body});
  }
  void pull(const Json& row) {
    answer({{"rows", {{"sovereign_logs", {row}}}}, {"cursor", row["version"]}});
  }
  void bury(Ms when) {
    answer({{"tombstones", {{"sovereign_logs", kId, 9, make_clock(when, "00000000")}}}});
  }
  void mutation(Json one, const std::string& mid = kMid) {
    one["mid"] = mid;
    answer({{"answers", {one}}}, {{"logs", kId, mid}});
  }
  void edit(const char* content) { write({{"content", content}}, false); }
  void remove() { write(Json::object(), true); }
  void write(const Json& set, bool del) {
    const Row* row = store_.find({"logs", kId});
    Change change;
    change.del = del;
    change.set = set;
    if (row != nullptr && row->columns() != nullptr) change.base = *row->columns();
    apply(Wrote{at(kEdited), {{"logs", kId, kId, change}}});
  }
  void freeze() { apply(Froze{at(kEdited), {{"logs", kId, kMid}}}); }
  void resync(const std::string& reason, const Json& row) {
    apply(Resynced{kDevice, store_.meta().last_mid, reason, "e",
                   "d0000000-0000-4000-8000-000000000002"});
    Json body = {{"cursor", 5}};
    if (!row.is_null()) body["rows"] = {{"sovereign_logs", {row}}};
    answer(body);
  }

  Store store_;
  Outcome outcome_;
};

struct Line {
  std::string state, event, after;
};

std::vector<Line> table() {
  std::vector<Line> lines;
  for (const auto& cells : testing::protocol_table("life")) {
    REQUIRE(cells.size() == 3);
    lines.push_back({cells[0], cells[1], cells[2]});
  }
  return lines;
}

}  // namespace

TEST_CASE("life: the table of docs/protocol.md is what happens") {
  const std::vector<Line> lines = table();
  REQUIRE(lines.size() > 50);
  for (const Line& line : lines) {
    CAPTURE(line.state);
    CAPTURE(line.event);
    Life life(line.state);
    const std::string set_up = line.state == "new pending" ? "pending" : line.state;
    REQUIRE(life.state() == set_up);
    life.happen(line.event);
    CHECK(life.state() == line.after);
    const bool from_conflict = line.after.starts_with("sent again");
    if (from_conflict) {
      const std::int64_t seen = line.event == "conflict, neither" ? 0 : 9;
      CHECK(life.mid() == uuid_v5(kMid, std::to_string(seen)));
    }
  }
}
