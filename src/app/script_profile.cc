#include "app/script_profile.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/assert.h"
#include "json/writer.h"

namespace colloquium::app {

using computo::Moment;
using computo::TraceSite;

ScriptProfile::ScriptProfile(computo::ProgramPtr program, const Clock& clock)
    : sites_(std::move(program)), clock_(clock), rows_(sites_.size()), nested_(sites_.size(), 0) {
  for (uint32_t i = 0; i < rows_.size(); ++i) rows_[i].site = i;
}

// What passed since the watch was started is the innermost expression's own.
void ScriptProfile::stop_watch(const Moment& moment) {
  const int64_t ns = clock_.monotonic_ns() - watch_ns_;
  const auto bytes = static_cast<int64_t>(moment.memory_bytes() - watch_bytes_);
  if (running_.empty()) return;
  rows_[running_.back().site].self_ns += ns;
  rows_[running_.back().site].self_bytes += bytes;
  time_ += ns;
  bytes_ += bytes;
}

void ScriptProfile::start_watch(const Moment& moment) {
  watch_bytes_ = moment.memory_bytes();
  watch_ns_ = clock_.monotonic_ns();
}

bool ScriptProfile::enter(uint32_t site, const Moment& moment) {
  stop_watch(moment);
  ++rows_[site].count;
  ++nested_[site];
  running_.push_back({site, time_, bytes_});
  start_watch(moment);
  return true;
}

void ScriptProfile::end(uint32_t site) {
  ASSERT(!running_.empty() && running_.back().site == site && nested_[site] > 0);
  if (--nested_[site] == 0) {
    rows_[site].total_ns += time_ - running_.back().time;
    rows_[site].total_bytes += bytes_ - running_.back().bytes;
  }
  running_.pop_back();
}

bool ScriptProfile::leave(uint32_t site, const Moment& moment, const computo::TraceValue& /*value*/) {
  stop_watch(moment);
  end(site);
  start_watch(moment);
  return true;
}

void ScriptProfile::abandon(uint32_t site, const Moment& moment) {
  stop_watch(moment);
  end(site);
  start_watch(moment);
}

// Explaining an error is no work of the script's.
bool ScriptProfile::failed(const computo::ScriptError& /*error*/, const Moment& moment) {
  start_watch(moment);
  return true;
}

bool ScriptProfile::call(uint32_t function, const Moment& moment) {
  if (function == computo::kNoSite) ++evaluations_;
  stop_watch(moment);
  start_watch(moment);
  return true;
}

void ScriptProfile::end_call(uint32_t /*function*/, const Moment& moment) {
  stop_watch(moment);
  start_watch(moment);
}

std::vector<ScriptProfile::Row> ScriptProfile::rows() const {
  std::vector<Row> rows;
  std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(rows), [](const Row& row) { return row.count > 0; });
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.self_ns > b.self_ns; });
  return rows;
}

namespace {

std::string formatted(const char* format, double number) {
  std::array<char, 48> text;
  const int size = std::snprintf(text.data(), text.size(), format, number);
  return {text.data(), static_cast<size_t>(size)};
}

std::string time_text(int64_t ns) {
  const auto number = static_cast<double>(ns);
  if (ns < 10'000) return std::to_string(ns) + " ns";
  if (ns < 10'000'000) return formatted("%.1f us", number / 1e3);
  if (ns < 10'000'000'000) return formatted("%.1f ms", number / 1e6);
  return formatted("%.1f s", number / 1e9);
}

std::string padded(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string place_text(const TraceSite& site) {
  const std::string place = std::to_string(site.line) + ":" + std::to_string(site.column);
  return site.origin.empty() ? place : site.origin + ":" + place;
}

// The line that the expression begins on, without its indentation.
std::string source_text(const TraceSite& site, std::string_view script, const computo::SourceLine& source) {
  const auto line = source(site.origin.empty() ? script : std::string_view(site.origin), site.line);
  if (!line) return {};
  const size_t begin = line->find_first_not_of(" \t");
  return begin == std::string::npos ? std::string() : line->substr(begin);
}

// Never within a character.
std::string cut(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

constexpr size_t kSourceColumns = 60;

}  // namespace

std::string profile_text(const ScriptProfile& profile, std::string_view script,
                         const computo::SourceLine& source) {
  const std::vector<ScriptProfile::Row> rows = profile.rows();
  std::string text = std::string(script) + ": " + std::to_string(profile.evaluations()) +
                     (profile.evaluations() == 1 ? " evaluation, " : " evaluations, ") +
                     time_text(profile.total_ns()) + ", " + std::to_string(rows.size()) + " of " +
                     std::to_string(profile.sites().size()) + " expressions\n\n";
  text += "      self       %      total      count      bytes  place     expression\n";
  const double all = std::max<double>(1, static_cast<double>(profile.total_ns()));
  for (const ScriptProfile::Row& row : rows) {
    const TraceSite& site = profile.sites()[row.site];
    text += padded(time_text(row.self_ns), 10) +
            padded(formatted("%.1f", 100 * static_cast<double>(row.self_ns) / all), 8) +
            padded(time_text(row.total_ns), 11) + padded(std::to_string(row.count), 11) +
            padded(std::to_string(row.self_bytes), 11);
    std::string place = place_text(site);
    if (place.size() < 8) place.resize(8, ' ');
    text += "  " + place + "  " + profile.sites().path(row.site);
    if (!site.op.empty()) text += " (" + site.op + ")";
    text += "\n" + std::string(53, ' ') + cut(source_text(site, script, source), kSourceColumns) + "\n";
  }
  return text;
}

std::string profile_json(const ScriptProfile& profile, std::string_view script,
                         const computo::SourceLine& source) {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  const auto integer = [&](std::string_view key, int64_t value) {
    writer.key(key);
    writer.integer(value);
  };
  const auto string = [&](std::string_view key, std::string_view value) {
    writer.key(key);
    writer.string(value);
  };
  writer.begin_object();
  string("script", script);
  integer("evaluations", static_cast<int64_t>(profile.evaluations()));
  integer("time_ns", profile.total_ns());
  writer.key("expressions");
  writer.begin_array();
  for (const ScriptProfile::Row& row : profile.rows()) {
    const TraceSite& site = profile.sites()[row.site];
    writer.begin_object();
    string("file", site.origin.empty() ? script : std::string_view(site.origin));
    integer("line", site.line);
    integer("column", site.column);
    string("path", profile.sites().path(row.site));
    string("operator", site.op);
    integer("count", static_cast<int64_t>(row.count));
    integer("self_ns", row.self_ns);
    integer("total_ns", row.total_ns);
    integer("self_bytes", row.self_bytes);
    integer("total_bytes", row.total_bytes);
    string("source", source_text(site, script, source));
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  return {bytes.begin(), bytes.end()};
}

}  // namespace colloquium::app
