// The list of what JavaScript sees of the engine. A list without logic.
#include <emscripten/bind.h>

#include <string>

#include "base/error.hpp"

EMSCRIPTEN_BINDINGS(somatic_sync) {
  emscripten::function(
      "isRetryable", +[](const std::string& code) { return somatic::is_retryable(code); });
}
