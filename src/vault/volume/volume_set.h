#pragma once
/// VolumeSet: the vault's volumes by member index, and which of them may be used now.
///
/// Owns      the Volume objects, also of those that others took the place of.
/// Threads   any. A Volume* stays valid for the set's lifetime, also after it was marked failed or replaced.
/// States    Current: read and write. ReadOnlyData: a stale volume that came back; its shards may be read (AEAD and
///           headers verify), nothing is written, its metadata is ignored. Joining: it is about to take part, gets the
///           superblock that says so, and nothing else is read or written. Absent: not there or failed.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/volume/volume.h"

namespace coffer {

class VolumeSet {
 public:
  static constexpr std::size_t kMembersMax = 64;  // member indexes; k+m itself is at most 32
  enum class State : std::uint8_t { Absent, ReadOnlyData, Joining, Current };

  /// Another volume may have had the index: it must be Absent, and is kept for those who still hold it.
  void set(std::uint8_t index, std::unique_ptr<Volume> volume, State state) EXCLUDES(mutex_) {
    volumes_[index].store(volume.get(), std::memory_order_release);
    states_[index].store(state, std::memory_order_release);
    MutexLock lock(mutex_);
    owned_.push_back(std::move(volume));
  }
  void set_state(std::uint8_t index, State state) {
    states_[index].store(state, std::memory_order_release);
    if (state != State::Current) eras_[index].fetch_add(1, std::memory_order_acq_rel);
  }
  /// Only from that state: who found the volume failed meanwhile is not overruled.
  bool advance(std::uint8_t index, State from, State to) {
    return states_[index].compare_exchange_strong(from, to, std::memory_order_acq_rel);
  }
  /// Another number after it was taken out. Who keeps files open for writing remembers the number from before he asked for the
  /// volume: what he made then is not on the volume that came back, or was removed from it.
  [[nodiscard]] std::uint32_t era(std::uint8_t index) const {
    return index < kMembersMax ? eras_[index].load(std::memory_order_acquire) : 0;
  }
  [[nodiscard]] bool writable_since(std::uint8_t index, std::uint32_t era) const {
    return writable(index) != nullptr && this->era(index) == era;
  }
  [[nodiscard]] State state(std::uint8_t index) const {
    return index < kMembersMax ? states_[index].load(std::memory_order_acquire) : State::Absent;
  }
  /// Null unless it can be read.
  [[nodiscard]] Volume* readable(std::uint8_t index) const {
    const State now = state(index);
    return now == State::Current || now == State::ReadOnlyData ? any(index) : nullptr;
  }
  /// Null unless it can be written.
  [[nodiscard]] Volume* writable(std::uint8_t index) const {
    return state(index) == State::Current ? any(index) : nullptr;
  }
  /// Null unless it takes superblocks.
  [[nodiscard]] Volume* configurable(std::uint8_t index) const {
    return state(index) == State::Joining ? any(index) : writable(index);
  }
  /// Whatever object is there, whatever its state.
  [[nodiscard]] Volume* any(std::uint8_t index) const {
    return index < kMembersMax ? volumes_[index].load(std::memory_order_acquire) : nullptr;
  }
  /// The same, for who may have to hold it longer than the set lives.
  [[nodiscard]] std::shared_ptr<Volume> shared(std::uint8_t index) const EXCLUDES(mutex_) {
    const Volume* const wanted = any(index);
    MutexLock lock(mutex_);
    for (const auto& volume : owned_)
      if (volume.get() == wanted) return volume;
    return nullptr;
  }
  [[nodiscard]] std::vector<std::uint8_t> with_state(State state) const {
    std::vector<std::uint8_t> found;
    for (std::size_t i = 0; i < kMembersMax; ++i) {
      const auto index = static_cast<std::uint8_t>(i);
      if (any(index) != nullptr && this->state(index) == state) found.push_back(index);
    }
    return found;
  }

 private:
  std::array<std::atomic<Volume*>, kMembersMax> volumes_{};
  std::array<std::atomic<State>, kMembersMax> states_{};
  std::array<std::atomic<std::uint32_t>, kMembersMax> eras_{};
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<Volume>> owned_ GUARDED_BY(mutex_);
};

}  // namespace coffer
