#include "app/line_editor.h"

#include <clocale>
#include <cstdio>
#include <histedit.h>
#include <utility>

namespace colloquium::app {

namespace {
constexpr int kHistoryLines = 1000;
}  // namespace

struct LineEditor::State {
  ::EditLine* editor = nullptr;
  ::History* history = nullptr;
  std::string history_file;
  std::string prompt;
  Complete complete;

  static State& of(::EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }

  static char* show_prompt(::EditLine* editor) { return of(editor).prompt.data(); }

  // Extends the word as far as it is certain; if that is no further, lists what it may become.
  static unsigned char complete_word(::EditLine* editor, int /*key*/) {
    const State& state = of(editor);
    const ::LineInfo* line = ::el_line(editor);
    const std::string_view text(line->buffer, static_cast<size_t>(line->cursor - line->buffer));
    const std::vector<std::string> found = state.complete(text);
    if (found.empty()) return CC_REFRESH_BEEP;
    const std::string certain = common_beginning(found);
    // How much of it is there already: the longest end of the text that it begins with.
    size_t there = std::min(certain.size(), text.size());
    while (!text.ends_with(std::string_view(certain).substr(0, there))) --there;
    if (there < certain.size()) {
      ::el_insertstr(editor, certain.substr(there).c_str());
      return CC_REFRESH;
    }
    std::fputc('\n', stdout);
    for (const std::string& name : found) std::fputs((name + "  ").c_str(), stdout);
    std::fputc('\n', stdout);
    return CC_REDISPLAY;
  }
};

std::string common_beginning(const std::vector<std::string>& candidates) {
  if (candidates.empty()) return {};
  std::string common = candidates.front();
  for (const std::string& candidate : candidates) {
    while (!candidate.starts_with(common)) common.pop_back();
  }
  return common;
}

LineEditor::LineEditor(const std::string& history_file, Complete complete) : state_(std::make_unique<State>()) {
  State& state = *state_;
  // The editor counts characters by the locale.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  state.history_file = history_file;
  state.complete = std::move(complete);
  state.editor = ::el_init("colloquium", stdin, stdout, stderr);
  state.history = ::history_init();
  ::HistEvent event;
  ::history(state.history, &event, H_SETSIZE, kHistoryLines);
  ::history(state.history, &event, H_SETUNIQUE, 1);
  if (!history_file.empty()) ::history(state.history, &event, H_LOAD, history_file.c_str());
  ::el_set(state.editor, EL_CLIENTDATA, &state);
  ::el_set(state.editor, EL_EDITOR, "emacs");
  ::el_set(state.editor, EL_SIGNAL, 1);
  ::el_set(state.editor, EL_PROMPT, &State::show_prompt);
  ::el_set(state.editor, EL_HIST, ::history, state.history);
  ::el_set(state.editor, EL_ADDFN, "complete-word", "complete the word", &State::complete_word);
  ::el_set(state.editor, EL_BIND, "^I", "complete-word", nullptr);
}

LineEditor::~LineEditor() {
  ::el_end(state_->editor);
  ::history_end(state_->history);
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  State& state = *state_;
  state.prompt = prompt;
  int size = 0;
  const char* line = ::el_gets(state.editor, &size);
  if (line == nullptr || size <= 0) return std::nullopt;
  std::string text(line, static_cast<size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return text;
  ::HistEvent event;
  ::history(state.history, &event, H_ENTER, text.c_str());
  if (!state.history_file.empty()) ::history(state.history, &event, H_SAVE, state.history_file.c_str());
  return text;
}

}  // namespace colloquium::app
