// Reads the declared schema. Every mistake is reported with the path of what is wrong, for the
// developer who wrote it.

#include "protocol/schema.hpp"

#include <utility>

namespace somatic {
namespace {

template <typename Enum>
struct Word {
  std::string_view name;
  Enum value;
};

constexpr Word<FieldType> kTypes[] = {
    {"text", FieldType::kText},     {"integer", FieldType::kInteger},
    {"number", FieldType::kNumber}, {"boolean", FieldType::kBoolean},
    {"date", FieldType::kDate},     {"timestamp", FieldType::kTimestamp},
    {"json", FieldType::kJson},     {"vector", FieldType::kVector},
};
constexpr Word<MergeRule> kRules[] = {
    {"newest", MergeRule::kNewest}, {"deep", MergeRule::kDeep},   {"max", MergeRule::kMax},
    {"min", MergeRule::kMin},       {"or", MergeRule::kOr},       {"counter", MergeRule::kCounter},
    {"union", MergeRule::kUnion},   {"first", MergeRule::kFirst},
};
constexpr Word<OnDelete> kOnDelete[] = {{"newest", OnDelete::kNewest},
                                        {"delete-wins", OnDelete::kDeleteWins}};
constexpr Word<Derivation> kDerivations[] = {{"streak", Derivation::kStreak},
                                             {"lastDay", Derivation::kLastDay}};

template <typename Enum, std::size_t N>
std::optional<Enum> look_up(const Word<Enum> (&words)[N], const Json& name) {
  for (const Word<Enum>& word : words) {
    if (word.name == text_of(name)) return word.value;
  }
  return std::nullopt;
}

Error mistake(const std::string& where, const std::string& what) {
  return {"invalid-value", "schema: " + where + " " + what};
}

void split_column(const std::string& declared, FieldSpec& field) {
  std::size_t from = declared.find('.');
  field.column = declared.substr(0, from);
  while (from != std::string::npos) {
    const std::size_t next = declared.find('.', from + 1);
    field.path.push_back(declared.substr(from + 1, next - from - 1));
    from = next;
  }
}

std::optional<Error> read_merge(const Json& declared, const std::string& where, FieldSpec& field) {
  if (field.type == FieldType::kJson) field.merge = MergeRule::kDeep;
  const auto merge = declared.find("merge");
  if (merge == declared.end()) return std::nullopt;
  if (merge->is_object()) {
    field.merge = MergeRule::kByKey;
    field.element_key = text_at(*merge, "byKey");
    field.element_newest = text_at(*merge, "newest");
    if (field.element_key.empty()) return mistake(where, "merge needs byKey: a member's name");
    return std::nullopt;
  }
  const auto rule = look_up(kRules, *merge);
  if (!rule) return mistake(where, "has an unknown merge rule");
  field.merge = *rule;
  return std::nullopt;
}

std::optional<Error> read_field(const Json& declared, const std::string& where, FieldSpec& field) {
  if (!declared.is_object()) return mistake(where, "must be an object");
  const std::string column = text_at(declared, "column");
  if (column.empty()) return mistake(where, "needs a column");
  split_column(column, field);
  const auto type = look_up(kTypes, at(declared, "type"));
  if (!type) return mistake(where, "has an unknown type");
  field.type = *type;
  if (auto error = read_merge(declared, where, field)) return error;
  field.required = at(declared, "required") == true;
  field.null_loses = text_at(declared, "nulls") == "lose";
  field.default_now = text_at(declared, "default") == "now";
  const auto number = [&](const char* name) -> std::optional<double> {
    const auto found = declared.find(name);
    if (found == declared.end() || !found->is_number()) return std::nullopt;
    return found->get<double>();
  };
  field.min = number("min");
  field.max = number("max");
  if (const auto scale = number("scale")) field.scale = static_cast<int>(*scale);
  if (const auto bytes = number("maxBytes")) field.max_bytes = static_cast<std::size_t>(*bytes);
  if (const auto values = declared.find("values"); values != declared.end() && values->is_array()) {
    field.values.assign(values->begin(), values->end());
  }
  if (const auto derived = declared.find("derived"); derived != declared.end()) {
    const auto how =
        derived->is_object() ? look_up(kDerivations, at(*derived, "as")) : std::nullopt;
    if (!how) return mistake(where, "has an unknown derivation");
    field.derivation = *how;
    field.derived_from = text_at(*derived, "from");  // a field's name; its column below
  }
  return std::nullopt;
}

/// Derived fields name their source by field in the declaration, by column from here on.
std::optional<Error> resolve_derivations(const std::string& where, CollectionSpec& collection) {
  for (auto& [name, field] : collection.fields) {
    if (field.derivation == Derivation::kNone) continue;
    const FieldSpec* source = collection.field(field.derived_from);
    if (source == nullptr || source->merge != MergeRule::kUnion) {
      return mistake(where + "." + name, "must be derived from a field with merge union");
    }
    field.derived_from = source->column;
  }
  return std::nullopt;
}

std::optional<Error> read_collection(const Json& declared, const std::string& where,
                                     CollectionSpec& collection) {
  if (!declared.is_object()) return mistake(where, "must be an object");
  collection.key_field = text_at(declared, "key");
  collection.local_only = at(declared, "localOnly") == true;
  if (!collection.local_only) collection.table = text_at(declared, "table");
  if (collection.key_field.empty()) return mistake(where, "needs a key");
  if (!collection.local_only && collection.table.empty()) {
    return mistake(where, "needs a table, or localOnly: true");
  }
  if (const auto on_delete = declared.find("onDelete"); on_delete != declared.end()) {
    const auto rule = look_up(kOnDelete, *on_delete);
    if (!rule) return mistake(where, "has an unknown onDelete");
    collection.on_delete = *rule;
  }
  for (const Json& place : elements(at(declared, "identity"))) {
    FieldSpec split;
    split_column(std::string(text_of(place)), split);
    if (split.column.empty()) return mistake(where, "identity must list columns");
    split.path.insert(split.path.begin(), split.column);
    collection.identity.push_back(std::move(split.path));
  }
  const auto fields = declared.find("fields");
  if (fields == declared.end() || !fields->is_object()) return mistake(where, "needs fields");
  for (const auto& [name, field] : fields->items()) {
    FieldSpec& spec = collection.fields[name];
    spec.name = name;
    if (auto error = read_field(field, where + "." + name, spec)) return error;
    if (spec.type == FieldType::kVector && spec.path.empty()) {
      collection.vector_columns.push_back(spec.column);
    }
  }
  if (!collection.is_singleton()) {
    const FieldSpec* key = collection.field(collection.key_field);
    if (key == nullptr || !key->path.empty()) {
      return mistake(where, "has a key that is not one of its whole-column fields");
    }
  }
  return resolve_derivations(where, collection);
}

}  // namespace

const FieldSpec* CollectionSpec::field(const std::string& field_name) const {
  const auto found = fields.find(field_name);
  return found == fields.end() ? nullptr : &found->second;
}

const FieldSpec* CollectionSpec::by_column(const std::string& column) const {
  for (const auto& [field_name, spec] : fields) {
    if (spec.path.empty() && spec.column == column) return &spec;
  }
  return nullptr;
}

std::string CollectionSpec::key_column() const {
  const FieldSpec* key = field(key_field);
  return is_singleton() || key == nullptr ? std::string() : key->column;
}

const CollectionSpec* Schema::collection(const std::string& name) const {
  const auto found = collections.find(name);
  return found == collections.end() ? nullptr : &found->second;
}

const CollectionSpec* Schema::by_table(const std::string& table) const {
  for (const auto& [name, collection] : collections) {
    if (!collection.local_only && collection.table == table) return &collection;
  }
  return nullptr;
}

Result<Schema> parse_schema(const Json& declared) {
  const auto collections = declared.find("collections");
  if (!declared.is_object() || collections == declared.end() || !collections->is_object()) {
    return mistake("it", "needs collections: an object");
  }
  Schema schema;
  for (const auto& [name, collection] : collections->items()) {
    CollectionSpec& spec = schema.collections[name];
    spec.name = name;
    if (auto error = read_collection(collection, name, spec)) return *error;
    for (const auto& [other_name, other] : schema.collections) {
      if (other_name != name && !spec.table.empty() && other.table == spec.table) {
        return mistake(name, "shares its table with " + other_name);
      }
    }
  }
  return schema;
}

}  // namespace somatic
