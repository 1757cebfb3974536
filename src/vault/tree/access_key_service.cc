#include "vault/tree/access_key_service.h"

#include <algorithm>
#include <array>

#include "coffer/core/bytes.h"
#include "vault/crypto/random.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_path.h"

namespace coffer {
namespace {

constexpr std::uint8_t kLayout = 1;
constexpr std::uint8_t kLayoutOwner = 2;  // owner and e-mail address behind it
constexpr std::size_t kIdBytes = 20;
constexpr std::size_t kSecretBytes = 40;
constexpr std::size_t kIdBytesMin = 16;
constexpr std::size_t kTextBytesMax = 128;
constexpr std::size_t kNameBytesMax = 1024;
constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view kSecretAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

// Every character equally likely: bytes beyond the last whole multiple of the alphabet are drawn again.
std::string random_text(std::string_view alphabet, std::size_t length) {
  const std::size_t fair = 256 - 256 % alphabet.size();
  std::string text;
  while (text.size() < length) {
    std::array<std::byte, 64> bytes{};
    crypto::fill_random(bytes);
    for (const std::byte b : bytes) {
      const auto value = std::to_integer<std::size_t>(b);
      if (value < fair && text.size() < length) text.push_back(alphabet[value % alphabet.size()]);
    }
  }
  return text;
}

Result<void> check(const AccessKey& key) {
  const bool id_fits = key.id.size() >= kIdBytesMin && key.id.size() <= kTextBytesMax &&
                       key.id.find_first_not_of(kSecretAlphabet) == std::string::npos;
  if (!id_fits) return fail(Errc::InvalidArgument, "an access key is 16 to 128 letters and digits");
  const bool secret_fits = key.secret.size() >= kIdBytesMin && key.secret.size() <= kTextBytesMax &&
                           std::all_of(key.secret.begin(), key.secret.end(),
                                       [](char c) { return c > ' ' && c < '\x7f'; });
  if (!secret_fits)
    return fail(Errc::InvalidArgument, "a secret key is 16 to 128 printable characters");
  if (key.name.size() > kNameBytesMax || key.email.size() > kNameBytesMax)
    return fail(Errc::InvalidArgument, "the owner's name is too long");
  const bool owner_fits =
      key.owner.size() <= kTextBytesMax &&
      std::all_of(key.owner.begin(), key.owner.end(), [](char c) {
        return c > ' ' && c < '\x7f' &&
               std::string_view("\"'\\<>&,:/*?").find(c) == std::string_view::npos;
      });
  if (!owner_fits)
    return fail(Errc::InvalidArgument, "an owner is at most 128 letters, digits and - _ . $ @ + =");
  return {};
}

}  // namespace

std::string encode_access_key(const AccessKey& key) {
  std::string value;
  ByteWriter out(value);
  const bool owned = !key.owner.empty() || !key.email.empty();
  out.u8(owned ? kLayoutOwner : kLayout);
  out.u8(key.read_only ? 1 : 0);
  out.i64(key.created.seconds);
  out.u32(key.created.nanoseconds);
  out.prefixed(key.secret);
  out.prefixed(key.name);
  out.prefixed(key.bucket);
  if (owned) {
    out.prefixed(key.owner);
    out.prefixed(key.email);
  }
  return value;
}

Result<AccessKey> decode_access_key(std::string_view id, std::string_view value) {
  ByteReader in(value);
  const std::uint8_t layout = in.u8();
  if (layout != kLayout && layout != kLayoutOwner)
    return fail(Errc::Corrupt, "access key row: unknown layout");
  AccessKey key;
  key.id = id;
  key.read_only = in.u8() != 0;
  key.created.seconds = in.i64();
  key.created.nanoseconds = in.u32();
  key.secret = in.prefixed();
  key.name = in.prefixed();
  key.bucket = in.prefixed();
  if (layout == kLayoutOwner) {
    key.owner = in.prefixed();
    key.email = in.prefixed();
  }
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "access key row");
  return key;
}

Result<std::unique_ptr<AccessKeyService>> AccessKeyService::load(MetaStore& meta) {
  std::unique_ptr<AccessKeyService> service(new AccessKeyService(meta));
  ExclusiveLock lock(service->keys_mutex_);
  const std::string prefix(1, keys::kAccessKey);
  auto rows = meta.cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    COFFER_ASSIGN(AccessKey key, decode_access_key(rows->key().substr(1), rows->value()));
    std::string id = key.id;
    service->keys_.emplace(std::move(id), std::move(key));
  }
  COFFER_TRY(rows->status());
  return service;
}

Result<AccessKey> AccessKeyService::add(AccessKey key) {
  if (key.id.empty()) key.id = random_text(kIdAlphabet, kIdBytes);
  if (key.secret.empty()) key.secret = random_text(kSecretAlphabet, kSecretBytes);
  if (key.created == Timespec{}) key.created = wall_now();
  COFFER_TRY(check(key));
  if (!key.bucket.empty() && !may_be_bucket(key.bucket))
    return fail(Errc::InvalidArgument, "no bucket can be named '" + key.bucket + "'");
  MutexLock changes(changes_);
  if (find(key.id)) return fail(Errc::Exists, "the access key exists");
  MetaBatch batch;
  batch.put(keys::access_key(key.id), encode_access_key(key));
  COFFER_TRY(meta_.commit(std::move(batch)));
  COFFER_TRY(meta_.sync());
  ExclusiveLock lock(keys_mutex_);
  keys_.emplace(key.id, key);
  return key;
}

Result<void> AccessKeyService::remove(std::string_view id) {
  MutexLock changes(changes_);
  if (!find(id)) return fail(Errc::NotFound, "no such access key");
  MetaBatch batch;
  batch.remove(keys::access_key(id));
  COFFER_TRY(meta_.commit(std::move(batch)));
  {
    // From here on it opens nothing, whatever becomes of the sync.
    ExclusiveLock lock(keys_mutex_);
    keys_.erase(keys_.find(id));
  }
  COFFER_TRY(meta_.sync());
  return {};
}

std::optional<AccessKey> AccessKeyService::find(std::string_view id) {
  SharedLock lock(keys_mutex_);
  const auto found = keys_.find(id);
  if (found == keys_.end()) return std::nullopt;
  return found->second;
}

std::optional<KeyOwner> AccessKeyService::find_owner(std::string_view id) {
  SharedLock lock(keys_mutex_);
  for (const auto& [access_key, key] : keys_) {
    if (key.owner == id) return KeyOwner{key.owner, key.name, key.email};
  }
  return std::nullopt;
}

std::optional<KeyOwner> AccessKeyService::find_owner_by_email(std::string_view email) {
  SharedLock lock(keys_mutex_);
  for (const auto& [access_key, key] : keys_) {
    if (!email.empty() && key.email == email) return KeyOwner{key.owner, key.name, key.email};
  }
  return std::nullopt;
}

std::vector<AccessKey> AccessKeyService::list() {
  SharedLock lock(keys_mutex_);
  std::vector<AccessKey> all;
  all.reserve(keys_.size());
  for (const auto& [id, key] : keys_) all.push_back(key);
  return all;
}

}  // namespace coffer
