// Bugs planted on purpose, to see that the simulator catches them: one switch each. Only its own
// build has them (SOMATIC_PLANTED); everywhere else the compiler drops them.
#pragma once

namespace somatic {

enum class Bug {
  kNone,
  kNoLedger,             ///< the server does not remember what it applied
  kFoldSent,             ///< an edit is folded into a mutation that was sent
  kRandomMid,            ///< every context makes its own replacement after a conflict
  kRawClock,             ///< edits are dated by the device's clock
  kResyncDrops,          ///< a resync forgets rows that the old server had acknowledged
  kNoMerge,              ///< after a conflict mine is sent again as it was
  kOneTabWins,           ///< a write of another context is overwritten, not merged
  kCursorAhead,          ///< the cursor moves one further than the page
  kTombstonesUnheard,    ///< a pulled deletion is ignored
  kSnapshotOfNow,        ///< a snapshot holds what changed while it was made
  kLostTextsForgotten,   ///< a text that lost is kept nowhere
  kVectorsForgotten,     ///< after a snapshot no vector is left in memory
  kOpenWritesForgotten,  ///< what was not yet committed is not replayed after another's segment
};

#ifdef SOMATIC_PLANTED
inline Bug planted_bug = Bug::kNone;
inline bool is_planted(Bug bug) { return planted_bug == bug; }
#else
constexpr bool is_planted(Bug) { return false; }
#endif

}  // namespace somatic
