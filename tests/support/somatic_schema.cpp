// Read from a golden file, which a JavaScript test holds against the package's own declaration.
#include "support/somatic_schema.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace somatic::testing {

const Json& somatic_schema_json() {
  static const Json schema = [] {
    std::ifstream file(SOMATIC_TESTS_DIR "/golden/somatic-schema.json");
    std::stringstream text;
    text << file.rdbuf();
    Json json = parse_json(text.str());
    if (json.is_discarded())
      throw std::runtime_error("tests/golden/somatic-schema.json is no JSON");
    return json;
  }();
  return schema;
}

const Schema& somatic_schema() {
  static const Schema schema = [] {
    auto parsed = parse_schema(somatic_schema_json());
    if (!parsed.ok()) throw std::runtime_error(parsed.error().message);
    return parsed.value();
  }();
  return schema;
}

}  // namespace somatic::testing
