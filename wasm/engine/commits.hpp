// Group commit: entries are applied at once, made durable together, one segment at a time. Who
// waits for a segment is settled when it is durable, and only then.
//
//   append* --next()--> flying --durable()--> settled
//                         \-----failed()----> taken back, its tickets get the error; later entries
//                         are played again
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "protocol/protocol.hpp"
#include "store/journal.hpp"
#include "sync/apply.hpp"

namespace somatic {

class Commits {
 public:
  /// `newest`: the last format that is read.
  Commits(const Schema& schema, Store& store, int newest = kJournalFormat)
      : schema_(schema), store_(store), newest_(newest) {}

  struct Group {
    std::vector<Entry> entries;
    std::vector<Ticket> tickets;
    /// the sync run goes on when this group is durable
    bool run_waits = false;
  };

  /// Applies the entry and adds it to the next segment.
  Outcome append(Entry entry);
  /// Settled with the youngest entry there is; at once when everything is durable already.
  bool settle_with_next(Ticket ticket);
  void wake_run_with_next() { open_.run_waits = true; }

  /// Begins the next segment if there is anything in it and none is under way.
  bool next();
  /// To be asked for after the segments of others were inserted: it may be another then.
  [[nodiscard]] const std::string& segment() const { return segment_; }
  /// Who waits for the segment under way.
  [[nodiscard]] const std::vector<Ticket>& tickets() const { return flying_.tickets; }
  [[nodiscard]] bool idle() const { return !is_flying_ && open_.entries.empty(); }

  Group durable();
  Group failed();
  /// Takes back what waits for the next segment: there will be none.
  Group drop_open();
  /// A segment of another context, or a piece of its snapshot, came before what waits here.
  /// `is_more`: so does the next one. What waits is laid on the last of them: a row that the first
  /// piece of a snapshot does not have is not gone, a later one brings it.
  std::optional<Error> insert(std::string_view bytes, bool is_more, Outcome& outcome);

 private:
  void replay(const std::vector<Entry>& entries);
  void take_in(const std::vector<Entry>& entries, Outcome& outcome);
  void lay_on_others();
  /// True: some of the entries are others now.
  bool replay_after_others(std::vector<Entry>& entries);

  const Schema& schema_;
  Store& store_;
  const int newest_;
  Group open_, flying_;
  bool is_flying_ = false;
  bool is_taken_off_ = false;  ///< what waits here, until all of the others' is there
  std::string segment_;
};

}  // namespace somatic
