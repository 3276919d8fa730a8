// The state at one moment, in pieces: what a snapshot writes in place of the journal segments it
// folds. A piece is a segment like any other, holding entries Stood and Kept. Between two pieces
// the store may go on: rows that change meanwhile are remembered as they were.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "protocol/schema.hpp"
#include "store/entries.hpp"
#include "store/store.hpp"

namespace somatic {

/// About how large a piece gets: one of it is one transaction, and others wait meanwhile.
inline constexpr std::size_t kPieceBytes = 256'000;

/// The next piece of what Store::begin_snapshot() began, as the bytes of a segment; empty when
/// there is none left.
std::string next_piece(Store& store, const Schema& schema, std::size_t piece_bytes);

/// Then, the next vectors that its rows name and that no snapshot holds yet, as the bytes of a
/// file; empty when there are none left.
std::string next_vectors(Store& store);
/// Those of an older file that the rows still name; empty: none.
Result<std::string> vectors_still_named(Store& store, std::string_view file);

/// A row as binary CBOR, and back.
Json pack_row(const Row& row);
Row unpack_row(const Json& packed);
Json meta_to_json(const Meta& meta);
Meta meta_from_json(Json json);

}  // namespace somatic
