#include "vault/upkeep/extent_walk.h"

#include <string>
#include <vector>

#include "vault/meta/meta_store.h"
#include "vault/tree/inode_record.h"
#include "vault/tree/keys.h"

namespace coffer {

Result<void> walk_extents(const MetaStore& meta,
                          const std::function<void(InodeId, const Extent&)>& visit) {
  return walk_extents(meta, {}, visit, [] { return false; }).map([](const std::string&) {});
}

Result<std::string> walk_extents(const MetaStore& meta, std::string from,
                                 const std::function<void(InodeId, const Extent&)>& visit,
                                 const std::function<bool()>& enough) {
  const std::string extents(1, keys::kExtent);
  const std::string inodes(1, keys::kInode);
  static_assert(keys::kExtent < keys::kInode);
  // One cursor for both: an extent that moves between an inode's row and a row of its own is in one of the two at any moment.
  auto rows = meta.cursor(extents, keys::prefix_end(inodes));
  const auto next_key = [&] { return std::string(rows->key()) + '\0'; };
  rows->seek(from.empty() ? extents : from);
  for (; rows->valid() && rows->key().starts_with(extents); rows->next()) {
    ByteReader in(rows->value());
    COFFER_ASSIGN(const Extent extent, decode_extent(keys::second_number_of(rows->key()), in));
    visit(keys::inode_of(rows->key()), extent);
    if (enough()) return next_key();
  }
  if (rows->valid() && rows->key() < inodes) rows->seek(inodes);
  for (; rows->valid(); rows->next()) {
    const InodeId id = keys::inode_of(rows->key());
    COFFER_ASSIGN(const InodeRecord record, decode_inode(id, rows->value()));
    COFFER_ASSIGN(const std::vector<Extent> first, decode_extents(record.extents));
    for (const Extent& extent : first) visit(id, extent);
    if (enough()) return next_key();
  }
  COFFER_TRY(rows->status());
  return std::string();
}

}  // namespace coffer
