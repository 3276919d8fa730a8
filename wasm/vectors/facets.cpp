// The lists of slots and the links between them (vectors/facets.hpp).
#include "vectors/facets.hpp"

#include <new>

namespace somatic::vectors {

Facets::~Facets() {
  for (List* list : lists_) {
    if (list == nullptr) continue;
    list->~List();
    release(list, sizeof(List));
  }
}

bool Facets::push(std::span<const Facet> facets) {
  if (!first_links_.reserve(first_links_.size() + 1)) return false;
  const std::uint32_t slot = first_links_.size();
  first_links_.push(kNothing);
  for (const Facet facet : facets) {
    if (add(slot, facet)) continue;
    clear(slot);
    first_links_.pop();
    return false;
  }
  return true;
}

void Facets::clear(std::uint32_t slot) {
  for (std::uint32_t link = first_links_[slot]; link != kNothing;) {
    const std::uint32_t next = links_[link].next;
    remove(link);
    links_[link].next = free_link_;
    free_link_ = link;
    link = next;
  }
  first_links_[slot] = kNothing;
}

void Facets::swap_out(std::uint32_t slot) {
  const std::uint32_t last = first_links_.size() - 1;
  if (slot != last) {
    first_links_[slot] = first_links_[last];
    for (std::uint32_t link = first_links_[slot]; link != kNothing; link = links_[link].next) {
      lists_[links_[link].list]->postings[links_[link].place].slot = slot;
    }
  }
  first_links_.pop();
}

bool Facets::order_by_facet(std::uint32_t least, Array<std::uint32_t>& order) const {
  if (!order.reserve(first_links_.size())) return false;
  order.clear();
  for (const List* list : lists_) {
    if (list == nullptr) continue;
    for (const Posting& posting : list->postings) {
      if (rarest(posting.slot, least) == list) order.push(posting.slot);
    }
  }
  for (std::uint32_t slot = 0; slot < first_links_.size(); ++slot) {
    if (rarest(slot, least) == nullptr) order.push(slot);
  }
  return true;
}

/// Of the slot's lists of at least so many, unless all are in it; nullptr: there is none.
const Facets::List* Facets::rarest(std::uint32_t slot, std::uint32_t least) const {
  const List* found = nullptr;
  std::uint32_t fewest = first_links_.size();
  for (std::uint32_t link = first_links_[slot]; link != kNothing; link = links_[link].next) {
    const List* list = lists_[links_[link].list];
    const std::uint32_t count = list->postings.size();
    if (count < least || count >= fewest) continue;
    found = list;
    fewest = count;
  }
  return found;
}

bool Facets::reorder(const Array<std::uint32_t>& order) {
  Array<std::uint32_t> before;
  if (!before.reserve(order.size())) return false;
  for (const std::uint32_t first_link : first_links_) before.push(first_link);
  for (List* list : lists_) {
    if (list != nullptr) list->postings.clear();
  }
  for (std::uint32_t slot = 0; slot < order.size(); ++slot) {
    first_links_[slot] = before[order[slot]];
    for (std::uint32_t link = first_links_[slot]; link != kNothing; link = links_[link].next) {
      Array<Posting>& postings = lists_[links_[link].list]->postings;
      links_[link].place = postings.size();
      postings.push({slot, link});
    }
  }
  return true;
}

const Facets::List* Facets::list(Facet facet) const {
  const std::uint32_t number = number_of(facet);
  return number == kNothing ? nullptr : lists_[number];
}

bool Facets::carries(std::uint32_t slot, const List& list) const {
  std::uint32_t link = first_links_[slot];
  while (link != kNothing && links_[link].list != list.number) link = links_[link].next;
  return link != kNothing;
}

std::uint32_t Facets::number_of(Facet facet) const {
  return index_.find(facet, [&](std::uint32_t number) { return lists_[number]->facet == facet; });
}

/// kNothing: there is no memory.
std::uint32_t Facets::list_for(Facet facet) {
  const std::uint32_t known = number_of(facet);
  if (known != kNothing) return known;
  const bool has_room = index_.reserve([&](std::uint32_t each) { return lists_[each]->facet; }) &&
                        lists_.reserve(lists_.size() + 1) && free_lists_.reserve(lists_.size() + 1);
  void* memory = has_room ? allocate(sizeof(List)) : nullptr;
  if (memory == nullptr) return kNothing;
  std::uint32_t number = lists_.size();
  if (free_lists_.empty()) {
    lists_.push(nullptr);
  } else {
    number = free_lists_.back();
    free_lists_.pop();
  }
  lists_[number] = new (memory) List{facet, number, {}};
  index_.insert(facet, number);
  return number;
}

/// false: there is no memory. What else it did, clear() undoes.
bool Facets::add(std::uint32_t slot, Facet facet) {
  const std::uint32_t number = list_for(facet);
  if (number == kNothing) return false;
  List& list = *lists_[number];
  if (carries(slot, list)) return true;
  if (!list.postings.reserve(list.postings.size() + 1) || !links_.reserve(links_.size() + 1)) {
    if (list.postings.empty()) drop(number);
    return false;
  }
  std::uint32_t link = free_link_;
  if (link == kNothing) {
    link = links_.size();
    links_.push({});
  } else {
    free_link_ = links_[link].next;
  }
  links_[link] = {number, list.postings.size(), first_links_[slot]};
  first_links_[slot] = link;
  list.postings.push({slot, link});
  return true;
}

void Facets::remove(std::uint32_t link) {
  List& list = *lists_[links_[link].list];
  const std::uint32_t place = links_[link].place;
  list.postings[place] = list.postings.back();
  links_[list.postings[place].link].place = place;
  list.postings.pop();
  if (list.postings.empty()) drop(list.number);
}

void Facets::drop(std::uint32_t number) {
  List* list = lists_[number];
  index_.erase(list->facet, number, [&](std::uint32_t each) { return lists_[each]->facet; });
  list->~List();
  release(list, sizeof(List));
  lists_[number] = nullptr;
  free_lists_.push(number);
}

}  // namespace somatic::vectors
