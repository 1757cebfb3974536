// Opening, step 7: what a crash left without parity, without a name or damaged.
#include <algorithm>
#include <set>

#include "coffer/core/log.h"
#include "vault/segment/segment_scan.h"
#include "vault/segment/segment_store_options.h"
#include "vault/tree/access_key_service.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_service.h"
#include "vault/tree/tree_service.h"
#include "vault/upkeep/extent_walk.h"
#include "vault/vault_opener.h"
#include "vault/volume/io_wait.h"

namespace coffer {

/// Metadata directories that no configuration names any more.
void VaultOpener::remove_unnamed() {
  const Superblock now = vault_->configuration_->current();
  for (const std::uint8_t index : vault_->volumes_.with_state(VolumeSet::State::Current)) {
    FileArea& files = vault_->volumes_.any(index)->files();
    const auto entries = files.list("");
    if (!entries) continue;
    for (const AreaEntry& entry : *entries) {
      if (!entry.directory || !entry.name.starts_with("meta.")) continue;
      const auto uid = Uuid::parse(std::string_view(entry.name).substr(5));
      if (!uid) continue;
      const bool named =
          std::any_of(now.mirrors.begin(), now.mirrors.end(),
                      [&](const MetaMirror& mirror) { return mirror.directory.value() == *uid; });
      if (named) continue;
      if (auto removed = remove_meta_directory(files, DirectoryUid(*uid)); !removed) {
        log_warning("old metadata directory on volume {} stays: {}", index,
                    removed.error().context);
      }
    }
  }
}

/// Shard files of segments that no row knows: begun just before a crash, or removed while the volume was away.
void VaultOpener::remove_dead_shards() {
  std::set<std::string> known;
  const std::string from(1, keys::kSegment);
  auto rows = vault_->meta_->cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) {
    ByteReader in(rows->value());
    const SegmentInfo info =
        decode_segment_info(SegmentId{keys::inode_of(rows->key()).value()}, in);
    if (!in.ok()) return;  // what cannot be read may name any file
    known.insert(info.uid.value().to_string());
  }
  if (!rows->status()) return;
  for (const std::uint8_t index : vault_->volumes_.with_state(VolumeSet::State::Current)) {
    ShardStore& shards = vault_->volumes_.any(index)->shards();
    IoWait<std::vector<std::string>> listing;
    shards.list(listing.completion());
    const auto names = listing.wait();
    if (!names) continue;
    for (const std::string& name : *names) {
      if (known.contains(name)) continue;
      IoWait<void> removal;
      shards.remove(name, removal.completion());
      if (auto removed = removal.wait(); !removed) {
        log_warning("dead shard file on volume {} stays: {}", index, removed.error().context);
      }
    }
  }
}

/// What stands in the segments that were open: which stripes were closed, and which of their shards are not there.
Result<void> VaultOpener::scan_segments(std::span<const SegmentInfo> segments,
                                        std::map<SegmentId, std::set<std::uint32_t>>& closed,
                                        std::vector<ShardRef>& missing) {
  SegmentScan scan(segment_deps());
  for (const SegmentInfo& info : segments) {
    std::set<std::uint32_t>& stripes = closed[info.id];
    COFFER_TRY(scan.scan(info, SegmentScan::Depth::Headers, [&](const StripeFinding& found) {
      stripes.insert(found.header.stripe);
      for (std::uint8_t shard = 0; shard < info.k + info.m; ++shard) {
        const ShardFinding::State state = found.shards[shard].state;
        if (state == ShardFinding::State::Good || state == ShardFinding::State::Unused) continue;
        missing.push_back({info.id, found.header.stripe, shard});
      }
      return true;
    }));
  }
  return {};
}

/// Extents in stripes that never got their parity. All rows are looked at: the log that named them may be gone since an opening
/// that was cut short.
Result<std::vector<Reference>> VaultOpener::unprotected_extents(
    const std::map<SegmentId, std::set<std::uint32_t>>& closed) {
  std::vector<Reference> found;
  const auto look_at = [&](InodeId inode, const Extent& extent) {
    if (extent.is_inline) return;
    const auto segment = closed.find(extent.place.segment);
    if (segment == closed.end() || segment->second.contains(extent.place.stripe)) return;
    found.push_back(
        {inode, ByteOffset{extent.offset}, ByteCount{extent.length}, extent.place, extent.skip});
  };
  COFFER_TRY(walk_extents(*vault_->meta_, look_at));
  return found;
}

/// Step 7: what was written out but whose stripe never got its parity is sealed again, in new stripes; what closed stripes lack
/// goes onto the degraded list. A segment's row stays open until that is done, so that no later opening forgets it.
Result<void> VaultOpener::protect_again() {
  if (was_open_.empty() && on_rolled_back_.empty()) return {};
  std::map<SegmentId, std::set<std::uint32_t>> closed;
  std::map<SegmentId, std::set<std::uint32_t>> not_asked;
  std::vector<ShardRef> missing;
  COFFER_TRY(scan_segments(on_rolled_back_, not_asked, missing));
  COFFER_TRY(scan_segments(was_open_, closed, missing));
  COFFER_ASSIGN(const std::vector<Reference> unprotected, unprotected_extents(closed));
  std::set<SegmentId> not_done;
  for (const Reference& reference : unprotected) {
    auto inode = vault_->inodes_->get(reference.inode);
    auto resealed =
        inode ? vault_->bytes_->seal_again(*inode, reference) : Result<void>(fail(inode.error()));
    if (resealed) continue;
    // Its volume is away, or space is short: the bytes stay where they are, without parity.
    not_done.insert(reference.place.segment);
    log_warning("inode {}: an unprotected extent could not be sealed again: {}", reference.inode,
                resealed.error().context);
  }
  if (!unprotected.empty())
    log_info("{} extents without parity were looked at", unprotected.size());
  COFFER_TRY(vault_->commit_and_sync());
  // Without live bytes they may be gone by now: their rows must not come back.
  std::set<SegmentId> gone;
  for (const SegmentInfo& info : was_open_) {
    const auto there = vault_->meta_->get(keys::segment(info.id));
    if (!there) return fail(there.error());
    if (!there->has_value()) gone.insert(info.id);
  }
  MetaBatch batch;
  std::erase_if(missing, [&](const ShardRef& shard) { return gone.contains(shard.segment); });
  for (const ShardRef& shard : missing)
    batch.put(keys::degraded(shard.segment, shard.stripe, shard.shard), {});
  for (SegmentInfo info : was_open_) {
    if (gone.contains(info.id) || not_done.contains(info.id)) continue;
    info.state = SegmentInfo::State::Sealed;
    std::string row;
    ByteWriter out(row);
    encode_segment_info(out, info);
    batch.put(keys::segment(info.id), row);
  }
  COFFER_TRY(vault_->meta_->commit(std::move(batch)));
  return vault_->commit_and_sync();
}

}  // namespace coffer
