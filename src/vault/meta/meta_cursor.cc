#include "vault/meta/meta_cursor.h"

#include "vault/meta/commit_queue.h"
#include "vault/meta/rocksdb_status.h"

namespace coffer::meta {
namespace {

class RocksCursor final : public MetaCursor {
 public:
  RocksCursor(rocksdb::DB& database, std::string lower, std::string upper)
      : lower_(std::move(lower)), upper_(std::move(upper)) {
    lower_bound_ = lower_ < kFirstKey ? rocksdb::Slice(kFirstKey.data(), kFirstKey.size())
                                      : rocksdb::Slice(lower_);
    upper_bound_ = upper_;
    rocksdb::ReadOptions options;
    options.iterate_lower_bound = &lower_bound_;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_bound_;
    iterator_.reset(database.NewIterator(options));
    iterator_->SeekToFirst();
  }
  void seek(std::string_view key) override {
    iterator_->Seek(rocksdb::Slice(key.data(), key.size()));
  }
  void next() override { iterator_->Next(); }
  [[nodiscard]] bool valid() const override { return iterator_->Valid(); }
  [[nodiscard]] std::string_view key() const override { return iterator_->key().ToStringView(); }
  [[nodiscard]] std::string_view value() const override {
    return iterator_->value().ToStringView();
  }
  [[nodiscard]] Result<void> status() const override {
    const auto status = iterator_->status();
    if (!status.ok()) return fail(to_error(status, "scan metadata rows"));
    return {};
  }

 private:
  const std::string lower_;
  const std::string upper_;
  rocksdb::Slice lower_bound_;  // the iterator keeps pointers to these
  rocksdb::Slice upper_bound_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

std::unique_ptr<MetaCursor> new_cursor(rocksdb::DB& database, std::string lower,
                                       std::string upper) {
  return std::make_unique<RocksCursor>(database, std::move(lower), std::move(upper));
}

}  // namespace coffer::meta
