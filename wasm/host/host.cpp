// Effects out, in order: fetches are started here, the rest is handed over together.

#include "host/host.hpp"

#include <emscripten.h>

#include <algorithm>
#include <utility>

namespace somatic {

void Host::create(const std::string& config_json) {
  Config config;
  Json json = parse_json(config_json);
  read_member(json, config);
  auto engine = Engine::create(config);
  if (engine.ok()) {
    engine_ = std::move(engine.value());
  } else {
    start({Failed{engine.error().code, engine.error().message}});
  }
}

bool Host::load(std::int64_t seq, std::string_view bytes, bool is_more) {
  return engine_ && start_sound(engine_->load(seq, bytes, is_more, now()));
}

bool Host::give_vectors(std::string_view file) {
  return engine_ && start_sound(engine_->give_vectors(file, now()));
}

bool Host::start_sound(const std::vector<Effect>& effects) {
  start(effects);
  return std::none_of(effects.begin(), effects.end(), [](const Effect& effect) {
    const auto* failed = std::get_if<Failed>(&effect);
    return failed != nullptr && failed->code == "storage-damaged";
  });
}

bool Host::handle(const Event& event, Now now) {
  if (engine_) effects_ = engine_->handle(event, now);
  return std::any_of(effects_.begin(), effects_.end(),
                     [](const Effect& effect) { return std::holds_alternative<Commit>(effect); });
}

std::string Host::effects() { return fetch_and_tell(std::exchange(effects_, {})); }

void Host::feed(const Event& event) {
  if (engine_) start(engine_->handle(event, now()));
}

const std::string& Host::segment() const {
  static const std::string kNothing;
  return engine_ ? engine_->segment() : kNothing;
}

Json Host::query(const Json& question) const {
  return engine_ ? engine_->query(question, now()) : Json();
}

Now Host::now() const {
  return {static_cast<Ms>(hooks_.call<double>("wallMs")), static_cast<Ms>(emscripten_get_now())};
}

void Host::start(const std::vector<Effect>& effects) {
  const std::string for_js = fetch_and_tell(effects);
  if (!for_js.empty()) hooks_.call<void>("effects", for_js);
}

std::string Host::fetch_and_tell(const std::vector<Effect>& effects) {
  Json for_js = Json::array();
  for (const Effect& effect : effects) {
    if (const auto* request = std::get_if<Fetch>(&effect)) {
      fetch_for(weak_from_this(), hooks_, *request);
    } else {
      for_js.push_back(to_json(effect));
    }
  }
  return for_js.empty() ? std::string() : for_js.dump();
}

}  // namespace somatic
