// One row as this device knows it: the server's copy and the layers of edits on top. Plain data;
// who may change what is store.hpp's business.
//
//   what the app sees  =  server  <-  former  <-  rejected  <-  frozen  <-  queued  <-  pending
#pragma once

#include <algorithm>
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "base/boxed.hpp"
#include "protocol/change.hpp"

namespace somatic {

/// Names a row locally: a collection and the app's key.
struct RowRef {
  std::string collection, key;

  auto operator<=>(const RowRef&) const = default;
};

/// Edits not yet promised to the server. Times are the device's own until they are frozen.
struct Pending {
  Change change;
  std::map<std::string, Stamp> stamps;  ///< column (or "*" for a deletion) -> its last edit

  bool operator==(const Pending&) const = default;
};

/// A mutation that was or may have been sent: never changed again, until its first answer removes
/// it.
struct Frozen {
  std::string mid;
  std::optional<std::int64_t> base;
  Change change;
  bool is_whole = false;  ///< says a whole row: where the server never had one it may be made of it

  bool operator==(const Frozen&) const = default;
};

/// A mutation that the server refused for good; the app mends or discards it.
struct Rejected {
  std::string mid;
  Change change;
  std::string code, message;
  Ms at = 0;

  bool operator==(const Rejected&) const = default;
};

/// The server's copy from before a resync: what every device of the user had agreed on, until the
/// server turns out to have it, or to have lost it.
struct Former {
  ServerRow row;
  bool is_owed = false;  ///< the server lost some of it: to be pushed again, before anything newer

  bool operator==(const Former&) const = default;
};

/// What is left of a row that was deleted on the server.
struct Gone {
  std::int64_t version = 0;
  Clock clock;

  bool operator==(const Gone&) const = default;
};

struct Row {
  std::string id;
  /// other keys and ids that mean this row: of a twin that was merged into it
  std::vector<std::string> aliases;
  /// what names the row besides its key, from its columns (CollectionSpec::identity)
  std::vector<std::string> identities;
  std::optional<ServerRow> server;
  Boxed<Former> former;
  std::optional<Gone> gone;
  Boxed<Rejected> rejected;
  Boxed<Frozen> frozen;
  /// Mutations of a backup, written to it or read from it, that wait for their turn to be frozen:
  /// others may send them under the same names, so nothing is folded into them.
  std::vector<Frozen> queued;
  std::optional<Pending> pending;
  /// names of the counts among those, for good: a second import must not count them again
  std::vector<std::string> counted;
  /// place in the outbox, by the first unsent edit; 0: not in it
  std::int64_t order = 0;
  /// What the app sees while there are layers, kept up to date by whoever edits the row: these
  /// columns, or the pending edit as it is (most rows are written once: no copy of each is kept).
  std::optional<Json> layered;
  bool is_seen_as_written = false;

  [[nodiscard]] bool is_owed() const { return former && former->is_owed; }
  [[nodiscard]] bool is_layered() const {
    return former || rejected || frozen || !queued.empty() || pending;
  }
  [[nodiscard]] bool is_unsent() const { return frozen || !queued.empty() || pending || is_owed(); }
  /// the columns that the app sees; null: no such row for it
  [[nodiscard]] const Json* columns() const {
    if (is_seen_as_written && pending) return &pending->change.set;
    if (is_layered()) return layered ? &*layered : nullptr;
    return server ? &server->columns : nullptr;
  }
  void add_alias(const std::string& name) {
    if (!name.empty() && std::find(aliases.begin(), aliases.end(), name) == aliases.end())
      aliases.push_back(name);
  }
  [[nodiscard]] bool is_forgotten() const { return !server && !gone && !is_layered(); }
};

}  // namespace somatic
