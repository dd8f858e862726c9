#include "components/postgres/pg_rows.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace colloquium::components {
namespace {

// COPY, text format: these four and nothing else have to be escaped (tab is the delimiter).
void append_escaped(std::string_view text, std::string& rows) {
  size_t done = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char letter = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '\\' ? '\\' : '\0';
    if (letter == '\0') continue;
    rows.append(text, done, i - done);
    rows += '\\';
    rows += letter;
    done = i + 1;
  }
  rows.append(text, done, text.size() - done);
}

void append_array(const json::ValueView& array, std::string& out);

void append_array_element(const json::ValueView& value, std::string& out) {
  if (value.type() == TokenType::kNull) {
    out += "NULL";
    return;
  }
  if (value.type() == TokenType::kArray) return append_array(value, out);
  std::string decoded;
  const std::string_view text = value.type() == TokenType::kString ? value.string(decoded) : value.raw();
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// Depth is bounded by the walk's limit on nesting.
void append_array(const json::ValueView& array, std::string& out) {
  out += '{';
  bool first = true;
  for (json::ValueView at = array.first_child(); !at.at_end_of(array); at = at.next()) {
    if (!std::exchange(first, false)) out += ',';
    append_array_element(at, out);
  }
  out += '}';
}

}  // namespace

void append_copy_value(const json::ValueView& value, PgColumnKind kind, std::string& scratch, std::string& rows) {
  ASSERT(value.type() != TokenType::kNull);
  scratch.clear();
  if (kind == PgColumnKind::kArray && value.type() == TokenType::kArray) {
    append_array(value, scratch);
    return append_escaped(scratch, rows);
  }
  if (kind != PgColumnKind::kJson && value.type() == TokenType::kString) {
    return append_escaped(value.string(scratch), rows);
  }
  append_escaped(value.raw(), rows);
}

PgRowMaker::PgRowMaker(const std::vector<PgColumnScript>& columns,
                       std::shared_ptr<const computo::HostContext> context)
    : kinds_(columns.size(), PgColumnKind::kText) {
  ASSERT(!columns.empty());
  for (const PgColumnScript& column : columns) {
    names_.push_back(column.column);
    evaluators_.push_back(std::make_unique<computo::EventEvaluator>(column.program, context));
  }
}

void PgRowMaker::set_kinds(std::vector<PgColumnKind> kinds) {
  ASSERT(kinds.size() == evaluators_.size());
  kinds_ = std::move(kinds);
}

std::optional<Error> PgRowMaker::append_value(size_t column, const Batch& batch, size_t event, std::string& rows) {
  computo::EventEvaluator& script = *evaluators_[column];
  bytes_.clear();
  tape_.clear();
  if (!script.evaluate(batch, event) || !script.evaluator().write(bytes_, &tape_)) {
    Error error = script.failure();
    error.message = "column " + names_[column] + ": " + error.message;
    return error;
  }
  const json::ValueView value(bytes_.data(), tape_.data(), 0);
  if (value.type() == TokenType::kNull) {
    rows += "\\N";
  } else {
    append_copy_value(value, kinds_[column], scratch_, rows);
  }
  return std::nullopt;
}

std::optional<Error> PgRowMaker::append(const Batch& batch, size_t event, std::optional<size_t> number,
                                        std::string& rows) {
  const size_t before = rows.size();
  if (number) rows += std::to_string(*number);
  for (size_t column = 0; column < evaluators_.size(); ++column) {
    if (column > 0 || number) rows += '\t';
    if (auto error = append_value(column, batch, event, rows)) {
      rows.resize(before);
      return error;
    }
  }
  rows += '\n';
  return std::nullopt;
}

}  // namespace colloquium::components
