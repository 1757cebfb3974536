#include "fuse/copy_range.h"

namespace coffer::fuse {

Result<std::uint64_t> copy_range(Context& context, uid_t caller, const CopyRange& range) {
  COFFER_TRY(drop_privileges(context, range.to, suid_sgid_of(caller)));
  return context.tree.copy_range(range.from, range.from_offset, range.to, range.to_offset,
                                 range.length);
}

}  // namespace coffer::fuse
