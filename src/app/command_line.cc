#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

#include "base/names.h"

namespace colloquium::app {
namespace {

// Wide enough for "--drain-timeout TIME" and its margin; longer names get a line of their own.
constexpr size_t kHelpColumn = 26;

// CLI11 itself tells positionals from options by the leading dash; the table follows it.
bool is_positional(const VerbOption& option) {
  return option.name.front() != '-';
}
bool takes_many(const VerbOption& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.target);
}

// "colloquium run [OPTIONS] [FILE…]". Options come as one word: their list stands right below.
std::string usage_line(const Verb& verb, const std::string& path) {
  std::string line = path;
  if (!verb.verbs.empty()) return line + " VERB …";
  const bool has_options = std::any_of(verb.options.begin(), verb.options.end(),
                                       [](const VerbOption& option) { return !is_positional(option); });
  if (has_options) line += " [OPTIONS]";
  if (!verb.arguments.empty()) return line + " " + verb.arguments;
  for (const VerbOption& option : verb.options) {
    if (!is_positional(option)) continue;
    std::string name = option.name + (takes_many(option) ? "…" : "");
    line += option.required ? " " + name : " [" + name + "]";
  }
  return line;
}

// One entry of a two-column list; the help moves to a line of its own behind a long name.
std::string entry(const std::string& name, const std::string& help) {
  std::string line = "  " + name;
  if (line.size() + 2 > kHelpColumn) {
    line += "\n" + std::string(kHelpColumn, ' ');
  } else {
    line.append(kHelpColumn - line.size(), ' ');
  }
  return line + help + "\n";
}

// "-e,--expression" is what CLI11 wants; people read it better with a space.
std::string option_title(const VerbOption& option) {
  std::string title = option.name;
  const size_t comma = title.find(',');
  if (comma != std::string::npos) title.insert(comma + 1, " ");
  return option.value.empty() ? title : title + " " + option.value;
}

std::string option_help(const VerbOption& option) {
  if (option.choices.empty()) return option.help;
  std::string help = option.help + ":";
  for (const std::string& choice : option.choices) help += " " + choice;
  return help;
}

std::string indented(const std::string& text) {
  std::string out = "  ";
  for (char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

// Binds one row of the table to CLI11. The target decides what is parsed: a flag takes no value, a list may be
// repeated.
void add_option(CLI::App& app, const VerbOption& option) {
  const auto add = [&](auto* target) {
    using T = std::decay_t<decltype(*target)>;
    CLI::Option* added = nullptr;
    if constexpr (std::is_same_v<T, bool>) {
      added = app.add_flag(option.name, *target, option.help);
    } else {
      added = app.add_option(option.name, *target, option.help);
      // Without this, "--set a=b file" would take the file as a second setting.
      added->allow_extra_args(false);
      if (!option.choices.empty()) added->check(CLI::IsMember(option.choices));
    }
    if (option.required) added->required();
  };
  std::visit(add, option.target);
}

// Every mistake ends with where help is, so that nobody has to guess the spelling of --help.
Exit refuse_with_hint(const Console& console, const std::string& path, const std::string& message) {
  console.err << "error: " << message << "\n'" << path << " --help' tells what it takes\n";
  return Exit::kRefused;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string nearest = closest_name(word, known);
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

// What CLI11 could not place: a misspelt option, or one argument too many.
Exit refuse_extra(const Verb& verb, const std::string& path, const std::string& extra, const Console& console) {
  if (extra.front() != '-') return refuse_with_hint(console, path, "unexpected argument '" + extra + "'");
  std::vector<std::string> known{"--help"};
  for (const VerbOption& option : verb.options) {
    if (is_positional(option)) continue;
    known.push_back(option.name.substr(option.name.find("--")));
  }
  const std::string name = extra.substr(0, extra.find('='));
  std::string hint = did_you_mean(name, known);
  if (hint.empty()) hint = " (a value that begins with '-' goes behind '--')";
  return refuse_with_hint(console, path, "unknown option '" + name + "'" + hint);
}

// The positional that takes many values, and so all that CLI11 leaves over. CLI11 never hears of it, because it
// cuts an argument such as [1,2] at the commas where a list is wanted.
const VerbOption* rest_of(const Verb& verb) {
  const auto found = std::find_if(verb.options.begin(), verb.options.end(), [](const VerbOption& option) {
    return is_positional(option) && takes_many(option);
  });
  return found == verb.options.end() ? nullptr : &*found;
}

// Gives the verb's list what CLI11 left over; whatever is no value there is refused.
std::optional<Exit> take_rest(const Verb& verb, const std::string& path, const std::vector<std::string>& rest,
                              const Console& console) {
  const VerbOption* list = rest_of(verb);
  bool only_values = false;  // behind "--" a dash has no meaning
  for (const std::string& extra : rest) {
    if (extra == "--" && !only_values) {
      only_values = true;
    } else if (list == nullptr || (!only_values && extra.size() > 1 && extra.front() == '-')) {
      return refuse_extra(verb, path, extra, console);
    } else {
      std::get<std::vector<std::string>*>(list->target)->push_back(extra);
    }
  }
  if (list == nullptr || !list->required) return std::nullopt;
  if (!std::get<std::vector<std::string>*>(list->target)->empty()) return std::nullopt;
  return refuse_with_hint(console, path, list->name + " is required");
}

// Parses the arguments of a verb that has no verbs of its own, and runs it.
Exit run_leaf(const Verb& verb, const std::string& path, std::vector<std::string> arguments, Console& console) {
  CLI::App app(verb.summary, path);
  app.set_help_flag("-h,--help");
  app.allow_extras();
  for (const VerbOption& option : verb.options) {
    if (&option != rest_of(verb)) add_option(app, option);
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    console.out << help_text(verb, path);
    return Exit::kDone;
  } catch (const CLI::ParseError& e) {
    // What is missing may only be missing because an option was misspelt: that is then the better message.
    for (const std::string& extra : app.remaining()) {
      if (extra.size() > 1 && extra.front() == '-' && extra != "--")
        return refuse_extra(verb, path, extra, console);
    }
    return refuse_with_hint(console, path, e.what());
  }
  const std::optional<Exit> refused = take_rest(verb, path, app.remaining(), console);
  return refused ? *refused : verb.run(console);
}

// "colloquium help" is what people type who do not know yet that it is --help.
bool asks_for_help(const std::string& argument) {
  return argument == "--help" || argument == "-h" || argument == "help";
}

// The candidates are the verbs of this level only: "log verfy" means "log verify", not "validate".
Exit refuse_verb(const Verb& parent, const std::string& path, const std::string& word, const Console& console) {
  std::vector<std::string> known;
  for (const Verb& verb : parent.verbs) known.push_back(verb.name);
  const std::string what = word.front() == '-' ? "unknown option '" : "unknown verb '";
  return refuse_with_hint(console, path, what + word + "'" + did_you_mean(word, known));
}

// Only verbs that do something get a section; a group is but the first word of theirs.
void append_page(const Verb& verb, const std::string& path, std::string& page) {
  if (!verb.verbs.empty()) {
    for (const Verb& child : verb.verbs) append_page(child, path + " " + child.name, page);
    return;
  }
  page += "\n## `" + path + "`\n\n" + verb.summary + ".\n\n```text\n" + usage_line(verb, path) + "\n```\n";
  if (!verb.description.empty()) page += "\n" + verb.description + "\n";
  if (!verb.options.empty()) page += "\n| argument | meaning |\n| --- | --- |\n";
  for (const VerbOption& option : verb.options) {
    page += "| `" + option_title(option) + "` | " + option_help(option) + " |\n";
  }
  page += "\n```sh\n" + verb.example + "\n```\n";
}

}  // namespace

Exit refuse(const Console& console, const Error& error) {
  return refuse(console, error.describe());
}

Exit refuse(const Console& console, const std::string& message) {
  console.err << "error: " << message << "\n";
  return Exit::kRefused;
}

Exit fail_running(const Console& console, const Error& error) {
  console.err << "error: " << error.describe() << "\n";
  return Exit::kFailed;
}

std::string help_text(const Verb& verb, const std::string& path) {
  std::string text = verb.summary + ".\n\nUsage: " + usage_line(verb, path) + "\n";
  if (!verb.description.empty()) text += "\n" + verb.description + "\n";
  if (!verb.verbs.empty()) {
    text += "\nVerbs:\n";
    for (const Verb& child : verb.verbs) text += entry(child.name, child.summary);
    text += "\n'" + path + " VERB --help' tells more about one of them.\n";
  }
  text += "\nArguments:\n";
  for (const VerbOption& option : verb.options) text += entry(option_title(option), option_help(option));
  text += entry("-h, --help", "print this");
  return text + "\nExample:\n" + indented(verb.example) + "\n";
}

Exit run_command_line(const Verb& root, const std::vector<std::string>& arguments, Console& console) {
  // Verbs are walked by hand rather than as CLI11 sub-commands: those know no did-you-mean, and print their
  // own help.
  const Verb* verb = &root;
  std::string path = root.name;
  size_t used = 0;
  while (!verb->verbs.empty()) {
    if (used == arguments.size()) {
      console.err << help_text(*verb, path);
      return Exit::kRefused;
    }
    const std::string& word = arguments[used];
    if (asks_for_help(word)) {
      console.out << help_text(*verb, path);
      return Exit::kDone;
    }
    // --version is a flag everywhere else in the world.
    const std::string name = verb == &root && word == "--version" ? "version" : word;
    const auto found = std::find_if(verb->verbs.begin(), verb->verbs.end(),
                                    [&](const Verb& child) { return child.name == name; });
    if (found == verb->verbs.end()) return refuse_verb(*verb, path, word.empty() ? "''" : word, console);
    verb = &*found;
    path += " " + verb->name;
    ++used;
  }
  return run_leaf(*verb, path, {arguments.begin() + static_cast<ptrdiff_t>(used), arguments.end()}, console);
}

std::string command_line_page(const Verb& root) {
  std::string page =
      "# Command line\n\nGenerated by `colloquium docs`; do not edit.\n\n"
      "Exit codes: 0 done; 1 failed while running; 2 refused before starting. Results go to standard output, "
      "messages to standard error.\n";
  append_page(root, root.name, page);
  return page;
}

}  // namespace colloquium::app
