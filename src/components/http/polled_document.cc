#include "components/http/polled_document.h"

#include <utility>

#include "config/problems.h"
#include "formats/encoding.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::components {
namespace {

void read_split(const ConfigNode& node, std::string_view path, PollSplit& split, ConfigProblems& problems) {
  if (node.unresolved) return;
  if (node.kind == ConfigNode::Kind::kBool) {
    split = {node.boolean, {}};
  } else if (node.kind == ConfigNode::Kind::kString && node.text.starts_with('/')) {
    split = {true, node.text};
  } else {
    config::add_error(
        problems, node.mark,
        std::string(path) + " must be true, false or a JSON pointer such as /items, " + config::found(node));
  }
}

}  // namespace

Result<PolledDocument> open_document(std::shared_ptr<const std::string> body, const PollSplit& split,
                                     const std::string& next_pointer) {
  PolledDocument opened{body, {}};
  // The door cuts a whole document by itself.
  if (split.pointer.empty() && next_pointer.empty()) return opened;
  TRY_ASSIGN(const json::Document document, json::parse(*body, "the answer"));
  const json::ValueView root(document.text.data(), document.tape.data(), 0);
  if (!split.pointer.empty()) {
    const auto events = formats::MemberPath(split.pointer).find(root);
    if (!events || events->type() != TokenType::kArray) {
      return fail(ErrorCode::kInvalidInput, "the answer has no array at " + split.pointer + ", as split says");
    }
    opened.events = std::make_shared<const std::string>(events->raw());
  }
  if (next_pointer.empty()) return opened;
  const auto next = formats::MemberPath(next_pointer).find(root);
  std::string scratch;
  if (next && next->type() == TokenType::kString) opened.next = next->string(scratch);
  return opened;
}

}  // namespace colloquium::components

namespace colloquium {

FieldSpec ConfigType<components::PollSplit>::describe(std::string name, FieldOptions options) {
  FieldSpec spec{.name = std::move(name), .type = FieldType::kAny, .options = std::move(options)};
  spec.read = [](const ConfigNode& node, std::string_view path, void* target, ConfigProblems& problems) {
    components::read_split(node, path, *static_cast<components::PollSplit*>(target), problems);
  };
  return spec;
}

}  // namespace colloquium
