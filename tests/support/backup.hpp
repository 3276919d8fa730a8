// A backup as the shim makes it of the core's answers, and gives it back.
#pragma once

#include <string>
#include <vector>

#include "support/device.hpp"

namespace somatic::testing {

extern const std::vector<std::string> kCollections;

/// After an Export: {pending, overwritten, collections}.
Json told_by(const Device& device);
/// The rows of an Import.
Json rows_of(const Json& backup);

}  // namespace somatic::testing
