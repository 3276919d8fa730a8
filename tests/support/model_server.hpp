// A small model of the server's side of docs/protocol.md for one user, in memory: what sync()
// promises, without SQL. Written from the protocol page and not from the core, so that the two can
// disagree. Shared by the unit tests and the simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace somatic::testing {

struct ModelTable;

class ModelServer {
 public:
  ModelServer();

  /// The server's time in ms, and the one true time of a test. Whoever holds the server moves it.
  std::int64_t now = 1795389900000;  // 2026-11-22T23:25:00Z
  std::string epoch = "e0000000-0000-4000-8000-000000000001";
  /// The most rows of one answer, whatever is asked for.
  std::int64_t page_max = 5000;
  /// A constraint of a test: code and message for a row that must be rejected.
  std::function<std::optional<Error>(const std::string& table, const Json& row)> refuses;

  /// Told of everything that happens to it, in order: {request, answer}, {write, id, columns} or
  /// {remove, id}, each with `now`. What replays it elsewhere must get the same answers.
  std::function<void(const Json& step)> on_step;

  /// The body of a request to the body of its answer.
  std::string handle(std::string_view body);
  Json sync(const Json& request);

  /// Another client writes to a table directly; the triggers see it. Answers the row's version.
  std::int64_t write(const std::string& table, const std::string& id, const Json& columns);
  void remove(const std::string& table, const std::string& id);
  /// Tombstones up to now are forgotten.
  void forget_tombstones();
  /// What was acknowledged so far leaves the ledger, as it does after 7 days.
  void purge_ledger();

  /// The one row whose columns hold all of these; null when there is none.
  [[nodiscard]] Json find(const std::string& table, const Json& columns) const;
  [[nodiscard]] std::size_t size(const std::string& table) const;
  /// Every row without its version, by table and id: what two servers or devices compare.
  [[nodiscard]] Json dump() const;
  [[nodiscard]] std::int64_t head() const { return head_; }
  /// Mutations applied so far, repeats not counted.
  [[nodiscard]] std::size_t applied() const { return ledger_.size(); }

  /// One entry per request handled: how many mutations and how many rows went over the wire.
  struct Call {
    std::size_t pushed = 0, pulled = 0;
  };
  std::vector<Call> calls;
  /// Contexts opened so far in this world: what makes their entropy differ.
  int boots = 0;

 private:
  struct Stored {
    std::int64_t version = 0;
    Json columns;
    Json clocks = Json::object();
  };
  struct Tombstone {
    std::int64_t version = 0;
    std::string clock;
  };
  struct Name {
    std::string table, id;
    auto operator<=>(const Name&) const = default;
  };
  struct Applied {
    std::int64_t version = 0;
    Name row;
  };
  struct Mutation;
  /// A version that this request wrote and answered whole: not echoed.
  using Known = std::set<std::int64_t>;

  Json take(const Json& request);
  Json answer(const Json& json, Known& known);
  Json apply(const Mutation& mutation, const Name& name, Known& known);
  Json erase(const Mutation& mutation, const Name& name, Known& known);
  [[nodiscard]] Json conflict(const Name& name) const;
  void set_columns(const Mutation& mutation, const ModelTable& table, bool exists, Stored& row,
                   bool& told) const;
  bool add_columns(const Mutation& mutation, Stored& row, bool& told) const;
  [[nodiscard]] std::optional<Error> broken_constraint(const std::string& table,
                                                       const Json& columns) const;
  static Json unexpected(const Mutation& mutation, const Stored& before, const Stored& after,
                         bool told);
  [[nodiscard]] std::optional<Name> by_identity(const Name& name, const Json& set) const;
  Json pull(std::int64_t cursor, std::int64_t limit, const Known& known) const;
  /// {row: ...} or {gone: ...} of a conflict or a duplicate
  void tell(const Name& name, Json& answer) const;
  [[nodiscard]] Json whole(const Name& name, const Stored& row) const;
  [[nodiscard]] std::optional<Name> by_natural_key(const Name& name, const Json& set) const;
  [[nodiscard]] std::string clock() const;
  std::int64_t store(const Name& name, Stored row);
  std::int64_t bury(const Name& name, const std::string& clock);

  std::map<Name, Stored> rows_;
  std::map<Name, Tombstone> tombstones_;
  std::map<std::int64_t, Name> by_version_;  ///< rows and tombstones
  std::map<std::string, Applied> ledger_;
  std::map<std::string, std::string> last_by_device_;
  std::set<std::string> acknowledged_;
  std::int64_t head_ = 0, horizon_ = 0;
};

}  // namespace somatic::testing
