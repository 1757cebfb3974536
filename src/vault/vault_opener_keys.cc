// Opening, step 2: which key store is in force, its keys, and which superblocks are ours.
#include <algorithm>
#include <functional>
#include <set>

#include "coffer/core/log.h"
#include "vault/vault_opener.h"

namespace coffer {
namespace {

/// The configuration that is in force among these; of a fork, which the next step refuses, the highest.
Superblock in_force_of(const std::vector<Superblock>& genuine) {
  if (const auto assessed = assess(genuine, std::nullopt)) return genuine[assessed->newest];
  return *std::ranges::max_element(genuine, {}, &Superblock::epoch);
}

crypto::KeyEpoch newest_metadata_epoch(const crypto::KeyRing& ring) {
  return ring.active_epoch(crypto::KeyKind::Metadata);
}

}  // namespace

/// No MAC could be checked yet, so a superblock may be forged, and name a key store that is old or that nobody has. What counts is
/// the highest configuration that its own key store's keys authenticate. And never is an older one opened because a key does not
/// fit the newer: a superblock whose MAC is of a later key epoch than the keys know ends it.
Result<void> VaultOpener::unlock() {
  std::vector<Superblock> claims;
  for (const Found& found : found_) claims.push_back(found.superblock);
  std::ranges::stable_sort(claims, std::greater{}, &Superblock::epoch);
  Error refusal{Errc::Corrupt, "no volume holds the key slots in force"};
  bool refused = false;
  std::optional<Unlocked> best;
  std::set<crypto::Digest> tried;
  for (const Superblock& claim : claims) {
    if (best && claim.epoch <= best->epoch) break;
    if (!tried.insert(claim.key_store_digest).second) continue;
    auto unlocked = unlock_with(claim.key_store_digest);
    if (!unlocked && !std::exchange(refused, true)) refusal = unlocked.error();
    if (!unlocked || !*unlocked) continue;
    if (!best || (*unlocked)->epoch > best->epoch) best = std::move(*unlocked);
  }
  if (!best) return fail(std::move(refusal));
  const bool newer = std::ranges::any_of(claims, [&](const Superblock& claim) {
    return claim.mac_key_epoch > newest_metadata_epoch(best->keys.ring);
  });
  if (newer) return fail(std::move(refusal));
  vault_->keys_ = std::make_unique<crypto::UnlockedKeys>(std::move(best->keys));
  key_store_ = std::move(best->key_store);
  keep_genuine(std::move(best->genuine));
  return {};
}

/// Nothing, if no volume has the key store of that digest or the configuration that it authenticates names another.
Result<std::optional<VaultOpener::Unlocked>> VaultOpener::unlock_with(
    const crypto::Digest& key_store) const {
  const std::string bytes = find_key_store(key_store);
  const auto store = crypto::KeyStore::parse(as_bytes(bytes));
  if (!store) return std::optional<Unlocked>();
  COFFER_ASSIGN(crypto::UnlockedKeys keys, store->unlock(credential_));
  std::vector<std::optional<Superblock>> by_volume = genuine_superblocks(keys.ring);
  std::vector<Superblock> genuine;
  for (const auto& superblock : by_volume)
    if (superblock) genuine.push_back(*superblock);
  if (genuine.empty()) return fail(Errc::Corrupt, "no superblock verifies");
  const Superblock in_force = in_force_of(genuine);
  if (in_force.key_store_digest != key_store) return std::optional<Unlocked>();
  return std::optional<Unlocked>(
      Unlocked{std::move(keys), bytes, std::move(by_volume), in_force.epoch});
}

std::string VaultOpener::find_key_store(const crypto::Digest& key_store) const {
  for (const Found& found : found_) {
    for (const std::uint64_t file : {std::uint64_t{0}, std::uint64_t{1}}) {
      auto bytes = read_file(found.volume->files(), crypto::key_store_file_name(file),
                             ByteCount{crypto::KeyStore::kBytesMax});
      if (bytes && crypto::digest(as_bytes(*bytes)) == key_store) return std::move(*bytes);
    }
  }
  return {};
}

/// Of each volume the newest copy whose MAC is ours.
std::vector<std::optional<Superblock>> VaultOpener::genuine_superblocks(
    const crypto::KeyRing& ring) const {
  std::vector<std::optional<Superblock>> genuine;
  for (const Found& found : found_) {
    std::optional<Superblock>& best = genuine.emplace_back();
    for (const std::string& copy : found.copies) {
      const auto parsed = parse_superblock(as_bytes(copy));
      if (!parsed) continue;
      const auto mac = superblock_mac(ring, parsed->mac_key_epoch, parsed->vault);
      if (!mac || !verify_superblock_mac(as_bytes(copy), *mac)) continue;
      if (!best || parsed->sequence > best->sequence) best = *parsed;
    }
  }
  return genuine;
}

void VaultOpener::keep_genuine(std::vector<std::optional<Superblock>> genuine) {
  std::vector<Found> kept;
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (!genuine[i]) {
      log_warning("{}: its superblock does not verify", found_[i].volume->path());
      unreadable_.push_back(std::move(found_[i].volume));
      continue;
    }
    found_[i].superblock = std::move(*genuine[i]);
    kept.push_back(std::move(found_[i]));
  }
  found_ = std::move(kept);
}

bool VaultOpener::has_our_key_slots(Volume& volume) const {
  for (const std::uint64_t file : {std::uint64_t{0}, std::uint64_t{1}}) {
    const auto bytes = read_file(volume.files(), crypto::key_store_file_name(file),
                                 ByteCount{crypto::KeyStore::kBytesMax});
    if (bytes && *bytes == key_store_) return true;
  }
  return false;
}

}  // namespace coffer
