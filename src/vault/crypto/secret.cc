#include "vault/crypto/secret.h"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "coffer/core/mutex.h"
#include "coffer/vault/harden_process.h"

namespace coffer::crypto {
namespace {

/// Locked pages shared by many 32-byte keys. One sodium_malloc for each key would cost four pages
/// and five system calls, and a few thousand segment keys would use up RLIMIT_MEMLOCK.
class KeyPool {
 public:
  std::byte* take() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (free_.empty()) grow();
    std::byte* slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void give_back(std::byte* slot) EXCLUDES(mutex_) {
    sodium_memzero(slot, SecretKey::kBytes);
    const MutexLock lock(mutex_);
    free_.push_back(slot);  // never reallocates: grow() reserved room for every slot there is
  }

 private:
  static constexpr std::size_t kSlotsPerSlab = 128;

  void grow() REQUIRES(mutex_) {
    free_.reserve(slots_ + kSlotsPerSlab);
    ensure_sodium();
    auto* slab = static_cast<std::byte*>(sodium_malloc(kSlotsPerSlab * SecretKey::kBytes));
    if (slab == nullptr) throw std::bad_alloc();
    sodium_memzero(slab, kSlotsPerSlab * SecretKey::kBytes);
    slots_ += kSlotsPerSlab;
    for (std::size_t i = kSlotsPerSlab; i-- > 0;) free_.push_back(slab + i * SecretKey::kBytes);
  }

  Mutex mutex_;
  std::vector<std::byte*> free_ GUARDED_BY(mutex_);
  std::size_t slots_ GUARDED_BY(mutex_) = 0;
};

/// Never destroyed: keys in static objects may outlive any order of destructors.
KeyPool& key_pool() {
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): guarded by its mutex
  static KeyPool& pool = *new KeyPool;
  return pool;
}

}  // namespace

void ensure_sodium() {
  static const bool ready = [] {
    if (sodium_init() < 0) std::abort();
    return true;
  }();
  static_cast<void>(ready);
}

bool equal_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(MutableBytes bytes) { sodium_memzero(bytes.data(), bytes.size()); }

SecretKey::SecretKey() : data_(key_pool().take()) {}

SecretKey::SecretKey(Bytes bytes) : SecretKey() {
  std::memcpy(data_, bytes.data(), std::min(bytes.size(), kBytes));
}

SecretKey SecretKey::random() {
  SecretKey key;
  randombytes_buf(key.data_, kBytes);
  return key;
}

SecretKey::~SecretKey() {
  if (data_ != nullptr) key_pool().give_back(data_);
}

}  // namespace coffer::crypto

namespace coffer {

SecretString::SecretString(std::string_view text) { append(text); }

SecretString::~SecretString() { sodium_free(data_); }

SecretString::SecretString(SecretString&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretString& SecretString::operator=(SecretString&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

void SecretString::reserve(std::size_t capacity) {
  if (data_ != nullptr && capacity <= capacity_) return;
  crypto::ensure_sodium();
  capacity = std::max({capacity, capacity_ * 2, std::size_t{64}});
  auto* grown = static_cast<char*>(sodium_malloc(capacity));
  if (grown == nullptr) throw std::bad_alloc();
  if (data_ != nullptr) std::memcpy(grown, data_, size_);
  sodium_free(data_);  // wipes
  data_ = grown;
  capacity_ = capacity;
}

void SecretString::append(std::string_view text) {
  if (text.empty()) return;
  reserve(size_ + text.size());
  std::memcpy(data_ + size_, text.data(), text.size());
  size_ += text.size();
}

void SecretString::pop_back() { resize(size_ - 1); }

void SecretString::resize(std::size_t size) {
  if (size > size_) {
    reserve(size);
    std::memset(data_ + size_, 0, size - size_);
  } else if (size < size_) {
    sodium_memzero(data_ + size, size_ - size);
  }
  size_ = size;
}

Result<void> harden_process() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return fail(errno_error(errno, "disable core dumps"));
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return fail(errno_error(errno, "disable ptrace attachment"));
  }
  return {};
}

}  // namespace coffer
