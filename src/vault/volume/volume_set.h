#pragma once
/// VolumeSet: the vault's volumes by member index, and which of them may be used now.
///
/// Owns      the Volume objects.
/// Threads   any. A Volume* stays valid for the set's lifetime, also after it was marked failed.
/// States    Current: read and write. ReadOnlyData: a stale volume that came back; its shards may be read (AEAD and
///           headers verify), nothing is written, its metadata is ignored. Absent: not there or failed.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "vault/volume/volume.h"

namespace coffer {

class VolumeSet {
 public:
  static constexpr std::size_t kMembersMax = 64;  // member indexes; k+m itself is at most 32
  enum class State : std::uint8_t { Absent, ReadOnlyData, Current };

  void set(std::uint8_t index, std::unique_ptr<Volume> volume, State state) {
    volumes_[index] = std::move(volume);
    states_[index].store(state, std::memory_order_release);
  }
  void set_state(std::uint8_t index, State state) {
    states_[index].store(state, std::memory_order_release);
  }
  [[nodiscard]] State state(std::uint8_t index) const {
    return index < kMembersMax ? states_[index].load(std::memory_order_acquire) : State::Absent;
  }
  /// Null unless it can be read.
  [[nodiscard]] Volume* readable(std::uint8_t index) const {
    return state(index) == State::Absent ? nullptr : volumes_[index].get();
  }
  /// Null unless it can be written.
  [[nodiscard]] Volume* writable(std::uint8_t index) const {
    return state(index) == State::Current ? volumes_[index].get() : nullptr;
  }
  /// Whatever object is there, whatever its state.
  [[nodiscard]] Volume* any(std::uint8_t index) const {
    return index < kMembersMax ? volumes_[index].get() : nullptr;
  }
  [[nodiscard]] std::vector<std::uint8_t> with_state(State state) const {
    std::vector<std::uint8_t> found;
    for (std::size_t i = 0; i < kMembersMax; ++i) {
      if (volumes_[i] && states_[i].load(std::memory_order_acquire) == state)
        found.push_back(static_cast<std::uint8_t>(i));
    }
    return found;
  }

 private:
  std::array<std::unique_ptr<Volume>, kMembersMax> volumes_;
  std::array<std::atomic<State>, kMembersMax> states_{};
};

}  // namespace coffer
