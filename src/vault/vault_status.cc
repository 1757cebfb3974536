// VaultService: what it says of itself: volumes, how many more losses it survives, space.
#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "vault/segment/segment_store_options.h"
#include "vault/segment/stripe_layout.h"
#include "vault/tree/keys.h"
#include "vault/upkeep/degraded_list.h"
#include "vault/vault_service.h"

namespace coffer {

Result<VaultStatus> VaultService::status() {
  const Superblock configuration = configuration_->current();
  VaultStatus status;
  status.uuid = uuid_;
  status.cipher = to_string(configuration.cipher);
  status.data = configuration.data_shards;
  status.parity = configuration.parity_shards;
  status.epoch = configuration.epoch.value();
  status.read_only = read_only_.load();
  fill_volume_status(status, configuration);
  fill_survivable_losses(status, configuration);
  status.live_bytes = ledger_->live_bytes();
  status.metadata_bytes = meta_->bytes_on_disk();
  status.inodes = inodes_->count();
  COFFER_ASSIGN(status.space, space());
  const SegmentStore::Stats written = segments_->stats();
  status.bytes_moved = written.survivor_bytes_appended;
  status.bytes_written = written.plain_bytes_appended - written.survivor_bytes_appended;
  return status;
}

/// As df shows it: user bytes. A stripe takes (k+m)/k of its data, and the fullest volume ends a stripe.
Result<SpaceInfo> VaultService::space() {
  const Superblock configuration = configuration_->current();
  std::vector<std::uint64_t> available;
  std::uint64_t least_total = UINT64_MAX;
  for (const std::uint8_t index : volumes_.with_state(VolumeSet::State::Current)) {
    COFFER_ASSIGN(const VolumeSpace space, volumes_.any(index)->space());
    available.push_back(space.available.value());
    least_total = std::min(least_total, space.total.value());
  }
  SpaceInfo info{};
  if (!available.empty()) {
    const std::uint64_t k = std::min<std::uint64_t>(configuration.data_shards, available.size());
    const std::uint64_t least = *std::min_element(available.begin(), available.end());
    const std::uint64_t reserve = std::min(least, SegmentReserve{}.of(least_total));
    info.bytes_free = least * k;
    info.bytes_available = (least - reserve) * k;
    info.bytes_total = least_total * k;
  }
  info.inodes_used = inodes_->count();
  info.inodes_free = info.bytes_available / 4096;
  return info;
}

void VaultService::fill_volume_status(VaultStatus& status, const Superblock& configuration) {
  for (const Member& member : configuration.members) {
    if (member.state == MemberState::Replaced) continue;
    VolumeStatus line;
    line.uuid = member.volume.value();
    line.index = member.index;
    line.path = member.path_hint;
    line.stale_since_epoch = member.stale_since.value();
    line.metadata = std::ranges::any_of(configuration.mirrors, [&](const MetaMirror& mirror) {
      return mirror.volume == member.volume;
    });
    Volume* const volume = volumes_.readable(member.index);
    line.state = volume == nullptr                      ? "absent"
                 : member.state == MemberState::Current ? "current"
                                                        : "stale";
    if (volume != nullptr) {
      line.path = volume->path();
      if (const auto space = volume->space()) {
        line.bytes_total = space->total.value();
        line.bytes_available = space->available.value();
      }
    }
    status.volumes.push_back(std::move(line));
  }
}

namespace {
/// By volume, what the list says of one segment.
void count_missing(VaultStatus& status, const SegmentInfo& info, const ListedShards& listed) {
  const auto shards = static_cast<std::uint32_t>(info.members.size());
  const auto on = [&](std::uint32_t slot) {
    return std::ranges::find(status.volumes, info.members[slot], &VolumeStatus::index);
  };
  for (std::uint32_t slot = 0; slot < shards; ++slot) {
    const auto volume = on(slot);
    if ((listed.slots >> slot & 1U) != 0 && volume != status.volumes.end()) ++volume->missing_files;
  }
  for (const auto& [stripe, bits] : listed.stripes) {
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      const auto volume = on(slot_of(stripe, shard, shards));
      if ((bits >> shard & 1U) != 0 && volume != status.volumes.end()) ++volume->missing_shards;
    }
  }
}
}  // namespace

/// Of the stripe that lacks most, on volumes that are there: those that are away are counted as such.
std::uint32_t VaultService::most_shards_missing(const SegmentInfo& info,
                                                const ListedShards& listed) const {
  std::uint32_t there = 0;  // bits by slot
  for (std::size_t slot = 0; slot < info.members.size(); ++slot)
    if (volumes_.readable(info.members[slot]) != nullptr) there |= 1U << slot;
  const auto shards = static_cast<std::uint32_t>(info.members.size());
  auto most = static_cast<std::uint32_t>(std::popcount(listed.slots & there));
  for (const auto& [stripe, bits] : listed.stripes) {
    std::uint32_t slots = listed.slots;
    for (std::uint32_t shard = 0; shard < shards; ++shard)
      if ((bits >> shard & 1U) != 0) slots |= 1U << slot_of(stripe, shard, shards);
    most = std::max(most, static_cast<std::uint32_t>(std::popcount(slots & there)));
  }
  return most;
}

void VaultService::fill_survivable_losses(VaultStatus& status, const Superblock& configuration) {
  std::set<VolumeUuid> mirrored;  // a twin goes with its volume
  for (const MetaMirror& mirror : configuration.mirrors) {
    const Member* member = configuration.find_member(mirror.volume);
    if (member != nullptr && volumes_.state(member->index) == VolumeSet::State::Current)
      mirrored.insert(mirror.volume);
  }
  const auto mirrors = static_cast<std::uint32_t>(mirrored.size());
  status.metadata_losses_survived = mirrors > 0 ? mirrors - 1 : 0;
  // A segment survives as many losses as it has readable shards beyond k; stripes on the degraded list lack some more.
  const auto list = DegradedList(*meta_).read();
  if (!list) return;  // what is not known is not promised
  const std::map<SegmentId, ListedShards>& degraded = *list;
  const auto live = ledger_->live_by_segment();
  std::uint32_t least = configuration.parity_shards;
  const std::string from(1, keys::kSegment);
  auto segments = meta_->cursor(from, keys::prefix_end(from));
  for (segments->seek(from); segments->valid(); segments->next()) {
    const SegmentId id{keys::inode_of(segments->key()).value()};
    ByteReader in(segments->value());
    const SegmentInfo info = decode_segment_info(id, in);
    ++status.segments;
    const auto bytes = live.find(id);
    if (bytes == live.end() || bytes->second <= 0) continue;
    std::uint32_t present = 0;
    for (const std::uint8_t member : info.members)
      present += volumes_.readable(member) != nullptr ? 1 : 0;
    const auto away = info.members.size() - present;
    const auto listed = degraded.find(id);
    const std::uint32_t most_missing =
        listed == degraded.end() ? 0 : most_shards_missing(info, listed->second);
    if (listed != degraded.end()) count_missing(status, info, listed->second);
    if (listed != degraded.end()) status.degraded_stripes += listed->second.stripes.size();
    present = present > most_missing ? present - most_missing : 0;
    least = std::min(least, present > info.k ? present - info.k : 0U);
    const bool lacks_file = listed != degraded.end() && listed->second.slots != 0;
    if (info.m < configuration.parity_shards || lacks_file || away > 0) ++status.degraded_segments;
  }
  // Without the metadata no content is found, and what is small lies in it.
  status.data_losses_survived = std::min(least, status.metadata_losses_survived);
}

}  // namespace coffer
