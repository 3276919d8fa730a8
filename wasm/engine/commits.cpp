// The store's two undo layers follow the two groups: what flies is sealed, what is gathered is
// open.

#include "engine/commits.hpp"

#include "base/planted.hpp"

namespace somatic {
namespace {

bool is_of_snapshot(const Entry& entry) {
  return std::holds_alternative<Stood>(entry) || std::holds_alternative<Kept>(entry);
}

}  // namespace

Outcome Commits::append(Entry entry) {
  Outcome outcome;
  apply(schema_, entry, store_, outcome);
  open_.entries.push_back(std::move(entry));
  return outcome;
}

bool Commits::settle_with_next(Ticket ticket) {
  if (idle()) return false;
  Group& group = open_.entries.empty() ? flying_ : open_;
  group.tickets.push_back(ticket);
  return true;
}

bool Commits::next() {
  if (is_flying_ || open_.entries.empty()) return false;
  segment_ = encode_segment(open_.entries, store_.format());
  flying_ = std::exchange(open_, {});
  store_.seal();
  is_flying_ = true;
  return true;
}

Commits::Group Commits::durable() {
  if (!is_flying_) return {};
  store_.commit();
  is_flying_ = false;
  segment_.clear();
  return std::exchange(flying_, {});
}

Commits::Group Commits::failed() {
  if (!is_flying_) return {};
  store_.rollback();
  is_flying_ = false;
  segment_.clear();
  replay(open_.entries);
  return std::exchange(flying_, {});
}

Commits::Group Commits::drop_open() {
  store_.rollback();
  replay(flying_.entries);
  store_.seal();
  return std::exchange(open_, {});
}

std::optional<Error> Commits::insert(std::string_view bytes, bool is_more, Outcome& outcome) {
  const auto entries = decode_segment(bytes, newest_);
  if (entries.ok()) take_in(entries.value(), outcome);
  if (!is_more && is_taken_off_) lay_on_others();
  return entries.ok() ? std::nullopt : std::optional(entries.error());
}

void Commits::take_in(const std::vector<Entry>& entries, Outcome& outcome) {
  store_.rollback();
  is_taken_off_ = true;
  for (const Entry& entry : entries) apply(schema_, entry, store_, outcome);
  store_.seal();
  store_.commit();
  if (!entries.empty() && is_of_snapshot(entries.front())) store_.mark_kept();
}

void Commits::lay_on_others() {
  is_taken_off_ = false;
  if (replay_after_others(flying_.entries))
    segment_ = encode_segment(flying_.entries, store_.format());
  store_.seal();
  if (!is_planted(Bug::kOpenWritesForgotten)) replay_after_others(open_.entries);
}

bool Commits::replay_after_others(std::vector<Entry>& entries) {
  Outcome already_told;
  bool is_changed = false;
  for (Entry& entry : entries) {
    if (make_whole(schema_, store_, entry)) is_changed = true;
    apply(schema_, entry, store_, already_told);
  }
  return is_changed;
}

void Commits::replay(const std::vector<Entry>& entries) {
  Outcome already_told;
  for (const Entry& entry : entries) apply(schema_, entry, store_, already_told);
}

}  // namespace somatic
