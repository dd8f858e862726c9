// JsonSchema: whether a model's answer is what was asked for, and if not, what is wrong with it in words that the
// model can be told.
//
// Draft 2020-12, or draft-07 where `$schema` says so, as the language's operator jsonSchema has it. `$ref` leads
// within the schema only: nothing is ever fetched. `format` says nothing. A keyword that would be passed over
// though it means something elsewhere is a fault of the schema.
//
// Work is bounded by the steps and the memory of an evaluation. Thread safety: immutable once made; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium::ai {

class JsonSchema {
 public:
  // kInvalidConfig for what is no JSON object, with what is wrong and where: "the schema at "/items", $ref: …".
  static Result<JsonSchema> parse(std::string_view json);
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

  // What is wrong with `json`, the first few things: "'/label': expected one of ["bug","feature"], got
  // "question""; nothing if it is as it should be. What is no JSON at all is wrong, too.
  std::optional<std::string> problem(std::string_view json) const;

 private:
  struct Compiled;
  explicit JsonSchema(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace colloquium::ai
