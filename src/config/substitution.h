// ${…} in a configuration: values from the environment and from the secret store.
//
//   ${NAME}            the variable; unset or empty is a problem
//   ${NAME:-default}   the default (which may hold ${…} again) if the variable is unset or empty
//   ${secret:name}     the secret; never shown afterwards
//   $$                 one $
//
// Done on string values after parsing, so a value can never change the structure of the file; keys are left
// alone. A plain scalar that is nothing but one ${…} is typed afterwards as if its value had been written;
// quoted, in the middle of other text, or a secret, it stays a string. `${/…}` and `${}` are left as they
// are: they are placeholders of Computo's templates. Any other $ stands for itself.
//
// Thread safety: the look-ups are called on the caller's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/config_spec.h"

namespace colloquium::config {

struct Substitutions {
  // Null functions: no variable is set; no secret is known.
  std::function<std::optional<std::string>(std::string_view name)> variable;
  std::function<Result<std::string>(std::string_view name)> secret;
};

// Replaces every ${…} below `node`, and adds what cannot be replaced to `problems`.
void substitute(ConfigNode& node, const Substitutions& substitutions, ConfigProblems& problems);

}  // namespace colloquium::config
