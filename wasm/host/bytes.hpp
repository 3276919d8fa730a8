// Bytes on their way out of the core's memory.
#pragma once

#include <emscripten/val.h>

#include <cstdint>
#include <string>

namespace somatic {

/// Outside of the wasm memory, which may grow and detach every view of it.
inline emscripten::val copy_of(const std::string& bytes) {
  return emscripten::val(emscripten::typed_memory_view(
                             bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data())))
      .call<emscripten::val>("slice");
}

}  // namespace somatic
