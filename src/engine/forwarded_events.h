// ForwardedEvents: events that failed for good and go to another pipeline (`errors.to`), until a commit stores
// them.
//
// Where an event fails it joins the dead letters, as it is and with a reserved header that names the pipeline; so
// it takes their way, and is stored with the position of its batch. Here the two part. What arrives has these
// headers beside its own: colloquium-error, colloquium-stage and colloquium-sink (as in an envelope,
// engine/dead_letter.h), colloquium-attempts, colloquium-event (the id it had).
//
// Thread safety: a leg's, on the loop; the functions anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "log/log.h"

    namespace colloquium::engine {

  // A pipeline's stream, as those see it that put events there.
  struct ForwardTarget {
    log::StreamId stream = 0;
    int32_t partitions = 1;
    std::shared_ptr<const BatchOrigin> origin;
  };
  // By the pipeline's name.
  using ForwardTargets = std::map<std::string, ForwardTarget>;

  // Adds event `i` of `batch`, on its way to pipeline `to`.
  void add_forwarded(const Batch& batch, size_t i, const Error& error, std::string_view stage,
                     std::string_view sink, int64_t attempts, std::string_view to, BatchBuilder& output);

  // Where event `i` of a batch of letters is to go; nothing if it is an envelope.
  std::optional<std::string_view> forwarded_to(const Batch& letters, size_t i);

  class ForwardedEvents {
   public:
    explicit ForwardedEvents(ForwardTargets targets);
    ~ForwardedEvents();

    // REQUIRES: forwarded_to says that it goes to a target.
    void keep(const Batch& letters, size_t i);
    size_t byte_size() const { return bytes_; }

    // Gives out everything kept, per partition of a target.
    using Take = std::function<void(const Batch& events, log::StreamId stream, int32_t partition)>;
    void take(const Take& give);

   private:
    ForwardTargets targets_;
    std::map<std::pair<std::string, int32_t>, std::unique_ptr<BatchBuilder>> kept_;
    size_t bytes_ = 0;
  };

}  // namespace colloquium::engine
