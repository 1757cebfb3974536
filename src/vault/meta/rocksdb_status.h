#pragma once
/// Translation between Result and RocksDB's statuses. RocksDB's own messages may hold keys, so none of them is kept: an
/// Error made here says what was being done, nothing more.

#include <rocksdb/io_status.h>
#include <rocksdb/status.h>

#include <string_view>

#include "coffer/core/error.h"

namespace coffer::meta {

rocksdb::IOStatus to_io_status(const Error& error);
rocksdb::IOStatus to_io_status(const Result<void>& result);
/// @pre !status.ok()
Error to_error(const rocksdb::Status& status, std::string_view doing);

}  // namespace coffer::meta
