#include "log/space_guard.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::log {
namespace {
constexpr uint64_t kResumeMarginBytes = uint64_t{8} << 20;
// For how long, and for how much of the reserve, what the file system said is taken to be still so.
constexpr int64_t kUncheckedNsMax = 1'000'000;
constexpr uint64_t kUncheckedShare = 64;
}

SpaceGuard::SpaceGuard(io::FileSystem& fs, std::string directory, uint64_t reserve_bytes, double reserve_fraction)
    : fs_(fs),
      directory_(std::move(directory)),
      reserve_bytes_(reserve_bytes),
      reserve_fraction_(reserve_fraction) {
  ASSERT(reserve_fraction >= 0 && reserve_fraction < 1);
}

Error SpaceGuard::error() const {
  return error_of(lack_);
}

std::optional<Error> SpaceGuard::refusal() const {
  const Lack lack = lack_;
  return lack == Lack::kNothing ? std::nullopt : std::optional(error_of(lack));
}

Error SpaceGuard::error_of(Lack lack) const {
  ASSERT(!directory_.empty());
  if (lack == Lack::kDescriptors) {
    return {ErrorCode::kUnavailable,
            "no file of '" + directory_ +
                "' can be opened, because the process has too many open already; raise the limit of open files "
                "(ulimit -n) or let connections end, and it goes on by itself",
            true};
  }
  return {ErrorCode::kNoSpace,
          "the disk of '" + directory_ +
              "' is full down to the log's reserve; free space on it, and it goes on by "
              "itself",
          true};
}

void SpaceGuard::note_full(const Error& error) {
  ASSERT(io::waits_for_room(error));
  if (error.code == ErrorCode::kNoSpace) {
    lack_ = Lack::kSpace;
  } else if (lack_ == Lack::kNothing) {
    lack_ = Lack::kDescriptors;
  }
}

void SpaceGuard::check_before(size_t bytes, int64_t now_ns) {
  unchecked_bytes_ += bytes;
  const bool much = unchecked_bytes_ >= reserve_bytes_ / kUncheckedShare;
  if (!full() && !much && now_ns - checked_ns_ < kUncheckedNsMax) return;
  checked_ns_ = now_ns;
  check();
}

void SpaceGuard::check() {
  unchecked_bytes_ = 0;
  if (lack_ == Lack::kDescriptors) lack_ = Lack::kNothing;
  const auto free = fs_.free_bytes(directory_);
  const auto total = fs_.total_bytes(directory_);
  if (!free || !total) return;  // a file system that can't tell is taken for one that has space
  const uint64_t reserve = reserve_bytes_ + static_cast<uint64_t>(static_cast<double>(*total) * reserve_fraction_);
  if (*free < reserve) lack_ = Lack::kSpace;
  // A margin, so that it does not flap at the border; a small reserve needs less of one.
  if (*free >= reserve + std::min(reserve, kResumeMarginBytes)) lack_ = Lack::kNothing;
}

}  // namespace colloquium::log
