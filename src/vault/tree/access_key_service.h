#pragma once
/// AccessKeyService: the AccessKeys of an opened vault: rows kAccessKey, all of them in memory too. Format: docs/format.md §5.9.
///
/// Borrows   the metadata store, whose sealing is what protects the secrets.
/// Threads   everything from any thread. `changes_` is held across a commit and its sync: keys are made by hand, one at a time.

#include <map>
#include <memory>

#include "coffer/core/mutex.h"
#include "coffer/vault/access_keys.h"
#include "vault/meta/meta_store.h"

namespace coffer {

class AccessKeyService final : public AccessKeys {
 public:
  static Result<std::unique_ptr<AccessKeyService>> load(MetaStore& meta);

  Result<AccessKey> add(AccessKey key) override;
  Result<void> remove(std::string_view id) override;
  std::optional<AccessKey> find(std::string_view id) override;
  std::vector<AccessKey> list() override;
  std::optional<KeyOwner> find_owner(std::string_view id) override;
  std::optional<KeyOwner> find_owner_by_email(std::string_view email) override;

 private:
  explicit AccessKeyService(MetaStore& meta) : meta_(meta) {}

  MetaStore& meta_;
  Mutex changes_;  // before keys_mutex_
  SharedMutex keys_mutex_;
  std::map<std::string, AccessKey, std::less<>> keys_ GUARDED_BY(keys_mutex_);
};

std::string encode_access_key(const AccessKey& key);  // all but the id
Result<AccessKey> decode_access_key(std::string_view id, std::string_view value);

}  // namespace coffer
