// Vectors stand outside of the rows: equal ones have one name, none is lost on the way through
// snapshots, kills and older builds, and memory holds only those it must.
#include "store/vectors.hpp"

#include <doctest/doctest.h>

#include "support/device.hpp"
#include "support/somatic_schema.hpp"

using namespace somatic;
using namespace somatic::testing;

namespace {

const char* const kId = "11111111-1111-4111-8111-111111111111";
const char* const kOther = "22222222-2222-4222-8222-222222222222";
const Json kVector = {0.1, -2, 3.5e-7};

Json embedding(const Json& vector) {
  return {{"content", "calm"}, {"metadata", {{"model", "test"}}}, {"embedding", vector}};
}

/// The vector as this device shows it: numbers, or a name.
Json shown(const Device& device, const char* key = kId) {
  return device.get("embeddings", key)["embedding"];
}

std::string stored(const ModelServer& server, const char* id = kId) {
  const Json row = server.find("vector_embeddings", {{"id", id}});
  return text_at(row, "embedding");
}

std::set<std::string> names_on(const Disk& disk) {
  std::set<std::string> names;
  for (const std::string& file : disk.vectors) {
    const auto vectors = decode_vectors(file, kJournalFormat);
    for (const NamedVector& each : vectors.value()) names.insert(each.name);
  }
  return names;
}

int format_of(const std::string& file) { return static_cast<unsigned char>(file[4]); }

}  // namespace

TEST_CASE("vectors: a name means the numbers, whatever text they came in") {
  const CollectionSpec& embeddings = *somatic_schema().collection("embeddings");
  const auto named = [&](Vectors& vectors, const std::string& text) {
    Json columns = {{"embedding", text}};
    vectors.take(embeddings, columns);
    return columns["embedding"];
  };
  Vectors vectors;
  const Json name = named(vectors, "[0.1,-2,3.5e-07]");
  CHECK(Vectors::is_name(name));
  CHECK(named(vectors, "[0.10000000, -2.0,0.00000035]") == name);
  CHECK(named(vectors, "[0.1,-2,3.6e-07]") != name);
  CHECK(parse_json(text_of(vectors.text(name))) == kVector);
  CHECK(Vectors::is_same(name, "[0.1,-2,3.5e-7]"));
  CHECK_FALSE(Vectors::is_same(name, "[0.1,-2]"));
  CHECK_FALSE(Vectors::is_same(name, nullptr));
  for (const char* odd : {"", "[]", "[1", "1]", "[1,]", "[1;2]", "[x]", "vector of doubt"}) {
    CAPTURE(odd);
    CHECK(named(vectors, odd) == odd);
  }
}

TEST_CASE("vectors: a file gives back what went in, and notices every change") {
  const std::vector<NamedVector> some = {
      {"vector:00112233-4455-5677-8899-aabbccddeeff", std::string(8, 'a')},
      {"vector:ffeeddcc-bbaa-5988-b766-554433221100", std::string(8, 'b')}};
  const std::string file = encode_vectors(some);
  const auto back = decode_vectors(file, kJournalFormat);
  REQUIRE(back.ok());
  REQUIRE(back.value().size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(back.value()[i].name == some[i].name);
    CHECK(back.value()[i].bytes == some[i].bytes);
  }
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string bad = file;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    CHECK_FALSE(decode_vectors(bad, kJournalFormat).ok());
    CHECK_FALSE(decode_vectors(file.substr(0, at), kJournalFormat).ok());
  }
  CHECK(decode_vectors(file, kFirstFormat).error().code == "reload-needed");
}

TEST_CASE("vectors: written, pushed, pulled and put again they are the same") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  REQUIRE(phone.put("embeddings", kId, embedding(kVector)).empty());
  CHECK(shown(phone) == kVector);
  REQUIRE(settle_down({&phone, &laptop}));
  CHECK(parse_json(stored(server)) == kVector);
  CHECK(shown(laptop) == kVector);
  CHECK(phone.dump() == laptop.dump());
  const auto segments = phone.disk().segments.size();
  CHECK(phone.put("embeddings", kId, embedding(kVector)).empty());
  CHECK(phone.disk().segments.size() == segments);  // nothing changed, nothing is written
  REQUIRE(laptop.patch("embeddings", kId, {{"embedding", {1, 2}}}).empty());
  REQUIRE(settle_down({&phone, &laptop}));
  CHECK(shown(phone) == Json{1, 2});
}

TEST_CASE("vectors: folded ones leave memory; unsent ones stay, also through a restart") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("embeddings", kId, embedding(kVector));
  REQUIRE(phone.sync().empty());
  phone.put("embeddings", kOther, embedding({7, 8}));
  phone.fold(true);
  CHECK(names_on(phone.disk()).size() == 2);
  for (const bool again : {false, true}) {
    if (again) phone.restart();
    CHECK(phone.failures.empty());
    CHECK(Vectors::is_name(shown(phone)));
    CHECK(shown(phone, kOther) == Json{7, 8});
  }
  REQUIRE(phone.sync().empty());
  CHECK(stored(server, kOther) == "[7,8]");
  Device tab(server, "tab", std::make_shared<Disk>(phone.disk()));
  CHECK(tab.get("embeddings", kId)["content"] == "calm");
}

TEST_CASE("vectors: once all are wanted they come into memory and stay") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("embeddings", kId, embedding(kVector));
  REQUIRE(phone.sync().empty());
  phone.fold(true);
  REQUIRE(Vectors::is_name(shown(phone)));
  phone.keep_vectors();
  CHECK(shown(phone) == kVector);
  phone.put("embeddings", kOther, embedding({7, 8}));
  REQUIRE(phone.sync().empty());
  phone.fold(false);
  CHECK(shown(phone, kOther) == Json{7, 8});
  phone.fold(true);
  CHECK(shown(phone) == kVector);
}

TEST_CASE("vectors: the raw columns, and who wrote them last") {
  ModelServer server;
  Device phone(server, "phone"), laptop(server, "laptop");
  phone.put("embeddings", kId, embedding(kVector));
  const auto own = [](const Device& device) {
    return device.ask(
        {{"own", {kId, kOther}}, {"collection", "embeddings"}, {"column", "content"}});
  };
  CHECK(own(phone) == Json{true, false});
  REQUIRE(settle_down({&phone, &laptop}));
  CHECK(own(phone) == Json{true, false});
  CHECK(own(laptop) == Json{false, false});
  laptop.patch("embeddings", kId, {{"content", "mine"}});
  CHECK(own(laptop) == Json{true, false});
  REQUIRE(settle_down({&laptop, &phone}));
  CHECK(own(laptop) == Json{true, false});
  CHECK(own(phone) == Json{false, false});
  const Json raw = phone.ask({{"raw", {"embedding", "content", "unheard"}},
                              {"collection", "embeddings"},
                              {"keys", {kId, kOther}}});
  REQUIRE(raw.size() == 2);
  CHECK(Vectors::is_name(raw[0][0]));
  CHECK(raw[0][1] == "mine");
  CHECK(raw[0][2].is_null());
  CHECK(raw[1].is_null());
}

TEST_CASE("vectors: of another context's snapshot, the ones it holds leave memory here too") {
  ModelServer server;
  auto disk = std::make_shared<Disk>();
  Device a(server, "a", disk), b(server, "b", disk);
  a.put("embeddings", kId, embedding(kVector));
  REQUIRE(a.sync().empty());
  b.catch_up();
  CHECK(shown(b) == kVector);
  a.put("theme", "self", {{"theme", "dark"}});
  a.fold(true);
  b.holds = {Wish::kCommit};
  b.begin(Write{0, {{"put", "embeddings", kOther, embedding({7, 8}), "", 1}}});
  b.release(Wish::kCommit);  // reads the snapshot on its way
  CHECK(Vectors::is_name(shown(b)));
  CHECK(shown(b, kOther) == Json{7, 8});
  b.fold(false);
  CHECK(names_on(*disk).size() == 2);
}

TEST_CASE("vectors: a write during the fold keeps its vector for the next one") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("embeddings", kId, embedding(kVector));
  REQUIRE(phone.sync().empty());
  phone.holds = {Wish::kCommit};
  phone.begin(Write{0, {{"put", "embeddings", kOther, embedding({7, 8}), "", 1}}});
  REQUIRE(phone.begin_fold(true));
  while (phone.go_on_folding()) {
  }
  CHECK(names_on(phone.disk()).size() == 1);
  phone.release(Wish::kCommit);
  REQUIRE(phone.sync().empty());
  phone.fold(false);
  CHECK(names_on(phone.disk()).size() == 2);
}

TEST_CASE("vectors: a whole snapshot leaves out what no row names any more") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("embeddings", kId, embedding(kVector));
  phone.put("embeddings", kOther, embedding({7, 8}));
  REQUIRE(phone.sync().empty());
  phone.fold(true);
  phone.remove("embeddings", kOther);
  REQUIRE(phone.sync().empty());
  phone.fold(false);
  CHECK(names_on(phone.disk()).size() == 2);
  phone.fold(true);
  CHECK(names_on(phone.disk()) == std::set<std::string>{shown(phone).get<std::string>()});
}

TEST_CASE("vectors: what a restored server lost is sent again from the files") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("theme", "self", {{"theme", "dark"}});
  REQUIRE(phone.sync().empty());
  const ModelServer backup = server;
  phone.put("embeddings", kId, embedding(kVector));
  REQUIRE(phone.sync().empty());
  phone.fold(true);
  const int boots = server.boots;
  server = backup;
  server.boots = boots;
  server.now += 60'000;
  server.epoch = "e0000000-0000-4000-8000-000000000002";
  phone.restart();
  REQUIRE(Vectors::is_name(shown(phone)));
  REQUIRE(settle_down({&phone}));
  CHECK(parse_json(stored(server)) == kVector);
  CHECK(phone.failures.empty());
}

TEST_CASE("vectors: one whose file is lost is told, and its row goes up without it") {
  ModelServer server;
  Device phone(server, "phone");
  phone.put("theme", "self", {{"theme", "dark"}});
  REQUIRE(phone.sync().empty());
  const ModelServer backup = server;
  phone.put("embeddings", kId, embedding(kVector));
  REQUIRE(phone.sync().empty());
  phone.fold(true);
  phone.disk().vectors.clear();
  const int boots = server.boots;
  server = backup;
  server.boots = boots;
  server.now += 60'000;
  server.epoch = "e0000000-0000-4000-8000-000000000002";
  phone.restart();
  REQUIRE(settle_down({&phone}));
  const Json row = server.find("vector_embeddings", {{"id", kId}});
  CHECK(text_at(row, "content") == "calm");
  CHECK(at(row, "embedding").is_null());
  REQUIRE(phone.failures.size() == 1);
  CHECK(phone.failures.front().code == "storage-damaged");
}

TEST_CASE("vectors: a database of the first format is read, and folded into this one") {
  ModelServer server;
  auto disk = std::make_shared<Disk>();
  Device old(server, "old", disk);
  old.format = kFirstFormat;
  old.restart();
  old.put("embeddings", kId, embedding(kVector));
  REQUIRE(old.sync().empty());
  old.fold(true);
  CHECK(format_of(disk->snapshots.back().pieces.front()) == 1);
  CHECK(disk->vectors.empty());
  old.kill();

  Device now(server, "now", disk);
  CHECK(shown(now) == kVector);
  now.put("theme", "self", {{"theme", "dark"}});
  now.fold(false);
  CHECK(names_on(*disk).size() == 1);
  CHECK(Vectors::is_name(shown(now)));
  Device after(server, "after", disk);
  CHECK(after.dump() == now.dump());
}

TEST_CASE("vectors: beside an older build everything is written as it can read it") {
  ModelServer server;
  auto disk = std::make_shared<Disk>();
  Device old(server, "old", disk);
  old.format = kFirstFormat;
  old.restart();
  Device now(server, "now", disk);
  now.feed(FormatLimit{kFirstFormat});
  now.put("embeddings", kId, embedding(kVector));
  old.put("embeddings", kOther, embedding({7, 8}));
  REQUIRE(settle_down({&old, &now}));
  now.fold(true);
  old.catch_up();
  old.restart();
  CHECK(old.failures.empty());
  CHECK(old.dump() == now.dump());
  CHECK(shown(old) == kVector);

  // The older one is gone; its format is not needed any more.
  now.feed(FormatLimit{kJournalFormat});
  now.patch("embeddings", kId, {{"embedding", {4, 5}}});
  now.patch("embeddings", kId, {{"content", "moved"}});
  old.catch_up();
  REQUIRE_FALSE(old.failures.empty());
  CHECK(old.failures.back().code == "reload-needed");
  CHECK(old.put("theme", "self", {{"theme", "dark"}}) == "reload-needed");
}
