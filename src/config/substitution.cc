#include "config/substitution.h"

#include <algorithm>

#include "config/problems.h"
#include "config/scalar.h"
#include "config/yaml.h"

namespace colloquium::config {
namespace {

constexpr std::string_view kSecretPrefix = "secret:";
constexpr int kMaxNesting = 8;

// POSIX names (XBD 8.1), lower case too.
bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

// Where the '}' stands that closes the "${" at the start of `text`; npos if none does.
// Nested references count, escaped dollars do not.
size_t closing_brace(std::string_view text) {
  int open = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "$$") {
      ++i;
    } else if (text.substr(i, 2) == "${") {
      ++open;
      ++i;
    } else if (text[i] == '}' && --open == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

// A placeholder of Computo's templates, not one of ours.
bool is_template(std::string_view text) {
  return text.substr(0, 3) == "${/" || text.substr(0, 3) == "${}";
}

// Replaces in one string, whose node says where it stands.
class Replacer {
 public:
  Replacer(const ConfigNode& node, const Substitutions& substitutions, ConfigProblems& problems)
      : node_(node), substitutions_(substitutions), problems_(problems) {}

  bool secret() const { return secret_; }
  bool failed() const { return failed_; }

  // Values are appended and never looked at again, so a value that holds ${…} itself cannot reach further.
  std::string replace(std::string_view text, int nesting) {
    std::string out;
    while (!text.empty() && out.size() <= kMaxYamlBytes) {
      const size_t dollar = std::min(text.find('$'), text.size());
      out += text.substr(0, dollar);
      text.remove_prefix(dollar);
      if (text.empty()) break;
      size_t length = 1;
      if (text.substr(0, 2) == "$$") {
        out += '$';
        length = 2;
      } else if (text.substr(0, 2) == "${" && !is_template(text)) {
        length = replace_one(text, nesting, out);
      } else {
        out += '$';
      }
      text.remove_prefix(length);
    }
    if (out.size() > kMaxYamlBytes) {
      problem("the text is larger than 1 MiB after substitution");
    }
    return out;
  }

 private:
  // One per text: the second is often a consequence of the first.
  void problem(std::string message) {
    if (!failed_) add_error(problems_, node_.mark, std::move(message));
    failed_ = true;
  }

  // `text` begins with "${"; appends the value and returns how long the reference was.
  size_t replace_one(std::string_view text, int nesting, std::string& out) {
    const size_t end = closing_brace(text);
    if (end == std::string_view::npos || nesting == kMaxNesting) {
      problem(nesting == kMaxNesting ? "too many ${…} inside each other"
                                     : "'${' without '}'; write '$${' for the two characters themselves");
      return text.size();
    }
    const std::string_view inside = text.substr(2, end - 2);
    if (inside.substr(0, kSecretPrefix.size()) == kSecretPrefix) {
      out += secret(inside.substr(kSecretPrefix.size()));
    } else {
      out += variable(inside, nesting);
    }
    return end + 1;
  }

  // As in a shell, ":-" also replaces a variable that is set to nothing.
  std::string variable(std::string_view inside, int nesting) {
    const size_t separator = inside.find(":-");
    const std::string_view name = inside.substr(0, separator);
    if (!is_variable_name(name)) {
      problem(quoted(name) + " is not the name of a variable; write '$${' for the two characters themselves");
      return {};
    }
    std::optional<std::string> value;
    if (substitutions_.variable) value = substitutions_.variable(name);
    if (value && !value->empty()) return *value;
    if (separator != std::string_view::npos) return replace(inside.substr(separator + 2), nesting + 1);
    problem("the variable " + std::string(name) + (value ? " is empty" : " is not set") + "; set it, or write ${" +
            std::string(name) + ":-default}");
    return {};
  }

  // The whole text counts as secret from here on, also where the look-up fails.
  std::string secret(std::string_view name) {
    secret_ = true;
    if (!substitutions_.secret) {
      problem("secret " + quoted(name) + " cannot be read: there is no secret store");
      return {};
    }
    Result<std::string> value = substitutions_.secret(name);
    if (value) return *std::move(value);
    problem("secret " + quoted(name) + " cannot be read: " + value.error().message);
    return {};
  }

  const ConfigNode& node_;
  const Substitutions& substitutions_;
  ConfigProblems& problems_;
  bool secret_ = false;
  bool failed_ = false;
};

// A secret stays a string even where it looks like a number: a password must not change with its digits.
void substitute_text(ConfigNode& node, const Substitutions& substitutions, ConfigProblems& problems) {
  if (node.text.find('$') == std::string::npos) return;
  const std::string& text = node.text;
  const bool whole =
      !node.quoted && text.substr(0, 2) == "${" && !is_template(text) && closing_brace(text) == text.size() - 1;
  Replacer replacer(node, substitutions, problems);
  std::string value = replacer.replace(text, 0);
  node.secret = replacer.secret();
  node.unresolved = replacer.failed();
  if (node.unresolved) return;
  if (whole && !node.secret) {
    set_plain(node, std::move(value));
    node.substituted = true;
  } else {
    set_string(node, std::move(value));
  }
}

}  // namespace

void substitute(ConfigNode& node, const Substitutions& substitutions, ConfigProblems& problems) {
  if (node.kind == ConfigNode::Kind::kString) substitute_text(node, substitutions, problems);
  for (ConfigNode& item : node.items) substitute(item, substitutions, problems);
  for (ConfigNode::Member& member : node.members) substitute(member.value, substitutions, problems);
}

}  // namespace colloquium::config
