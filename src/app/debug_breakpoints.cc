#include "app/debug_breakpoints.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "computo/program.h"

namespace colloquium::app {

using computo::TraceSite;

namespace {

std::optional<uint32_t> number_of(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Takes ":digits", or all if it is digits, off the end.
std::optional<uint32_t> take_number(std::string_view& text) {
  const size_t colon = text.rfind(':');
  const auto number = number_of(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (number) text = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  return number;
}

bool is_operator(std::string_view name) {
  const auto all = computo::operators();
  return std::any_of(all.begin(), all.end(), [&](const computo::OperatorInfo& info) { return info.name == name; });
}

// What is left behind the word, if the text begins with it.
std::optional<std::string_view> behind(std::string_view text, std::string_view word) {
  if (!text.starts_with(word) || text.size() <= word.size() || text[word.size()] != ' ') return std::nullopt;
  return text.substr(text.find_first_not_of(' ', word.size()));
}

Result<std::vector<uint32_t>> found(std::vector<uint32_t> sites, const std::string& otherwise) {
  if (sites.empty()) return fail(ErrorCode::kNotFound, otherwise);
  return sites;
}

}  // namespace

Breakpoints::Breakpoints(const computo::TraceSites& sites, std::string_view script)
    : sites_(sites), script_(script) {}

// Of the expressions that begin on the line, those around which no other does; with a column, the last at or
// before it.
std::vector<uint32_t> Breakpoints::find_line(std::string_view file, uint32_t line, uint32_t column) const {
  std::vector<uint32_t> all;
  uint32_t nearest = 0;
  for (uint32_t i = 0; i < sites_.size(); ++i) {
    const TraceSite& site = sites_[i];
    if (site.line != line || (site.origin.empty() ? script_ : std::string_view(site.origin)) != file) continue;
    if (column == 0) {
      const bool inner = site.parent != computo::kNoSite && sites_[site.parent].line == line;
      if (!inner) all.push_back(i);
    } else if (site.column <= column && site.column > nearest) {
      nearest = site.column;
      all = {i};
    }
  }
  return all;
}

Result<std::vector<uint32_t>> Breakpoints::find_position(std::string_view place) const {
  std::string_view file = place;
  uint32_t line = take_number(file).value_or(0);
  uint32_t column = 0;
  if (const auto before = file.empty() ? std::nullopt : take_number(file)) {
    column = line;
    line = *before;
  }
  if (file.empty()) file = script_;
  return found(find_line(file, line, column), "no expression begins there");
}

Result<std::vector<uint32_t>> Breakpoints::find(std::string_view place) const {
  std::string_view rest = place;
  if (place.starts_with('/') && !take_number(rest)) {
    for (uint32_t i = 0; i < sites_.size(); ++i) {
      if (sites_.path(i) == place) return std::vector<uint32_t>{i};
    }
    return fail(ErrorCode::kNotFound, "no expression has this path");
  }
  if (take_number(rest)) return find_position(place);
  auto name = behind(place, "operator");
  const bool by_operator = name || (!behind(place, "variable") && is_operator(place));
  if (!name) name = behind(place, "variable").value_or(place);
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < sites_.size(); ++i) {
    if ((by_operator ? sites_[i].op : sites_[i].name) == *name) all.push_back(i);
  }
  return found(std::move(all),
               by_operator ? "the script does not call this operator" : "the script has no variable of this name");
}

Result<Breakpoint> Breakpoints::add(std::string_view place) {
  if (place.empty()) {
    return fail(ErrorCode::kInvalidInput, "say where: LINE[:COLUMN], operator NAME, variable NAME, or /path");
  }
  TRY_ASSIGN(std::vector<uint32_t> sites, find(place));
  points_.push_back({next_number_++, std::string(place), 0, std::move(sites)});
  return points_.back();
}

bool Breakpoints::remove(uint32_t number) {
  return std::erase_if(points_, [&](const Breakpoint& point) { return point.number == number; }) > 0;
}

const Breakpoint* Breakpoints::hit(uint32_t site) {
  for (Breakpoint& point : points_) {
    if (!std::binary_search(point.sites.begin(), point.sites.end(), site)) continue;
    ++point.hits;
    return &point;
  }
  return nullptr;
}

}  // namespace colloquium::app
