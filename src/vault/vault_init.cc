/// Making a vault: keys, configuration, an empty namespace. The superblocks come last, so that what was begun and not ended is
/// never taken for a vault.

#include <algorithm>

#include "vault/crypto/random.h"
#include "vault/meta/meta_image.h"
#include "vault/vault_service.h"
#include "vault/volume_lock.h"

namespace coffer {
namespace {

class NothingToSync final : public DataBarrier {
 public:
  Result<void> sync_data() override { return {}; }
};

class NoMirrorMayFail final : public MetaStoreOwner {
 public:
  Result<void> mirror_failed(std::uint8_t, const Error& why) override { return fail(why); }
};

Superblock first_configuration(const VolumeSet& volumes, const InitParameters& parameters,
                               std::size_t count) {
  Superblock configuration;
  configuration.vault = VaultUuid(crypto::random_uuid());
  configuration.created_unix_s = wall_now().seconds;
  configuration.data_shards = parameters.data;
  configuration.parity_shards = parameters.parity;
  configuration.cipher = parameters.cipher;
  configuration.chunk_bytes = kChunkBytes;
  for (std::size_t i = 0; i < count; ++i) {
    Member member;
    member.volume = VolumeUuid(crypto::random_uuid());
    member.index = static_cast<std::uint8_t>(i);
    member.path_hint = volumes.any(member.index)->path();
    configuration.members.push_back(std::move(member));
  }
  const std::size_t mirrors = std::min<std::size_t>(count, parameters.parity + 1U);
  for (std::size_t i = 0; i < mirrors; ++i) {
    configuration.mirrors.push_back(
        {configuration.members[i].volume, DirectoryUid(crypto::random_uuid())});
  }
  if (mirrors == 1)  // its twin
    configuration.mirrors.push_back(
        {configuration.members[0].volume, DirectoryUid(crypto::random_uuid())});
  return configuration;
}

Result<void> make_metadata(const VolumeSet& volumes, const Superblock& configuration,
                           const crypto::KeyRing& keys, const InitParameters& parameters) {
  std::vector<MirrorDirectory> mirrors;
  for (const MetaMirror& mirror : configuration.mirrors) {
    const std::uint8_t index = configuration.find_member(mirror.volume)->index;
    mirrors.push_back({index, mirror.directory, &volumes.any(index)->files()});
  }
  NothingToSync barrier;
  NoMirrorMayFail owner;
  MetaStoreDeps deps;
  deps.keys = &keys;
  deps.vault = configuration.vault;
  deps.boot = boot_id();
  deps.barrier = &barrier;
  deps.owner = &owner;
  deps.cipher = configuration.cipher;
  COFFER_ASSIGN(const auto meta, MetaStore::open(MetaStore::Mode::Create, deps, mirrors, {}));
  MetaBatch batch;
  Namespace::stage_root(batch, parameters.root_uid, parameters.root_gid);
  COFFER_TRY(meta->commit(std::move(batch)));
  return meta->close();
}

}  // namespace

Result<void> VaultService::check_geometry(const InitParameters& parameters, std::size_t count) {
  if (count > VolumeSet::kMembersMax) return fail(Errc::InvalidArgument, "more than 64 volumes");
  if (parameters.data == 0 || parameters.data + parameters.parity > 32) {
    return fail(Errc::InvalidArgument,
                "data and parity shards: at least 1 + 0, at most 32 together");
  }
  if (count < std::size_t{parameters.data} + parameters.parity) {
    return fail(Errc::InvalidArgument, std::to_string(parameters.data) + "+" +
                                           std::to_string(parameters.parity) + " needs " +
                                           std::to_string(parameters.data + parameters.parity) +
                                           " volumes, " + std::to_string(count) + " given");
  }
  return {};
}

Result<void> VaultService::init(std::vector<std::unique_ptr<Volume>> found,
                                const InitParameters& parameters, const Credential& credential) {
  const std::size_t count = found.size();
  COFFER_TRY(check_geometry(parameters, count));
  VolumeSet volumes;
  for (std::size_t i = 0; i < count; ++i) {
    COFFER_TRY(found[i]->lock());
    for (const std::uint8_t slot : {std::uint8_t{0}, std::uint8_t{1}}) {
      if (read_file(found[i]->files(), superblock_file_name(slot), ByteCount{Superblock::kBytes})) {
        return fail(Errc::Exists, found[i]->path() + " is a volume of a vault already");
      }
    }
    volumes.set(static_cast<std::uint8_t>(i), std::move(found[i]), VolumeSet::State::Current);
  }
  Superblock configuration = first_configuration(volumes, parameters, count);
  const crypto::SecretKey master = crypto::SecretKey::random();
  const crypto::KeyRing ring = crypto::KeyRing::create(configuration.created_unix_s);
  crypto::KeyStore store(configuration.vault);
  COFFER_TRY(
      store.slots().add(credential, parameters.kdf_cost, master, configuration.created_unix_s));
  COFFER_ASSIGN(const std::string key_bytes, store.encode_next(master, ring));
  configuration.key_store_generation = store.generation();
  configuration.key_store_digest = crypto::digest(as_bytes(key_bytes));

  COFFER_TRY(make_metadata(volumes, configuration, ring, parameters));
  for (std::size_t i = 0; i < count; ++i) {
    // Both files: a vault of one volume must not die of one bad block.
    for (const std::uint64_t generation : {store.generation(), store.generation() + 1}) {
      COFFER_TRY(write_file_atomically(volumes.any(static_cast<std::uint8_t>(i))->files(),
                                       crypto::key_store_file_name(generation),
                                       as_bytes(key_bytes)));
    }
  }
  configuration.clean = true;
  ConfigurationKeeper keeper(volumes, ring, StateFile("-", configuration.vault), configuration,
                             key_bytes, {});
  COFFER_TRY(keeper.write_all());
  return keeper.write_all();  // both copies
}

}  // namespace coffer
