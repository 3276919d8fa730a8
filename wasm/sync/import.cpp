// What is told meets what is here: by the same merge as everything else.

#include "sync/import.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/uuid.hpp"
#include "store/view.hpp"
#include "sync/layers.hpp"

namespace somatic {
namespace {

/// The server's ledger forgets a mutation 7 days after its answer was heard: who asks later cannot
/// be told any more whether it was counted.
constexpr Ms kLedgerMs = 6LL * 24 * 60 * 60 * 1000;

Change read_counts(const CollectionSpec& collection, const Json& told) {
  Change change;
  for (const auto& [name, count] : members(told)) {
    const FieldSpec* field = collection.field(name);
    if (field == nullptr || field->merge != MergeRule::kCounter) continue;
    if (const Json* amount = member(count, "add")) change.inc[field->column] = *amount;
    if (const Json* value = member(count, "set")) change.set[field->column] = *value;
    if (const Json* was = member(count, "was")) change.base[field->column] = *was;
    change.clocks[field->column] = text_at(count, "clock");
  }
  return change;
}

/// The row's fields back into columns.
ServerRow read_row(const CollectionSpec& collection, const Json& told) {
  const Json& beside = at(told, "$sync");
  ServerRow row;
  row.clocks = at(beside, "clocks").is_object() ? at(beside, "clocks") : Json::object();
  for (const auto& [column, value] : members(at(beside, "columns"))) row.columns[column] = value;
  for (const auto& [name, field] : collection.fields) {
    const Json* value = member(told, name);
    if (value == nullptr || !field.path.empty() || field.column == "id") continue;
    const bool is_vector = field.type == FieldType::kVector && value->is_array();
    row.columns[field.column] = is_vector ? Json(value->dump()) : *value;
  }
  for (const auto& [name, value] : members(at(beside, "counted"))) {
    if (const FieldSpec* field = collection.field(name)) row.columns[field->column] = value;
  }
  return row;
}

class Reader {
 public:
  Reader(const CollectionSpec& collection, const Meta& meta, const ToldRow& told, const Stamp& at,
         const Row& here)
      : collection_(collection),
        meta_(meta),
        told_(told),
        now_(server_time(meta, at)),
        row_(here) {}

  News read() {
    if (row_.id.empty()) row_.id = told_.id;
    if (!told_.whole.set.empty()) {
      note_alias(told_.id);
      note_alias(told_.key);
      for (const std::string& alias : told_.aliases) note_alias(alias);
      take_row();
    }
    for (const ToldMutation& each : told_.unsent) take_unsent(each);
    return std::move(news_);
  }

 private:
  void note_alias(const std::string& name) {
    const bool is_known = name == row_.id || std::find(row_.aliases.begin(), row_.aliases.end(),
                                                       name) != row_.aliases.end();
    if (is_known || !canonical_uuid(name)) return;
    row_.add_alias(name);
    news_.aliases.push_back(name);
  }

  /// What it says waits below what is pending here: so that is not what it stands on, and what was
  /// undone here since is not done again.
  void take_row() {
    Row below = row_;
    below.pending.reset();
    const auto ground = shown(collection_, meta_, below), seen = shown(collection_, meta_, row_);
    Rebased news{told_.whole, {}};
    if (ground) news = rebase(collection_, told_.whole, *ground);
    Change left = news.change;
    if (seen) {
      left = rebase(collection_, news.change, *seen).change;
    } else if (const auto deleted_at = unconfirmed_deletion(meta_, row_)) {
      left = rebase_on_gone(collection_, told_.whole, row_.server->columns, *deleted_at).change;
    }
    if (news.change.empty() || left.empty()) return;
    add({told_.mid, std::nullopt, std::move(news.change), !ground});
    news_.lost = std::move(news.lost);
  }

  void take_unsent(const ToldMutation& told) {
    if (is_known(told.mid)) return;
    const auto seen = shown(collection_, meta_, row_);
    if (told.change.del) {
      // Before the first pull the row may be there all the same.
      Change change = meta_.cursor == 0 && !row_.is_layered() ? told.change : Change{};
      if (seen) change = rebase(collection_, told.change, *seen).change;
      if (change.del) add({told.mid, std::nullopt, std::move(change)});
      return;
    }
    Change change = told.change;
    for (const auto& [column, clock] : members(told.change.clocks)) {
      if (!was_counted(column, text_of(clock))) continue;
      for (Json* part : {&change.set, &change.inc, &change.base, &change.clocks})
        part->erase(column);
    }
    const bool is_said =
        seen && change.inc.empty() && rebase(collection_, change, *seen).change.empty();
    if (change.empty() || is_said) return;
    news_.counted.push_back(told.mid);
    add({told.mid, std::nullopt, std::move(change)});
  }

  [[nodiscard]] bool is_known(const std::string& mid) const {
    const auto is_it = [&](const Frozen& each) { return each.mid == mid; };
    return (row_.rejected && row_.rejected->mid == mid) || (row_.frozen && is_it(*row_.frozen)) ||
           std::any_of(row_.queued.begin(), row_.queued.end(), is_it) ||
           std::find(row_.counted.begin(), row_.counted.end(), mid) != row_.counted.end();
  }

  /// The stored count was last changed by this very mutation; or, when the server cannot be asked
  /// any more, perhaps before something later: then the larger count of the two rows has to do.
  [[nodiscard]] bool was_counted(const std::string& column, std::string_view clock) const {
    const std::string_view of_told = column_clock(told_.whole.clocks, column);
    const std::string_view of_server =
        row_.server ? column_clock(row_.server->clocks, column) : std::string_view();
    if (clock == of_told || clock == of_server) return true;
    return now_ - clock_time(clock) > kLedgerMs && clock < std::max(of_told, of_server);
  }

  void add(Frozen mutation) {
    row_.queued.push_back(mutation);
    news_.mutations.push_back(std::move(mutation));
  }

  const CollectionSpec& collection_;
  const Meta& meta_;
  const ToldRow& told_;
  const Ms now_;
  Row row_;
  News news_;
};

}  // namespace

ToldRow read_told(const CollectionSpec& collection, const std::string& user_id,
                  const std::string& mid, const Json& told) {
  ToldRow out;
  out.collection = collection.name;
  out.mid = mid;
  const Json &row = at(told, "row"), &unsent = at(told, "unsent");
  const Json& first = elements(unsent).empty() ? told : unsent[0];
  out.key = text_at(first, "key");
  if (collection.is_singleton()) {
    out.key = "self";
  } else if (row.is_object()) {
    out.key = text_at(row, collection.key_field);
  }
  if (row.is_object()) {
    const Json& beside = at(row, "$sync");
    out.id = text_at(beside, "id");
    for (const Json& alias : elements(at(beside, "aliases"))) {
      out.aliases.emplace_back(text_of(alias));
    }
    out.whole = as_change(read_row(collection, row));
  }
  for (const Json& each : elements(unsent)) {
    ToldMutation mutation{text_at(each, "id"), read_counts(collection, at(each, "counts"))};
    if (const std::string removed = text_at(each, "removed"); !removed.empty()) {
      mutation.change = {};
      mutation.change.del = true;
      mutation.change.clocks["*"] = removed;
    }
    if (mutation.mid.empty()) {
      mutation.mid = uuid_v5(user_id, collection.name + '/' + out.key + '/' + each.dump());
    }
    if (!mutation.change.empty()) out.unsent.push_back(std::move(mutation));
  }
  return out;
}

std::string home_of(const CollectionSpec& collection, const Store& store, const ToldRow& told) {
  const Row* row = store.find({collection.name, told.key});
  if (row != nullptr && row->columns() != nullptr) return told.key;
  std::vector<std::string> names = identities_of(collection, told.whole.set);
  names.insert(names.begin(), told.key);
  for (const std::string& name : names) {
    const std::string home = store.key_of_name(collection.name, name);
    if (!home.empty()) return home;
  }
  return told.key;
}

News news_in(const CollectionSpec& collection, const Meta& meta, const ToldRow& told,
             const Stamp& at, const Row& here) {
  return Reader(collection, meta, told, at, here).read();
}

}  // namespace somatic
