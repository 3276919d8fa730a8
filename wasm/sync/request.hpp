// The body of one request to the server: which mutations fit, in which form they travel.
// docs/protocol.md is the contract.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "protocol/schema.hpp"
#include "store/entries.hpp"
#include "store/store.hpp"

namespace somatic {

inline constexpr int kProtocol = 1;
inline constexpr int kPullRows = 5000;
/// Past this a batch is closed: far below the server's limits, far above what a second of typing
/// makes.
inline constexpr std::size_t kPushBytes = 2'000'000;

/// How much goes into one push: the oldest `rows_max` rows, but not part of what was written
/// together unless it `may_split`.
struct Batch {
  std::size_t rows_max = 0;
  bool may_split = false;
};

/// Rows whose pending edits should become mutations for the next push.
std::vector<RowRef> next_batch(const Store& store, Batch size);

struct Request {
  std::string body;
  std::string device, last;  ///< as it says who asks
  std::vector<EntryRow> sent;
  std::vector<std::string> acks;
  std::int64_t from = 0;
};
/// Frozen rows among those of the next batch go along; none: the request only pulls.
/// Vectors of the next request that are not in memory.
std::set<std::string> missing_vectors(const Schema& schema, const Store& store, Batch size);

Request build_request(const Schema& schema, const Store& store, Batch size);

}  // namespace somatic
