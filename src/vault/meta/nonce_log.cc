#include "vault/meta/nonce_log.h"

#include <atomic>

namespace coffer::meta {
namespace {
std::atomic<NonceListener> g_listener{nullptr};
}  // namespace

void set_nonce_listener(NonceListener listener) { g_listener.store(listener); }

void note_nonce(const Uuid& file, std::uint64_t nonce) {
  if (NonceListener listener = g_listener.load(std::memory_order_relaxed)) listener(file, nonce);
}

}  // namespace coffer::meta
