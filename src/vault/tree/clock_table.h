#pragma once
/// ClockTable: a bounded hash table of small entries that forgets what was not asked for lately.
///
/// Entries lie densely in blocks; an open-addressed index of four bytes each leads to them. So an entry costs its own size and
/// 5 to 11 bytes, however few or many there are. When it is full, the clock hand takes away the first entry that was not found
/// since the hand came by last.
///
/// Entry     a default-constructed one is free; `std::uint32_t hash() const`, `bool used`, `bool referenced`, and
///           `std::size_t beside() const`: bytes that it owns elsewhere. Pointers to entries are good until the next insert(),
///           erase() or evict().
/// Threads   one at a time: the owner locks.
/// Invariant index_ has one place for each used entry, and no probe sequence has a hole in it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace coffer {

template <typename Entry>
class ClockTable {
 public:
  /// @pre entries_max > 0
  explicit ClockTable(std::size_t entries_max)
      : entries_max_(std::min(entries_max, kEntriesMax)), index_(kIndexMin, kFree) {}

  /// `same` says whether an entry with this hash is the one.
  template <typename Same>
  Entry* find(std::uint32_t hash, Same&& same) {
    const std::size_t at = place_of(hash, std::forward<Same>(same));
    if (at == kAbsent) return nullptr;
    Entry& entry = entry_at(slot_of(index_[at]));
    if (!entry.referenced) entry.referenced = true;
    return &entry;
  }

  /// A new entry, to be filled in with the same hash; note_beside() then. @pre it is not there
  Entry& insert(std::uint32_t hash) {
    if (used_ == entries_max_) evict([](const Entry&) { return true; });
    if ((used_ + 1) * 4 > index_.size() * 3) grow();
    const std::uint32_t slot = take_slot();
    std::size_t at = home_of(hash);
    while (index_[at] != kFree) at = (at + 1) & mask();
    index_[at] = place(slot, hash);
    ++used_;
    Entry& entry = entry_at(slot);
    entry.used = true;
    return entry;
  }

  /// The entry has got what lies beside it.
  void note_beside(const Entry& entry) { beside_bytes_ += entry.beside(); }

  template <typename Same>
  bool erase(std::uint32_t hash, Same&& same) {
    const std::size_t at = place_of(hash, std::forward<Same>(same));
    if (at == kAbsent) return false;
    remove(at);
    return true;
  }

  /// Takes away the first entry that the hand comes to among those that `may_go`. @pre there is one
  template <typename MayGo>
  void evict(MayGo&& may_go) {
    for (;; ++hand_) {
      if (hand_ >= slots_) hand_ = 0;
      Entry& entry = entry_at(hand_);
      if (!entry.used || !may_go(std::as_const(entry))) continue;
      if (entry.referenced) {
        entry.referenced = false;
        continue;
      }
      remove(place_of(entry.hash(), [&](const Entry& other) { return &other == &entry; }));
      ++hand_;  // the slot is the next one to be filled: what comes there waits for a whole turn
      return;
    }
  }

  [[nodiscard]] std::size_t size() const { return used_; }
  [[nodiscard]] std::size_t beside_bytes() const { return beside_bytes_; }
  [[nodiscard]] std::size_t memory_bytes() const {
    return beside_bytes_ + blocks_.size() * kBlockEntries * sizeof(Entry) +
           index_.capacity() * sizeof(index_[0]) + free_.capacity() * sizeof(free_[0]);
  }

 private:
  // An index place: 8 bits of the hash, 24 bits of the slot's number + 1.
  static constexpr std::uint32_t kFree = 0;
  static constexpr unsigned kSlotBits = 24;
  static constexpr std::size_t kEntriesMax = (std::size_t{1} << kSlotBits) - 1;
  static constexpr std::size_t kIndexMin = 16;
  static constexpr std::size_t kBlockEntries = 64;
  static constexpr std::size_t kAbsent = ~std::size_t{0};

  static std::uint32_t place(std::uint32_t slot, std::uint32_t hash) {
    return (hash << kSlotBits) | (slot + 1);
  }
  static std::uint32_t slot_of(std::uint32_t place) {
    return (place & ((1U << kSlotBits) - 1)) - 1;
  }
  [[nodiscard]] std::size_t mask() const { return index_.size() - 1; }
  // The low bits tell entries of one home apart, the others choose the home.
  [[nodiscard]] std::size_t home_of(std::uint32_t hash) const { return (hash >> 8U) & mask(); }
  Entry& entry_at(std::uint32_t slot) {
    return blocks_[slot / kBlockEntries][slot % kBlockEntries];
  }

  template <typename Same>
  std::size_t place_of(std::uint32_t hash, Same&& same) {
    for (std::size_t at = home_of(hash); index_[at] != kFree; at = (at + 1) & mask()) {
      const bool alike = index_[at] >> kSlotBits == (hash & 0xff);
      if (alike && same(std::as_const(entry_at(slot_of(index_[at]))))) return at;
    }
    return kAbsent;
  }

  std::uint32_t take_slot() {
    if (!free_.empty()) {
      const std::uint32_t slot = free_.back();
      free_.pop_back();
      return slot;
    }
    if (slots_ == blocks_.size() * kBlockEntries)
      blocks_.push_back(std::make_unique<Entry[]>(kBlockEntries));
    return slots_++;
  }

  // Backward-shift deletion keeps every probe sequence free of holes.
  void remove(std::size_t hole) {
    const std::uint32_t slot = slot_of(index_[hole]);
    for (std::size_t at = (hole + 1) & mask(); index_[at] != kFree; at = (at + 1) & mask()) {
      const std::size_t home = home_of(entry_at(slot_of(index_[at])).hash());
      if (((at - home) & mask()) >= ((at - hole) & mask())) {
        index_[hole] = index_[at];
        hole = at;
      }
    }
    index_[hole] = kFree;
    beside_bytes_ -= entry_at(slot).beside();
    entry_at(slot) = Entry{};
    free_.push_back(slot);
    --used_;
  }

  void grow() {
    std::vector<std::uint32_t> old(index_.size() * 2, kFree);
    old.swap(index_);
    for (const std::uint32_t entry : old) {
      if (entry == kFree) continue;
      std::size_t at = home_of(entry_at(slot_of(entry)).hash());
      while (index_[at] != kFree) at = (at + 1) & mask();
      index_[at] = entry;
    }
  }

  const std::size_t entries_max_;
  std::vector<std::uint32_t> index_;  // a power of two
  std::vector<std::unique_ptr<Entry[]>> blocks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t slots_ = 0;  // ever taken of the blocks
  std::uint32_t hand_ = 0;
  std::size_t used_ = 0;
  std::size_t beside_bytes_ = 0;
};

}  // namespace coffer
