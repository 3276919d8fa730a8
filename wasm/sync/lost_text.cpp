// Texts are compared as a set, not place by place: arrays shift, and a text that only moved is not
// lost.
#include "sync/lost_text.hpp"

#include <algorithm>
#include <string_view>

#include "sync/rules.hpp"

namespace somatic {
namespace {

constexpr std::size_t kLongText = 80;

/// Counts characters, not bytes: every UTF-8 byte that does not continue one.
bool is_long(std::string_view text) {
  if (text.size() <= kLongText) return false;
  std::size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return characters > kLongText;
}

void collect(const Json& value, const std::string& path, const std::string& element_key, int depth,
             std::vector<LostText>& out) {
  if (depth > kMergeDepthMax) return;
  if (is_long(text_of(value))) out.push_back({path, std::string(text_of(value))});
  for (const auto& [name, inner] : members(value)) {
    collect(inner, path + '.' + name, element_key, depth + 1, out);
  }
  std::size_t index = 0;
  for (const Json& inner : elements(value)) {
    const Json* name = element_key.empty() ? nullptr : member(inner, element_key);
    const std::string_view named = name == nullptr ? std::string_view() : text_of(*name);
    const std::string step = named.empty() ? std::to_string(index) : std::string(named);
    collect(inner, path + '.' + step, element_key, depth + 1, out);
    ++index;
  }
}

std::vector<std::string_view> sorted_texts(const std::vector<LostText>& from) {
  std::vector<std::string_view> texts;
  texts.reserve(from.size());
  for (const LostText& each : from) texts.emplace_back(each.text);
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace

void note_lost_texts(std::vector<LostText>& lost, const std::string& column,
                     const std::string& element_key, const Json* base, const Json& side,
                     const Json& merged) {
  if (side == merged || (base != nullptr && side == *base)) return;
  std::vector<LostText> brought;
  collect(side, column, element_key, 0, brought);
  if (brought.empty()) return;
  std::vector<LostText> still_there;
  collect(merged, column, element_key, 0, still_there);
  if (base != nullptr) collect(*base, column, element_key, 0, still_there);
  const std::vector<std::string_view> known = sorted_texts(still_there);
  for (LostText& text : brought) {
    if (std::binary_search(known.begin(), known.end(), std::string_view(text.text))) continue;
    lost.push_back(std::move(text));
  }
}

}  // namespace somatic
