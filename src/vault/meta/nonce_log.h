#pragma once
/// note_nonce: tells a test every (file uid, nonce) pair before something is sealed under it, so that it can see that no
/// pair is used twice (docs/architecture.md, "Invariants", invariant 5). Costs one relaxed load where nobody listens.
/// Threads   any; the listener is called from many and is set while no store is open.

#include <cstdint>

#include "coffer/vault/uuid.h"

namespace coffer::meta {

using NonceListener = void (*)(const Uuid& file, std::uint64_t nonce);

/// Null: nobody listens.
void set_nonce_listener(NonceListener listener);
void note_nonce(const Uuid& file, std::uint64_t nonce);

}  // namespace coffer::meta
