// One request through the host's fetch(), awaited as a C++20 coroutine: no Asyncify, no
// XMLHttpRequest (a service worker has none).

#include <emscripten/val.h>

#include <cstdint>
#include <string>
#include <utility>

#include "host/bytes.hpp"
#include "host/host.hpp"

namespace somatic {
namespace {

using emscripten::val;

/// A rejected promise would end the coroutine silently; settled ones never reject.
val settled(const val& promise) {
  val promises = val::array();
  promises.call<void>("push", promise);
  return val::global("Promise").call<val>("allSettled", promises);
}

std::string text_of(const val& array_buffer) {
  const val bytes = val::global("Uint8Array").new_(array_buffer);
  std::string text(bytes["length"].as<std::size_t>(), '\0');
  val(emscripten::typed_memory_view(text.size(), reinterpret_cast<std::uint8_t*>(text.data())))
      .call<void>("set", bytes);
  return text;
}

val post(const Fetch& request) {
  val headers = val::object();
  headers.set("content-type", "application/json");
  headers.set("authorization", "Bearer " + request.access_token);
  val init = val::object();
  init.set("method", "POST");
  init.set("headers", headers);
  init.set("body", copy_of(request.body));
  return init;
}

}  // namespace

val fetch_for(std::weak_ptr<Host> host, val hooks, Fetch request) {
  Fetched fetched;
  fetched.id = request.id;
  fetched.bytes_sent = static_cast<std::int64_t>(request.body.size());
  const val response = (co_await settled(hooks.call<val>("fetch", request.path, post(request))))[0];
  if (response["status"].as<std::string>() == "fulfilled") {
    const val answer = response["value"];
    const val body = (co_await settled(answer.call<val>("arrayBuffer")))[0];
    // An answer that was cut off on its way is no answer: what it said is unknown.
    if (body["status"].as<std::string>() == "fulfilled") {
      fetched.status = answer["status"].as<int>();
      fetched.body = text_of(body["value"]);
      fetched.bytes_received = static_cast<std::int64_t>(fetched.body.size());
      // js/answer-pieces.js: what came at once, and what it was told apart from that
      if (answer["received"].isNumber()) {
        fetched.bytes_received = answer["received"].as<int>();
        fetched.is_piece = fetched.bytes_received == 0;
        if (fetched.is_piece) fetched.bytes_sent = 0;
      }
      const val retry_after = answer["headers"].call<val>("get", std::string("retry-after"));
      if (retry_after.isString()) fetched.retry_after = retry_after.as<std::string>();
    }
  }
  if (const auto alive = host.lock()) alive->feed(std::move(fetched));
  co_return val::undefined();
}

}  // namespace somatic
