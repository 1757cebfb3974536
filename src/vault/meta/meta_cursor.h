#pragma once
/// MetaCursor over RocksDB's iterator.

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "vault/meta/meta_store.h"

namespace coffer::meta {

/// Stands at the first row of [lower, upper). An empty `upper` is the end. The store's own rows are never shown.
std::unique_ptr<MetaCursor> new_cursor(rocksdb::DB& database, std::string lower, std::string upper);

}  // namespace coffer::meta
