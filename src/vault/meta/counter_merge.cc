#include "vault/meta/counter_merge.h"

#include "coffer/core/bytes.h"

namespace coffer::meta {
namespace {

class CounterMerge final : public rocksdb::AssociativeMergeOperator {
 public:
  const char* Name() const override { return "coffer.counter"; }
  bool Merge(const rocksdb::Slice& /*key*/, const rocksdb::Slice* existing,
             const rocksdb::Slice& value, std::string* sum,
             rocksdb::Logger* /*logger*/) const override {
    if (value.size() != 8 || (existing != nullptr && existing->size() != 8)) return false;
    std::uint64_t total = ByteReader(std::string_view(value.data(), value.size())).u64();
    if (existing != nullptr)
      total += ByteReader(std::string_view(existing->data(), existing->size())).u64();
    sum->clear();
    ByteWriter(*sum).u64(total);  // unsigned: overflow wraps and is defined
    return true;
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> new_counter_merge() {
  return std::make_shared<CounterMerge>();
}

}  // namespace coffer::meta
