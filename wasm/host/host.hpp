// The browser's (or Node's) side of the loop, in C++: holds the engine, starts its effects, feeds
// what comes back. Fetches are done here; every other effect goes to JavaScript as one JSON array
// per event. Knows no rule of syncing.
#pragma once

#include <emscripten/val.h>

#include <memory>
#include <string>

#include "engine/engine.hpp"

namespace somatic {

class Host : public std::enable_shared_from_this<Host> {
 public:
  /// `hooks`: {effects(json), fetch(path, init) -> Promise<Response>, wallMs()}
  explicit Host(emscripten::val hooks) : hooks_(std::move(hooks)) {}

  /// A schema that cannot be used is told as an effect `failed`; nothing else works then.
  void create(const std::string& config_json);
  /// False: the segment is damaged.
  bool load(std::int64_t seq, std::string_view bytes, bool is_more);
  /// Keeps the effects until they are asked for. True: a Commit is among them.
  bool handle(const Event& event, Now now);
  /// Those that are JavaScript's to start, as a JSON array; empty: none.
  std::string effects();
  /// Of what comes back by itself: hands the effects to the hook.
  void feed(const Event& event);
  [[nodiscard]] const std::string& segment() const;
  bool begin_snapshot(bool whole) { return engine_ && engine_->begin_snapshot(whole); }
  std::string next_piece() { return engine_ ? engine_->next_piece() : std::string(); }
  std::string next_vectors() { return engine_ ? engine_->next_vectors() : std::string(); }
  [[nodiscard]] std::size_t named_vectors() const { return engine_ ? engine_->named_vectors() : 0; }
  std::string vectors_still_named(std::string_view file) {
    return engine_ ? engine_->vectors_still_named(file) : std::string();
  }
  /// Empty: it is not in memory.
  [[nodiscard]] std::string vector(const std::string& name) const {
    const std::string* found = engine_ ? engine_->vector(name) : nullptr;
    return found == nullptr ? std::string() : *found;
  }
  /// False: the file is damaged.
  bool give_vectors(std::string_view file);
  void end_snapshot(bool is_kept) {
    if (engine_) engine_->end_snapshot(is_kept);
  }
  [[nodiscard]] Json query(const Json& question) const;

 private:
  [[nodiscard]] Now now() const;
  /// Of what nobody asked for at this moment: hands the effects to the hook.
  void start(const std::vector<Effect>& effects);
  /// Does the fetches; the others as a JSON array.
  std::string fetch_and_tell(const std::vector<Effect>& effects);
  /// False: one of them says that something stored is damaged.
  bool start_sound(const std::vector<Effect>& effects);

  emscripten::val hooks_;
  std::unique_ptr<Engine> engine_;
  std::vector<Effect> effects_;
};

/// POSTs and feeds Fetched to the host, if it is still there by then. Never rejects.
emscripten::val fetch_for(std::weak_ptr<Host> host, emscripten::val hooks, Fetch request);

}  // namespace somatic
