// The two forms in which a message leaves the core, written without a JSON value in between: CBOR
// for the journal, JSON text for JavaScript. Both know nothing of messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace somatic {

/// RFC 8949, with definite lengths.
class CborOut {
 public:
  /// Appends to `out`.
  explicit CborOut(std::string& out) : out_(out) {}

  void begin_object(std::size_t members) { head(kMap, members); }
  void name(std::string_view name) { text(name); }
  void end_object() {}
  void begin_array(std::size_t elements) { head(kArray, elements); }
  void element() {}
  void end_array() {}

  void text(std::string_view text) {
    head(kText, text.size());
    out_.append(text);
  }
  void integer(std::int64_t number) {
    const auto bits = static_cast<std::uint64_t>(number);
    number < 0 ? head(kNegative, ~bits) : head(kUnsigned, bits);
  }
  void boolean(bool is_true) { out_.push_back(static_cast<char>(is_true ? 0xF5 : 0xF4)); }
  void null() { out_.push_back(static_cast<char>(0xF6)); }
  void json(const Json& value) {
    Json::to_cbor(value, nlohmann::detail::output_adapter<char>(out_));
  }

 private:
  enum Major : unsigned char { kUnsigned = 0, kNegative = 1, kText = 3, kArray = 4, kMap = 5 };

  void head(Major major, std::uint64_t argument) {
    const auto put = [&](unsigned info, int bytes) {
      out_.push_back(static_cast<char>(major << 5 | info));
      for (int i = bytes - 1; i >= 0; --i) out_.push_back(static_cast<char>(argument >> 8 * i));
    };
    if (argument < 24) return put(static_cast<unsigned>(argument), 0);
    if (argument <= 0xFF) return put(24, 1);
    if (argument <= 0xFFFF) return put(25, 2);
    if (argument <= 0xFFFFFFFF) return put(26, 4);
    put(27, 8);
  }

  std::string& out_;
};

/// JSON text. What is no UTF-8 stays what it is.
class JsonOut {
 public:
  /// Appends to `out`.
  explicit JsonOut(std::string& out) : out_(out) {}

  void begin_object(std::size_t) { begin('{'); }
  void name(std::string_view name) {
    separate();
    text(name);
    out_.push_back(':');
  }
  void end_object() { end('}'); }
  void begin_array(std::size_t) { begin('['); }
  void element() { separate(); }
  void end_array() { end(']'); }

  void text(std::string_view text) {
    out_.push_back('"');
    std::size_t copied = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const auto letter = static_cast<unsigned char>(text[at]);
      if (letter >= 0x20 && letter != '"' && letter != '\\') continue;
      out_.append(text, copied, at - copied);
      escape(letter);
      copied = at + 1;
    }
    out_.append(text, copied);
    out_.push_back('"');
  }
  void integer(std::int64_t number) { out_.append(std::to_string(number)); }
  void boolean(bool is_true) { out_.append(is_true ? "true" : "false"); }
  void null() { out_.append("null"); }
  void json(const Json& value) {
    out_.append(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

 private:
  void begin(char bracket) {
    out_.push_back(bracket);
    is_first_ = true;
  }
  void end(char bracket) {
    out_.push_back(bracket);
    is_first_ = false;
  }
  void separate() {
    if (!is_first_) out_.push_back(',');
    is_first_ = false;
  }
  void escape(unsigned char letter) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (letter == '"' || letter == '\\') {
      out_.push_back('\\');
      out_.push_back(static_cast<char>(letter));
    } else {
      out_.append("\\u00");
      out_.push_back(kDigits[letter >> 4]);
      out_.push_back(kDigits[letter & 15]);
    }
  }

  std::string& out_;
  bool is_first_ = true;
};

}  // namespace somatic
