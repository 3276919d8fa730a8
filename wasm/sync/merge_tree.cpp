// Merging inside a JSON value: objects per key, arrays per named element. In both, what is absent
// on one side and unchanged on the other since base was deleted, and an edit beats a deletion.
#include <map>
#include <optional>

#include "base/calendar.hpp"
#include "sync/rules.hpp"

namespace somatic {
namespace {

/// `value` is on one side only: whether it stays (new or edited), or was deleted on the other side.
bool survives(const Json* base, const Json& value) { return base == nullptr || *base != value; }

/// What tells one element of an array from another: points into the element.
struct Name {
  bool keyed;
  const Json* value;

  bool operator<(const Name& other) const {
    return keyed != other.keyed ? keyed : *value < *other.value;
  }
};

Name name_of(const Json& element, const std::string& key) {
  const Json* value = key.empty() ? nullptr : member(element, key);
  if (value == nullptr || !(value->is_string() || value->is_number())) return {false, &element};
  return {true, value};
}

using Index = std::map<Name, const Json*>;

Index index_of(const Json& array, const std::string& key) {
  Index index;
  for (const Json& element : elements(array)) {
    index.insert_or_assign(name_of(element, key), &element);
  }
  return index;
}

const Json* find(const Index& index, const Name& name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

std::optional<Ms> edited_at(const Json& element, const std::string& newest,
                            std::string_view clock) {
  const Json* time = member(element, newest);
  if (time == nullptr) return std::nullopt;
  const auto at = parse_timestamp(text_of(*time));
  return at && is_plausible(*at, clock) ? at : std::nullopt;
}

Json merge_element(const std::string& newest, const Sides& sides) {
  if (const Json* agreed = sides.agreed()) return *agreed;
  if (!newest.empty()) {
    const auto mine = edited_at(sides.mine, newest, sides.mine_clock);
    const auto theirs = edited_at(sides.theirs, newest, sides.theirs_clock);
    if (mine != theirs) return mine > theirs ? sides.mine : sides.theirs;  // none is the oldest
  }
  return merge_deep(sides, 1);
}

}  // namespace

Json merge_deep(const Sides& sides, int depth) {
  if (const Json* agreed = sides.agreed()) return *agreed;
  const bool objects = sides.mine.is_object() && sides.theirs.is_object();
  if (!objects || depth >= kMergeDepthMax) return sides.newest();
  Json::object_t merged;
  for (const auto& [name, mine] : members(sides.mine)) {
    const Json* base = sides.base == nullptr ? nullptr : member(*sides.base, name);
    if (const Json* theirs = member(sides.theirs, name)) {
      merged.emplace(name, merge_deep(sides.at(base, mine, *theirs), depth + 1));
    } else if (survives(base, mine)) {
      merged.emplace(name, mine);
    }
  }
  for (const auto& [name, theirs] : members(sides.theirs)) {
    if (member(sides.mine, name) != nullptr) continue;
    const Json* base = sides.base == nullptr ? nullptr : member(*sides.base, name);
    if (survives(base, theirs)) merged.emplace(name, theirs);
  }
  return merged;
}

Json merge_elements(const std::string& key, const std::string& newest, const Sides& sides) {
  const bool arrays = (sides.mine.is_array() || sides.mine.is_null()) &&
                      (sides.theirs.is_array() || sides.theirs.is_null());
  if (!arrays) return sides.newest();
  const Index base = sides.base == nullptr ? Index() : index_of(*sides.base, key);
  const Index mine = index_of(sides.mine, key);
  const Index theirs = index_of(sides.theirs, key);
  Json::array_t merged;
  for (const Json& element : elements(sides.theirs)) {
    const Name name = name_of(element, key);
    if (find(theirs, name) != &element) continue;  // a later one has this name
    const Json* was = name.keyed ? find(base, name) : nullptr;
    if (const Json* other = find(mine, name)) {
      merged.push_back(merge_element(newest, sides.at(was, *other, element)));
    } else if (survives(was, element)) {
      merged.push_back(element);
    }
  }
  for (const auto& [name, element] : mine) {
    if (find(theirs, name) != nullptr) continue;
    if (survives(name.keyed ? find(base, name) : nullptr, *element)) merged.push_back(*element);
  }
  return merged;
}

}  // namespace somatic
