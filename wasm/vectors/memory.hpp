// Memory for the index, so that its module needs no C library and no import. Allocation fails by
// nullptr, never by an exception: the index refuses a vector it has no room for.
#pragma once

#include <cstddef>

namespace somatic::vectors {

/// Aligned to 64 bytes, a cache line; nullptr when there is no more.
void* allocate(std::size_t bytes);

/// `bytes` as they were allocated.
void release(void* memory, std::size_t bytes);

}  // namespace somatic::vectors
