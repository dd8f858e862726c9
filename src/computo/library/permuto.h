// Permuto: templates whose strings hold placeholders for parts of a context (section 13 of the language).
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// permuto.cc
bool permuto_apply(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// permuto_reverse.cc
bool permuto_reverse(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool permuto_reverse_template(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kPermutoLibrary[] = {
    native(
        "permuto.apply", 2, 3,
        {"Templates", "template: any, context: any, options?: object", "any", "type pointer value"}, "..o",
        ops::permuto_apply,
        "The template with each string that is a placeholder, such as \"${/a/0}\", replaced by that part of the "
        "context. Options: start and end (\"${\", \"}\"), interpolation (false; true replaces placeholders inside "
        "other strings by their text), missing_key (\"ignore\", \"error\" or \"remove\"), max_depth (64).",
        R"(["permuto.apply",{"id":"${/user/id}"},{"user":{"id":7}}])", R"({"id":7})"),
    native(
        "permuto.reverse", 2, 3,
        {"Templates", "template: any, result: any, options?: object", "any", "type value"}, "..o",
        ops::permuto_reverse,
        "The context, as far as the template mentions it, from what permuto.apply gave for the template. Options "
        "as there; with interpolation an error of category value.",
        R"(["permuto.reverse",{"id":"${/user/id}"},{"id":7}])", R"({"user":{"id":7}})"),
    native(
        "permuto.reverseTemplate", 1, 2, {"Templates", "template: any, options?: object", "object", "type value"},
        ".o", ops::permuto_reverse_template,
        "For each placeholder of the template its pointer in the result, and the pointer in the context it stands "
        "for. Options as for permuto.reverse.",
        R"(["permuto.reverseTemplate",{"id":"${/user/id}"}])", R"({"/id":"/user/id"})"),
};

}  // namespace colloquium::computo
