#include "fuse/read_sections.h"

namespace coffer::fuse {

ReadSections::ReadSections(std::size_t workers)
    : workers_(workers), slots_(std::make_unique<Slot[]>(workers)) {}

// Sequentially consistent: the store must be seen before any read of metadata that follows it, or a
// waiter could miss a reader that goes on to see the old state.
ReadSections::Scope::Scope(ReadSections& sections, std::size_t worker)
    : sequence_(sections.slots_[worker].sequence) {
  sequence_.fetch_add(1, std::memory_order_seq_cst);
}

ReadSections::Scope::~Scope() {
  sequence_.fetch_add(1, std::memory_order_release);
  sequence_.notify_all();  // no system call while nobody waits
}

void ReadSections::wait_for_readers() const {
  for (std::size_t worker = 0; worker < workers_; ++worker) {
    std::atomic<std::uint64_t>& sequence = slots_[worker].sequence;
    // A read-modify-write: of two in one order, either we see the reader or it sees the commit.
    const std::uint64_t seen = sequence.fetch_add(0, std::memory_order_seq_cst);
    if (seen % 2 == 0) continue;
    while (sequence.load(std::memory_order_acquire) == seen)
      sequence.wait(seen, std::memory_order_acquire);
  }
}

}  // namespace coffer::fuse
