#pragma once
/// MetaBatch's inside: rows for RocksDB, and the encoded References for the frame.

#include <rocksdb/write_batch.h>

#include <string>

#include "vault/meta/meta_store.h"

namespace coffer {

struct MetaBatch::Impl {
  rocksdb::WriteBatch rows;
  std::string needs;
};

}  // namespace coffer
