// The fields that name a row are found by looking: a test's backup holds the app's own collections.
#include "support/backup.hpp"

#include <map>
#include <string>
#include <utility>

namespace somatic::testing {

const std::vector<std::string> kCollections = {"progress",    "achievements", "path",
                                               "logs",        "cosmic",       "astrology",
                                               "attunements", "embeddings",   "health"};

Json told_by(const Device& device) {
  Json backup = {{"pending", device.ask({{"unsent", true}})},
                 {"overwritten", device.ask({{"overwritten", "backup"}})}};
  for (const std::string& collection : kCollections) {
    Json& rows = backup["collections"][collection] = Json::array();
    for (std::string after;;) {
      const Json piece = device.ask({{"told", after}, {"collection", collection}});
      for (Json row : piece["rows"]) {
        const Json* vector = member(row, "embedding");
        if (vector != nullptr && vector->is_string()) row.erase("embedding");  // on the disk only
        rows.push_back(std::move(row));
      }
      if (!piece.contains("last")) break;
      after = piece["last"];
    }
  }
  return Json::parse(backup.dump());
}

Json rows_of(const Json& backup) {
  Json rows = Json::array();
  std::map<std::string, Json> unsent;
  const auto name = [](const Json& collection, const Json& key) {
    return collection.get<std::string>() + '/' + key.get<std::string>();
  };
  for (const Json& each : backup["pending"]) {
    Json& list = unsent[name(each["collection"], each["key"])];
    list.push_back(each);
  }
  for (const auto& [collection, all] : backup["collections"].items()) {
    for (const Json& row : all) {
      const char* field = collection == "achievements" ? "achievementId"
                          : row.contains("date")       ? "date"
                                                       : "id";
      const Json key = row.contains(field) ? row[field] : Json("self");
      auto mutations = unsent.extract(name(collection, key));
      Json told = {{"collection", collection}, {"row", row}};
      told["unsent"] = mutations.empty() ? Json::array() : mutations.mapped();
      rows.push_back(told);
    }
  }
  for (const auto& [row, list] : unsent) {
    rows.push_back({{"collection", list[0]["collection"]}, {"unsent", list}});
  }
  return rows;
}

}  // namespace somatic::testing
