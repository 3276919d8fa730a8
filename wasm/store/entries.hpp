// What the journal is made of: every change of state there is, as plain data. State is the fold of
// all entries in order, so an entry must make sense after entries of other contexts that its writer
// had not seen: applying one that came too late changes nothing.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "protocol/change.hpp"
#include "store/row.hpp"

namespace somatic {

/// A row named in an entry. `mid`: the mutation meant, where there is one.
struct EntryRow {
  std::string collection, key, mid;
};
struct EntryChange {
  std::string collection, key, id;
  Change change;
  /// What the row showed when it was edited, until the entry is durable; null for a new row. Not in
  /// the journal.
  Json seen = Json();
};

/// Made once per database; the first one counts.
struct Born {
  std::string device;
};
/// What the app wrote: the fields that changed and what they were.
struct Wrote {
  Stamp at;
  std::vector<EntryChange> changes;
};
/// Pending edits became mutations, under these names. Rows that have a mutation already are left
/// alone.
struct Froze {
  Stamp at;
  std::vector<EntryRow> rows;
};
/// The server's answer (`at`: half-way between the request and it) to a request of `device` that
/// carried `sent`, acknowledged `acks` and asked for rows after `from`. After a resync the device
/// is another, and what was still under way says nothing about the server as it is now.
struct Answered {
  std::string device;
  Stamp at;
  Ms round_trip_ms = 0;
  std::int64_t from = 0;
  std::vector<EntryRow> sent;
  std::vector<std::string> acks;
  Json body;
};
/// The server and `device` (whose last durable answer was `last`) have lost sight of each other:
/// under the name `next` and in the server's `epoch` everything is pulled again.
struct Resynced {
  std::string device, last;
  std::string reason;  ///< "epoch", "restored" or "horizon" (docs/protocol.md)
  std::string epoch, next;
};
/// The server fails on this mutation, by itself and again and again, and takes other requests: as
/// if it had been answered rejected.
struct Refused {
  Stamp at;
  EntryRow row;
  std::string code, message;
};
/// The app wants a rejected mutation tried again (its edits become pending) or gone.
struct Retried {
  Stamp at;
  EntryRow row;
};
struct Discarded {
  EntryRow row;
};
/// An overwritten text was put back (by a Wrote of the same commit) and leaves the list.
struct Restored {
  std::string id;
};

/// A backup is being written: the counts among these rows' pending edits became mutations of their
/// own, under these names, so that whoever reads the backup does not count them a second time.
struct Named {
  Stamp at;
  std::vector<EntryRow> rows;
};
/// A mutation as a backup tells it.
struct ToldMutation {
  std::string mid;
  Change change;
};
/// A row as a backup tells it. `whole`: what the row showed but for its unsent counts and deletion;
/// no change: it showed none. `mid`: what that becomes a mutation as.
struct ToldRow {
  std::string collection, key, id, mid;
  std::vector<std::string> aliases;
  Change whole;
  std::vector<ToldMutation> unsent;
};
/// A backup was read, or some of it.
struct Imported {
  Stamp at;
  std::vector<ToldRow> rows;
  Json overwritten = Json::array();
};

/// A snapshot begins: all but the rows is this (`meta`: store/snapshot). `is_whole`: rows that it
/// does not name are not there; else they stay as they are. `collections` are those its writer
/// knew.
struct Stood {
  bool is_whole = false;
  Json meta;
  std::vector<std::string> collections;
};
/// Rows of a snapshot, whatever they were before. `row`: CBOR of store/snapshot, or null: not
/// there.
struct KeptRow {
  std::string collection, key;
  Json row;
};
struct Kept {
  std::vector<KeptRow> rows;
};
/// Vectors that unsent edits of a snapshot's rows name: who never reads vectors has to send them.
struct CarriedVector {
  std::string name;
  Json bytes;  ///< binary
};
struct Carried {
  std::vector<CarriedVector> vectors;
};
/// Some of the journal is damaged, or was folded by a build that did not know these collections:
/// everything is pulled again, without a word to the server.
struct Refilled {
  std::vector<std::string> collections;
};

using Entry = std::variant<Born, Wrote, Froze, Answered, Resynced, Refused, Retried, Discarded,
                           Restored, Named, Imported, Stood, Kept, Carried, Refilled>;

template <>
struct Fields<EntryRow> {
  static constexpr auto list =
      std::tuple{field("collection", &EntryRow::collection), field("key", &EntryRow::key),
                 field("mid", &EntryRow::mid)};
};
template <>
struct Fields<EntryChange> {
  static constexpr auto list =
      std::tuple{field("collection", &EntryChange::collection), field("key", &EntryChange::key),
                 field("id", &EntryChange::id), field("change", &EntryChange::change)};
};
template <>
struct Fields<Born> {
  static constexpr const char* type = "born";
  static constexpr auto list = std::tuple{field("device", &Born::device)};
};
template <>
struct Fields<Wrote> {
  static constexpr const char* type = "wrote";
  static constexpr auto list =
      std::tuple{field("at", &Wrote::at), field("changes", &Wrote::changes)};
};
template <>
struct Fields<Froze> {
  static constexpr const char* type = "froze";
  static constexpr auto list = std::tuple{field("at", &Froze::at), field("rows", &Froze::rows)};
};
template <>
struct Fields<Answered> {
  static constexpr const char* type = "answered";
  static constexpr auto list = std::tuple{field("device", &Answered::device),
                                          field("at", &Answered::at),
                                          field("roundTrip", &Answered::round_trip_ms),
                                          field("from", &Answered::from),
                                          field("sent", &Answered::sent),
                                          field("acks", &Answered::acks),
                                          field("body", &Answered::body)};
};
template <>
struct Fields<Resynced> {
  static constexpr const char* type = "resynced";
  static constexpr auto list =
      std::tuple{field("device", &Resynced::device), field("last", &Resynced::last),
                 field("reason", &Resynced::reason), field("epoch", &Resynced::epoch),
                 field("next", &Resynced::next)};
};
template <>
struct Fields<Refused> {
  static constexpr const char* type = "refused";
  static constexpr auto list =
      std::tuple{field("at", &Refused::at), field("row", &Refused::row),
                 field("code", &Refused::code), field("message", &Refused::message)};
};
template <>
struct Fields<Retried> {
  static constexpr const char* type = "retried";
  static constexpr auto list = std::tuple{field("at", &Retried::at), field("row", &Retried::row)};
};
template <>
struct Fields<Discarded> {
  static constexpr const char* type = "discarded";
  static constexpr auto list = std::tuple{field("row", &Discarded::row)};
};
template <>
struct Fields<Named> {
  static constexpr const char* type = "named";
  static constexpr auto list = std::tuple{field("at", &Named::at), field("rows", &Named::rows)};
};
template <>
struct Fields<ToldMutation> {
  static constexpr auto list =
      std::tuple{field("mid", &ToldMutation::mid), field("change", &ToldMutation::change)};
};
template <>
struct Fields<ToldRow> {
  static constexpr auto list = std::tuple{field("collection", &ToldRow::collection),
                                          field("key", &ToldRow::key),
                                          field("id", &ToldRow::id),
                                          field("mid", &ToldRow::mid),
                                          field("aliases", &ToldRow::aliases),
                                          field("whole", &ToldRow::whole),
                                          field("unsent", &ToldRow::unsent)};
};
template <>
struct Fields<Imported> {
  static constexpr const char* type = "imported";
  static constexpr auto list =
      std::tuple{field("at", &Imported::at), field("rows", &Imported::rows),
                 field("overwritten", &Imported::overwritten)};
};
template <>
struct Fields<Stood> {
  static constexpr const char* type = "stood";
  static constexpr auto list =
      std::tuple{field("whole", &Stood::is_whole), field("meta", &Stood::meta),
                 field("collections", &Stood::collections)};
};
template <>
struct Fields<KeptRow> {
  static constexpr auto list = std::tuple{field("collection", &KeptRow::collection),
                                          field("key", &KeptRow::key), field("row", &KeptRow::row)};
};
template <>
struct Fields<Kept> {
  static constexpr const char* type = "kept";
  static constexpr auto list = std::tuple{field("rows", &Kept::rows)};
};
template <>
struct Fields<CarriedVector> {
  static constexpr auto list =
      std::tuple{field("name", &CarriedVector::name), field("bytes", &CarriedVector::bytes)};
};
template <>
struct Fields<Carried> {
  static constexpr const char* type = "carried";
  static constexpr auto list = std::tuple{field("vectors", &Carried::vectors)};
};
template <>
struct Fields<Refilled> {
  static constexpr const char* type = "refilled";
  static constexpr auto list = std::tuple{field("collections", &Refilled::collections)};
};
template <>
struct Fields<Restored> {
  static constexpr const char* type = "restored";
  static constexpr auto list = std::tuple{field("id", &Restored::id)};
};

}  // namespace somatic
