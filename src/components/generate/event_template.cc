#include "components/generate/event_template.h"

#include <utility>

#include "base/assert.h"
#include "json/escape.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

std::string_view inner(std::string_view quoted_text) {
  ASSERT(quoted_text.size() >= 2);
  return quoted_text.substr(1, quoted_text.size() - 2);
}

// Of one placeholder and nothing else: what stands between its braces.
bool is_alone(std::string_view text) {
  return text.starts_with(kOpen) && text.ends_with(kClose) && text.find(kClose) == text.size() - kClose.size();
}

}  // namespace

const char* const kSampleTemplate =
    "{id: '{{uuid}}', number: '{{n}}', placed_at: '{{time}}', customer: {name: '{{name}}', email: '{{email}}', "
    "country: '{{country}}'}, total: '{{float 1 500}}', paid: '{{bool 90}}', status: '{{pick "
    "new|packed|shipped}}'}";

EventTemplate EventTemplate::compile(const ConfigNode& node, ConfigProblems& problems) {
  EventTemplate made;
  made.add_value(node, problems);
  made.rest_ += '\n';
  return made;
}

void EventTemplate::add_value(const ConfigNode& node, ConfigProblems& problems) {
  if (node.kind == ConfigNode::Kind::kString) return add_string(node, problems);
  if (node.kind != ConfigNode::Kind::kList && node.kind != ConfigNode::Kind::kMap) {
    rest_ += node.to_json();
    return;
  }
  const bool is_map = node.kind == ConfigNode::Kind::kMap;
  rest_ += is_map ? '{' : '[';
  bool first = true;
  for (const ConfigNode& item : node.items) {
    if (!std::exchange(first, false)) rest_ += ',';
    add_value(item, problems);
  }
  for (const ConfigNode::Member& member : node.members) {
    if (!std::exchange(first, false)) rest_ += ',';
    rest_ += json::quoted(member.key) + ":";
    add_value(member.value, problems);
  }
  rest_ += is_map ? '}' : ']';
}

void EventTemplate::add_string(const ConfigNode& node, ConfigProblems& problems) {
  std::string_view text = node.text;
  if (is_alone(text)) {
    return add_placeholder(node, text.substr(2, text.size() - 4), true, problems);
  }
  rest_ += '"';
  for (size_t open = text.find(kOpen); open != text.npos; open = text.find(kOpen)) {
    rest_ += inner(json::quoted(text.substr(0, open)));
    const size_t close = text.find(kClose, open);
    if (close == text.npos) {
      problems.push_back({node.mark, "a '{{' without '}}' behind it"});
      return;
    }
    add_placeholder(node, text.substr(open + 2, close - open - 2), false, problems);
    text.remove_prefix(close + 2);
  }
  rest_ += inner(json::quoted(text));
  rest_ += '"';
}

void EventTemplate::add_placeholder(const ConfigNode& node, std::string_view text, bool quotes,
                                    ConfigProblems& problems) {
  auto placeholder = Placeholder::parse(text);
  if (!placeholder) {
    problems.push_back({node.mark, placeholder.error().message});
    return;
  }
  const bool quote = quotes && placeholder->is_text();
  if (quote) rest_ += '"';
  parts_.push_back({std::exchange(rest_, {}), std::move(*placeholder)});
  if (quote) rest_ += '"';
}

void EventTemplate::append(uint64_t seed, const EventMoment& event, std::string& out) const {
  Draws draws(seed, event.number);
  for (const Part& part : parts_) {
    out += part.before;
    part.placeholder.append(event, draws, out);
  }
  out += rest_;
}

}  // namespace colloquium::components
