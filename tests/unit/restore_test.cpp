// Texts that lost a merge and are put back: wherever they stood, as long as the place is there.
#include "sync/restore.hpp"

#include <doctest/doctest.h>

#include "support/device.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const Json kLog = {{"category", "chat"}, {"content", "x"}};

}  // namespace

TEST_CASE("restore: a lost text can be put back, wherever it stood") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  const std::string mine(90, 'm'), theirs(90, 't');
  std::string collection = "path", key = "self";
  Json first, by_phone, by_laptop;
  const auto kata = [](const std::string& note) {
    return Json{{"katas", Json::array({{{"id", "k1"}, {"note", note}}, {{"id", "k2"}}})}};
  };
  SUBCASE("a whole field") {
    collection = "logs";
    key = kId;
    first = kLog;
    by_phone = {{"content", mine}};
    by_laptop = {{"content", theirs}};
  }
  SUBCASE("inside a JSON field") {
    collection = "logs";
    key = kId;
    first = {{"category", "chat"}, {"content", "x"}, {"metadata", {{"a/b", {{"c", "1"}}}}}};
    by_phone = {{"metadata", {{"a/b", {{"c", mine}}}}}};
    by_laptop = {{"metadata", {{"a/b", {{"c", theirs}}}}}};
  }
  SUBCASE("inside an element of an array with a key") {
    first = kata("short");
    by_phone = kata(mine);
    by_laptop = kata(theirs);
  }
  phone.put(collection, key, first);
  REQUIRE(settle_down({&phone, &laptop}));
  phone.patch(collection, key, by_phone);
  server.now += 5000;
  laptop.patch(collection, key, by_laptop);
  REQUIRE(settle_down({&laptop, &phone}));
  CHECK(phone.get(collection, key).dump().find(theirs) != std::string::npos);
  const Json kept = phone.ask({{"overwritten", true}});
  REQUIRE(kept.size() == 1);
  CHECK(kept[0]["text"] == mine);
  CHECK(phone.restore_overwritten(text_at(kept[0], "id")).empty());
  CHECK(phone.ask({{"overwritten", true}}).empty());
  REQUIRE(settle_down({&phone, &laptop}));
  Json want = first;
  want.update(by_phone);
  for (const auto& [name, value] : want.items()) {
    CHECK(laptop.get(collection, key)[name] == value);
  }
  CHECK(phone.restore_overwritten("no such id").empty());
}

TEST_CASE("restore: a lost text whose place is gone cannot be put back, and stays") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  const auto kata = [](const std::string& note) {
    return Json{{"katas", Json::array({{{"id", "k1"}, {"note", note}}})}};
  };
  phone.put("path", "self", kata("short"));
  REQUIRE(settle_down({&phone, &laptop}));
  phone.patch("path", "self", kata(std::string(90, 'm')));
  server.now += 5000;
  laptop.patch("path", "self", kata(std::string(90, 't')));
  REQUIRE(settle_down({&laptop, &phone}));
  const Json kept = phone.ask({{"overwritten", true}});
  REQUIRE(kept.size() == 1);
  phone.patch("path", "self", {{"katas", Json::array()}});
  CHECK(phone.restore_overwritten(text_at(kept[0], "id")) == "invalid-value");
  phone.patch("path", "self", {{"katas", nullptr}});
  CHECK(phone.restore_overwritten(text_at(kept[0], "id")) == "invalid-value");
  CHECK(phone.ask({{"overwritten", true}}).size() == 1);
}
