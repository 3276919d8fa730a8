// What came from the network, as our types. Whatever it holds, reading it never fails.
#pragma once

#include "protocol/schema.hpp"
#include "store/row.hpp"

namespace somatic {

/// Whatever its columns hold, a row has a name and a version.
bool is_row(const Json& json);

/// A row of an answer, with its columns as this build writes them.
ServerRow read_row(const CollectionSpec& collection, const Json& json);

/// [version, clock] of a deletion; version 0 where it is not one.
Gone read_gone(const Json& json);

}  // namespace somatic
