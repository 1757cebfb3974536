#pragma once
/// RocksDB's info log, sent to ours. Only the message's format string is passed on, never its arguments: those can hold
/// keys, and keys hold names.

#include <rocksdb/env.h>

#include <memory>

namespace coffer::meta {

std::shared_ptr<rocksdb::Logger> new_rocksdb_logger();

}  // namespace coffer::meta
