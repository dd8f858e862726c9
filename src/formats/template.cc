#include "formats/template.h"

#include <algorithm>
#include <utility>

#include "computo/expression.h"
#include "formats/encoding.h"

namespace colloquium::formats {
namespace {

struct TemplateOptions {
  Expression text;
  bool line_break = true;
};

ConfigSpec<TemplateOptions> spec() {
  return ConfigSpec<TemplateOptions>()
      .field("text", &TemplateOptions::text,
             {.description = "Computo expression that yields the text: a string, a number or a boolean. Where it "
                             "fails, or yields anything else, the event is a dead letter.",
              .example = R"('= strConcat("#", $input/id, " ", $input/name)')",
              .required = true})
      .field("line_break", &TemplateOptions::line_break, {.description = "A line break follows each text."})
      .shorthand("text");
}

std::vector<std::string> with_further(const std::vector<std::string>& further) {
  std::vector<std::string> variables = computo::host_variables();
  for (const std::string& name : further) {
    if (std::find(variables.begin(), variables.end(), name) == variables.end()) variables.push_back(name);
  }
  return variables;
}

class TemplateEncoder final : public Encoder {
 public:
  TemplateEncoder(std::unique_ptr<EventText> text, bool line_break)
      : text_(std::move(text)), line_break_(line_break) {}
  bool ends_in_line_break() const override { return line_break_; }
  std::optional<Error> encode(const Batch& batch, size_t i, std::string& out) override {
    const auto text = text_->evaluate(batch, i);
    if (!text) return text.error();
    out += *text;
    if (line_break_) out += '\n';
    return std::nullopt;
  }

 private:
  const std::unique_ptr<EventText> text_;
  const bool line_break_;
};

class TemplateSink final : public SinkFormat {
 public:
  explicit TemplateSink(TemplateOptions options) : options_(std::move(options)) {}
  void check(const ScriptNames& names, ConfigProblems& problems) const override {
    EventText::check(options_.text.node, names, problems);
  }
  Result<std::unique_ptr<Encoder>> encoder(EventText::Variables variables) const override {
    TRY_ASSIGN(auto text, EventText::create(options_.text.node, variables));
    return std::make_unique<TemplateEncoder>(std::move(text), options_.line_break);
  }
  std::string_view media_type() const override { return "text/plain"; }

 private:
  const TemplateOptions options_;
};

FormatDescriptor describe() {
  FormatDescriptor d;
  d.name = "template";
  d.summary = "Text that a Computo expression makes of each event. Written only.";
  d.sink_options = spec().object();
  d.sink = [](const ConfigNode& node, std::string_view what, ConfigProblems& problems) -> SinkFormatPtr {
    return std::make_shared<const TemplateSink>(spec().read(node, what, problems));
  };
  return d;
}

}  // namespace

const FormatDescriptor& template_format() {
  static const FormatDescriptor descriptor = describe();
  return descriptor;
}

void EventText::check(const ConfigNode& expression, const ScriptNames& names, ConfigProblems& problems) {
  if (expression.kind == ConfigNode::Kind::kNull) return;
  computo::compile_expression(expression, with_further(names.variables), problems);
}

Result<std::unique_ptr<EventText>> EventText::create(const ConfigNode& expression, const Variables& variables) {
  std::vector<std::string> further;
  std::shared_ptr<const computo::HostContext> context;
  if (variables != nullptr) {
    for (const auto& [name, text] : *variables) further.push_back(name);
    TRY_ASSIGN(context, computo::HostContext::create(*variables));
  }
  TRY_ASSIGN(computo::ProgramPtr program, computo::compile_expression(expression, with_further(further)));
  return std::unique_ptr<EventText>(new EventText(std::move(program), std::move(context)));
}

Result<std::string_view> EventText::evaluate(const Batch& batch, size_t i) {
  if (!evaluator_.evaluate(batch, i)) return fail(evaluator_.failure());
  bytes_.clear();
  tape_.clear();
  if (!evaluator_.evaluator().write(bytes_, &tape_)) return fail(evaluator_.failure());
  const json::ValueView result(bytes_.data(), tape_.data(), 0);
  switch (result.type()) {
    case TokenType::kNull:
    case TokenType::kArray:
    case TokenType::kObject:
      return fail(ErrorCode::kInvalidInput, "the expression has to yield a string, a number or a boolean; got " +
                                                std::string(result.raw().substr(0, 80)));
    default:
      return text_of(result, scratch_);
  }
}

}  // namespace colloquium::formats
