#include "computo/library/pattern.h"

#include <algorithm>
#include <re2/re2.h>

#include "base/assert.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

// For the program and for the states it keeps of matching; beyond, RE2 forgets states and goes on.
constexpr int64_t kMostPatternMemory = 1 << 20;
constexpr size_t kMostPatternBytes = 16384;
constexpr uint32_t kMostGroups = 99;

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostPatternMemory);
  ASSERT(options.encoding() == re2::RE2::Options::EncodingUTF8);
  return options;
}

// Behind a bracketed class that starts at `at`. A bracket that comes first stands for itself.
size_t skip_class(std::string_view text, size_t at) {
  ASSERT(text[at] == '[');
  ++at;
  if (at < text.size() && text[at] == '^') ++at;
  if (at < text.size() && text[at] == ']') ++at;
  while (at < text.size() && text[at] != ']') {
    const bool named = text.substr(at).starts_with("[:");
    const size_t end = named ? text.find(":]", at + 2) : std::string_view::npos;
    if (end != std::string_view::npos) {
      at = end + 2;
    } else {
      at += text[at] == '\\' ? 2 : 1;
    }
  }
  return std::min(at + 1, text.size());
}

// Named groups in the spelling of Perl and JavaScript, (?<name>…), in that of RE2, which knows only (?P<name>…) in
// the version at hand.
std::string with_known_names(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    if (text[i] == '\\') {
      const bool literal = text.substr(i).starts_with("\\Q");
      const size_t closing = literal ? text.find("\\E", i + 2) : i;
      end = std::min(closing == std::string_view::npos ? text.size() : closing + 2, text.size());
    } else if (text[i] == '[') {
      end = skip_class(text, i);
    } else if (text.substr(i).starts_with("(?<") && !text.substr(i).starts_with("(?<=") &&
               !text.substr(i).starts_with("(?<!")) {
      out += "(?P";
      i += 2;
      end = i + 1;
    }
    ASSERT(end > i);
    out += text.substr(i, end - i);
    i = end;
  }
  return out;
}

}  // namespace

Pattern::Pattern(std::unique_ptr<re2::RE2> regex) : regex_(std::move(regex)) {
  ASSERT(regex_->ok());
  groups_ = static_cast<uint32_t>(regex_->NumberOfCapturingGroups());
  for (const auto& [text, group] : regex_->NamedCapturingGroups()) {
    names_.push_back({text, static_cast<uint32_t>(group)});
  }
}

Pattern::~Pattern() = default;

std::unique_ptr<const Pattern> Pattern::create(std::string_view text, std::string& problem) {
  const std::string expected = "expected a regular expression, got " + shown(text);
  if (text.size() > kMostPatternBytes) {
    problem = expected + ": longer than " + std::to_string(kMostPatternBytes) + " bytes";
    return nullptr;
  }
  auto regex = std::make_unique<re2::RE2>(with_known_names(text), options());
  if (!regex->ok()) {
    problem = expected + ": " + regex->error();
    return nullptr;
  }
  if (regex->NumberOfCapturingGroups() > static_cast<int>(kMostGroups)) {
    problem = expected + ": more than " + std::to_string(kMostGroups) + " groups";
    return nullptr;
  }
  ASSERT(problem.empty());
  return std::unique_ptr<const Pattern>(new Pattern(std::move(regex)));
}

size_t Pattern::bytes() const {
  return kMostPatternMemory;
}

bool Pattern::match(std::string_view text, size_t from, std::string_view* found, uint32_t wanted) const {
  ASSERT(from <= text.size() && wanted <= groups_ + 1);
  re2::StringPiece pieces[kMostGroups + 1];
  if (!regex_->Match({text.data(), text.size()}, from, text.size(), re2::RE2::UNANCHORED, pieces,
                     static_cast<int>(wanted))) {
    return false;
  }
  for (uint32_t i = 0; i < wanted; ++i) found[i] = {pieces[i].data(), pieces[i].size()};
  return true;
}

const Pattern* pattern_argument(Machine& machine, const Value* arguments) {
  std::string_view text;
  if (!text_argument(machine, arguments, 1, text)) return nullptr;
  if (const Pattern* known = machine.prepared().find<Pattern>(text)) return known;
  // Compiling takes long compared with matching: patterns that change with every event pay for it.
  if (!machine.charge(1000 + text.size() * 10)) return nullptr;
  std::string problem;
  std::unique_ptr<const Pattern> made = Pattern::create(text, problem);
  if (made == nullptr) {
    machine.fail_argument(1, Category::kValue, problem);
    return nullptr;
  }
  ASSERT(problem.empty());
  return machine.prepared().add<Pattern>(text, std::move(made));
}

Search::Search(Machine& machine, const Pattern& pattern, std::string_view text, std::string_view* found,
               uint32_t wanted)
    : machine_(machine), pattern_(pattern), text_(text), found_(found), wanted_(wanted) {
  ASSERT(wanted > 0);
}

// A search may look at all of what is left to find a short match, so each pays for some of that.
bool Search::next() {
  while (!done_) {
    if (!machine_.charge(2 + (text_.size() - from_) / 2048)) return false;
    if (!pattern_.match(text_, from_, found_, wanted_)) {
      done_ = true;
      machine_.charge((text_.size() - from_) / 16);
      return false;
    }
    ASSERT(start() >= from_);
    if (!machine_.charge((end() - from_) / 16)) return false;
    const bool nothing = found_[0].empty();
    const bool adjoining = nothing && start() == last_end_;
    from_ = end();
    if (nothing) {
      if (end() == text_.size()) done_ = true;
      if (!done_) from_ += point_size(text_.substr(from_));
    }
    last_end_ = end();
    if (!adjoining) return true;
  }
  return false;
}

}  // namespace colloquium::computo::ops
