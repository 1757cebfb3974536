#include "vault/meta/commit_queue.h"

#include <chrono>
#include <thread>

#include "coffer/core/bytes.h"
#include "vault/meta/mirrored_writers.h"
#include "vault/meta/rocksdb_status.h"

namespace coffer::meta {
namespace {

// RocksDB's batch: u64 sequence, u32 count, then the records. They are joined as bytes, since a WriteBatch can be
// made of its representation but offers no append.
constexpr std::size_t kBatchHeader = 12;

std::string joined(const std::deque<const rocksdb::WriteBatch*>& batches) {
  std::string representation = batches.front()->Data();
  std::uint32_t count = batches.front()->Count();
  for (std::size_t i = 1; i < batches.size(); ++i) {
    representation.append(batches[i]->Data(), kBatchHeader);
    count += batches[i]->Count();
  }
  std::memcpy(representation.data() + 8, &count, sizeof count);
  return representation;
}

Error broken_error() { return {Errc::Io, "the metadata store failed earlier"}; }

}  // namespace

CommitQueue::CommitQueue(rocksdb::DB& database, FrameLedger& ledger, FlushBacklog& backlog,
                         DataBarrier* barrier, CommitPosition start)
    : database_(database),
      ledger_(ledger),
      backlog_(backlog),
      barrier_(barrier),
      committed_(start.value()),
      synced_(start.value()) {}

CommitQueue::Group CommitQueue::take_group() {
  Group group;
  std::size_t bytes = 0;
  while (!queue_.empty() &&
         (group.empty() || bytes + queue_.front()->rows->GetDataSize() <= kGroupBytes)) {
    bytes += queue_.front()->rows->GetDataSize();
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

// Polls, since RocksDB tells of a flush's end before it counts the memtables anew.
void CommitQueue::wait_for_flush() {
  if (InBarrier::here()) return;
  while (!broken_.load() && backlog_.full(database_)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Result<CommitPosition> CommitQueue::commit(const rocksdb::WriteBatch& rows,
                                           std::string_view needs) {
  if (rows.GetDataSize() + needs.size() > kBatchBytesMax)
    return fail(Errc::TooLarge, "one metadata commit");
  wait_for_flush();
  Waiter self{.rows = &rows, .needs = needs};
  MutexLock lock(mutex_);
  queue_.push_back(&self);
  while (!self.done && (writing_ || queue_.front() != &self)) written_.wait(lock);
  if (!self.done) {
    writing_ = true;
    const Group group = take_group();
    const std::uint64_t last = committed_.load() + group.size();
    lock.unlock();
    const Result<void> written = write(group, last);
    lock.lock();
    writing_ = false;
    if (written) committed_.store(last);
    if (!written) broken_.store(true);
    std::uint64_t position = last - group.size();
    for (Waiter* waiter : group) {
      waiter->position = ++position;
      waiter->failed = !written;
      if (!written) waiter->error = written.error();
      waiter->done = true;
    }
    written_.notify_all();
  }
  if (self.failed) return fail(std::move(self.error));
  return CommitPosition(self.position);
}

Result<void> CommitQueue::write(const Group& group, std::uint64_t last) {
  if (broken_.load()) return fail(broken_error());
  std::string position;
  ByteWriter(position).u64(last);
  rocksdb::WriteBatch position_row;
  position_row.Put(rocksdb::Slice(kPositionKey.data(), kPositionKey.size()), position)
      .PermitUncheckedError();

  AnnouncedCommit announced{
      .position = last, .commits = static_cast<std::uint32_t>(group.size()), .needs = {}};
  std::deque<const rocksdb::WriteBatch*> batches;
  for (const Waiter* waiter : group) {
    batches.push_back(waiter->rows);
    announced.needs.append(waiter->needs);
  }
  batches.push_back(&position_row);
  rocksdb::WriteBatch batch(joined(batches));
  announced.batch_bytes = batch.GetDataSize();
  ledger_.announce(std::move(announced));
  const rocksdb::Status status = database_.Write(rocksdb::WriteOptions(), &batch);
  if (!status.ok()) return fail(to_error(status, "write a metadata commit"));
  return {};
}

Result<void> CommitQueue::sync() {
  const std::uint64_t wanted = committed_.load();
  MutexLock lock(sync_mutex_);
  while (syncing_ && synced_.load() < wanted && !broken_.load()) sync_ended_.wait(lock);
  if (broken_.load()) return fail(broken_error());
  if (synced_.load() >= wanted) return {};
  syncing_ = true;
  lock.unlock();
  Result<void> synced = sync_once();
  lock.lock();
  syncing_ = false;
  if (!synced) broken_.store(true);
  sync_ended_.notify_all();
  return synced;
}

Result<void> CommitQueue::sync_once() {
  const std::uint64_t upto = committed_.load();
  if (barrier_ != nullptr) {
    const InBarrier in_barrier;
    COFFER_TRY(barrier_->sync_data());
  }
  const BarrierDone barrier_done;
  const rocksdb::Status status = database_.SyncWAL();
  if (!status.ok()) return fail(to_error(status, "sync the metadata log"));
  ledger_.synced(upto);
  synced_.store(upto);
  return {};
}

}  // namespace coffer::meta
