#include "components/postgres/pg_error.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace colloquium::components {
namespace {

constexpr size_t kStateLength = 5;
constexpr size_t kShownBytes = 1000;

bool is_class(const PgError& error, std::string_view name) {
  return error.sqlstate.starts_with(name);
}

template <size_t n>
bool is_one_of(const PgError& error, const std::array<std::string_view, n>& states) {
  return std::find(states.begin(), states.end(), error.sqlstate) != states.end();
}

bool is_state(std::string_view text) {
  return text.size() == kStateLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// 54000: an index row that is too long. P0001: RAISE of a trigger. 44000: WITH CHECK OPTION of a view.
constexpr std::array<std::string_view, 3> kRowStates = {"54000", "P0001", "44000"};

// 08 connection, 25 a read-only server or a transaction that was idle too long, 40 serialization and deadlock,
// 53 resources, 57 operator intervention, 58 system, XX internal. 55P03, 55006: somebody holds a lock.
constexpr std::array<std::string_view, 7> kServerClasses = {"08", "25", "40", "53", "57", "58", "XX"};
constexpr std::array<std::string_view, 2> kServerStates = {"55P03", "55006"};

ErrorCode code_of(const PgError& error) {
  switch (trouble_of(error)) {
    case PgTrouble::kRow:
      return ErrorCode::kInvalidInput;
    case PgTrouble::kServer:
      return ErrorCode::kUnavailable;
    case PgTrouble::kSetup:
      break;
  }
  return is_class(error, "28") || error.sqlstate == "42501" ? ErrorCode::kPermission : ErrorCode::kInvalidConfig;
}

}  // namespace

PgTrouble trouble_of(const PgError& error) {
  if (error.lost || error.sqlstate.empty()) return PgTrouble::kServer;
  if (is_class(error, "22") || is_class(error, "23") || is_one_of(error, kRowStates)) return PgTrouble::kRow;
  const bool by_class = std::any_of(kServerClasses.begin(), kServerClasses.end(),
                                    [&](std::string_view name) { return is_class(error, name); });
  return by_class || is_one_of(error, kServerStates) ? PgTrouble::kServer : PgTrouble::kSetup;
}

bool is_refusal_of_login(const PgError& error) {
  // 42501: the role may not connect to this database.
  return is_class(error, "28") || error.sqlstate == "3D000" || error.sqlstate == "42501";
}

std::string sqlstate_in(std::string_view text) {
  // The severity may be in any language; two spaces and a colon on each side of the state are not.
  for (size_t at = text.find(":  "); at != text.npos; at = text.find(":  ", at + 1)) {
    const std::string_view state = text.substr(at + 3, kStateLength);
    if (is_state(state) && text.substr(at + 3 + kStateLength).starts_with(':')) return std::string(state);
  }
  return {};
}

std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty() && out.size() < kShownBytes) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.empty() || line.starts_with("LOCATION:")) continue;
    out += (out.empty() ? "" : "; ") + std::string(line);
  }
  const std::string state = sqlstate_in(out);
  if (!state.empty()) out.erase(out.find(":  " + state) + 2, kStateLength + 3);
  return out.substr(0, kShownBytes);
}

int64_t row_hint(std::string_view context) {
  // "COPY orders, line 7, column total": a table's name may hold digits, so the number behind the first comma.
  size_t at = context.find(", ");
  if (!context.starts_with("COPY ") || at == context.npos) return kNoRow;
  at = context.find_first_of("0123456789", at);
  if (at == context.npos) return kNoRow;
  int64_t line = 0;
  const auto [end, failed] = std::from_chars(context.data() + at, context.data() + context.size(), line);
  return failed == std::errc() && line > 0 ? line - 1 : kNoRow;
}

Error to_error(const std::string& what, const PgError& error) {
  const bool again = trouble_of(error) == PgTrouble::kServer;
  std::string message = "cannot " + what + ": " + error.message;
  if (!error.sqlstate.empty()) message += " (SQLSTATE " + error.sqlstate + ")";
  return {code_of(error), std::move(message), again, {}};
}

}  // namespace colloquium::components
