// What the sources that ask another server are alike in, as descriptors.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <utility>

#include "colloquium/component.h"

#include "components/http/client_settings.h"

namespace colloquium::components {

// `repeats`: when events may come twice, for the start-up message. REQUIRES: name and words of `d` are set.
template <class Config>
void bind_client_source(Descriptor& d, ConfigSpec<Config> spec, std::type_identity_t<ConfigCheck<Config>> check,
                        std::string repeats) {
  d.kind = ComponentKind::kSource;
  bind_spec(d, std::move(spec), std::move(check));
  d.source_traits = [repeats = std::move(repeats)](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = true,
                        .finite = false,
                        .max_event_bytes = config_of<Config>(parsed).max_event.bytes,
                        .repeats = repeats};
  };
  d.check = [](const ParsedConfig& parsed, const std::string& base_dir, ConfigProblems& problems) {
    const auto& config = config_of<Config>(parsed);
    check_client_files(config, base_dir, config.mark, problems);
  };
}

}  // namespace colloquium::components
