// Which slots carry a facet: a hash of "path=value", 64 bits, which stands for it. Each facet has
// its list of slots, each slot knows its places in them, so that neither adding nor removing looks
// through any. Knows no vectors.
#pragma once

#include <cstdint>
#include <span>

#include "vectors/array.hpp"
#include "vectors/hash_index.hpp"

namespace somatic::vectors {

using Facet = std::uint64_t;

class Facets {
 public:
  ~Facets();
  Facets() = default;
  Facets(const Facets&) = delete;
  Facets& operator=(const Facets&) = delete;

  /// A slot in a facet's list, and the link that leads from the slot back to here.
  struct Posting {
    std::uint32_t slot;
    std::uint32_t link;
  };
  struct List {
    Facet facet;
    std::uint32_t number;
    Array<Posting> postings;
  };

  /// A new slot, the one after the last. One facet given twice counts once. false: there is no
  /// memory, and the slot is not there.
  [[nodiscard]] bool push(std::span<const Facet> facets);
  /// Takes the facets of a slot away; the slot stays.
  void clear(std::uint32_t slot);
  /// The last slot takes the place of `slot`, whose facets must have been cleared.
  void swap_out(std::uint32_t slot);

  /// Into `order`: all slots, those that carry one facet beside each other; a slot that carries
  /// several of them, by the rarest. Facets of fewer than `least` slots, or of all, do not count.
  /// false: there is no memory.
  [[nodiscard]] bool order_by_facet(std::uint32_t least, Array<std::uint32_t>& order) const;
  /// What was slot `order[i]` is slot `i` from now on, and every list in the order of the slots.
  /// false: there is no memory, and nothing has changed.
  [[nodiscard]] bool reorder(const Array<std::uint32_t>& order);

  /// nullptr: no slot carries it.
  [[nodiscard]] const List* list(Facet facet) const;
  [[nodiscard]] bool carries(std::uint32_t slot, const List& list) const;

 private:
  struct Link {
    std::uint32_t list;
    std::uint32_t place;
    std::uint32_t next;  // of the same slot, or of those not in use; kNothing: the last
  };

  [[nodiscard]] const List* rarest(std::uint32_t slot, std::uint32_t least) const;
  [[nodiscard]] std::uint32_t number_of(Facet facet) const;
  std::uint32_t list_for(Facet facet);
  bool add(std::uint32_t slot, Facet facet);
  void remove(std::uint32_t link);
  void drop(std::uint32_t list);

  Array<std::uint32_t> first_links_;  // by slot
  Array<Link> links_;
  Array<List*> lists_;
  Array<std::uint32_t> free_lists_;
  HashIndex index_;
  std::uint32_t free_link_ = kNothing;
};

}  // namespace somatic::vectors
