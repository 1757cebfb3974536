#pragma once
/// walk_extents: every extent of every file, from the rows of one moment.

#include <functional>
#include <string>

#include "coffer/core/error.h"
#include "vault/tree/extent.h"

namespace coffer {

class MetaStore;

Result<void> walk_extents(const MetaStore& meta,
                          const std::function<void(InodeId, const Extent&)>& visit);

/// The same in parts, each from the rows of its own moment: begins at `from` (empty: at the first row) and ends after a row at which
/// `enough` says so. Says where to go on; empty: everything was visited.
Result<std::string> walk_extents(const MetaStore& meta, std::string from,
                                 const std::function<void(InodeId, const Extent&)>& visit,
                                 const std::function<bool()>& enough);

}  // namespace coffer
