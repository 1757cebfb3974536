#include "coffer/vault/change_feed.h"

#include <algorithm>

#include "coffer/core/mutex.h"

namespace coffer {

// Observers are called with the list locked for reading: that is what lets unsubscribe() wait for a
// running call. An observer only queues, and never comes back into the vault.
struct ChangeFeed::Impl {
  SharedMutex mutex;
  std::vector<ChangeObserver*> observers GUARDED_BY(mutex);
};

ChangeFeed::ChangeFeed() : impl_(std::make_unique<Impl>()) {}
ChangeFeed::~ChangeFeed() = default;

void ChangeFeed::subscribe(ChangeObserver& observer) {
  ExclusiveLock lock(impl_->mutex);
  impl_->observers.push_back(&observer);
}

void ChangeFeed::unsubscribe(ChangeObserver& observer) {
  ExclusiveLock lock(impl_->mutex);
  std::erase(impl_->observers, &observer);
}

void ChangeFeed::publish(const std::vector<Change>& changes) {
  if (changes.empty()) return;
  SharedLock lock(impl_->mutex);
  for (ChangeObserver* observer : impl_->observers) {
    for (const Change& change : changes) observer->on_change(change);
  }
}

}  // namespace coffer
