#include "vault/meta/mirror_set.h"

#include <algorithm>

#include "coffer/core/log.h"
#include "vault/volume/volume.h"

namespace coffer::meta {

std::string meta_directory_path(DirectoryUid directory) {
  return "meta." + directory.value().to_string();
}

MirrorSet::MirrorSet(std::vector<MirrorDirectory> mirrors, MetaStoreOwner* owner)
    : mirrors_(mirrors.size() + kAddedMax),
      count_(mirrors.size()),
      owner_(owner),
      damaged_files_(mirrors.size() + kAddedMax) {
  for (std::size_t i = 0; i < mirrors.size(); ++i) {
    mirrors_[i].where = mirrors[i];
    mirrors_[i].state.store(State::Good, std::memory_order_relaxed);
    mirrors_[i].directory = meta_directory_path(mirrors[i].directory);
    mirrors_[i].twin = std::any_of(
        mirrors.begin(), mirrors.begin() + static_cast<std::ptrdiff_t>(i),
        [&](const MirrorDirectory& m) { return m.member_index == mirrors[i].member_index; });
  }
  if (mirrors.size() > 1) {
    executor_ = std::make_unique<Executor>(
        Executor::Options{.name = "meta", .threads = mirrors.size() - 1, .queue_max = 64});
  }
}

std::string MirrorSet::path(std::size_t mirror, std::string_view name) const {
  std::string path = mirrors_[mirror].directory;
  path.append("/").append(name);
  return path;
}

MirrorSet::Outcomes MirrorSet::run(Order order, const Operation& operation) {
  Outcomes outcomes(size());
  const auto one = [&](std::size_t i) {
    if (good(i) || joining(i)) outcomes[i] = operation(i);
  };
  if (order == Order::Parallel && executor_) {
    parallel_for(*executor_, outcomes.size(), one);
  } else {
    for (std::size_t i = 0; i < outcomes.size(); ++i) one(i);
  }
  return outcomes;
}

Result<void> MirrorSet::write(Order order, const Operation& operation) {
  if (halted_.load(std::memory_order_acquire))
    return fail(Errc::Io, "metadata store was abandoned");
  if (broken()) return fail(Errc::Io, "metadata mirrors diverged after an earlier error");
  SharedLock lock(shape_);
  return settle(run(order, operation));
}

Result<std::size_t> MirrorSet::add(const MirrorDirectory& where) {
  ExclusiveLock lock(shape_);
  std::size_t mirror = 0;
  while (mirror < size() && mirrors_[mirror].state.load() != State::Free) ++mirror;
  if (mirror == mirrors_.size())
    return fail(Errc::Busy, "too many metadata mirrors were added since the vault was opened");
  {
    MutexLock state(mutex_);
    damaged_files_[mirror].clear();
  }
  mirrors_[mirror].where = where;
  mirrors_[mirror].directory = meta_directory_path(where.directory);
  mirrors_[mirror].damaged.store(false, std::memory_order_release);
  mirrors_[mirror].state.store(State::Joining, std::memory_order_release);
  count_.store(std::max(size(), mirror + 1), std::memory_order_release);
  return mirror;
}

Result<void> MirrorSet::promote(std::size_t mirror) {
  ExclusiveLock lock(shape_);
  State joining = State::Joining;
  mirrors_[mirror].was_good = true;
  if (mirrors_[mirror].state.compare_exchange_strong(joining, State::Good)) return {};
  mirrors_[mirror].was_good = false;
  return fail(Errc::Io, "the new metadata mirror failed while it was made");
}

void MirrorSet::withdraw(std::size_t mirror, const std::function<void()>& let_go) {
  {
    MutexLock lock(mutex_);
    // One that is Failing is dropped by who found that out.
    for (State from : {State::Joining, State::Good})
      mirrors_[mirror].state.compare_exchange_strong(from, State::Dropped);
  }
  { const ExclusiveLock none_under_way(shape_); }
  let_go();
  if (!mirrors_[mirror].was_good)
    mirrors_[mirror].state.store(State::Free, std::memory_order_release);
}

Result<void> MirrorSet::settle(const Outcomes& outcomes) {
  bool any_failed = false;
  for (const auto& outcome : outcomes) any_failed = any_failed || (outcome && !*outcome);
  if (!any_failed) return wait_for_drops();

  std::vector<std::size_t> to_drop;
  const Error* first_error = nullptr;
  {
    MutexLock lock(mutex_);
    bool done_somewhere = false;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (!outcomes[i]) continue;
      if (*outcomes[i]) {
        done_somewhere = done_somewhere || (good(i) && !twin(i));
      } else if (first_error == nullptr) {
        first_error = &outcomes[i]->error();
      }
    }
    if (!done_somewhere) {
      broken_.store(true, std::memory_order_release);
      settled_.notify_all();
      return fail(*first_error);
    }
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (!outcomes[i] || *outcomes[i]) continue;
      if (joining(i)) {
        log_warning("a new metadata mirror on volume {} failed ({})",
                    mirrors_[i].where.member_index, outcomes[i]->error().code);
        mirrors_[i].state.store(State::Dropped, std::memory_order_release);
      }
      if (!good(i)) continue;
      if (twin(i)) {
        lose_twin(i, outcomes[i]->error());
        continue;
      }
      mirrors_[i].state.store(State::Failing, std::memory_order_release);
      to_drop.push_back(i);
    }
  }
  for (const std::size_t i : to_drop) COFFER_TRY(drop(i, outcomes[i]->error()));
  return wait_for_drops();
}

void MirrorSet::lose_twin(std::size_t mirror, const Error& why) {
  mirrors_[mirror].state.store(State::Dropped, std::memory_order_release);
  if (mirrors_[mirror].damaged.exchange(true)) return;
  log_warning(
      "second copy of the metadata on volume {} failed ({}); the next opening makes it anew",
      mirrors_[mirror].where.member_index, why.code);
}

Result<void> MirrorSet::drop(std::size_t mirror, const Error& why) {
  const std::uint8_t member = mirrors_[mirror].where.member_index;
  log_warning("metadata mirror on volume {} failed ({}); going on without it", member, why.code);
  const Result<void> told = owner_ != nullptr
                                ? owner_->mirror_failed(member, why)
                                : Result<void>(fail(Errc::Io, "a metadata mirror failed"));
  MutexLock lock(mutex_);
  mirrors_[mirror].state.store(State::Dropped, std::memory_order_release);
  if (!told) broken_.store(true, std::memory_order_release);
  settled_.notify_all();
  return told;
}

Result<void> MirrorSet::leave_out(std::uint8_t member_index,
                                  const std::function<Result<void>()>& raise) {
  const std::size_t none = size();
  std::size_t leaving = none;
  {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < none; ++i) {
      if (mirrors_[i].where.member_index != member_index || twin(i) || !good(i)) continue;
      leaving = i;
      mirrors_[i].state.store(State::Failing, std::memory_order_release);
    }
  }
  Result<void> raised = raise();
  if (leaving == none) return raised;
  MutexLock lock(mutex_);
  mirrors_[leaving].state.store(State::Dropped, std::memory_order_release);
  bool any_good = false;
  for (std::size_t i = 0; i < size(); ++i) any_good = any_good || (good(i) && !twin(i));
  if (!raised || !any_good) broken_.store(true, std::memory_order_release);
  settled_.notify_all();
  return raised;
}

Result<void> MirrorSet::wait_for_drops() {
  const auto failing = [this] {
    for (const Mirror& mirror : mirrors_) {
      if (mirror.state.load(std::memory_order_acquire) == State::Failing) return true;
    }
    return false;
  };
  if (!failing()) return {};
  MutexLock lock(mutex_);
  while (failing() && !broken()) settled_.wait(lock);
  if (broken()) return fail(Errc::Io, "metadata mirrors diverged after an earlier error");
  return {};
}

void MirrorSet::note_damage(std::size_t mirror, std::string_view file) {
  if (!file.empty()) {
    MutexLock lock(mutex_);
    damaged_files_[mirror].emplace(file);
  }
  if (mirrors_[mirror].damaged.exchange(true)) return;
  log_warning("metadata mirror on volume {} holds a damaged file; reading another copy",
              mirrors_[mirror].where.member_index);
}

std::set<std::string> MirrorSet::damaged_files(std::size_t mirror) const {
  MutexLock lock(mutex_);
  return damaged_files_[mirror];
}

std::vector<std::uint8_t> MirrorSet::damaged_members() const {
  std::vector<std::uint8_t> members;
  for (const Mirror& mirror : mirrors_) {
    if (mirror.damaged.load()) members.push_back(mirror.where.member_index);
  }
  return members;
}

}  // namespace coffer::meta
