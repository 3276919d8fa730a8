// The body of one request to the server: which mutations fit, in which form they travel.
// docs/protocol.md is the contract.
#pragma once

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

/// Rows whose pending edits should become mutations for the next push: the oldest `rows_max`, but
/// never part of what was written together.
std::vector<RowRef> next_batch(const Store& store, std::size_t rows_max);

struct Request {
  std::string body;
  std::vector<EntryRow> sent;
  std::vector<std::string> acks;
  std::int64_t from = 0;
};
/// `push`: frozen rows among the oldest `rows_max` go along; without it the request only pulls.
Request build_request(const Schema& schema, const Store& store, bool push, std::size_t rows_max);

}  // namespace somatic
