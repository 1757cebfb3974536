#pragma once
/// ReadSections: lets the invalidator wait until every request that may have read old metadata was
/// answered.
///
/// A READDIR or LOOKUP that read before a commit and is answered after its notification would leave
/// the old state in the kernel's caches for a day. So workers mark these requests, and the
/// invalidator waits for the ones that run (a grace period, as in RCU) between commit and
/// notification: what begins later sees the commit.
///
/// Threads   enter and leave by the slot's one worker; wait_for_readers by any thread but a worker.
/// Bounds    one cache line a worker; entering costs one uncontended atomic store.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace coffer::fuse {

class ReadSections {
 public:
  explicit ReadSections(std::size_t workers);

  /// Marks one request of worker `worker` while in scope.
  class Scope {
   public:
    Scope(ReadSections& sections, std::size_t worker);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::atomic<std::uint64_t>& sequence_;
  };

  /// Returns once every section that is open now was left.
  void wait_for_readers() const;

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> sequence{0};  // odd: inside
  };
  const std::size_t workers_;
  const std::unique_ptr<Slot[]> slots_;
};

}  // namespace coffer::fuse
