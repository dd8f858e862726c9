// Amounts of money among settings: "10 USD", "0.005 USD". Include this where a spec has one.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "colloquium/config_types.h"

#include "base/money.h"

namespace colloquium {
namespace config {

// Bounds are in billionths of a dollar. Implemented in read.cc.
std::optional<NanoUsd> read_amount(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&);
std::string show_amount(NanoUsd value);

}  // namespace config

template <>
struct ConfigType<NanoUsd> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<NanoUsd>(std::move(name), FieldType::kAmount, std::move(options),
                                         config::read_amount);
  }
  static std::string show(NanoUsd value) { return config::show_amount(value); }
};

}  // namespace colloquium
