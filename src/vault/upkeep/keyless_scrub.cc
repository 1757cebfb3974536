#include "vault/upkeep/keyless_scrub.h"

#include <atomic>
#include <set>
#include <string>

#include "vault/erasure/erasure_code.h"
#include "vault/segment/segment_keys.h"
#include "vault/segment/segment_scan.h"
#include "vault/upkeep/pace.h"
#include "vault/upkeep/receipt.h"
#include "vault/volume/io_wait.h"

namespace coffer {
namespace {

class NoKeys final : public SegmentKeySource {
 public:
  [[nodiscard]] std::uint32_t active_epoch() const override { return 0; }
  [[nodiscard]] Result<SegmentKeyPair> keys(std::uint32_t, SegmentUid) const override {
    return fail(Errc::NotFound, "no keys");
  }
};

/// Never asked: nothing is written.
class NoJournal final : public SegmentJournal {
 public:
  Result<SegmentId> add_segment(const SegmentInfo&) override { return fail(Errc::ReadOnly); }
  void segment_sealed(const SegmentInfo&) override {}
  Result<void> shards_degraded(std::span<const ShardRef>) override { return {}; }
  Result<void> volume_failed(std::uint8_t, const Error&) override { return {}; }
  void shard_damaged(const ShardRef&) override {}
};

std::set<std::string> names_of_segments(const VolumeSet& volumes, UpkeepReceipt& receipt) {
  std::set<std::string> names;
  for (const std::uint8_t index : volumes.with_state(VolumeSet::State::Current)) {
    IoWait<std::vector<std::string>> listing;
    volumes.any(index)->shards().list(listing.completion());
    const auto found = listing.wait();
    if (!found) {
      add_unrepaired(receipt, volumes.any(index)->path() + ": " + found.error().context);
      continue;
    }
    names.insert(found->begin(), found->end());
  }
  return names;
}

}  // namespace

Result<UpkeepReceipt> scrub_keyless(VolumeSet& volumes, VaultUuid vault,
                                    const UpkeepOptions& options) {
  NoKeys keys;
  NoJournal journal;
  ErasureCodes codes;
  BufferPool buffers;
  SegmentScan scan({volumes, keys, codes, buffers, nullptr, journal, vault, CipherId::Aes256Gcm});
  UpkeepReceipt receipt;
  const std::atomic<bool> never{false};
  Pace pace(options, never);
  for (const std::string& name : names_of_segments(volumes, receipt)) {
    const auto uid = Uuid::parse(name);
    const auto info = uid ? scan.find(SegmentUid(*uid)) : Result<SegmentInfo>(fail(Errc::Corrupt));
    if (!info) {
      add_unrepaired(receipt, "shard file " + name + ": no header in it can be read");
      continue;
    }
    COFFER_ASSIGN(const SegmentReceipt found,
                  scan.check_keyless(*info, [&](std::uint64_t bytes) { return pace.step(bytes); }));
    add_reading(receipt, found);
    for (const std::uint32_t stripe : found.unexplained)
      add_unrepaired(receipt, "segment " + std::to_string(info->id.value()) + ": stripe " +
                                  std::to_string(stripe) + " lacks more shards than parity covers");
  }
  if (receipt.shards_bad > 0)
    add_unrepaired(receipt, std::to_string(receipt.shards_bad) +
                                " bad shards: scrub with the passphrase mends them");
  return receipt;
}

}  // namespace coffer
