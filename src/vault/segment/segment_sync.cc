#include "vault/segment/segment_sync.h"

#include <algorithm>
#include <map>
#include <utility>

#include "vault/segment/segment_context.h"

namespace coffer {

SegmentSync::SegmentSync(SegmentContext& context, CloseStripes close_stripes)
    : context_(context), close_stripes_(std::move(close_stripes)) {}

void SegmentSync::add(std::shared_ptr<SegmentWriter> writer) {
  MutexLock lock(writers_mutex_);
  writers_.push_back(std::move(writer));
}

Result<void> SegmentSync::sync() {
  MutexLock lock(mutex_);
  const std::shared_ptr<Round> mine = next_;
  while (!mine->done && running_) round_done_.wait(lock);
  if (mine->done) return mine->result;
  running_ = true;
  next_ = std::make_shared<Round>();  // who comes from here on is not covered by this run
  lock.unlock();
  Result<void> result = run();
  lock.lock();
  mine->result = result;
  mine->done = true;
  running_ = false;
  round_done_.notify_all();
  return result;
}

Result<void> SegmentSync::run() {
  const std::uint64_t unsynced_before = context_.counters.bytes_unsynced.load();
  close_stripes_();
  std::vector<std::shared_ptr<SegmentWriter>> writers;
  {
    MutexLock lock(writers_mutex_);
    writers = writers_;
  }
  struct Job {
    SegmentWriter* writer;
    std::uint32_t slot;
    const SegmentWriter::Unsynced* unsynced;
  };
  std::vector<SegmentWriter::Unsynced> unsynced(writers.size());
  std::map<std::uint8_t, std::vector<Job>> by_member;
  for (std::size_t i = 0; i < writers.size(); ++i) {
    unsynced[i] = writers[i]->take_unsynced();
    for (const std::uint32_t slot : unsynced[i].slots) {
      by_member[writers[i]->segment()->member(slot)].push_back(
          {writers[i].get(), slot, &unsynced[i]});
    }
  }
  std::vector<std::vector<Job>> queues;
  for (auto& entry : by_member) queues.push_back(std::move(entry.second));
  // One volume's files one after another, the volumes side by side.
  context_.for_each(queues.size(), [&](std::size_t i) {
    for (const Job& job : queues[i]) job.writer->sync_slot(job.slot, *job.unsynced);
  });
  Result<void> result;
  for (std::size_t i = 0; i < writers.size(); ++i) writers[i]->settle(unsynced[i]);
  if (Result<void> settled = context_.reports.settle(context_.deps.journal); !settled) {
    result = settled;
  }
  if (auto lost = context_.reports.lost()) result = fail(*std::move(lost));
  drop_finished();
  context_.counters.bytes_unsynced.fetch_sub(unsynced_before);
  context_.counters.syncs.fetch_add(1, std::memory_order_relaxed);
  return result;
}

void SegmentSync::drop_finished() {
  MutexLock lock(writers_mutex_);
  const auto middle = std::stable_partition(writers_.begin(), writers_.end(),
                                            [](const auto& writer) { return !writer->finished(); });
  finished_.insert(finished_.end(), middle, writers_.end());
  writers_.erase(middle, writers_.end());
}

bool SegmentSync::writes_to(std::uint8_t member) const {
  MutexLock lock(writers_mutex_);
  return std::ranges::any_of(writers_, [&](const auto& writer) {
    const auto& members = writer->segment()->info().members;
    return std::ranges::find(members, member) != members.end();
  });
}

std::vector<std::shared_ptr<SegmentWriter>> SegmentSync::take_finished() {
  MutexLock lock(writers_mutex_);
  return std::exchange(finished_, {});
}

}  // namespace coffer
