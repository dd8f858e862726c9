// PathTemplate: a file's path with fields: `%Y%m%d` of the event's own time (UTC), and `{$input/customer}`,
// Computo in sugar over the event.
//
// What an expression yields can name a file and nothing else: of its bytes only letters, digits, '.', '-', '_' and
// those of other scripts stay, anything else (and a '.' at the beginning) becomes %XX. So it can neither leave its
// folder nor make another one, and different values never give one name.
//
// No event's path ends as a file's does that is not finished: where fields and expressions come to ".part", the
// '.' is written as %2E. So what an expression yields can't make a finished file that is taken for an unfinished
// one of another name, and removed.
//
// Thread safety: a PathTemplate is immutable; a Renderer belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/config_spec.h"
#include "colloquium/result.h"
#include "colloquium/script_host.h"

#include "formats/template.h"

namespace colloquium::components {

// What the name of a file ends with until it is finished.
inline constexpr std::string_view kPartEnding = ".part";

class PathTemplate {
 public:
  // What is wrong, with kInvalidInput. `mark`: of the path, for messages about its expressions.
  static Result<PathTemplate> parse(const std::string& text, const ConfigMark& mark);

  // Whether every event has the same path.
  bool is_constant() const;
  void check(const ScriptNames& names, ConfigProblems& problems) const;

  class Renderer {
   public:
    static Result<std::unique_ptr<Renderer>> create(const PathTemplate& path,
                                                    const formats::EventText::Variables& variables);
    // Event `i`'s path, valid until the next call. kInvalidInput if an expression gives no name for it.
    Result<std::string_view> render(const Batch& batch, size_t i);

   private:
    struct Part;
    Status append(const Part& part, const Batch& batch, size_t i);
    std::vector<std::shared_ptr<Part>> parts_;
    std::string path_;
  };

 private:
  // One of: literal text, a time field, an expression.
  struct Piece {
    std::string literal;
    char time = 0;
    ConfigNode expression;
  };
  Status add_field(std::string_view& rest, const ConfigMark& mark);
  Status add_time(std::string_view& rest);

  std::vector<Piece> pieces_;
};

// What stands for `text` in a name.
std::string escaped_name(std::string_view text);

}  // namespace colloquium::components
