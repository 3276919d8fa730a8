// The tables of docs/protocol.md that tests walk: the page is their data, so it cannot lie. Knows
// no table's meaning.
#pragma once

#include <string>
#include <vector>

namespace somatic::testing {

/// The cells of the table that follows the comment of this name, line by line, without its heading.
/// Empty when there is no such table.
std::vector<std::vector<std::string>> protocol_table(const std::string& name);

}  // namespace somatic::testing
