#include "vault/volume/fault_plan.h"

namespace coffer {

void FaultPlan::add(Fault fault) {
  MutexLock lock(mutex_);
  entries_.push_back({std::move(fault)});
}

void FaultPlan::clear() {
  MutexLock lock(mutex_);
  entries_.clear();
}

std::uint64_t FaultPlan::fired() const {
  MutexLock lock(mutex_);
  return fired_;
}

std::optional<FaultEffect> FaultPlan::next(IoKind kind, std::string_view path) {
  MutexLock lock(mutex_);
  std::optional<FaultEffect> effect;
  for (Entry& entry : entries_) {
    const Fault& fault = entry.fault;
    if (fault.kind && *fault.kind != kind) continue;
    if (path.find(fault.path_contains) == std::string_view::npos) continue;
    ++entry.seen;
    const bool hit =
        fault.repeat == Fault::Repeat::Forever ? entry.seen >= fault.nth : entry.seen == fault.nth;
    if (hit && !effect) effect = fault.effect;
  }
  if (effect) ++fired_;
  return effect;
}

}  // namespace coffer
