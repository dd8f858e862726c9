// JsonSchema: whether a model's answer is what was asked for, and if not, what is wrong with it in words that the
// model can be told.
//
// JSON Schema draft 4 as RapidJSON checks it, and of later drafts `const` and numbers as exclusiveMinimum and
// exclusiveMaximum. `$ref` within the schema only: nothing is ever fetched.
//
// Thread safety: immutable once made; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium::ai {

class JsonSchema {
 public:
  // kInvalidConfig for what is no JSON object.
  static Result<JsonSchema> parse(std::string_view json);
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

  // What is wrong with `json`, the first thing: "/label is not one of those in 'enum'"; nothing if it is as it
  // should be. What is no JSON at all is wrong, too.
  std::optional<std::string> problem(std::string_view json) const;

 private:
  struct Compiled;
  explicit JsonSchema(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace colloquium::ai
