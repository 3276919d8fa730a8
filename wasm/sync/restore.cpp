// LostText says where a text stood: the field, then the way down in dots. Names may hold dots
// themselves, so every way to read them is tried.

#include "sync/restore.hpp"

#include <string_view>
#include <utility>

namespace somatic {
namespace {

Json* element(Json& array, std::string_view name, const std::string& element_key) {
  std::size_t index = 0;
  for (Json& each : array) {
    const std::string_view named = element_key.empty() ? "" : text_of(at(each, element_key));
    if (named.empty() ? std::to_string(index) == name : named == name) return &each;
    ++index;
  }
  return nullptr;
}

/// The place `way` leads to, or null. The last member of an object need not exist.
Json* place(Json& here, std::string_view way, const std::string& element_key) {
  for (std::size_t end = way.find('.');; end = way.find('.', end + 1)) {
    const std::string_view name = way.substr(0, end);
    Json* next = nullptr;
    if (here.is_array()) next = element(here, name, element_key);
    if (const auto found = here.find(std::string(name)); found != here.end()) next = &*found;
    if (end == std::string_view::npos) {
      return next == nullptr && here.is_object() && way.find('.') == std::string_view::npos
                 ? &here[std::string(way)]
                 : next;
    }
    Json* found = next == nullptr ? nullptr : place(*next, way.substr(end + 1), element_key);
    if (found != nullptr) return found;
  }
}

}  // namespace

Result<Op> restoring(const Schema& schema, const Store& store, const Json& text) {
  Op op{"patch", text_at(text, "collection"), text_at(text, "key"), Json::object(), "", 1};
  const std::string path = text_at(text, "field");
  const std::size_t dot = path.find('.');
  const std::string name = path.substr(0, dot);
  if (dot == std::string::npos) {
    op.fields[name] = at(text, "text");
    return op;
  }
  const CollectionSpec* collection = schema.collection(op.collection);
  const FieldSpec* field = collection == nullptr ? nullptr : collection->field(name);
  const Row* row = store.find({op.collection, op.key});
  const Json* columns = row == nullptr ? nullptr : row->columns();
  Json whole;
  if (field != nullptr && columns != nullptr) whole = at(*columns, field->column);
  Json* there = field == nullptr
                    ? nullptr
                    : place(whole, std::string_view(path).substr(dot + 1), field->element_key);
  if (there == nullptr) {
    return Error{"invalid-value", op.collection + "." + path + ": its place is gone"};
  }
  *there = at(text, "text");
  op.fields[name] = std::move(whole);
  return op;
}

}  // namespace somatic
