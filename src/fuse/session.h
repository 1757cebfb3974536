#pragma once
/// Session: libfuse's low-level session over our descriptor, and the bounded pool of its workers.
///
/// Owns      the descriptor (through libfuse), the worker threads and their request buffers.
/// Borrows   the context, which outlives it.
/// Threads   start, join and the destructor from one thread; the rest from any. Operations run
///           on the workers. A worker must never notify the kernel: the kernel may hold the directory lock
///           that the notification needs until that very worker answers.
/// Errors    start: Io, TimedOut (the kernel never sent INIT).

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "fuse/context.h"
#include "fuse/lookout.h"
#include "fuse/read_sections.h"
#include "fuse/wire.h"

struct fuse_session;
struct fuse_lowlevel_ops;

namespace coffer::fuse {

class Session {
 public:
  /// Takes the descriptor over, also when it fails.
  static Result<std::unique_ptr<Session>> create(int descriptor,
                                                 const fuse_lowlevel_ops& operations,
                                                 Context& context, unsigned workers);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Starts the workers and waits until the kernel's INIT was answered.
  Result<void> start();
  /// Waits until every worker has ended: the kernel closed the connection. False on timeout.
  bool wait_ended(std::chrono::milliseconds timeout);
  void wait_ended();
  void join();
  /// Ends the workers and the connection although the kernel would keep it open: another mount namespace may hold
  /// a copy of our mount, which no umount here reaches. What it asks from then on fails (ENOTCONN).
  void interrupt();

  /// Sends a reply that libfuse cannot make: `parts` follow the header. False: it did not arrive.
  bool reply_raw(std::uint64_t unique, int error, std::span<const iovec> parts);

  [[nodiscard]] fuse_session* libfuse() const { return session_; }
  [[nodiscard]] std::size_t workers() const { return workers_.size(); }
  [[nodiscard]] ReadSections& read_sections() { return read_sections_; }
  [[nodiscard]] std::array<std::uint64_t, kOpcodesMax> request_counts() const;

 private:
  struct Worker {
    std::thread thread;
    std::unique_ptr<std::byte[]> buffer;
    int eagerness =
        0;  // above 0: requests came soon after one another, so the next one is worth a look before sleeping
    // Written by the worker alone; a relaxed load elsewhere may be one request behind.
    std::array<std::atomic<std::uint64_t>, kOpcodesMax> counts{};
  };

  Session(int descriptor, Context& context, unsigned workers);
  void serve(std::size_t index);
  /// One request into the worker's buffer, as read(2) gives it; waits for one.
  ssize_t receive(Worker& worker) const;
  void handle(std::size_t index, std::span<std::byte> request);
  void dispatch(const fuse_in_header& header, std::span<std::byte> request);
  void worker_ended();

  static ssize_t send_hook(int fd, iovec* parts, int count, void* userdata);
  static ssize_t receive_hook(int fd, void* buffer, std::size_t bytes, void* userdata);

  const int descriptor_;
  fuse_session* session_ = nullptr;
  Context& context_;
  ReadSections read_sections_;
  Lookout lookout_;
  std::vector<std::unique_ptr<Worker>> workers_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::size_t running_ GUARDED_BY(mutex_) = 0;
  bool initialised_ GUARDED_BY(mutex_) = false;
};

}  // namespace coffer::fuse
