// npm run sim -- --seeds N --from S [--plant BUG] [--trace]: N worlds, of the seeds from S on. A
// failing seed prints its faults and its own command line; the last line is a summary as JSON.
// npm run sim -- --planted: every planted bug must be caught within N worlds.
// npm run sim -- --histories: what each world's server was asked and answered, a line of JSON each.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>

#include "base/planted.hpp"
#include "sim/world.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

constexpr const char* kUsage =
    "usage: npm run sim -- [--seeds N] [--from S] [--trace] [--histories | --planted | --plant "
    "BUG]\n";

const std::map<std::string, Bug> kBugs = {
    {"no-ledger", Bug::kNoLedger},
    {"fold-sent", Bug::kFoldSent},
    {"vectors-forgotten", Bug::kVectorsForgotten},
    {"random-mid", Bug::kRandomMid},
    {"raw-clock", Bug::kRawClock},
    {"resync-drops", Bug::kResyncDrops},
    {"no-merge", Bug::kNoMerge},
    {"one-tab-wins", Bug::kOneTabWins},
    {"cursor-ahead", Bug::kCursorAhead},
    {"tombstones-unheard", Bug::kTombstonesUnheard},
    {"snapshot-of-now", Bug::kSnapshotOfNow},
    {"lost-texts-forgotten", Bug::kLostTextsForgotten},
    {"open-writes-forgotten", Bug::kOpenWritesForgotten},
};

struct Arguments {
  std::uint64_t seeds = 200, from = 1;
  bool trace = false, histories = false, planted = false;
  std::string plant;
};

bool parse(int argc, char** argv, Arguments& out) {
  for (int at = 1; at < argc; ++at) {
    const std::string name = argv[at];
    const char* value = at + 1 < argc ? argv[at + 1] : nullptr;
    if (name == "--trace") {
      out.trace = true;
    } else if (name == "--histories") {
      out.histories = true;
    } else if (name == "--planted") {
      out.planted = true;
    } else if (name == "--seeds" && value != nullptr) {
      out.seeds = std::strtoull(argv[++at], nullptr, 10);
    } else if (name == "--from" && value != nullptr) {
      out.from = std::strtoull(argv[++at], nullptr, 10);
    } else if (name == "--plant" && value != nullptr && kBugs.contains(value)) {
      out.plant = argv[++at];
    } else {
      return false;
    }
  }
  return true;
}

Verdict run_world(std::uint64_t seed, bool with_trace) {
  try {
    return World(seed, with_trace).run();
  } catch (const std::exception& error) {
    return {{error.what()}};
  }
}

class Clock {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
  /// True about every five seconds: time to say how far it is.
  bool is_time_to_speak() {
    if (seconds() - spoke_ < 5) return false;
    spoke_ = seconds();
    return true;
  }

 private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  double spoke_ = 0;
};

int simulate(const Arguments& arguments) {
  Clock clock;
  Verdict total;
  Json failed = Json::array();
  for (std::uint64_t done = 0; done < arguments.seeds; ++done) {
    const std::uint64_t seed = arguments.from + done;
    const Verdict verdict = run_world(seed, arguments.trace);
    total.requests += verdict.requests;
    total.edits += verdict.edits;
    total.kills += verdict.kills;
    if (!verdict.faults.empty()) {
      failed.push_back(seed);
      const std::string number = std::to_string(seed);
      const std::string plant = arguments.plant.empty() ? "" : " --plant " + arguments.plant;
      std::printf("seed %s failed: npm run sim -- --seeds 1 --from %s%s --trace\n", number.c_str(),
                  number.c_str(), plant.c_str());
      for (const std::string& fault : verdict.faults) std::printf("  %s\n", fault.c_str());
    }
    if (clock.is_time_to_speak()) {
      std::fprintf(stderr, "  %s of %s worlds\n", std::to_string(done + 1).c_str(),
                   std::to_string(arguments.seeds).c_str());
    }
  }
  const Json summary = {{"seeds", arguments.seeds},   {"from", arguments.from},
                        {"failed", failed},           {"edits", total.edits},
                        {"requests", total.requests}, {"kills", total.kills},
                        {"seconds", clock.seconds()}};
  std::printf("%s\n", summary.dump().c_str());
  return failed.empty() ? 0 : 1;
}

int write_histories(const Arguments& arguments) {
  for (std::uint64_t seed = arguments.from; seed < arguments.from + arguments.seeds; ++seed) {
    Json steps = Json::array();
    World(seed, false, [&](const Json& step) { steps.push_back(step); }).run();
    std::printf("%s\n", Json{{"seed", seed}, {"steps", steps}}.dump().c_str());
  }
  return 0;
}

/// The seed that caught it; 0: none did.
std::uint64_t catch_bug(Bug bug, const Arguments& arguments) {
  planted_bug = bug;
  for (std::uint64_t seed = arguments.from; seed < arguments.from + arguments.seeds; ++seed) {
    if (!run_world(seed, false).faults.empty()) return seed;
  }
  return 0;
}

int catch_bugs(const Arguments& arguments) {
  Json caught = Json::object(), missed = Json::array();
  for (const auto& [name, bug] : kBugs) {
    const std::uint64_t seed = catch_bug(bug, arguments);
    if (seed == 0) {
      missed.push_back(name);
      std::printf("%s: not caught in %s worlds\n", name.c_str(),
                  std::to_string(arguments.seeds).c_str());
    } else {
      caught[name] = seed;
      std::printf("%s: caught by seed %s\n", name.c_str(), std::to_string(seed).c_str());
    }
  }
  std::printf("%s\n", Json{{"caught", caught}, {"missed", missed}}.dump().c_str());
  return missed.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (arguments.histories) return write_histories(arguments);
  if (arguments.planted) return catch_bugs(arguments);
  if (!arguments.plant.empty()) planted_bug = kBugs.at(arguments.plant);
  return simulate(arguments);
}
