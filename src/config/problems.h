// Problems of a configuration: how they are worded, ordered and counted.
//
// Thread safety: pure functions over values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "colloquium/config_spec.h"

namespace colloquium::config {

void add_error(ConfigProblems& problems, const ConfigMark& mark, std::string message);
void add_warning(ConfigProblems& problems, const ConfigMark& mark, std::string message);

// An error where the member `key` of `node` stands, or where `node` stands if it has none.
void refuse(const ConfigNode& node, std::string_view key, std::string message, ConfigProblems& problems);

// Warnings alone do not stop anything.
bool has_errors(const ConfigProblems& problems);

// By line and column within a file; files in the order in which they first appear.
void sort_problems(ConfigProblems& problems);

// One line each, as describe() words them.
std::string describe(const ConfigProblems& problems);

// 'text' for a message: in quotes, cut to a readable length, control characters escaped.
std::string quoted(std::string_view text);

// What stands at `node`, for "…, found the string 'four'". The value of a secret is not told.
std::string found(const ConfigNode& node, bool secret = false);

// "; did you mean 'x'?" or nothing.
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

// "a, b or c".
std::string alternatives(std::span<const std::string> names);

// "log" and "partitions" make "log.partitions".
std::string join_path(std::string_view path, std::string_view name);

}  // namespace colloquium::config
