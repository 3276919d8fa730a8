// Reads Markdown as far as our own page needs it: no cell holds a bar.
#include "support/protocol_table.hpp"

#include <fstream>
#include <sstream>

namespace somatic::testing {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream row(line.substr(1));
  for (std::string cell; std::getline(row, cell, '|');) {
    cells.push_back(cell.size() < 2 ? "" : cell.substr(1, cell.size() - 2));
  }
  return cells;
}

}  // namespace

std::vector<std::vector<std::string>> protocol_table(const std::string& name) {
  std::ifstream page(std::string(SOMATIC_TESTS_DIR) + "/../docs/protocol.md");
  std::vector<std::vector<std::string>> lines;
  int place = -1;  // in the table; its heading is two lines long
  for (std::string text; std::getline(page, text);) {
    if (text == "<!-- " + name + " -->") {
      place = 0;
      continue;
    }
    if (place < 0) continue;
    if (!text.starts_with("|")) break;
    if (++place > 2) lines.push_back(cells_of(text));
  }
  return lines;
}

}  // namespace somatic::testing
