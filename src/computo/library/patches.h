// diff and patch: how one value becomes another, as RFC 6902 writes it.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// diff.cc
bool diff(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// patch.cc
bool patch(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kPatchLibrary[] = {
    native(
        "diff", 2, 2, {"Schemas and patches", "old: any, new: any", "array of operations", ""}, "..", ops::diff,
        "The operations of RFC 6902 (add, remove, replace) that patch makes the second value of the first with; "
        "[] if they are equal. Arrays are compared by their longest common subsequence while that costs little, "
        "else place by place.",
        R"(["diff",{"a":[1,2,3],"b":1},{"a":[1,3]}])",
        R"([{"op":"remove","path":"/a/1"},{"op":"remove","path":"/b"}])"),
    native("patch", 2, 2, {"Schemas and patches", "value: any, operations: array", "any", "type patch"}, ".a",
           ops::patch,
           "The value after the operations of RFC 6902: add, remove, replace, move, copy and test, one after the "
           "other. If one of them is malformed or cannot be done, an error of category patch.",
           R"(["patch",{"a":1},["list",{"op":"move","from":"/a","path":"/b"}]])", R"({"b":1})"),
};

}  // namespace colloquium::computo
