// Vectors stand outside of the rows, which name them by what is in them: so rows stay small, and
// who reads no vector (the service worker) holds none. Here are those that are in memory: not
// folded into a snapshot yet, or wanted by an unsent edit. Knows no index and no search.
//
//   "[0.1,2]" of the app or the server --take--> "vector:<uuid>" in the row, the floats here
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "protocol/schema.hpp"
#include "store/row.hpp"

namespace somatic {

class Vectors {
 public:
  static bool is_name(const Json& value);
  /// What PostgreSQL's vector type prints and reads; null: not in memory.
  [[nodiscard]] Json text(const Json& name) const;
  /// `name` or, where it is none, the text of a vector, means what `value` means.
  [[nodiscard]] static bool is_same(const Json& name, const Json& value);

  /// The vectors among these columns get names, unless they have one or naming is off. True: there
  /// were some.
  bool take(const CollectionSpec& collection, Json& columns);
  bool take(const CollectionSpec& collection, Change& change);
  bool take(const CollectionSpec& collection, Row& row);

  /// Little-endian floats; null: not in memory.
  [[nodiscard]] const std::string* find(const std::string& name) const;
  void put(const std::string& name, std::string bytes);
  void drop(const std::set<std::string>& names);
  void keep_only(const std::set<std::string>& names);
  /// From here on neither of these does anything.
  void keep_all() { keeps_all_ = true; }
  [[nodiscard]] bool keeps_all() const { return keeps_all_; }

  /// A context is open that knows no names: none are made, if none were.
  void set_naming(bool on) { is_naming_ = on; }
  [[nodiscard]] bool is_naming() const { return is_naming_ || has_named_; }
  /// A row has, or had, a name: what is written from here on needs a reader who knows them.
  [[nodiscard]] bool has_named() const { return has_named_; }
  void meet_name() { has_named_ = true; }

 private:
  std::map<std::string, std::string> bytes_;
  bool is_naming_ = true, has_named_ = false, keeps_all_ = false;
};

/// Calls visit(name) for each vector that a layer of the row sets or stands on.
template <typename Visit>
void each_vector(const CollectionSpec& collection, const Row& row, const Visit& visit) {
  for (const std::string& column : collection.vector_columns) {
    const auto look = [&](const Json& columns) {
      const Json* value = member(columns, column);
      if (value != nullptr && Vectors::is_name(*value)) visit(value->get_ref<const std::string&>());
    };
    if (row.server) look(row.server->columns);
    if (row.former) look(row.former->row.columns);
    if (row.rejected) look(row.rejected->change.set);
    if (row.frozen) look(row.frozen->change.set);
    for (const Frozen& each : row.queued) look(each.change.set);
    if (row.pending) look(row.pending->change.set);
  }
}

/// Many vectors of one length as the bytes of a file, and back. docs/storage-format.md.
struct NamedVector {
  std::string name, bytes;
};
/// {name: text} of a file's; null: it is damaged.
Json texts_in(std::string_view file);
std::string encode_vectors(const std::vector<NamedVector>& vectors);
Result<std::vector<NamedVector>> decode_vectors(std::string_view bytes, int newest);

}  // namespace somatic
