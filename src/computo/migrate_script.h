// MigrateScript: the part of migration that looks at scripts, in whichever notation they were written.
//
// Thread safety: belongs to one migration.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "computo/code.h"
#include "computo/migrate.h"

namespace colloquium::computo {

class MigrateScript {
 public:
  // `program` has its text and tape. With `rewrite` what can be rewritten is an edit; else it is told like the
  // rest.
  MigrateScript(const Program& program, bool rewrite) : program_(program), rewrite_(rewrite) {}

  void run();

  std::vector<MigrationNote> take_notes() { return std::move(notes_); }
  // The program's own text with all edits made.
  std::string edited() const;

 private:
  using Tokens = std::vector<uint32_t>;
  using Names = std::set<std::string>;

  // A name that is visible.
  struct Bound {
    std::string name;
    bool array = false;                       // bound to what there was a wrapped array
    std::map<std::string, size_t> free = {};  // of a function: its free names, and where they led when it was made
  };

  struct Edit {
    uint32_t begin;
    uint32_t end;
    std::string text;
  };

  void look(uint32_t token);
  void list(uint32_t token);
  void call(uint32_t token);
  void data(uint32_t token);
  void scalar(uint32_t token);
  void rest(const Tokens& items, size_t from);

  // One each for what differs.
  void rename(uint32_t name_token, std::string_view name);
  void variable(uint32_t token, const Tokens& items);
  void variable_part(uint32_t token, std::string_view path, const Bound& bound);
  void let(uint32_t token, const Tokens& items);
  void parallel_let(uint32_t token, const Tokens& pairs, const std::vector<std::string>& names);
  void lambda(uint32_t token, const Tokens& items);
  void functions(std::string_view name, const Tokens& items);
  void bare_function(uint32_t token);
  void conditions(std::string_view name, const Tokens& items);
  void object(uint32_t token, const Tokens& items);
  void sort(const Tokens& items);
  void texts(std::string_view name, const Tokens& items);

  // What the script says.
  Tokens children(uint32_t token) const;
  std::string text_of(uint32_t token) const;
  bool is_string(uint32_t token) const;
  bool is_array(uint32_t token) const;
  bool is_call_named(uint32_t token, std::string_view name) const;
  std::string call_name(uint32_t token) const;  // empty: no call
  bool is_bare_function(uint32_t token) const;
  bool gives_array(uint32_t token) const;
  void free_names(uint32_t token, Names& bound, Names& out) const;
  size_t find(std::string_view name) const;  // index in scope_, or npos
  void bind(std::string name, bool array);
  void capture(Bound& bound, uint32_t lambda_token);

  void note(uint32_t token, std::string code, std::string text);
  // `done`: what was rewritten; `otherwise`: the same where nothing is.
  void rewritten(uint32_t token, std::string code, std::string text);
  void edit(uint32_t begin, uint32_t end, std::string text);
  uint32_t begin_of(uint32_t token) const { return program_.tape[token].offset; }
  uint32_t end_of(uint32_t token) const { return program_.tape[token].offset + program_.tape[token].length; }

  const Program& program_;
  const bool rewrite_;
  std::vector<Bound> scope_;
  std::vector<MigrationNote> notes_;
  std::vector<Edit> edits_;
};

}  // namespace colloquium::computo
