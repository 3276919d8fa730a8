// The app's schema for the native tests: js/somatic-schema.js as JSON. And the key fields they use.
#pragma once

#include "base/json.hpp"
#include "protocol/schema.hpp"

namespace somatic::testing {

const Json& somatic_schema_json();
const Schema& somatic_schema();

}  // namespace somatic::testing
