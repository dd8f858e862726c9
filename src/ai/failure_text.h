// What a provider says of a failure goes into logs, dead letters, records and to clients: as text that may be
// shown to anybody. It is UTF-8, and nothing that the provider was logged in with stands in it, whatever it
// echoes and wherever that was cut: of a key, no more than the first seven bytes are left.
//
// Thread safety: a function.
#pragma once

#include "colloquium/ai_provider.h"

namespace colloquium::ai {

void make_presentable(AiFailure& failure, const AiAccess& access);

}  // namespace colloquium::ai
