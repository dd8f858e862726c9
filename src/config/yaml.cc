#include "config/yaml.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <sstream>
#include <unordered_map>
#include <utility>
#include <vector>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "config/problems.h"
#include "config/scalar.h"

namespace colloquium::config {
namespace {

constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";
constexpr size_t kBytesPerUnit = 64;

// Thrown through yaml-cpp by our own event handler once going on makes no sense; the problem is already added.
struct Stop {};

// Where bytes of the text stand. yaml-cpp's own columns count bytes and are wrong at the end of the text.
class Places {
 public:
  Places(std::string_view text, const std::string& file)
      : text_(text), file_(std::make_shared<const std::string>(file)) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') line_starts_.push_back(i + 1);
    }
  }

  // Events come in order, so counting goes on from the last place: a file of one long line takes linear time.
  ConfigMark at(size_t offset) const {
    offset = std::min(offset, text_.size());
    const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
    const size_t start = *(next - 1);
    if (last_offset_ < start || last_offset_ > offset) {
      last_offset_ = start;
      last_column_ = 0;
    }
    for (; last_offset_ < offset; ++last_offset_) {
      const bool first_byte = (static_cast<unsigned char>(text_[last_offset_]) & 0xc0) != 0x80;
      last_column_ += first_byte ? 1 : 0;
    }
    return {file_, static_cast<int>(next - line_starts_.begin()), last_column_ + 1};
  }
  ConfigMark at(const YAML::Mark& mark) const { return at(mark.pos < 0 ? 0 : static_cast<size_t>(mark.pos)); }
  ConfigMark file() const { return {file_, 0, 0}; }

 private:
  std::string_view text_;
  std::shared_ptr<const std::string> file_;
  std::vector<size_t> line_starts_ = {0};
  mutable size_t last_offset_ = 0;
  mutable int last_column_ = 0;  // characters between the start of its line and last_offset_
};

// The length of the UTF-8 sequence at the start of `text` (RFC 3629), 0 if there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xbf;  // of the second byte
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) length = 2;
  if (first >= 0xe0 && first <= 0xef) length = 3;
  if (first >= 0xf0 && first <= 0xf4) length = 4;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (length == 0 || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

// Checks what yaml-cpp takes for granted. (A byte 4, for one, is its mark for the end of the text.)
bool check_characters(std::string_view text, const Places& places, ConfigProblems& problems) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = utf8_length(text.substr(i));
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f;
    if (length == 0 || control) {
      add_error(problems, places.at(i),
                control ? "control characters may not stand in a YAML file; write them escaped in double quotes"
                        : "this is not UTF-8");
      return false;
    }
    i += length;
  }
  return true;
}

// The text of a plain scalar that yaml-cpp reported as null: it takes more spellings for one than we do, and
// keeps none of them. Empty if there is no text at all, be it that a key follows (`a:` and on the next line
// `Null: 1`; in the place of a key that is what we look for).
std::string_view null_text(std::string_view text, size_t offset, bool key) {
  text.remove_prefix(std::min(offset, text.size()));
  while (!text.empty() && text[0] == '&') {
    text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  for (std::string_view word : {"null", "Null", "NULL", "~"}) {
    if (text.substr(0, word.size()) != word) continue;
    const std::string_view rest = text.substr(word.size());
    const size_t next = std::min(rest.find_first_not_of(" \t"), rest.size());
    const bool key_follows = next < rest.size() && rest[next] == ':';
    return key_follows == key ? word : "";
  }
  return {};
}

// The column at which a block scalar's lines begin, 0 if what stands at `offset` is none. Its first line with
// anything on it tells, unless its header gives the indentation, which nobody writes for a script.
int block_column(std::string_view text, size_t offset) {
  text.remove_prefix(std::min(offset, text.size()));
  while (!text.empty() && (text[0] == '&' || text[0] == '!')) {
    text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  if (text.empty() || (text[0] != '|' && text[0] != '>')) return 0;
  size_t line = text.find('\n');
  while (line != std::string_view::npos) {
    const size_t first = text.find_first_not_of(' ', ++line);
    if (first == std::string_view::npos) break;
    if (text[first] != '\n' && text[first] != '\r') return static_cast<int>(first - line) + 1;
    line = text.find('\n', first);
  }
  return 1;
}

struct Weight {
  size_t units = 0;  // nodes, and one more for every 64 bytes of text
  size_t height = 0;
};

Weight weigh(const ConfigNode& node) {
  Weight weight{1 + node.text.size() / kBytesPerUnit, 0};
  const auto add = [&weight](const ConfigNode& child) {
    const Weight below = weigh(child);
    weight.units += below.units;
    weight.height = std::max(weight.height, below.height + 1);
  };
  for (const ConfigNode& item : node.items) add(item);
  for (const ConfigNode::Member& member : node.members) {
    weight.units += member.key.size() / kBytesPerUnit;
    add(member.value);
  }
  return weight;
}

// Builds the tree from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, const Places& places, ConfigProblems& problems)
      : text_(text), places_(places), problems_(problems) {}

  // REQUIRES: the parser has returned; the builder is empty afterwards.
  ConfigNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    const size_t offset = static_cast<size_t>(std::max(mark.pos, 0));
    stop(places_.at(mark), text_.substr(offset, 3) == "---"
                               ? "a second document starts here; a file holds one"
                               : "this does not belong to what stands above; check indentation and quotes");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    ConfigNode node;
    node.mark = places_.at(mark);
    set_plain(node, std::string(null_text(text_, static_cast<size_t>(std::max(mark.pos, 0)), wants_key())));
    // Nothing is written where an empty value would stand: its key is the place to look at.
    if (node.text.empty() && !frames_.empty() && frames_.back().has_key) node.mark = frames_.back().key_mark;
    complete(std::move(node), anchor);
  }

  // yaml-cpp gives "?" for a plain scalar and "!" for a quoted one or a block, unless the text has a tag.
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    ConfigNode node;
    node.mark = places_.at(mark);
    node.quoted = tag != "?";
    if (node.quoted) {
      set_string(node, value);
      node.block_column = block_column(text_, static_cast<size_t>(std::max(mark.pos, 0)));
    } else {
      set_plain(node, value);
    }
    if (tag != kStringTag) check_tag(tag, mark);
    complete(std::move(node), anchor);
  }

  // yaml-cpp knows the anchor from its start, we only from its end: what is missing is still open around us.
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      stop(places_.at(mark), "this alias stands inside the value it names");
    }
    expanded_ += it->second.weight.units;
    if (expanded_ > kMaxYamlExpansion) {
      stop(places_.at(mark),
           "the aliases up to here expand to more than " + std::to_string(kMaxYamlExpansion) + " values");
    }
    check_depth(frames_.size() + it->second.weight.height, mark);
    complete(it->second.node, YAML::NullAnchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(ConfigNode::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(ConfigNode::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    ConfigNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;  // of a map: its value is next
    bool keep = true;      // false: the value's key was refused
    std::string key;
    ConfigMark key_mark;
    std::unordered_map<std::string, ConfigMark> seen;
  };
  struct Anchored {
    ConfigNode node;
    Weight weight;
  };

  [[noreturn]] void stop(const ConfigMark& mark, std::string message) {
    add_error(problems_, mark, std::move(message));
    throw Stop();
  }

  void check_tag(const std::string& tag, const YAML::Mark& mark) {
    if (tag == "?" || tag == "!" || tag.empty()) return;
    add_error(problems_, places_.at(mark), "tags other than !!str are not supported; remove the tag");
  }

  // Also keeps yaml-cpp, which recurses per level, far from the end of the stack.
  void check_depth(size_t depth, const YAML::Mark& mark) {
    if (depth <= kMaxYamlDepth) return;
    stop(places_.at(mark), "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
  }

  bool wants_key() const {
    return !frames_.empty() && frames_.back().node.kind == ConfigNode::Kind::kMap && !frames_.back().has_key;
  }

  void open(ConfigNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(tag, mark);
    check_depth(frames_.size() + 1, mark);
    Frame& frame = frames_.emplace_back();
    frame.node.kind = kind;
    frame.node.mark = places_.at(mark);
    frame.anchor = anchor;
  }

  // Moved out before the frame goes: completing it may touch the frame below.
  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    complete(std::move(frame.node), frame.anchor);
  }

  // A value is whole: it may be named, and has its place in what is open.
  void complete(ConfigNode node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) remember(node, anchor);
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == ConfigNode::Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (frame.has_key) {
      frame.has_key = false;
      if (frame.keep) frame.node.members.push_back({frame.key, frame.key_mark, std::move(node)});
    } else {
      take_key(frame, node);
    }
  }

  // The text is the key whatever its type would be as a value: `on: 1` and `1: x` have the keys "on" and "1".
  void take_key(Frame& frame, const ConfigNode& node) {
    frame.has_key = true;
    frame.keep = true;
    frame.key = node.text;
    frame.key_mark = node.mark;
    if (problems_.size() > kMaxProblems) stop(node.mark, "too many problems; the rest was not looked at");
    if (node.kind == ConfigNode::Kind::kList || node.kind == ConfigNode::Kind::kMap || is_missing(node)) {
      add_error(problems_, node.mark, "a key must be a name, " + found(node));
      frame.keep = false;
      return;
    }
    const auto [it, is_new] = frame.seen.emplace(node.text, node.mark);
    if (!is_new) {
      add_error(problems_, node.mark,
                "key " + quoted(node.text) + " is given twice; first at " + it->second.describe());
      frame.keep = false;
    }
  }

  static bool is_missing(const ConfigNode& node) {
    return node.kind == ConfigNode::Kind::kNull && node.text.empty();
  }

  // A copy per anchor: what anchors inside anchors would add up to is bounded too.
  void remember(const ConfigNode& node, YAML::anchor_t anchor) {
    const Weight weight = weigh(node);
    Anchored& slot = anchors_[anchor];
    slot.weight = weight;
    anchored_ += weight.units;
    if (anchored_ > kMaxAnchored) stop(node.mark, "too much is named by anchors");
    if (weight.units <= kMaxYamlExpansion) slot.node = node;  // a larger one is refused where it is used
  }

  static constexpr size_t kMaxAnchored = 20 * kMaxYamlExpansion;
  static constexpr size_t kMaxProblems = 100;

  std::string_view text_;
  const Places& places_;
  ConfigProblems& problems_;
  ConfigNode root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchored> anchors_;  // complete ones only
  size_t expanded_ = 0;
  size_t anchored_ = 0;
  int documents_ = 0;
};

struct Wording {
  std::string_view theirs;  // how yaml-cpp's message begins
  std::string_view ours;
};

constexpr Wording kWordings[] = {
    {"end of map not found", "this does not fit into the map around it; check indentation and quotes"},
    {"end of map flow not found", "expected ',' or '}' here: a '{' further up is not closed"},
    {"end of sequence not found", "this does not fit into the list around it; check indentation and quotes"},
    {"end of sequence flow not found", "expected ',' or ']' here: a '[' further up is not closed"},
    {"cannot assign multiple tags", "a value can have one tag only"},
    {"cannot assign multiple anchors", "a value can have one anchor only"},
    {"cannot assign multiple aliases", "a value can be one alias only"},
    {"aliases can't have any content", "an alias stands for a whole value; nothing can be added to it"},
    {"bad character found while scanning hex", "a character escape has a digit that is not hexadecimal"},
    {"invalid unicode", "a character escape names no Unicode character"},
    {"unknown escape character", "unknown escape in double quotes; write \\\\ for a backslash"},
    {"unknown token", "a value cannot begin with this character; put it in quotes"},
    {"illegal document indicator", "a document ends inside a quoted string; is a quote missing?"},
    {"illegal EOF in scalar", "the file ends inside a quoted string; is a quote missing?"},
    {"illegal character in scalar", "a character that cannot stand here"},
    {"illegal tab", "a tab cannot indent; use spaces"},
    {"illegal flow end", "there is no '[' or '{' that this closes"},
    {"illegal block entry", "a list item cannot stand here; check the indentation (spaces only)"},
    {"illegal map key", "a key cannot stand here; check the indentation"},
    {"illegal map value", "a ':' cannot stand here; check the indentation, or put the text in quotes"},
    {"alias not found", "a name must follow '*'; put the text in quotes if it is none"},
    {"anchor not found", "a name must follow '&'; put the text in quotes if it is none"},
    {"illegal character found while scanning alias", "this character cannot stand in an alias"},
    {"illegal character found while scanning anchor", "this character cannot stand in an anchor"},
    {"cannot set zero indentation", "a block of text must be indented"},
    {"unexpected character in block scalar", "unexpected character after '|' or '>'"},
    {"the referenced anchor is not defined", "nothing above is named so; put '*' in quotes if it is text"},
    {"illegal character found while scanning tag", "this character cannot stand in a tag"},
    {"tag handle with no suffix", "a tag must have a name; put '!' in quotes if it is text"},
    {"end of verbatim tag", "the tag is not closed"},
    {"YAML directives", "a %YAML directive has one argument, the version"},
    {"bad YAML version", "unknown YAML version"},
    {"YAML major version too large", "unknown YAML version"},
    {"repeated YAML directive", "there is more than one %YAML directive"},
    {"TAG directives", "a %TAG directive has two arguments"},
    {"repeated TAG directive", "there is more than one such %TAG directive"},
};

// What yaml-cpp says is for people who know its scanner. An unknown message is told in general terms.
std::string_view reword(std::string_view theirs) {
  for (const Wording& wording : kWordings) {
    if (theirs.substr(0, wording.theirs.size()) == wording.theirs) return wording.ours;
  }
  return "this is not YAML; check indentation and quotes";
}

// Two frequent mistakes are reported by yaml-cpp as something else: a tab that indents, and ${…} inside a flow.
void add_syntax_error(const YAML::Exception& error, std::string_view text, const Places& places,
                      ConfigProblems& problems) {
  const size_t offset = std::min(static_cast<size_t>(std::max(error.mark.pos, 0)), text.size());
  const size_t dollar = text.rfind("${", offset);
  const bool at_substitution = dollar != std::string_view::npos && offset - dollar <= 1;
  // A tab before the place of an error is its likely cause, whatever yaml-cpp calls it.
  const size_t line = text.substr(0, offset).rfind('\n') + 1;
  const std::string_view before = text.substr(line, offset - line);
  const bool tab = !before.empty() && before.find_first_not_of(" \t") == std::string_view::npos &&
                   before.find('\t') != std::string_view::npos;
  std::string message(tab ? "a tab cannot indent; use spaces" : reword(error.msg));
  if (at_substitution) message = "inside [ ] and { } a ${…} must stand in quotes";
  add_error(problems, places.at(at_substitution ? dollar : offset), std::move(message));
}

// The only place where yaml-cpp's exceptions can arrive. False if one did, with the problem added.
bool parse(std::string_view text, Builder& builder, const Places& places, ConfigProblems& problems) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return true;
  } catch (const Stop&) {
    return false;
  } catch (const YAML::Exception& error) {
    add_syntax_error(error, text, places, problems);
  } catch (const std::exception&) {
    add_error(problems, places.file(), "this is not YAML");
  }
  return false;
}

}  // namespace

std::optional<ConfigNode> load_yaml(std::string_view text, const std::string& file_name,
                                    ConfigProblems& problems) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  if (text.size() > kMaxYamlBytes) {
    const ConfigMark file{std::make_shared<const std::string>(file_name), 0, 0};
    add_error(problems, file, "the file is larger than 1 MiB");
    return std::nullopt;
  }
  const Places places(text, file_name);
  if (!check_characters(text, places, problems)) return std::nullopt;
  Builder builder(text, places, problems);
  if (!parse(text, builder, places, problems)) return std::nullopt;
  ConfigNode root = builder.take_root();
  if (!root.mark.file) root.mark = places.at(size_t{0});
  return root;
}

}  // namespace colloquium::config
