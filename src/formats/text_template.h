// TextTemplate: text with `{…}` fields, each Computo in sugar over an event whose result stands in its place.
// `{{` and `}}` are the braces themselves.
//
// What a field gives may be changed on its way in (`Escape`): percent-encoded for a URL, say.
//
// Thread safety: a TextTemplate is immutable; a Renderer belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/config_spec.h"
#include "colloquium/result.h"
#include "colloquium/script_host.h"

#include "formats/template.h"

namespace colloquium::formats {

// Behind the '}' that ends the expression at the front of `text`; 0 if there is none.
size_t end_of_field(std::string_view text);

class TextTemplate {
 public:
  // Either literal text or an expression.
  struct Piece {
    std::string literal;
    ConfigNode expression;
    bool is_field() const { return expression.kind != ConfigNode::Kind::kNull; }
  };

  // What is wrong, with kInvalidInput. `what` names the text in messages; `mark`: where it stands.
  static Result<TextTemplate> parse(std::string_view text, std::string_view what, const ConfigMark& mark);

  // Whether every event has the same text.
  bool is_constant() const;
  const std::vector<Piece>& pieces() const { return pieces_; }
  void check(const ScriptNames& names, ConfigProblems& problems) const;

  // Appends what stands for `text` in place of field number `field` (from 0). kInvalidInput: it can't stand there.
  using Escape = std::function<Status(std::string_view text, size_t field, std::string& out)>;

  class Renderer {
   public:
    // `escape` may be empty: as it is.
    static Result<std::unique_ptr<Renderer>> create(const TextTemplate& text,
                                                    const EventText::Variables& variables, Escape escape);
    // Event `i`'s text, valid until the next call. kInvalidInput if a field gives none for it.
    Result<std::string_view> render(const Batch& batch, size_t i);

   private:
    struct Part {
      std::string literal;
      std::unique_ptr<EventText> field;
    };
    Escape escape_;
    bool is_constant_ = true;
    std::vector<Part> parts_;
    std::string text_;
  };

 private:
  std::vector<Piece> pieces_;
};

}  // namespace colloquium::formats
