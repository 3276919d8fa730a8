// UUIDs: the names of RFC 9562, text forms, and the generator's promises (same seed, same run).
#include "base/uuid.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace somatic;

TEST_CASE("uuid: version 5 gives the known names") {
  constexpr const char* kDns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  struct Case {
    std::string name;
    std::string space;
    std::string text;
    std::string want;
  };
  const Case cases[] = {
      {"the example of RFC 9562", kDns, "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
      {"python.org", kDns, "python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d"},
      {"nothing", kDns, "", "4ebd0208-8328-5d69-8c44-ec50939c0967"},
      {"one block less one byte", kDns, std::string(39, 'a'),
       "5824f981-4282-59d4-9716-acb6d741350e"},
      {"the length no longer fits the block", kDns, std::string(40, 'a'),
       "39f39c20-db47-5131-8879-62f8f67f9014"},
      {"three blocks", kDns, std::string(150, 'a'), "0081b8b9-3ebd-53f5-904b-91bc07b2f4a3"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(uuid_v5(c.space, c.text) == c.want);
  }
}

TEST_CASE("uuid: canonical form") {
  struct Case {
    std::string name;
    std::string text;
    std::optional<std::string> want;
  };
  const Case cases[] = {
      {"canonical already", "2ed6657d-e927-568b-95e1-2665a8aea6a2",
       "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
      {"upper case", "2ED6657D-E927-568B-95E1-2665A8AEA6A2",
       "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
      {"nil", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"},
      {"braces", "{2ed6657d-e927-568b-95e1-2665a8aea6a2}", std::nullopt},
      {"no dashes", "2ed6657de927568b95e12665a8aea6a2", std::nullopt},
      {"dash out of place", "2ed6657de-927-568b-95e1-2665a8aea6a2", std::nullopt},
      {"not hex", "2ed6657g-e927-568b-95e1-2665a8aea6a2", std::nullopt},
      {"nothing", "", std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(canonical_uuid(c.text) == c.want);
  }
}

TEST_CASE("random: same seed, same run; other seed, other run") {
  Random a("seed");
  Random b("seed");
  for (int i = 0; i < 100; ++i) CHECK(a.next() == b.next());
  std::set<std::uint64_t> firsts;
  const std::string seeds[] = {"",
                               "a",
                               "b",
                               "seed2",
                               "12345678",
                               "123456789",
                               "123456780",
                               std::string("a\0", 2),
                               std::string(64, 'f'),
                               std::string(64, 'f') + "0",
                               std::string(63, 'f') + "0",
                               "0" + std::string(63, 'f')};
  for (const std::string& seed : seeds) firsts.insert(Random(seed).next());
  CHECK(firsts.size() == std::size(seeds));
}

TEST_CASE("random: the run is frozen") {
  // Goldens depend on it, natively and in the module alike.
  Random random("frozen");
  CHECK(random.next() == 13685495485599866725U);
  CHECK(random.uuid_v4() == "f0b34491-f0eb-4c7f-909d-1dcc488a8135");
}

TEST_CASE("random: fractions and ids have their shape") {
  Random random("shape");
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double f = random.fraction();
    if (f < 0 || f >= 1) FAIL(f);
    sum += f;
  }
  CHECK(sum / 10000 == doctest::Approx(0.5).epsilon(0.05));
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = random.short_name();
    if (name.size() != 10) FAIL(name);
    names.insert(name);
  }
  CHECK(names.size() == 1000);
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random.uuid_v4();
    if (canonical_uuid(id) != id || id[14] != '4' || std::string("89ab").find(id[19]) > 3) FAIL(id);
    ids.insert(id);
  }
  CHECK(ids.size() == 1000);
}
