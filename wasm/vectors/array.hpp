// An array that grows, for types that may be copied as bytes. std::vector would throw, and need the
// C++ library in a module that has none.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "vectors/memory.hpp"

namespace somatic::vectors {

template <typename T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Array() = default;
  ~Array() { release(items_, std::size_t{capacity_} * sizeof(T)); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  /// false: there is no memory, and nothing has changed.
  [[nodiscard]] bool reserve(std::uint32_t count) {
    if (count <= capacity_) return true;
    std::uint32_t capacity = capacity_ == 0 ? kFirst : capacity_;
    while (capacity < count) capacity *= 2;
    T* items = static_cast<T*>(allocate(std::size_t{capacity} * sizeof(T)));
    if (items == nullptr) return false;
    if (size_ > 0) std::memcpy(items, items_, std::size_t{size_} * sizeof(T));
    release(items_, std::size_t{capacity_} * sizeof(T));
    items_ = items;
    capacity_ = capacity;
    return true;
  }
  /// reserve() must have made room.
  void push(const T& item) { items_[size_++] = item; }
  void pop() { --size_; }
  void clear() { size_ = 0; }
  /// Items beyond the former size are what the memory happens to hold. Room as for push().
  void set_size(std::uint32_t size) { size_ = size; }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T& operator[](std::uint32_t i) { return items_[i]; }
  const T& operator[](std::uint32_t i) const { return items_[i]; }
  T& back() { return items_[size_ - 1]; }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }

 private:
  static constexpr std::uint32_t kFirst = sizeof(T) <= 16 ? 64 / sizeof(T) : 4;

  T* items_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace somatic::vectors
