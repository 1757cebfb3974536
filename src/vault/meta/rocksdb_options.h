#pragma once
/// How the metadata database is opened, with the reason for every setting that is not RocksDB's own default.

#include <rocksdb/options.h>

#include <memory>

#include "vault/meta/meta_store.h"

namespace coffer::meta {

/// `env` must outlive the database.
rocksdb::Options database_options(rocksdb::Env* env, const MetaStoreOptions& options);

}  // namespace coffer::meta
