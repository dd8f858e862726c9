#include "app/script_debugger.h"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <utility>

#include "base/assert.h"
#include "base/names.h"
#include "computo/error_text.h"

namespace colloquium::app {

using computo::kNoSite;
using computo::Moment;
using computo::TraceSite;
using computo::TraceVariable;

namespace {

constexpr uint32_t kListedLines = 5;  // before and behind the place
constexpr size_t kShownBytes = 200;   // of a value in a list

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Never within a character.
std::string cut(const std::string& text) {
  if (text.size() <= kShownBytes) return text;
  size_t end = kShownBytes;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

const ScriptDebugger::Command ScriptDebugger::kCommands[] = {
    {"step", "s", "go on to the next expression, whatever it is", &ScriptDebugger::step},
    {"next", "n", "go on, but not into this expression and not into functions", &ScriptDebugger::next},
    {"out", "o", "go on until the running function has returned", &ScriptDebugger::out},
    {"continue", "c", "go on to the next breakpoint, failure, or the end", &ScriptDebugger::go_on},
    {"break", "b", "stop at LINE[:COLUMN], FILE:LINE, operator NAME, variable NAME, or /path",
     &ScriptDebugger::add_break},
    {"delete", "d", "forget breakpoint NUMBER, or all of them", &ScriptDebugger::remove_break},
    {"breakpoints", "bl", "list the breakpoints", &ScriptDebugger::list_breaks},
    {"print", "p", "evaluate an expression, in JSON or sugar, with the variables that are visible here",
     &ScriptDebugger::print},
    {"bindings", "vars", "list the variables that are visible here", &ScriptDebugger::variables},
    {"where", "w", "list the functions that are running, innermost first", &ScriptDebugger::where},
    {"list", "l", "show the source around this place", &ScriptDebugger::list},
    {"value", "v", "show the value of the last expression that was evaluated", &ScriptDebugger::value},
    {"restart", "r", "begin the script again", &ScriptDebugger::restart},
    {"quit", "q", "leave", &ScriptDebugger::quit},
    {"help", "h", "print this", &ScriptDebugger::help},
};

ScriptDebugger::ScriptDebugger(computo::ProgramPtr program, const Script& script,
                               std::span<const json::ValueView> inputs, ReadLine read, std::ostream& out)
    : program_(program),
      origin_(script.origin),
      inputs_(inputs),
      read_(std::move(read)),
      out_(out),
      sites_(std::move(program)),
      breakpoints_(sites_, origin_) {
  lines_.add(script);
}

// Each turn is one evaluation.
void ScriptDebugger::run() {
  while (then_ != Then::kQuit) {
    then_ = Then::kGoOn;
    until_ = Until::kNextExpression;
    last_value_.reset();
    last_site_ = kNoSite;
    const bool done = evaluate();
    moment_ = nullptr;
    last_value_.reset();  // it lived as long as the evaluation
    if (then_ != Then::kGoOn) continue;
    out_ << (done ? "the script has ended: " + ended_ : ended_) << "\n";
    ask(nullptr);
  }
}

bool ScriptDebugger::evaluate() {
  computo::Evaluator evaluator(program_);
  std::vector<char> bytes;
  const bool done = evaluator.evaluate_traced(inputs_, {}, *this) && evaluator.write(bytes, nullptr);
  ended_ = done ? std::string(bytes.begin(), bytes.end()) : "the script has failed: " + evaluator.error().problem;
  return done;
}

bool ScriptDebugger::enter(uint32_t site, const Moment& moment) {
  const Breakpoint* point = breakpoints_.hit(site);
  bool stops = point != nullptr || until_ == Until::kNextExpression;
  if (until_ == Until::kSameLevel) {
    stops = stops || (moment.calls() <= calls_ && moment.expressions() <= expressions_);
  }
  if (until_ == Until::kCaller) stops = stops || moment.calls() < calls_;
  if (!stops) return true;
  if (point != nullptr) out_ << "breakpoint " << point->number << "\n";
  show_place(site);
  return ask(&moment);
}

bool ScriptDebugger::leave(uint32_t site, const Moment& /*moment*/, const computo::TraceValue& value) {
  last_value_ = value;
  last_site_ = site;
  return true;
}

bool ScriptDebugger::failed(const computo::ScriptError& error, const Moment& moment) {
  out_ << computo::error_text(error, origin_, lines_.reader());
  return ask(&moment);
}

bool ScriptDebugger::ask(const Moment* moment) {
  moment_ = moment;
  then_ = Then::kAsk;
  while (then_ == Then::kAsk) {
    const auto line = read_();
    if (line && !trimmed(*line).empty()) last_line_ = *line;
    then_ = line ? obey(last_line_) : Then::kQuit;
  }
  return then_ == Then::kGoOn;
}

ScriptDebugger::Then ScriptDebugger::obey(const std::string& line) {
  const std::string_view all = trimmed(line);
  if (all.empty()) return Then::kAsk;
  const std::string_view word = all.substr(0, all.find_first_of(" \t"));
  const std::string_view rest = trimmed(all.substr(word.size()));
  std::vector<std::string_view> known;
  for (const Command& command : kCommands) {
    if (word == command.name || word == command.letter) return (this->*command.act)(rest);
    known.emplace_back(command.name);
  }
  const std::string nearest = closest_name(word, known);
  out_ << "there is no command '" << word << "'"
       << (nearest.empty() ? "; 'help' lists them" : "; did you mean '" + nearest + "'?") << "\n";
  return Then::kAsk;
}

bool ScriptDebugger::running() {
  if (moment_ != nullptr) return true;
  out_ << "the script has ended; 'restart' begins it again\n";
  return false;
}

ScriptDebugger::Then ScriptDebugger::go(Until until) {
  if (!running()) return Then::kAsk;
  until_ = until;
  calls_ = moment_->calls();
  expressions_ = moment_->expressions();
  return Then::kGoOn;
}

ScriptDebugger::Then ScriptDebugger::step(Words /*rest*/) {
  return go(Until::kNextExpression);
}
ScriptDebugger::Then ScriptDebugger::next(Words /*rest*/) {
  return go(Until::kSameLevel);
}
ScriptDebugger::Then ScriptDebugger::out(Words /*rest*/) {
  return go(Until::kCaller);
}
ScriptDebugger::Then ScriptDebugger::go_on(Words /*rest*/) {
  return go(Until::kNever);
}

ScriptDebugger::Then ScriptDebugger::add_break(Words rest) {
  const auto added = breakpoints_.add(rest);
  if (!added) {
    out_ << added.error().message << "\n";
    return Then::kAsk;
  }
  out_ << "breakpoint " << added->number << " at " << describe(added->sites.front());
  if (added->sites.size() > 1) out_ << " and " << added->sites.size() - 1 << " more";
  out_ << "\n";
  return Then::kAsk;
}

ScriptDebugger::Then ScriptDebugger::remove_break(Words rest) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (rest.empty()) {
    breakpoints_.clear();
    out_ << "there are no breakpoints any more\n";
  } else if (error != std::errc() || end != rest.data() + rest.size() || !breakpoints_.remove(number)) {
    out_ << "there is no breakpoint " << rest << "; 'breakpoints' lists them\n";
  }
  return Then::kAsk;
}

ScriptDebugger::Then ScriptDebugger::list_breaks(Words /*rest*/) {
  if (breakpoints_.all().empty()) out_ << "there are no breakpoints\n";
  for (const Breakpoint& point : breakpoints_.all()) {
    out_ << point.number << "  " << point.place << "  (" << point.sites.size()
         << (point.sites.size() == 1 ? " place, reached " : " places, reached ") << point.hits
         << (point.hits == 1 ? " time)\n" : " times)\n");
  }
  return Then::kAsk;
}

// A name alone needs no evaluation, and may be that of a function.
ScriptDebugger::Then ScriptDebugger::print(Words rest) {
  const std::vector<BoundName> bound = names();
  const auto known =
      std::find_if(bound.begin(), bound.end(), [&](const BoundName& name) { return name.name == rest; });
  if (rest.empty()) {
    out_ << "say what to print: a name, or an expression\n";
  } else if (known != bound.end()) {
    out_ << known->json << "\n";
  } else {
    const std::string text = only_part(last_line_, rest);
    const BoundResult result = evaluate_bound(text, bound, inputs_, script_options(kTyped, "array"));
    if (!result.json.empty()) {
      out_ << result.json << "\n";
      return Then::kAsk;
    }
    SourceLines lines;
    lines.add({last_line_, kTyped});
    out_ << computo::error_text(result.error, kTyped, lines.reader());
  }
  return Then::kAsk;
}

ScriptDebugger::Then ScriptDebugger::variables(Words /*rest*/) {
  if (!running()) return Then::kAsk;
  const std::vector<BoundName> bound = names();
  if (bound.empty()) out_ << "no variables are visible here\n";
  for (const BoundName& name : bound) out_ << name.name << " = " << cut(name.json) << "\n";
  return Then::kAsk;
}

ScriptDebugger::Then ScriptDebugger::where(Words /*rest*/) {
  if (!running()) return Then::kAsk;
  for (size_t frame = 0; frame < moment_->calls(); ++frame) {
    const uint32_t place = moment_->place(frame);
    const uint32_t function = moment_->function(frame);
    out_ << "#" << frame << "  " << (place == kNoSite ? "before its first expression" : describe(place));
    if (function != kNoSite)
      out_ << ", in the function at " << sites_[function].line << ":" << sites_[function].column;
    out_ << "\n";
  }
  return Then::kAsk;
}

ScriptDebugger::Then ScriptDebugger::list(Words /*rest*/) {
  if (!running()) return Then::kAsk;
  const TraceSite& site = sites_[moment_->place()];
  const std::string& file = site.origin.empty() ? origin_ : site.origin;
  const uint32_t first = site.line > kListedLines ? site.line - kListedLines : 1;
  std::vector<std::string> shown;
  for (uint32_t number = first; number <= site.line + kListedLines; ++number) {
    const auto line = lines_.line(file, number);
    if (!line || (line->empty() && !lines_.line(file, number + 1))) break;
    shown.push_back(*line);
  }
  const size_t width = std::to_string(first + shown.size() - 1).size();
  for (size_t i = 0; i < shown.size(); ++i) {
    std::string label = std::to_string(first + i);
    label.insert(0, width - label.size(), ' ');
    const bool here = first + i == site.line;
    out_ << (here ? "> " : "  ") << label << " | " << shown[i] << "\n";
    if (here) out_ << std::string(width + 2, ' ') << " | " << std::string(site.column - 1, ' ') << "^\n";
  }
  return Then::kAsk;
}

ScriptDebugger::Then ScriptDebugger::value(Words /*rest*/) {
  if (!running()) return Then::kAsk;
  if (!last_value_) {
    out_ << "no expression has been evaluated yet\n";
    return Then::kAsk;
  }
  out_ << describe(last_site_) << " = " << last_value_->json() << "\n";
  return Then::kAsk;
}

ScriptDebugger::Then ScriptDebugger::restart(Words /*rest*/) {
  return Then::kRestart;
}
ScriptDebugger::Then ScriptDebugger::quit(Words /*rest*/) {
  return Then::kQuit;
}

ScriptDebugger::Then ScriptDebugger::help(Words /*rest*/) {
  for (const Command& command : kCommands) {
    std::string names = std::string(command.name) + ", " + command.letter;
    names.resize(std::max<size_t>(names.size(), 17), ' ');
    out_ << names << command.help << "\n";
  }
  out_ << "An empty line repeats the last command.\n";
  return Then::kAsk;
}

// "12:5 /let/body (+)".
std::string ScriptDebugger::describe(uint32_t site) const {
  ASSERT(site < sites_.size());
  const TraceSite& place = sites_[site];
  std::string text = place.origin.empty() ? "" : place.origin + ":";
  text += std::to_string(place.line) + ":" + std::to_string(place.column) + " " + sites_.path(site);
  return place.op.empty() ? text : text + " (" + place.op + ")";
}

void ScriptDebugger::show_place(uint32_t site) {
  const TraceSite& place = sites_[site];
  out_ << describe(site) << "\n";
  const auto line = lines_.line(place.origin.empty() ? origin_ : place.origin, place.line);
  if (line) out_ << computo::source_excerpt(*line, place.column);
}

std::vector<BoundName> ScriptDebugger::names() const {
  std::vector<BoundName> names;
  if (moment_ == nullptr) return names;
  for (const TraceVariable& variable : moment_->variables()) {
    names.push_back({std::string(variable.name), variable.value.json(), variable.value.is_function()});
  }
  return names;
}

}  // namespace colloquium::app
