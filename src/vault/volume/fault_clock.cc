#include "vault/volume/fault_clock.h"

namespace coffer {

std::string_view to_string(IoKind kind) noexcept {
  switch (kind) {
    case IoKind::ShardCreate:
      return "ShardCreate";
    case IoKind::ShardOpen:
      return "ShardOpen";
    case IoKind::ShardWrite:
      return "ShardWrite";
    case IoKind::ShardRead:
      return "ShardRead";
    case IoKind::ShardSync:
      return "ShardSync";
    case IoKind::ShardRemove:
      return "ShardRemove";
    case IoKind::ShardReplace:
      return "ShardReplace";
    case IoKind::ShardList:
      return "ShardList";
    case IoKind::AreaCreate:
      return "AreaCreate";
    case IoKind::AreaOpen:
      return "AreaOpen";
    case IoKind::AreaAppend:
      return "AreaAppend";
    case IoKind::AreaRead:
      return "AreaRead";
    case IoKind::AreaSync:
      return "AreaSync";
    case IoKind::AreaRename:
      return "AreaRename";
    case IoKind::AreaLink:
      return "AreaLink";
    case IoKind::AreaRemove:
      return "AreaRemove";
    case IoKind::AreaMakeDirectory:
      return "AreaMakeDirectory";
    case IoKind::AreaRemoveDirectory:
      return "AreaRemoveDirectory";
    case IoKind::AreaList:
      return "AreaList";
    case IoKind::AreaSyncDirectory:
      return "AreaSyncDirectory";
    case IoKind::AreaReserve:
      return "AreaReserve";
    case IoKind::Size:
      return "Size";
    case IoKind::Space:
      return "Space";
    case IoKind::Lock:
      return "Lock";
  }
  __builtin_unreachable();
}

void FaultClock::on_operation(Hook hook) {
  MutexLock lock(mutex_);
  hook_ = hook ? std::make_shared<const Hook>(std::move(hook)) : nullptr;
}

void FaultClock::count(const IoEvent& event) {
  const std::uint64_t ordinal = operations_.fetch_add(1) + 1;
  std::shared_ptr<const Hook> hook;
  {
    MutexLock lock(mutex_);
    hook = hook_;
  }
  if (hook) (*hook)(ordinal, event);
  if (ordinal == crash_at_.load()) crash();
}

}  // namespace coffer
