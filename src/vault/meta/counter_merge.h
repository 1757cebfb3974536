#pragma once
/// The merge operator of MetaBatch::add: a row is a little-endian i64, operands are summed. A row
/// of another size is corruption.

#include <rocksdb/merge_operator.h>

#include <memory>

namespace coffer::meta {

std::shared_ptr<rocksdb::MergeOperator> new_counter_merge();

}  // namespace coffer::meta
