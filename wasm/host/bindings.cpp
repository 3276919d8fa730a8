// What JavaScript may call: a list, no logic. js/engine.js is the only caller of Engine,
// js/insights that of Patterns.

#include <emscripten/bind.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "host/bytes.hpp"
#include "host/host.hpp"
#include "insights/patterns.hpp"

namespace somatic {
namespace {

using emscripten::val;

struct Binding {
  std::shared_ptr<Host> host;
  /// where JavaScript writes an event
  std::string room;
  /// the last one: forgotten while the disk is at work
  std::optional<Event> event;
};

std::unique_ptr<Binding> make(const std::string& config_json, const val& hooks) {
  auto binding = std::make_unique<Binding>(Binding{std::make_shared<Host>(hooks), {}, {}});
  binding->host->create(config_json);
  return binding;
}

bool load(Binding& engine, double seq, const std::string& bytes, bool is_more) {
  return engine.host->load(static_cast<std::int64_t>(seq), bytes, is_more);
}

/// Where events of at most so many bytes are to be written, until it is asked again.
double room_for(Binding& engine, double size) {
  engine.room = std::string();  // the former goes before the next is made
  engine.room.resize(static_cast<std::size_t>(size));
  return static_cast<double>(reinterpret_cast<std::uintptr_t>(engine.room.data()));
}

/// The event in the room, of so many bytes. True: a Commit is among the effects, with which the
/// disk can begin before they are told.
bool handle(Binding& engine, double size, double wall_ms, double mono_ms) {
  const std::string_view event_json(engine.room.data(), static_cast<std::size_t>(size));
  engine.event = from_json(parse_json(event_json), static_cast<Event*>(nullptr));
  if (!engine.event) return false;
  return engine.host->handle(*engine.event, {static_cast<Ms>(wall_ms), static_cast<Ms>(mono_ms)});
}

/// Of the last event, as a JSON array; empty: none.
std::string effects(Binding& engine) {
  engine.event.reset();
  return engine.host->effects();
}

/// Where the segment is in memory, to be copied before the engine is called again: a view of it
/// would cost each write more than the copy.
double segment_at(Binding& engine) {
  return static_cast<double>(reinterpret_cast<std::uintptr_t>(engine.host->segment().data()));
}

double segment_size(Binding& engine) { return static_cast<double>(engine.host->segment().size()); }

bool begin_snapshot(Binding& engine, bool whole) { return engine.host->begin_snapshot(whole); }

val piece(Binding& engine) { return copy_of(engine.host->next_piece()); }

val vector_file(Binding& engine) { return copy_of(engine.host->next_vectors()); }

double named_vectors(Binding& engine) { return static_cast<double>(engine.host->named_vectors()); }

val file_still_named(Binding& engine, const std::string& file) {
  return copy_of(engine.host->vectors_still_named(file));
}

val one_vector(Binding& engine, const std::string& name) {
  return copy_of(engine.host->vector(name));
}

bool give_vectors(Binding& engine, const std::string& file) {
  return engine.host->give_vectors(file);
}

void end_snapshot(Binding& engine, bool is_kept) { engine.host->end_snapshot(is_kept); }

std::string query(Binding& engine, const std::string& question_json) {
  return engine.host->query(parse_json(question_json)).dump();
}

void set_entry(Patterns& patterns, const std::string& key, const std::string& entry_json) {
  patterns.set(key, parse_json(entry_json));
}

std::string patterns_result(const Patterns& patterns, const std::string& today) {
  return patterns.result(today).dump();
}

std::string vector_texts(const std::string& file) { return texts_in(file).dump(); }

int journal_format() { return kJournalFormat; }

std::string error_codes() {
  Json codes = Json::array();
  for (const ErrorCode& code : kErrorCodes) {
    codes.push_back({{"name", code.name}, {"retryable", code.retryable}});
  }
  return codes.dump();
}

}  // namespace

EMSCRIPTEN_BINDINGS(somatic_sync) {
  emscripten::class_<Binding>("Engine")
      .constructor(&make)
      .function("load", &load)
      .function("roomFor", &room_for)
      .function("handle", &handle)
      .function("effects", &effects)
      .function("segmentAt", &segment_at)
      .function("segmentSize", &segment_size)
      .function("beginSnapshot", &begin_snapshot)
      .function("nextPiece", &piece)
      .function("nextVectors", &vector_file)
      .function("namedVectors", &named_vectors)
      .function("vectorsStillNamed", &file_still_named)
      .function("vector", &one_vector)
      .function("giveVectors", &give_vectors)
      .function("endSnapshot", &end_snapshot)
      .function("query", &query);
  emscripten::class_<Patterns>("Patterns")
      .constructor<>()
      .function("set", &set_entry)
      .function("remove", &Patterns::remove)
      .function("clear", &Patterns::clear)
      .function("result", &patterns_result);
  emscripten::function("errorCodes", &error_codes);
  emscripten::function("journalFormat", &journal_format);
  emscripten::function("vectorTexts", &vector_texts);
}

}  // namespace somatic
