#include "vault/meta/sealed_identity.h"

#include <charconv>

#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"

namespace coffer::meta {
namespace {

constexpr std::string_view kMagic = "CFRMETA\n";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kUidOffset = 32;
constexpr std::size_t kBootOffset = 48;

// The number in `text` if all of it is digits.
bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

SealedName classify_name(std::string_view name) {
  constexpr std::string_view kManifestPrefix = "MANIFEST-";
  std::uint64_t number = 0;
  if (name.starts_with(kManifestPrefix) &&
      parse_number(name.substr(kManifestPrefix.size()), number)) {
    return {SealedKind::Manifest, number};
  }
  if (name.ends_with(".sst") && parse_number(name.substr(0, name.size() - 4), number)) {
    return {SealedKind::Table, number};
  }
  if (name.ends_with(".log") && parse_number(name.substr(0, name.size() - 4), number)) {
    return {SealedKind::Log, number};
  }
  return {SealedKind::Small, 0};
}

SealedIdentity SealedIdentity::create(const SealingContext& context, const SealedName& name) {
  const Uuid uid = crypto::random_uuid();
  std::string header;
  ByteWriter out(header);
  out.raw(kMagic);
  out.u16(kVersion);
  out.u8(static_cast<std::uint8_t>(context.cipher));
  out.u8(static_cast<std::uint8_t>(name.kind));
  out.u32(context.keys->active_epoch(crypto::KeyKind::Metadata).value());
  out.raw(context.vault.value().bytes());
  out.raw(uid.bytes());
  out.raw(context.boot.bytes());
  out.u64(name.number);
  const auto key = crypto::file_key(context.keys->active(crypto::KeyKind::Metadata), FileUid(uid));
  return with_key(std::move(header), context.cipher, key);
}

SealedIdentity SealedIdentity::with_key(std::string header, CipherId cipher,
                                        const crypto::SecretKey& file_key) {
  const Bytes bytes = as_bytes(header);
  const Uuid uid = Uuid::from_bytes(bytes.subspan(kUidOffset, Uuid::kBytes));
  const Uuid boot = Uuid::from_bytes(bytes.subspan(kBootOffset, Uuid::kBytes));
  return {std::move(header), uid, boot, crypto::Aead(cipher, file_key)};
}

Result<SealedIdentity> SealedIdentity::parse(const SealingContext& context, const SealedName& name,
                                             Bytes header) {
  ByteReader in(header);
  if (in.text(kMagic.size()) != kMagic) return fail(Errc::Corrupt, "not a sealed metadata file");
  if (in.u16() != kVersion) return fail(Errc::NotSupported, "version of a metadata file");
  COFFER_ASSIGN(const CipherId cipher, cipher_from_disk(in.u8()));
  const std::uint8_t kind = in.u8();
  const crypto::KeyEpoch epoch(in.u32());
  const VaultUuid vault(Uuid::from_bytes(in.raw(Uuid::kBytes)));
  const Uuid uid = Uuid::from_bytes(in.raw(Uuid::kBytes));
  in.raw(Uuid::kBytes);  // boot-id
  const std::uint64_t number = in.u64();
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "short header of a metadata file");
  if (vault != context.vault) return fail(Errc::Corrupt, "metadata file of another vault");
  if (kind != static_cast<std::uint8_t>(name.kind) || number != name.number) {
    return fail(Errc::Corrupt, "metadata file under another one's name");
  }
  COFFER_ASSIGN(const crypto::SecretKey* epoch_key,
                context.keys->key(crypto::KeyKind::Metadata, epoch));
  return with_key(std::string(as_text(header)), cipher, crypto::file_key(*epoch_key, FileUid(uid)));
}

}  // namespace coffer::meta
