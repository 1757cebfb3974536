#include "vault/tree/directory_body.h"

#include "vault/tree/keys.h"
#include "vault/tree/object_record.h"

namespace coffer {

Result<InodeRef> body_of(Namespace& names, const InodeRef& directory) {
  {
    SharedLock lock(directory->mutex);
    if (!directory->record.has(InodeRecord::kHasObject)) return InodeRef{};
  }
  COFFER_ASSIGN(const auto row, names.deps().meta->get(keys::object(directory->id)));
  if (!row) return fail(Errc::Corrupt, "a directory's object row is missing");
  COFFER_ASSIGN(const ObjectRecord record, decode_object(*row));
  if (record.body == InodeId{}) return InodeRef{};
  return names.deps().inodes->get(record.body);
}

}  // namespace coffer
