// One simulated world of one seed: devices of two contexts each, a server, and everything that can
// happen to them, in an order that the seed decides. Owns the events and their odds; the promises
// are in history.hpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.hpp"
#include "sim/history.hpp"
#include "support/device.hpp"

namespace somatic::testing {

struct Verdict {
  std::vector<std::string> faults;
  std::size_t requests = 0, edits = 0, kills = 0;
};

class World {
 public:
  /// With `on_step` the world is one that another server can replay: its clocks are good, and
  /// nothing happens to the server that a client cannot do.
  World(std::uint64_t seed, bool with_trace, std::function<void(const Json& step)> on_step = {});
  /// Lives, comes to rest and is judged.
  Verdict run();

 private:
  /// One browser tab: a Device and what its app still waits for.
  struct Context {
    std::size_t owner = 0;
    std::unique_ptr<Device> device;
    struct Waiting {
      Ticket ticket;
      std::function<void(bool is_acknowledged)> done;
    };
    std::vector<Waiting> waiting;
    std::size_t resendable = 0;  ///< requests before this one are too old to arrive again
  };
  enum class Clocks { kGood, kWrong, kJumping };
  struct Backup {
    ModelServer server;
    Ms at = 0;
  };

  void step();
  // What people do
  void write_anything(Context& context);
  void write_text(Context& context);
  void write_health(Context& context);
  void write_metadata(Context& context);
  void write_vector(Context& context);
  void write_answer(Context& context);
  void write_kata(Context& context);
  void complete_routine(Context& context);
  void unlock(Context& context);
  void write_refused(Context& context);
  void remove_row(Context& context);
  void write_past_the_engine();
  // What machines do
  void let_time_pass();
  void time_trips();
  void back_up(Context& context);
  void move_something(Context& context);
  void kill(Context& context);
  void disturb(Context& context);
  void disturb_server();
  void deliver_again(Context& context);
  void restore_backup();
  void doubt_increments();

  void begin(Context& context, Op op, std::function<void(bool)> done);
  void edit(Context& context, const std::string& collection, const std::string& key,
            const Json& fields, const std::vector<std::size_t>& edits);
  std::size_t note(Context& context, const std::string& collection, const std::string& key,
                   const std::string& field, const Json& value);
  static void hear(Context& context);
  static void forget(Context& context);
  [[nodiscard]] Json shown(Context& context, const std::string& collection, const std::string& key,
                           const std::string& field) const;

  void come_to_rest();
  void judge();
  [[nodiscard]] std::map<std::string, Json> places(const Device& device) const;
  void fault(const std::string& what) { verdict_.faults.push_back(what); }
  void trace(const std::string& what) const;

  Context& anyone() { return contexts_[pick(contexts_.size())]; }
  std::size_t pick(std::size_t limit) { return random_.next() % limit; }
  bool chance(int percent) { return static_cast<int>(pick(100)) < percent; }
  std::string unique(const char* what) { return what + std::to_string(++counter_); }
  [[nodiscard]] Ms local_time(const Context& context) const {
    return server_.now + context.device->wall_skew;
  }

  Random random_;
  const bool with_trace_;
  bool with_deletions_ = false, with_restores_ = false, with_backups_ = false;
  Clocks clocks_ = Clocks::kGood;
  ModelServer server_;
  std::optional<Backup> backup_;
  std::vector<Json> exported_;  ///< backups of devices
  std::vector<Context> contexts_;
  History history_;
  Verdict verdict_;
  int counter_ = 0;
  Ms longest_trip_ = 0;
  std::map<const Device*, Ms> on_its_way_;  ///< since when a request or its answer is
  // What only grows
  std::int64_t counted_ = 0, maybe_counted_ = 0, maybe_twice_ = 0;
  std::set<std::string> doubted_;  ///< mids of increments that a restore may count twice
  std::set<std::string> days_, unlocked_;
  std::map<std::string, std::size_t> refused_;  ///< key -> device that must list it as rejected
};

}  // namespace somatic::testing
