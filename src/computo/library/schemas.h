// Operators that check values against a JSON Schema (draft 2020-12 and draft-07).
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// schemas.cc
bool json_schema(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool matches_schema(Machine& machine, const Value* arguments, uint32_t count, Value& out);
std::string check_schema(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kSchemaLibrary[] = {
    native("jsonSchema", 2, 3,
           {"Schemas and patches", "value: any, schema: object or boolean, options?: object", "array of objects",
            "type value"},
           "..o", ops::json_schema,
           "What is wrong with the value by a JSON Schema: an array of {instance, message, schema}, two JSON "
           "Pointers and a text, empty if it is valid. Draft 2020-12, or draft-07 where `$schema` says so; `$ref` "
           "leads within the schema only. Options: formats (false; true asserts date, date-time, email, ipv4, "
           "ipv6, time, uri and uuid), maxErrors (100). A schema that is none is an error of category value. "
           "Values under names of secrets are not told.",
           R"(["jsonSchema",{"id":"7"},{"properties":{"id":{"type":"integer"}},"required":["id","n"]}])",
           R"([{"instance":"","message":"expected a member \"n\"","schema":"/required"},)"
           R"({"instance":"/id","message":"expected integer, got \"7\"","schema":"/properties/id/type"}])",
           ops::check_schema),
    native("matchesSchema", 2, 3,
           {"Schemas and patches", "value: any, schema: object or boolean, options?: object", "boolean",
            "type value"},
           "..o", ops::matches_schema, "True if jsonSchema, which takes the same operands, would find no error.",
           R"(["matchesSchema",{"id":7},{"properties":{"id":{"type":"integer"}}}])", "true", ops::check_schema),
};

}  // namespace colloquium::computo
