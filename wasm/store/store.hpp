// Every row and what is known about the server, in memory, with the indexes that keep reads and
// pushes cheap, and with undo: changes since the last durable commit can be taken back when the
// commit fails, or played again after another context's. Knows nothing of merging, journals or the
// network.
//
//   edits -> [open layer] --seal--> [sealed layer] --commit--> durable
//                 \______________________\__________rollback: both are undone, newest first
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/row.hpp"
#include "store/vectors.hpp"

namespace somatic {

/// How far a clock of this device is from the server's, and how well that is known.
struct Offset {
  Ms offset_ms = 0;
  Ms round_trip_ms = 0;  ///< of the request that told it: the error is at most half of this
};

/// What stands beside the rows. Small: it is copied whole before its first change in a layer.
struct Meta {
  std::string
      device;  ///< this database's id, made by whichever context was first; new after a resync
  std::string epoch;   ///< empty before first contact
  std::string resync;  ///< why everything is being pulled again; empty: it is not
  std::int64_t cursor = 0;
  std::int64_t horizon = 0;       ///< tombstones up to here were forgotten before this device began
  std::string last_mid;           ///< the last mutation whose answer is durable here
  std::vector<std::string> acks;  ///< answered, durable, not yet acknowledged to the server
  std::map<std::string, Offset> boots;  ///< server time minus monotonic time, by boot
  std::optional<Ms> wall_offset;        ///< server time minus wall time, when last heard
  std::optional<Ms>
      last_synced_at;  ///< server's time of the last complete pull, in wall terms of that moment
  /// texts that lost a merge, newest last; "until": server time at which one is forgotten
  Json overwritten = Json::array();
  /// those the last snapshot's writer knew: what was pulled of others is not in it
  std::vector<std::string> collections;
};

/// collection -> id or other name -> key
using KeysByName = std::map<std::string, std::unordered_map<std::string, std::string>>;

class Store {
 public:
  /// Changing one row: the before-image is kept, indexes follow when the Edit ends. A row that
  /// is_forgotten() by then is dropped.
  class Edit {
   public:
    Edit(Store& store, RowRef ref);
    ~Edit();
    Edit(const Edit&) = delete;
    Edit& operator=(const Edit&) = delete;
    Row* operator->() { return &row_; }
    Row& operator*() { return row_; }

   private:
    Store& store_;
    RowRef ref_;
    Row& row_;
  };

  [[nodiscard]] const Row* find(const std::string& collection, const std::string& key) const;
  [[nodiscard]] const Row* find(const RowRef& ref) const { return find(ref.collection, ref.key); }
  /// the local key of a server id; empty: not known
  [[nodiscard]] std::string key_of(const std::string& collection, const std::string& id) const;
  /// the local key of a row by one of its aliases or identities; empty: not known
  [[nodiscard]] std::string key_of_name(const std::string& collection,
                                        const std::string& name) const;
  /// null for a collection that has no rows
  [[nodiscard]] const std::map<std::string, Row>* rows(const std::string& collection) const;
  [[nodiscard]] std::size_t visible(const std::string& collection) const;

  /// rows with unsent work, oldest first
  [[nodiscard]] const std::set<std::pair<std::int64_t, RowRef>>& outbox() const { return outbox_; }
  /// the place of the next row that gets unsent work
  [[nodiscard]] std::int64_t next_order() const {
    return outbox_.empty() ? 1 : outbox_.rbegin()->first + 1;
  }
  [[nodiscard]] const std::set<RowRef>& rejected() const { return rejected_; }

  [[nodiscard]] const Meta& meta() const { return meta_; }
  Meta& edit_meta();

  void seal();
  void commit();
  void rollback();
  /// Edits from here on are only tried: end_trial() takes them back and leaves the layers as they
  /// were.
  void begin_trial();
  void end_trial();

  /// What a snapshot is made of (store/snapshot): the durable state of the moment it began.
  struct Snapshot {
    bool is_whole = false, has_stood = false, is_told = false;
    std::vector<RowRef> refs;
    std::size_t next = 0;                        ///< of refs: those before it were told
    std::map<RowRef, std::optional<Row>> since;  ///< rows that changed since, as they were
    std::set<std::string> vectors;               ///< that the rows told so far name
    /// of those, the ones in memory, by length: to be written, and then to leave memory
    std::set<std::pair<std::size_t, std::string>> fresh_vectors;
    std::set<std::string> written_vectors;
    Meta meta;
  };
  /// `whole`: every row; else those that changed since the last snapshot.
  void begin_snapshot(bool whole);
  /// `is_kept`: it stands for everything up to its beginning.
  void end_snapshot(bool is_kept);
  /// null: none is being made
  Snapshot* snapshot() { return snapshot_ ? &*snapshot_ : nullptr; }
  /// null: it was not there
  [[nodiscard]] const Row* as_of_snapshot(const RowRef& ref) const;
  /// Nothing changed since the last snapshot: this is it.
  void mark_kept() { changed_ = outdated_; }
  /// The stored form of this row is an older format's: the next snapshot tells it anew.
  void mark_outdated(const RowRef& ref) { outdated_.insert(ref); }
  [[nodiscard]] std::size_t changed_rows() const { return changed_.size(); }
  [[nodiscard]] std::size_t row_count() const;
  /// The journal holds rows of collections that this build does not know: none of its snapshots
  /// would be complete.
  void meet_foreign() { has_foreign_ = true; }
  [[nodiscard]] bool has_foreign() const { return has_foreign_; }

  /// Not undone: a vector that no row names does no harm.
  [[nodiscard]] Vectors& vectors() { return vectors_; }
  [[nodiscard]] const Vectors& vectors() const { return vectors_; }
  /// The oldest format that can tell this state.
  [[nodiscard]] int format() const { return has_backup_ ? 3 : vectors_.has_named() ? 2 : 1; }
  /// Something of a backup is in the rows, or was.
  void meet_backup() { has_backup_ = true; }
  /// Vectors that rows name whose edits are not sent, or were refused.
  [[nodiscard]] std::set<std::string> unsent_vectors(const Schema& schema) const;

  /// rows edited, undone or redone since the last call, by collection
  std::map<std::string, std::set<std::string>> take_touched();

 private:
  struct Layer {
    std::map<RowRef, std::optional<Row>> before;
    std::optional<Meta> meta;
  };

  Row& begin_edit(const RowRef& ref);
  void end_edit(const RowRef& ref, const Row& row);
  void index(const RowRef& ref, const Row& row);
  void unindex(const RowRef& ref, const Row& row);
  void undo(Layer& layer);

  std::map<std::string, std::map<std::string, Row>> rows_;
  KeysByName key_by_id_, key_by_name_;
  std::map<std::string, std::size_t> visible_;
  std::set<std::pair<std::int64_t, RowRef>> outbox_;
  std::set<RowRef> rejected_;
  Meta meta_;
  Layer open_, sealed_, before_trial_;
  std::set<RowRef> changed_;  ///< durably, since the last snapshot
  std::set<RowRef> outdated_;
  std::optional<Snapshot> snapshot_;
  bool has_foreign_ = false, has_backup_ = false;
  Vectors vectors_;
  std::map<std::string, std::set<std::string>> touched_;
};

}  // namespace somatic
