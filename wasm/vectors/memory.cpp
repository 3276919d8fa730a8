// In WebAssembly: fresh memory of the size that is asked for, and a list of what was released for
// each power of two that it holds. Arrays, which alone release any, are about such sizes. Natively:
// the C library.
#include "vectors/memory.hpp"

#include <cstdint>
#include <cstdlib>
#include <new>

namespace somatic::vectors {
namespace {

constexpr std::size_t kAlignment = 64;

constexpr std::size_t rounded(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

#ifdef SOMATIC_FREESTANDING

extern "C" unsigned char __heap_base;  // where the linker's own data ends

namespace {

constexpr std::size_t kPageBytes = 65536;
constexpr std::size_t kPagesMax = 65535;  // one less than there can be: an end fits into 32 bits
constexpr auto kCannotGrow = static_cast<std::size_t>(-1);
constexpr int kClasses = 32;

struct Released {
  Released* next;
};

Released* released[kClasses];
std::uintptr_t top;  // what lies above it was never handed out

/// The largest power of two within so many bytes.
int class_of(std::size_t bytes) { return 31 - __builtin_clz(static_cast<unsigned>(bytes)); }

void* take_fresh(std::size_t bytes) {
  if (top == 0) top = rounded(reinterpret_cast<std::uintptr_t>(&__heap_base));
  const std::uint64_t end = std::uint64_t{top} + bytes;
  const std::size_t pages = __builtin_wasm_memory_size(0);
  const auto needed = static_cast<std::size_t>((end + kPageBytes - 1) / kPageBytes);
  if (needed > kPagesMax) return nullptr;
  if (needed > pages && __builtin_wasm_memory_grow(0, needed - pages) == kCannotGrow) {
    return nullptr;
  }
  void* memory = reinterpret_cast<void*>(top);
  top = static_cast<std::uintptr_t>(end);
  return memory;
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > std::size_t{1} << 31) return nullptr;
  const std::size_t size = rounded(bytes);
  // what lies in a list is at least its power of two: only the next one up is sure to suffice
  Released*& list = released[class_of(2 * size - 1)];
  if (list == nullptr) return take_fresh(size);
  Released* memory = list;
  list = memory->next;
  return memory;
}

void release(void* memory, std::size_t bytes) {
  if (memory == nullptr) return;
  Released*& list = released[class_of(rounded(bytes))];
  list = new (memory) Released{list};
}

#else

void* allocate(std::size_t bytes) { return std::aligned_alloc(kAlignment, rounded(bytes)); }

void release(void* memory, std::size_t) { std::free(memory); }

#endif

}  // namespace somatic::vectors
