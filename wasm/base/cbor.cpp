// A JSON value as CBOR. What rows are made of is written here, byte for byte as nlohmann/json does,
// which asks a virtual function for every head; fractions, and what JSON has not, are left to it.

#include "base/cbor.hpp"

namespace somatic {

void append_cbor(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::null:
      out += '\xF6';
      return;
    case Json::value_t::boolean:
      return append_cbor(value.get<bool>(), out);
    case Json::value_t::number_integer:
      return append_cbor(value.get<std::int64_t>(), out);
    case Json::value_t::number_unsigned:
      return cbor::append_head(cbor::Kind::kUnsigned, value.get<std::uint64_t>(), out);
    case Json::value_t::string:
      return append_cbor(value.get_ref<const std::string&>(), out);
    case Json::value_t::array:
      return append_cbor(value.get_ref<const Json::array_t&>(), out);
    case Json::value_t::object: {
      const auto& all = value.get_ref<const Json::object_t&>();
      cbor::append_head(cbor::Kind::kMap, all.size(), out);
      for (const auto& [name, inner] : all) {
        cbor::append_text(name, out);
        append_cbor(inner, out);
      }
      return;
    }
    default:
      Json::to_cbor(value, nlohmann::detail::output_adapter<char>(out));
  }
}

}  // namespace somatic
