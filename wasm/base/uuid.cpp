// UUID text, SHA-1 (only here, only to name things) and the generator. Nothing here is secret and
// nothing may become so: both are chosen for being the same on every device.
#include "base/uuid.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <utility>

namespace somatic {
namespace {

constexpr char kHex[] = "0123456789abcdef";
using Digest = std::array<std::uint8_t, 20>;

bool is_dash_position(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void sha1_block(std::array<std::uint32_t, 5>& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 80> word{};
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 4; ++j) word[i] = (word[i] << 8) | block[4 * i + j];
  }
  for (std::size_t i = 16; i < 80; ++i) {
    word[i] = std::rotl(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t mixed = 0;
    if (i < 20) {
      mixed = ((b & c) | (~b & d)) + 0x5A827999;
    } else if (i < 40) {
      mixed = (b ^ c ^ d) + 0x6ED9EBA1;
    } else if (i < 60) {
      mixed = ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
    } else {
      mixed = (b ^ c ^ d) + 0xCA62C1D6;
    }
    const std::uint32_t next = std::rotl(a, 5) + mixed + e + word[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

Digest sha1(std::string text) {
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift);
  std::array<std::uint32_t, 5> state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  std::array<std::uint8_t, 64> block{};
  for (std::size_t at = 0; at < text.size(); at += 64) {
    for (std::size_t i = 0; i < 64; ++i) block[i] = static_cast<std::uint8_t>(text[at + i]);
    sha1_block(state, block.data());
  }
  Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

/// The first 16 bytes as UUID text, stamped with version and the RFC 9562 variant.
std::string uuid_text(Digest bytes, int version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | (version << 4));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (is_dash_position(out.size())) out += '-';
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 0x0F];
  }
  return out;
}

std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

std::optional<std::string> canonical_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string out(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_position(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return std::nullopt;
    out[i] = kHex[value];
  }
  return out;
}

std::string uuid_v5(std::string_view space, std::string_view name) {
  std::string bytes;
  int high = -1;
  for (const char c : space) {
    const int value = hex_value(c);
    if (value < 0) continue;
    if (high >= 0) bytes += static_cast<char>(high * 16 + value);
    high = high < 0 ? value : -1;
  }
  bytes += name;
  return uuid_text(sha1(std::move(bytes)), 5);
}

Random::Random(std::string_view seed) : state_{0, 1, 2, 3} {
  // Eight bytes at a time into the four words in turn, so that a long seed gives all 256 bits.
  std::uint64_t word = seed.size();
  std::size_t lane = 0;
  const auto absorb = [&] {
    state_[lane] ^= word;
    state_[lane] = splitmix64(state_[lane]);
    lane = (lane + 1) % 4;
    word = 0;
  };
  absorb();
  for (std::size_t i = 0; i < seed.size(); ++i) {
    word = (word << 8) | static_cast<unsigned char>(seed[i]);
    if (i % 8 == 7) absorb();
  }
  while (lane != 0 || word != 0) absorb();
  for (int i = 0; i < 16; ++i) next();  // a short seed reaches only some words: let it spread
}

std::uint64_t Random::next() {
  const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return out;
}

double Random::fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }

std::string Random::short_name() {
  constexpr char kLetters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  std::string out;
  for (std::uint64_t bits = next(); out.size() < 10; bits >>= 6) out += kLetters[bits % 64];
  return out;
}

std::string Random::uuid_v4() {
  Digest bytes{};
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint64_t word = next();
    for (std::size_t i = 0; i < 8; ++i) {
      bytes[8 * half + i] = static_cast<std::uint8_t>(word >> (8 * i));
    }
  }
  return uuid_text(bytes, 4);
}

}  // namespace somatic
