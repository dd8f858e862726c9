// FileOutput: what a file sink does with its events on the offload pool: append to one file (PlainOutput), or to
// many that are finished one after the other (RotatedOutput).
//
// Thread safety: one thread at a time (the offload pool's, or the loop's while no call is under way).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "formats/batch_text.h"

namespace colloquium::components {

class FileOutput {
 public:
  using Batches = std::vector<std::shared_ptr<const Batch>>;
  virtual ~FileOutput() = default;

  // All events, or none; those that are refused are written by nobody.
  virtual Status write(const Batches& batches) = 0;
  // Of the last write, by their number in it.
  virtual const std::vector<formats::RefusedEvent>& refused() const = 0;

  // Makes everything written durable; the token that restores to here. Once it failed it always does.
  virtual Result<std::string> sync() = 0;

  // The last token is committed.
  virtual void committed() {}
  // Whether tick() is to be called every second.
  virtual bool has_ticks() const { return false; }
  virtual void tick() {}
  // Nothing more comes.
  virtual void finish() {}

  // Warnings for the log, since the last call.
  virtual std::vector<std::string> take_warnings() = 0;
};

}  // namespace colloquium::components
