// UrlTemplate: a URL with fields, whose values can be parts of its path and query and nothing else.
//
// Scheme, host and port are literal. What a field gives is percent-encoded, all but letters, digits and "-._~", so
// it can neither begin another segment, parameter or fragment nor end the URL. In the path it is never empty, and
// no segment that a field is part of is "." or "..": both would lead elsewhere.
//
// Thread safety: as formats::TextTemplate.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "colloquium/batch.h"
#include "colloquium/config_spec.h"
#include "colloquium/result.h"

#include "formats/text_template.h"

namespace colloquium::components {

class UrlTemplate {
 public:
  // What is wrong, with kInvalidInput.
  static Result<UrlTemplate> parse(const std::string& text, const ConfigMark& mark);

  bool is_constant() const { return text_.is_constant(); }
  void check(const ScriptNames& names, ConfigProblems& problems) const { text_.check(names, problems); }

  class Renderer {
   public:
    static Result<std::unique_ptr<Renderer>> create(const UrlTemplate& url,
                                                    const formats::EventText::Variables& variables);
    // Event `i`'s URL, valid until the next call. kInvalidInput if there is none for it.
    Result<std::string_view> render(const Batch& batch, size_t i);

   private:
    bool is_constant_ = true;
    std::unique_ptr<formats::TextTemplate::Renderer> text_;
  };

 private:
  formats::TextTemplate text_;
  size_t path_fields_ = 0;  // those behind them are in the query
};

// All bytes but letters, digits and "-._~" as %XX (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text);

}  // namespace colloquium::components
