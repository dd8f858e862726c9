#include "log/staging.h"

#include "base/assert.h"

namespace colloquium::log {

void Staging::add(StagedAppend append) {
  ASSERT(append.writer != nullptr && append.done);
  const size_t bytes = append.batch.records.size() + kHeaderBytes;
  bytes_ += bytes;
  appends_.push_back({std::move(append), bytes});
}

void Staging::add(StagedCommit commit) {
  ASSERT(commit.done);
  size_t bytes = 0;
  for (const StagedOutput& output : commit.outputs) bytes += output.batch.records.size() + kHeaderBytes;
  bytes_ += bytes;
  commits_.push_back({std::move(commit), bytes});
}

Group Staging::take(size_t limit, size_t& bytes) {
  Group group;
  bytes = 0;
  // Commits first: they end work that has been done, and a backlog of appends must not starve them. One append
  // goes with them in any case, for the same reason the other way round.
  while (!commits_.empty() && (group.commits.empty() || bytes + commits_.front().bytes <= limit)) {
    bytes += commits_.front().bytes;
    group.commits.push_back(std::move(commits_.front().item));
    commits_.pop_front();
  }
  while (!appends_.empty() && (group.appends.empty() || bytes + appends_.front().bytes <= limit)) {
    bytes += appends_.front().bytes;
    group.appends.push_back(std::move(appends_.front().item));
    appends_.pop_front();
  }
  ASSERT(bytes <= bytes_);
  return group;
}

std::vector<StagedAppend> Staging::take_appends(size_t& bytes) {
  std::vector<StagedAppend> all;
  bytes = 0;
  for (auto& [append, append_bytes] : appends_) {
    bytes += append_bytes;
    all.push_back(std::move(append));
  }
  appends_.clear();
  ASSERT(bytes <= bytes_);
  return all;
}

void Staging::done(size_t bytes) {
  ASSERT(bytes_ >= bytes);
  bytes_ -= bytes;
}

}  // namespace colloquium::log
