#pragma once
/// SealedIdentity: what makes one sealed metadata file that file: its header and its key.
///
/// Format    docs/format.md §4.1. Every block and frame has the whole header in its AAD, so that a file
///           cannot take another one's place (another vault, another number, another kind).
/// Owns      the file's key.
/// Threads   const after construction; any thread.
/// Errors    Corrupt (not a header, or not the header of a file with that name), NotFound (the key epoch is
///           gone), NotSupported (a newer version or an unknown cipher).

#include <cstdint>
#include <string>
#include <string_view>

#include "coffer/core/error.h"
#include "coffer/vault/cipher.h"
#include "coffer/vault/uuid.h"
#include "vault/crypto/aead.h"

namespace coffer::crypto {
class KeyRing;
}

namespace coffer::meta {

/// On disk: docs/format.md §4.1. Tables and small files are sealed in blocks, logs and manifests in frames.
enum class SealedKind : std::uint8_t { Table = 1, Small = 2, Log = 3, Manifest = 4 };

struct SealedName {
  SealedKind kind = SealedKind::Small;
  std::uint64_t number = 0;  // RocksDB's file number; 0 for small files, which are renamed
  auto operator<=>(const SealedName&) const = default;
};

/// "000012.sst", "000013.log", "MANIFEST-000005"; anything else is a small file.
SealedName classify_name(std::string_view name);
inline bool is_framed(SealedKind kind) {
  return kind == SealedKind::Log || kind == SealedKind::Manifest;
}

/// What all files of one vault share.
struct SealingContext {
  const crypto::KeyRing* keys = nullptr;
  CipherId cipher = CipherId::XChaCha20Poly1305;
  VaultUuid vault;
  Uuid boot;
};

class SealedIdentity {
 public:
  static constexpr std::size_t kHeaderBytes = 72;

  /// A file that is about to be written: fresh uid, active metadata epoch.
  static SealedIdentity create(const SealingContext& context, const SealedName& name);
  /// A file that was found under `name`. The header is not authentic before a block or frame verified.
  static Result<SealedIdentity> parse(const SealingContext& context, const SealedName& name,
                                      Bytes header);

  /// From the parts. @pre header.size() == kHeaderBytes
  static SealedIdentity with_key(std::string header, CipherId cipher,
                                 const crypto::SecretKey& file_key);

  [[nodiscard]] const std::string& header() const { return header_; }
  [[nodiscard]] const crypto::Aead& aead() const { return aead_; }
  [[nodiscard]] const Uuid& uid() const { return uid_; }
  /// The boot-id under which the file was begun.
  [[nodiscard]] const Uuid& boot() const { return boot_; }

 private:
  SealedIdentity(std::string header, Uuid uid, Uuid boot, crypto::Aead aead)
      : header_(std::move(header)), uid_(uid), boot_(boot), aead_(std::move(aead)) {}

  std::string header_;
  Uuid uid_;
  Uuid boot_;
  crypto::Aead aead_;
};

}  // namespace coffer::meta
