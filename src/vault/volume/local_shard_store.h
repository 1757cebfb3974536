#pragma once
/// LocalShardStore: shard files `segments/<xx>/<name>.shard` in a local directory.
///
/// Borrows   the volume's root directory descriptor; it outlives the store.
/// Threads   any. Every completion runs inline on the caller's thread.
/// Errors    as ShardFile and ShardStore say. A shard whose sync failed stays poisoned for this
/// process,
///           through every handle: it takes no write and no sync again, also if it is opened anew.
/// Durable   the first sync through a handle also syncs the directory that names the shard, and
/// once per
///           directory and process those above it; also for shards that an earlier process left.

#include <array>
#include <memory>
#include <set>
#include <string>

#include "coffer/core/mutex.h"
#include "vault/volume/volume.h"

namespace coffer {

/// True for names that a shard may have: lower-case hex, 2 to 64 digits.
bool is_shard_name(std::string_view name);

class LocalShardStore final : public ShardStore {
 public:
  explicit LocalShardStore(int root);
  ~LocalShardStore() override;

  void create(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) override;
  void open(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) override;
  void remove(std::string_view name, Completion<void> done) override;
  void replace(std::string_view from, std::string_view to, Completion<void> done) override;
  void list(Completion<std::vector<std::string>> done) override;

  /// State that handles share with the store and keep alive after it.
  class Shared;

 private:
  Result<std::shared_ptr<ShardFile>> create_now(std::string_view name);
  Result<std::shared_ptr<ShardFile>> open_now(std::string_view name);
  Result<void> remove_now(std::string_view name);
  Result<void> replace_now(std::string_view from, std::string_view to);
  Result<std::vector<std::string>> list_now();

  const std::shared_ptr<Shared> shared_;
};

}  // namespace coffer
