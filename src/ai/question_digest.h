// Which questions are the same: a digest of all that an answer depends on: the request without its stream flag,
// the models that may answer, and whose it is (tenant). How one of the models is chosen is no part of it.
//
// Thread safety: functions.
#pragma once

#include <string>

#include "colloquium/ai_calls.h"

#include "io/digest.h"

namespace colloquium::ai {

io::Digest128 question_digest(const AiQuestion& question);

// What an answer is kept under for whoever asks the same later: the question's own `cache_key` and tenant, or all
// of the question.
io::Digest128 cache_digest(const AiQuestion& question, const io::Digest128& digest);

}  // namespace colloquium::ai
