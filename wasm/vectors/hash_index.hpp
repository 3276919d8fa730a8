// Finds numbered things by a key that they hold themselves: open addressing, four bytes a place.
// Knows neither things nor keys: the caller says the hash, which thing is meant, and the hash of a
// thing by its number.
#pragma once

#include <cstdint>

#include "vectors/array.hpp"

namespace somatic::vectors {

inline constexpr std::uint32_t kNothing = 0xFFFFFFFF;

class HashIndex {
 public:
  /// The number of the thing for which `is_meant(number)`, or kNothing.
  template <typename IsMeant>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsMeant is_meant) const {
    const std::uint32_t place = place_of(hash, is_meant);
    return place == kNothing ? kNothing : places_[place];
  }

  /// Room for one more; false: there is no memory. `hash_of(number)` as insert() was told.
  template <typename HashOf>
  [[nodiscard]] bool reserve(HashOf hash_of) {
    if ((count_ + 1) * 2 <= places_.size()) return true;
    Array<std::uint32_t> before;
    const std::uint32_t size = places_.empty() ? 16 : places_.size() * 2;
    if (!before.reserve(places_.size()) || !places_.reserve(size)) return false;
    for (const std::uint32_t number : places_) {
      if (number != kNothing) before.push(number);
    }
    places_.set_size(size);
    clear();
    for (const std::uint32_t number : before) insert(hash_of(number), number);
    return true;
  }

  /// reserve() must have made room, and the thing must not be in.
  void insert(std::uint64_t hash, std::uint32_t number) {
    std::uint32_t place = first_place(hash);
    while (places_[place] != kNothing) place = next(place);
    places_[place] = number;
    ++count_;
  }

  /// Nothing is in; the room stays.
  void clear() {
    for (std::uint32_t& place : places_) place = kNothing;
    count_ = 0;
  }

  /// The thing numbered `from` is numbered `to` from now on.
  void renumber(std::uint64_t hash, std::uint32_t from, std::uint32_t to) {
    places_[place_of(hash, [from](std::uint32_t number) { return number == from; })] = to;
  }

  /// Moves those up that had been pushed aside, so that no place is ever marked as deleted.
  template <typename HashOf>
  void erase(std::uint64_t hash, std::uint32_t number, HashOf hash_of) {
    std::uint32_t hole = place_of(hash, [number](std::uint32_t each) { return each == number; });
    for (std::uint32_t place = next(hole); places_[place] != kNothing; place = next(place)) {
      const std::uint32_t wanted = first_place(hash_of(places_[place]));
      const bool may_move = ((place - wanted) & mask()) >= ((place - hole) & mask());
      if (!may_move) continue;
      places_[hole] = places_[place];
      hole = place;
    }
    places_[hole] = kNothing;
    --count_;
  }

 private:
  [[nodiscard]] std::uint32_t mask() const { return places_.size() - 1; }
  [[nodiscard]] std::uint32_t next(std::uint32_t place) const { return (place + 1) & mask(); }
  [[nodiscard]] std::uint32_t first_place(std::uint64_t hash) const {
    return static_cast<std::uint32_t>((hash * 0x9E3779B97F4A7C15U) >> 32) & mask();
  }
  template <typename IsMeant>
  [[nodiscard]] std::uint32_t place_of(std::uint64_t hash, IsMeant is_meant) const {
    if (places_.empty()) return kNothing;
    std::uint32_t place = first_place(hash);
    while (places_[place] != kNothing && !is_meant(places_[place])) place = next(place);
    return places_[place] == kNothing ? kNothing : place;
  }

  Array<std::uint32_t> places_;  // as many as a power of two, at most half of them taken
  std::uint32_t count_ = 0;
};

}  // namespace somatic::vectors
