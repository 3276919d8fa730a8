// What JavaScript may call: a list, no logic. js/engine.js is its only caller.

#include <emscripten/bind.h>

#include <memory>
#include <string>

#include "host/host.hpp"

namespace somatic {
namespace {

using emscripten::val;

struct Binding {
  std::shared_ptr<Host> host;
};

std::unique_ptr<Binding> make(const std::string& config_json, const val& hooks) {
  auto binding = std::make_unique<Binding>(Binding{std::make_shared<Host>(hooks)});
  binding->host->create(config_json);
  return binding;
}

void load(Binding& engine, double seq, const std::string& bytes) {
  engine.host->load(static_cast<std::int64_t>(seq), bytes);
}

void handle(Binding& engine, const std::string& event_json) {
  if (auto event = from_json(parse_json(event_json), static_cast<Event*>(nullptr))) {
    engine.host->handle(*event);
  }
}

val segment(Binding& engine) {
  const std::string& bytes = engine.host->segment();
  return val(emscripten::typed_memory_view(bytes.size(),
                                           reinterpret_cast<const std::uint8_t*>(bytes.data())))
      .call<val>("slice");
}

std::string query(Binding& engine, const std::string& question_json) {
  return engine.host->query(parse_json(question_json)).dump();
}

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
      .function("handle", &handle)
      .function("segment", &segment)
      .function("query", &query);
  emscripten::function("errorCodes", &error_codes);
}

}  // namespace somatic
