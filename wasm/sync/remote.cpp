// Columns the app does not know are kept; those only the server needs are not.
#include "sync/remote.hpp"

#include "store/view.hpp"

namespace somatic {

bool is_row(const Json& json) {
  return !text_at(json, "id").empty() && integer_at(json, "version") > 0;
}

ServerRow read_row(const CollectionSpec& collection, const Json& json) {
  ServerRow row;
  row.id = text_at(json, "id");
  row.version = integer_at(json, "version");
  if (at(json, "clocks").is_object()) row.clocks = at(json, "clocks");
  for (const auto& [column, value] : members(json)) {
    if (column == "version" || column == "clocks" || column == "updated_at" ||
        column == "user_id") {
      continue;
    }
    row.columns[column] = canonical_column(collection, column, value);
  }
  return row;
}

Gone read_gone(const Json& json) {
  if (!json.is_array() || json.size() < 2) return {};
  return {whole_number(json[0]), std::string(text_of(json[1]))};
}

}  // namespace somatic
