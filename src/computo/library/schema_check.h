// SchemaCheck: one value against a Schema, and what is wrong with it.
//
// Everything it makes lies in the machine's memory: errors in its arena, working memory in its scratch. Work is
// charged as it is done; data and references nested deeper than kMostNesting fail the evaluation.
// Thread safety: as the machine's.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "computo/library/elements.h"
#include "computo/library/schema.h"
#include "computo/machine.h"

namespace colloquium::computo::ops {

struct SchemaOptions {
  bool formats = false;  // whether `format` is asserted
  uint32_t most_errors = 100;
};

class SchemaCheck {
 public:
  SchemaCheck(Machine& machine, const Schema& schema, const SchemaOptions& options);

  // Whether the value is as the schema says; stops at the first thing that is not. False also after fail.
  bool matches(const Value& value);

  // The errors as an array of {instance, message, schema}, in the order in which the schema is gone through. Of
  // schemas of which one has to match, or not to, only that is told. False after fail.
  bool errors(const Value& value, Value& out);

 private:
  // A part of the value, what it is the part of, and what is found out about it once for all schemas.
  struct Instance;
  // Which members or elements a schema has looked at, for the unevaluated… keywords.
  struct Marks;
  // The resources that were entered on the way to a schema, innermost first.
  struct Scope;
  struct Visit;

  // schema_check.cc. Each gives whether the instance is right; what is not has been told.
  bool check(uint32_t schema, Instance& instance, Marks* marks, const Scope* scope, uint32_t depth);
  bool check_with_own_marks(const Visit& visit, Marks* outer);
  bool check_groups(const Visit& visit);
  bool check_any(const Visit& visit);
  bool check_references(const Visit& visit);
  bool check_combined(const Visit& visit);
  bool check_one_of(const Visit& visit);
  bool check_condition(const Visit& visit);
  bool make_marks(Instance& instance, Marks& marks);
  // The schema over the same instance, its errors told; or silently, with marks only if it matches.
  bool apply(const Visit& visit, uint32_t schema);
  bool tries(const Visit& visit, uint32_t schema);
  bool quietly(uint32_t schema, Instance& instance, Marks* marks, const Visit& visit);

  // schema_scalars.cc
  bool check_values(const Visit& visit);
  bool check_number(const Visit& visit);
  bool check_string(const Visit& visit);
  bool wrong_type(const Visit& visit);
  bool wrong_pattern(const Visit& visit);
  bool append_instance(const Instance& instance);

  // schema_containers.cc
  bool check_array(const Visit& visit);
  bool check_element(const Visit& visit, uint32_t schema, const Value& element, uint32_t index);
  bool check_items(const Visit& visit);
  bool check_contained(const Visit& visit);
  bool check_unevaluated_items(const Visit& visit);
  bool list_members(Instance& instance);
  bool has_name(const Instance& instance, std::string_view name) const;
  bool check_object(const Visit& visit);
  bool check_required(const Visit& visit);
  bool check_members(const Visit& visit);
  bool check_member(const Visit& visit, uint32_t index, uint32_t named);
  bool check_names(const Visit& visit);
  bool check_dependencies(const Visit& visit);
  bool check_unevaluated_members(const Visit& visit);

  // Note an error of the keyword, if errors are wanted here; false. A message is begun, written to
  // Machine::text_output(), and ended.
  bool wrong(const Visit& visit, std::string_view keyword, std::initializer_list<std::string_view> parts);
  bool wrong_value(const Visit& visit, std::string_view keyword, std::string_view expected);
  bool wrong_number(const Visit& visit, std::string_view keyword, std::string_view expected, const Value& number);
  bool wrong_count(const Visit& visit, std::string_view keyword, uint64_t bound, std::string_view what,
                   uint64_t found);
  bool begin_message();
  bool end_message(const Visit& visit, std::string_view keyword);
  void write_place(const Instance& instance);

  // Whether one more error would change nothing.
  bool enough() const { return quiet_ > 0 || machine_.failed() || count_ >= options_.most_errors; }

  Machine& machine_;
  const Schema& schema_;
  SchemaOptions options_;
  ListBuilder errors_;
  uint32_t count_ = 0;
  uint32_t quiet_ = 0;  // how many schemas are tried of those whose errors are not told
};

}  // namespace colloquium::computo::ops
