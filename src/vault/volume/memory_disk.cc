#include "vault/volume/memory_disk.h"

#include <utility>

namespace coffer {
namespace {

/// Operations whose failure leaves something behind decide themselves what.
bool leaves_traces(IoKind kind) {
  return kind == IoKind::ShardWrite || kind == IoKind::ShardSync || kind == IoKind::AreaAppend ||
         kind == IoKind::AreaSync;
}

MemoryDisk::Options with_clock(MemoryDisk::Options options) {
  if (!options.clock) options.clock = std::make_shared<FaultClock>();
  return options;
}

}  // namespace

std::shared_ptr<MemoryDisk> MemoryDisk::make(Options options) {
  return std::shared_ptr<MemoryDisk>(new MemoryDisk(std::move(options)));
}

MemoryDisk::MemoryDisk(Options options)
    : options_(with_clock(std::move(options))),
      random_(options_.seed),
      capacity_(options_.capacity) {}

std::uint64_t MemoryDisk::device() const {
  return options_.device != 0 ? options_.device : reinterpret_cast<std::uintptr_t>(this);
}

std::shared_ptr<MemoryDisk::Session> MemoryDisk::open_session() {
  return std::make_shared<Session>(Session{options_.clock->boot(), generation_.load(), {}});
}

bool MemoryDisk::alive(const Session& session) const {
  return session.boot == options_.clock->boot() && session.generation == generation_.load();
}

void MemoryDisk::count(const Session& session, IoKind kind, std::string_view path) {
  // What a dead program still tries is no I/O of the machine.
  if (alive(session)) options_.clock->count({options_.name, kind, path});
}

std::optional<Error> MemoryDisk::refusal(const Session& session) const {
  if (!alive(session)) return Error{Errc::ShuttingDown, "the simulated machine has stopped"};
  if (vanished_) return Error{Errc::Io, "the disk is gone"};
  return std::nullopt;
}

MemoryDisk::Admission MemoryDisk::admit(const Session& session, IoKind kind,
                                        std::string_view path) {
  if (!alive(session)) return {.error = refusal(session), .fault = {}, .hung = false};
  std::optional<Errc> fault;
  if (const auto effect = faults_.next(kind, path)) {
    switch (*effect) {
      case FaultEffect::Io:
        fault = Errc::Io;
        break;
      case FaultEffect::NoSpace:
        fault = Errc::NoSpace;
        break;
      case FaultEffect::Hang:
        hung_ = true;
        break;
      case FaultEffect::Vanish:
        vanished_ = true;
        break;
      case FaultEffect::Crash:
        options_.clock->crash();
        break;
    }
  }
  std::optional<Error> error = refusal(session);
  if (error) return {.error = std::move(error), .fault = {}, .hung = false};
  if (hung_) return {.error = {}, .fault = {}, .hung = true};
  if (fault && !leaves_traces(kind)) error = Error{*fault, "injected fault"};
  return {.error = std::move(error), .fault = fault, .hung = false};
}

MemoryDisk::Access MemoryDisk::access(Session& session, std::optional<Errc> fault) {
  const std::uint64_t used = tree_.used_bytes();
  const std::uint64_t capacity = capacity_.value();
  return {tree_, session, random_, used < capacity ? capacity - used : 0, capacity, fault};
}

std::vector<std::function<void()>> MemoryDisk::end_sessions() {
  generation_.fetch_add(1);
  lock_owner_.reset();
  tree_.drop_handles();
  return std::exchange(waiting_, {});
}

void MemoryDisk::run(const std::vector<std::function<void()>>& waiting) {
  for (const auto& operation : waiting) operation();
}

void MemoryDisk::power_cut(std::uint64_t seed) {
  MutexLock guard(mutex_);
  const auto orphans = end_sessions();
  MemoryTree::Random random(seed);
  tree_.power_cut(random);
  guard.unlock();
  run(orphans);
}

void MemoryDisk::process_crash() {
  MutexLock guard(mutex_);
  const auto orphans = end_sessions();
  guard.unlock();
  run(orphans);
}

void MemoryDisk::evict() {
  MutexLock guard(mutex_);
  tree_.evict();
}

void MemoryDisk::hang() {
  MutexLock guard(mutex_);
  hung_ = true;
}

void MemoryDisk::release() {
  std::vector<std::function<void()>> waiting;
  {
    MutexLock guard(mutex_);
    hung_ = false;
    waiting.swap(waiting_);
  }
  run(waiting);
}

void MemoryDisk::vanish() {
  MutexLock guard(mutex_);
  vanished_ = true;
}

void MemoryDisk::reappear() {
  MutexLock guard(mutex_);
  vanished_ = false;
}

void MemoryDisk::set_capacity(ByteCount capacity) {
  MutexLock guard(mutex_);
  capacity_ = capacity;
}

MemoryDisk::Image MemoryDisk::snapshot() {
  MutexLock guard(mutex_);
  return tree_;
}

void MemoryDisk::restore(const Image& image) {
  MutexLock guard(mutex_);
  const auto orphans = end_sessions();
  tree_ = image;
  tree_.drop_handles();
  guard.unlock();
  run(orphans);
}

std::vector<std::string> MemoryDisk::paths() {
  MutexLock guard(mutex_);
  return tree_.paths();
}

Result<std::string> MemoryDisk::content(std::string_view path) {
  MutexLock guard(mutex_);
  COFFER_ASSIGN(const auto node, tree_.find_file(path));
  return tree_.file(node).content();
}

Result<void> MemoryDisk::change_medium(std::string_view path,
                                       const std::function<void(std::string&)>& edit) {
  MutexLock guard(mutex_);
  COFFER_ASSIGN(const auto node, tree_.find_file(path));
  std::string content = tree_.file(node).content();
  edit(content);
  tree_.replace(node, std::move(content));
  return {};
}

Result<void> MemoryDisk::set_content(std::string_view path, std::string content) {
  return change_medium(path, [&content](std::string& old) { old = std::move(content); });
}

Result<void> MemoryDisk::flip_bit(std::string_view path, ByteOffset at, unsigned bit) {
  bool inside = false;
  COFFER_TRY(change_medium(path, [&](std::string& content) {
    inside = at.value() < content.size();
    if (inside) content[at.value()] = static_cast<char>(content[at.value()] ^ (1U << (bit % 8)));
  }));
  if (!inside) return fail(Errc::OutOfRange, "beyond the end of the file");
  return {};
}

Result<void> MemoryDisk::erase(std::string_view path) {
  MutexLock guard(mutex_);
  COFFER_TRY(tree_.remove(path));
  tree_.sync_name(path);
  return {};
}

ByteCount MemoryDisk::used() {
  MutexLock guard(mutex_);
  return ByteCount(tree_.used_bytes());
}

Result<void> MemoryDisk::lock(const std::shared_ptr<Session>& session) {
  count(*session, IoKind::Lock, "lock");
  MutexLock guard(mutex_);
  const Admission admission = admit(*session, IoKind::Lock, "lock");
  if (admission.hung) return fail(Errc::TimedOut, "the disk does not answer");
  if (admission.error) return fail(*admission.error);
  const std::shared_ptr<Session> owner = lock_owner_.lock();
  if (owner && owner != session && alive(*owner)) {
    return fail(Errc::Busy, "another program has the disk");
  }
  lock_owner_ = session;
  return {};
}

void MemoryDisk::unlock(const Session& session) {
  MutexLock guard(mutex_);
  if (lock_owner_.lock().get() == &session) lock_owner_.reset();
}

void MemoryDisk::release_handle(const Session& session, MemoryTree::NodeId node) {
  MutexLock guard(mutex_);
  // A crash ended the handles of its sessions already.
  if (session.generation == generation_.load()) tree_.release(node);
}

}  // namespace coffer
