#include "coffer/core/bytes.h"
#include "vault/meta/meta_batch_impl.h"

namespace coffer {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

MetaBatch::MetaBatch() : impl_(std::make_unique<Impl>()) {}
MetaBatch::MetaBatch(MetaBatch&&) noexcept = default;
MetaBatch& MetaBatch::operator=(MetaBatch&&) noexcept = default;
MetaBatch::~MetaBatch() = default;

// A WriteBatch in memory refuses only what exceeds 4 GiB; commit() checks the size.
void MetaBatch::put(std::string_view key, std::string_view value) {
  impl_->rows.Put(slice(key), slice(value)).PermitUncheckedError();
}

void MetaBatch::remove(std::string_view key) {
  impl_->rows.Delete(slice(key)).PermitUncheckedError();
}

void MetaBatch::remove_range(std::string_view from, std::string_view to) {
  if (from < to) impl_->rows.DeleteRange(slice(from), slice(to)).PermitUncheckedError();
}

void MetaBatch::add(std::string_view key, std::int64_t delta) {
  std::string operand;
  ByteWriter(operand).i64(delta);
  impl_->rows.Merge(slice(key), operand).PermitUncheckedError();
}

void MetaBatch::needs(const Reference& reference) {
  ByteWriter out(impl_->needs);
  encode_reference(out, reference);
}

bool MetaBatch::empty() const { return impl_->rows.Count() == 0 && impl_->needs.empty(); }

}  // namespace coffer
