// What stands in the way of a JSON Schema before any value is checked by it: for hosts that hold a schema of their
// own and check by the operator jsonSchema, which goes by the standard and so passes over what it does not know.
//
// Thread safety: a function.
#pragma once

#include <string>
#include <string_view>

namespace colloquium::computo {

// Why values can't be checked by all of the schema, and where in it: it is none (schemas.h); a keyword would be
// passed over that says something in another draft, or in OpenAPI; or it leads round in a circle without going on
// in the value. Empty: nothing.
std::string schema_problem(std::string_view text);

}  // namespace colloquium::computo
