// Which texts a merge made disappear. A long text is work: it is kept for the user to restore,
// whoever's it was.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "sync/merge.hpp"

namespace somatic {

/// Adds every text of more than 80 characters that `side` holds (in the value or anywhere inside)
/// and that neither `base` (null: not known) nor `merged` holds anywhere: `side` brought it and it
/// is gone. LostText::column is then `column` and the way down from it, in dots; in an array a step
/// is the element's `element_key` text if it has one, else its index.
void note_lost_texts(std::vector<LostText>& lost, const std::string& column,
                     const std::string& element_key, const Json* base, const Json& side,
                     const Json& merged);

}  // namespace somatic
