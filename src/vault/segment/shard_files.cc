#include "vault/segment/shard_files.h"

#include <utility>

#include "vault/volume/io_wait.h"
#include "vault/volume/volume_set.h"

namespace coffer {

Result<std::shared_ptr<ShardFile>> ShardFiles::open(const Segment& segment, std::uint32_t slot) {
  const std::uint8_t member = segment.member(slot);
  Volume* volume = volumes_.readable(member);
  if (volume == nullptr || reports_.is_hung(member))
    return fail(Errc::NotFound, "the shard's volume is absent");
  if (auto known = open_.get(key(segment, slot))) return *std::move(known);
  IoWait<std::shared_ptr<ShardFile>> wait;
  volume->shards().open(segment.info().uid.value().to_string(), wait.completion());
  Result<std::shared_ptr<ShardFile>> file = wait.wait(deadline_);
  if (!file) {
    if (file.error().code == Errc::TimedOut) reports_.volume_failed(member, file.error());
    return file;
  }
  open_.put(key(segment, slot), *file, 1);
  return file;
}

Result<BufferRef> ShardFiles::read(const Segment& segment, std::uint32_t slot, std::uint64_t at,
                                   std::uint32_t bytes, BufferPool& buffers) {
  COFFER_ASSIGN(std::shared_ptr<ShardFile> file, open(segment, slot));
  BufferRef buffer = buffers.take(bytes);
  IoWait<ByteCount> wait;
  file->read(ByteOffset(at), IoSlice{buffer, buffer.span().first(bytes)}, wait.completion());
  Result<ByteCount> got = wait.wait(deadline_);
  if (!got) {
    open_.erase(key(segment, slot));
    if (got.error().code == Errc::TimedOut) {
      reports_.volume_failed(segment.member(slot), got.error());
    }
    return fail(std::move(got).error());
  }
  if (got->value() != bytes) return fail(Errc::Corrupt, "a shard file ends too early");
  return buffer;
}

void ShardFiles::read_ahead(const Segment& segment, std::uint32_t slot, std::uint64_t at,
                            std::uint32_t bytes) {
  if (const auto file = open(segment, slot))
    (*file)->start_readahead(ByteOffset(at), ByteCount(bytes));
}

void ShardFiles::forget(const Segment& segment) {
  for (std::uint32_t slot = 0; slot < segment.shards(); ++slot) open_.erase(key(segment, slot));
}

}  // namespace coffer
