// The setting `overflow` of sources whose peer cannot wait.
//
// Thread safety: values and pure functions.
#pragma once

#include <utility>

#include "colloquium/config_types.h"

#include "base/door_queue.h"

namespace colloquium::config {

struct OverflowSettings {
  OverflowPolicy policy = OverflowPolicy::kBlock;
  ByteSize buffer{16 << 20};

  Overflow value() const { return {policy, static_cast<uint64_t>(buffer.bytes)}; }
};

inline FieldOptions overflow_field() {
  return {.description = "What happens when more comes than the pipeline takes."};
}

}  // namespace colloquium::config

namespace colloquium {

template <>
struct ConfigEnum<OverflowPolicy> {
  static constexpr std::pair<std::string_view, OverflowPolicy> values[] = {{"block", OverflowPolicy::kBlock},
                                                                           {"drop_new", OverflowPolicy::kDropNew},
                                                                           {"drop_old", OverflowPolicy::kDropOld}};
};

template <>
struct ConfigObject<config::OverflowSettings> {
  static ConfigSpec<config::OverflowSettings> spec() {
    using Settings = config::OverflowSettings;
    return ConfigSpec<Settings>()
        .field("policy", &Settings::policy,
               {.description =
                    "`block`: nothing more is read, and whoever sends has to wait. `drop_new`: it is read, "
                    "and what comes while `buffer` is full is dropped. `drop_old`: what has waited longest "
                    "in it is dropped instead. Drops are counted in `colloquium_source_dropped_total`."})
        .field("buffer", &Settings::buffer,
               {.description = "How much may wait, where it is not `block`.",
                .minimum = 64 << 10,
                .maximum = int64_t{1} << 30})
        .shorthand("policy");
  }
};

}  // namespace colloquium
