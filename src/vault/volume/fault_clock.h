#pragma once
/// FaultClock: the one count of I/O operations over all memory disks of a simulated machine, and
/// its off switch.
///
/// A test runs a workload once to learn operations(), then again with crash_at(n) for each n: the
/// n-th operation and every later one of the sessions that were open have no effect and fail with
/// ShuttingDown. Sessions opened after the crash belong to the next boot and work. What the disks
/// kept is then decided by MemoryDisk::power_cut or MemoryDisk::process_crash.
///
/// Threads   any. The hook runs on the thread that does the I/O, with no lock held, before the
///           operation.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "coffer/core/mutex.h"

namespace coffer {

enum class IoKind {
  ShardCreate,
  ShardOpen,
  ShardWrite,
  ShardRead,
  ShardSync,
  ShardRemove,
  ShardReplace,
  ShardList,
  AreaCreate,
  AreaOpen,
  AreaAppend,
  AreaRead,
  AreaSync,
  AreaRename,
  AreaLink,
  AreaRemove,
  AreaMakeDirectory,
  AreaRemoveDirectory,
  AreaList,
  AreaSyncDirectory,
  AreaReserve,
  Size,
  Space,
  Lock,
};

std::string_view to_string(IoKind kind) noexcept;

struct IoEvent {
  std::string_view disk;
  IoKind kind;
  std::string_view path;  // inside the volume
};

class FaultClock {
 public:
  /// Also gets the operation's ordinal, from 1. May call crash().
  using Hook = std::function<void(std::uint64_t ordinal, const IoEvent& event)>;
  void on_operation(Hook hook) EXCLUDES(mutex_);

  [[nodiscard]] std::uint64_t operations() const { return operations_.load(); }
  /// The machine stops at operation `ordinal` (0: never), before its effect.
  void crash_at(std::uint64_t ordinal) { crash_at_.store(ordinal); }
  /// Stops the machine now.
  void crash() { boot_.fetch_add(1); }
  /// How often it crashed; a session belongs to the boot in which it was opened.
  [[nodiscard]] std::uint64_t boot() const { return boot_.load(); }

  /// For the disks: one operation is about to happen.
  void count(const IoEvent& event) EXCLUDES(mutex_);

 private:
  std::atomic<std::uint64_t> operations_{0};
  std::atomic<std::uint64_t> crash_at_{0};
  std::atomic<std::uint64_t> boot_{0};
  Mutex mutex_;
  std::shared_ptr<const Hook> hook_ GUARDED_BY(mutex_);
};

}  // namespace coffer
