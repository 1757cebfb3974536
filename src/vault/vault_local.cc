/// Vaults in local directories: finding the volumes of one, and the public entry points.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "coffer/core/log.h"
#include "vault/upkeep/keyless_scrub.h"
#include "vault/vault_service.h"
#include "vault/volume/local_volume.h"

namespace coffer {
namespace {

struct Geometry {
  std::uint8_t data, parity;
};

/// The contract's defaults (README of the design): 1 volume → 1+0, 2 → 1+1, 3 → 2+1, 4 → 2+2, 5 → 3+2, more → (N-2)+2.
Geometry default_geometry(std::size_t volumes) {
  if (volumes <= 1) return {1, 0};
  if (volumes == 2) return {1, 1};
  if (volumes == 3) return {2, 1};
  return {static_cast<std::uint8_t>(std::min<std::size_t>(volumes, 32) - 2), 2};
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto canonical = std::filesystem::weakly_canonical(path, error);
  return error ? path : canonical.string();
}

Result<Superblock> peek_superblock(Volume& volume) {
  std::array<std::string, 2> copies;
  for (std::uint8_t slot = 0; slot < 2; ++slot) {
    auto bytes =
        read_file(volume.files(), superblock_file_name(slot), ByteCount{Superblock::kBytes});
    if (bytes) copies[slot] = std::move(*bytes);
  }
  COFFER_ASSIGN(ChosenCopy chosen, choose_copy(as_bytes(copies[0]), as_bytes(copies[1])));
  return std::move(chosen.superblock);
}

/// Whether anything there says that a vault was.
bool holds_vault_files(const Volume& volume) {
  const std::filesystem::path directory = volume.path();
  std::error_code error;
  for (const char* name : {"superblock.0", "superblock.1", "keyslots.0", "keyslots.1"})
    if (std::filesystem::exists(directory / name, error)) return true;
  return false;
}

/// All volumes of a vault that can be found: the one given, those given beside it, and where the others were last seen.
class Discovery {
 public:
  Result<void> add_given(const std::string& path) {
    COFFER_ASSIGN(auto volume, open_local_volume(absolute(path)));
    auto superblock = peek_superblock(*volume);
    if (!superblock) {
      // A path that was given is not passed over silently; beside a readable one, the opening may tell which volume it was.
      if (first_ && !holds_vault_files(*volume))
        return fail(Errc::InvalidArgument,
                    path + " is not a volume of a vault: nothing of one is there");
      if (first_)
        return fail(Errc::Corrupt,
                    path + " is not a volume of a vault (" + superblock.error().context + ")");
      if (!holds_vault_files(*volume))
        return fail(Errc::InvalidArgument, path + " is not a volume of a vault");
      add_damaged(std::move(volume));
      return {};
    }
    return add(std::move(volume), *superblock);
  }

  void follow_hints() {
    for (const Superblock& superblock : std::vector<Superblock>(superblocks_)) {
      for (const Member& member : superblock.members) {
        if (member.state == MemberState::Replaced || seen_.contains(member.volume.value()))
          continue;
        auto volume = open_local_volume(member.path_hint);
        if (!volume) continue;
        const auto found = peek_superblock(**volume);
        if (!found) {
          // The mountpoint of a disk that is not mounted is an empty directory, and nothing is to be written there.
          if (holds_vault_files(**volume)) add_damaged(std::move(*volume));
          continue;
        }
        if (found->volume != member.volume || found->vault != superblock.vault) continue;
        if (auto added = add(std::move(*volume), *found); !added)
          log_warning("{}", added.error().context);
      }
    }
  }

  /// Also those without a readable superblock: the opening knows them by their key slots.
  std::vector<std::unique_ptr<Volume>> take() {
    for (auto& volume : damaged_) volumes_.push_back(std::move(volume));
    return std::move(volumes_);
  }
  [[nodiscard]] bool is_damaged(const std::string& path) const {
    return damaged_paths_.contains(path);
  }
  [[nodiscard]] const std::vector<Superblock>& superblocks() const { return superblocks_; }
  [[nodiscard]] const Superblock& newest() const {
    return *std::ranges::max_element(superblocks_, {}, &Superblock::epoch);
  }
  [[nodiscard]] const std::vector<std::unique_ptr<Volume>>& volumes() const { return volumes_; }

 private:
  void add_damaged(std::unique_ptr<Volume> volume) {
    if (damaged_paths_.insert(volume->path()).second) damaged_.push_back(std::move(volume));
  }
  Result<void> add(std::unique_ptr<Volume> volume, const Superblock& superblock) {
    if (!first_ && superblock.vault != superblocks_.front().vault) {
      return fail(Errc::InvalidArgument, volume->path() + " belongs to another vault");
    }
    if (!seen_.insert(superblock.volume.value()).second)
      return {};  // the same directory, named twice
    first_ = false;
    superblocks_.push_back(superblock);
    volumes_.push_back(std::move(volume));
    return {};
  }

  bool first_ = true;
  std::set<Uuid> seen_;
  std::vector<Superblock> superblocks_;
  std::vector<std::unique_ptr<Volume>> volumes_;
  std::vector<std::unique_ptr<Volume>> damaged_;  // directories without a readable superblock
  std::set<std::string> damaged_paths_;
};

Result<Discovery> discover(const std::string& volume, const std::vector<std::string>& more) {
  Discovery discovery;
  COFFER_TRY(discovery.add_given(volume));
  for (const std::string& path : more) COFFER_TRY(discovery.add_given(path));
  discovery.follow_hints();
  return discovery;
}

}  // namespace

namespace {

InitParameters init_parameters(const InitOptions& options) {
  InitParameters parameters;
  const Geometry geometry = default_geometry(options.volumes.size());
  parameters.data = options.data > 0 ? options.data : geometry.data;
  parameters.parity = options.data > 0 ? options.parity : geometry.parity;
  parameters.cipher = options.cipher;
  parameters.kdf_cost = options.kdf_cost;
  parameters.root_uid = ::geteuid();
  parameters.root_gid = ::getegid();
  return parameters;
}

}  // namespace

Result<void> Vault::check_init(const InitOptions& options) {
  if (options.volumes.empty()) return fail(Errc::InvalidArgument, "no volume given");
  COFFER_TRY(VaultService::check_geometry(init_parameters(options), options.volumes.size()));
  std::set<std::string> paths;
  for (const std::string& given : options.volumes) {
    const std::string path = absolute(given);
    if (!paths.insert(path).second) return fail(Errc::InvalidArgument, given + " is given twice");
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    if (!std::filesystem::is_directory(path, error) || !std::filesystem::is_empty(path, error))
      return fail(Errc::NotEmpty, given + " is not an empty directory");
  }
  return {};
}

Result<std::vector<std::string>> Vault::init(const InitOptions& options,
                                             const Credential& credential) {
  COFFER_TRY(check_init(options));  // before any directory is made
  std::vector<std::string> warnings;
  std::vector<std::unique_ptr<Volume>> volumes;
  std::map<std::uint64_t, std::string> devices;
  for (const std::string& given : options.volumes) {
    const std::string path = absolute(given);
    COFFER_TRY(create_local_volume_directory(path));
    COFFER_ASSIGN(auto volume, open_local_volume(path));
    const auto [device, fresh] = devices.emplace(volume->device(), given);
    if (!fresh)
      warnings.push_back(given + " and " + device->second +
                         " are on one device: they fail together");
    volumes.push_back(std::move(volume));
  }
  COFFER_TRY(VaultService::init(std::move(volumes), init_parameters(options), credential));
  return warnings;
}

Result<void> Vault::check_present(const std::string& volume,
                                  const std::vector<std::string>& more_volumes) {
  COFFER_ASSIGN(Discovery discovery, discover(volume, more_volumes));
  const Superblock& modest =
      *std::ranges::min_element(discovery.superblocks(), {}, &Superblock::data_shards);
  const std::uint8_t needed = modest.data_shards;
  const auto live = [](const Member& member) { return member.state != MemberState::Replaced; };
  const auto members = std::ranges::count_if(modest.members, live);
  const std::size_t there = discovery.take().size();
  if (there >= needed) return {};
  return fail(Errc::NotEnoughVolumes, std::to_string(there) + " of " + std::to_string(members) +
                                          " volumes are present and current; " +
                                          std::to_string(needed) + " are needed");
}

Result<std::unique_ptr<Vault>> Vault::open(const OpenOptions& options,
                                           const Credential& credential) {
  COFFER_ASSIGN(Discovery discovery, discover(options.volume, options.more_volumes));
  OpenParameters parameters;
  parameters.read_only = options.read_only;
  parameters.memory_bytes = options.memory_bytes;
  parameters.workers = options.workers;
  parameters.state_directory = options.state_directory;
  parameters.open_volume = [](const std::string& path) { return open_local_volume(path); };
  COFFER_ASSIGN(std::unique_ptr<VaultService> vault,
                VaultService::open(discovery.take(), parameters, credential));
  return std::unique_ptr<Vault>(std::move(vault));
}

Result<std::vector<SlotInfo>> Vault::peek_key_slots(const std::string& volume,
                                                    const std::vector<std::string>& more_volumes) {
  COFFER_ASSIGN(const Discovery discovery, discover(volume, more_volumes));
  const crypto::Digest named = discovery.newest().key_store_digest;
  for (const auto& found : discovery.volumes()) {
    for (const std::uint64_t file : {std::uint64_t{0}, std::uint64_t{1}}) {
      const auto bytes = read_file(found->files(), crypto::key_store_file_name(file),
                                   ByteCount{crypto::KeyStore::kBytesMax});
      if (bytes && crypto::digest(as_bytes(*bytes)) == named)
        return list_key_slots(as_bytes(*bytes));
    }
  }
  return fail(Errc::Corrupt, "no volume holds the key slots in force");
}

Result<UpkeepReceipt> VaultService::replace_volume(const std::string& old_place,
                                                   const std::string& new_place,
                                                   const UpkeepOptions& options) {
  auto member = find_member(old_place);
  if (!member) member = find_member(absolute(old_place));
  if (!member) return fail(std::move(member).error());
  const std::string path = absolute(new_place);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) COFFER_TRY(create_local_volume_directory(path));
  COFFER_ASSIGN(auto fresh, open_local_volume(path));
  for (const VolumeSet::State state : {VolumeSet::State::Current, VolumeSet::State::ReadOnlyData}) {
    for (const std::uint8_t index : volumes_.with_state(state)) {
      if (index != *member && volumes_.any(index)->device() == fresh->device())
        log_warning("{} and {} are on one device: they fail together", path,
                    volumes_.any(index)->path());
    }
  }
  return replace_volume(*member, std::move(fresh), options);
}

Result<VaultStatus> Vault::peek(const std::string& volume,
                                const std::vector<std::string>& more_volumes) {
  COFFER_ASSIGN(const Discovery discovery, discover(volume, more_volumes));
  const std::vector<Superblock>& found = discovery.superblocks();
  const Superblock& newest = discovery.newest();
  VaultStatus status;
  status.uuid = newest.vault.value();
  status.cipher = to_string(newest.cipher);
  status.data = newest.data_shards;
  status.parity = newest.parity_shards;
  status.epoch = newest.epoch.value();
  for (const Member& member : newest.members) {
    if (member.state == MemberState::Replaced) continue;
    VolumeStatus line;
    line.uuid = member.volume.value();
    line.index = member.index;
    line.path = member.path_hint;
    line.metadata = std::ranges::any_of(
        newest.mirrors, [&](const MetaMirror& mirror) { return mirror.volume == member.volume; });
    line.state = discovery.is_damaged(member.path_hint) ? "damaged" : "absent";
    line.stale_since_epoch = member.stale_since.value();
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].volume != member.volume) continue;
      line.state = member.state == MemberState::Current ? "current" : "stale";
      line.path = discovery.volumes()[i]->path();
      if (const auto space = discovery.volumes()[i]->space()) {
        line.bytes_total = space->total.value();
        line.bytes_available = space->available.value();
      }
    }
    status.volumes.push_back(std::move(line));
  }
  return status;
}

Result<UpkeepReceipt> Vault::scrub_keyless(const std::string& volume,
                                           const std::vector<std::string>& more_volumes,
                                           const UpkeepOptions& options) {
  COFFER_ASSIGN(Discovery discovery, discover(volume, more_volumes));
  const std::vector<Superblock> found = discovery.superblocks();
  const Superblock& newest = *std::ranges::max_element(found, {}, &Superblock::epoch);
  std::vector<std::unique_ptr<Volume>> opened = discovery.take();
  VolumeSet volumes;
  std::vector<std::string> away;
  for (const Member& member : newest.members) {
    if (member.state == MemberState::Replaced || member.state == MemberState::Empty) continue;
    std::unique_ptr<Volume>* mine = nullptr;
    for (std::size_t i = 0; i < opened.size(); ++i) {
      // Those without a readable superblock come last, and are known by where they are.
      const bool is_it = i < found.size() ? found[i].volume == member.volume
                                          : opened[i] && opened[i]->path() == member.path_hint;
      if (is_it) mine = &opened[i];
    }
    if (mine == nullptr) {
      away.push_back(member.path_hint);
      continue;
    }
    COFFER_TRY((*mine)->lock());
    volumes.set(member.index, std::move(*mine), VolumeSet::State::Current);
  }
  COFFER_ASSIGN(UpkeepReceipt receipt, coffer::scrub_keyless(volumes, newest.vault, options));
  for (const std::string& path : away) receipt.unrepaired.push_back(path + " is away");
  return receipt;
}

}  // namespace coffer
