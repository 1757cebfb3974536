#include "vault/segment/shard_files.h"

#include <utility>

#include "vault/volume/io_wait.h"
#include "vault/volume/volume_set.h"

namespace coffer {

void ShardFiles::report(std::uint8_t member, const Volume* volume, const Error& why) {
  if (why.code == Errc::TimedOut && volumes_.readable(member) == volume)
    reports_.volume_failed(member, why);
}

Result<ShardFiles::OpenFile> ShardFiles::open_there(const Segment& segment, std::uint32_t slot) {
  const std::uint8_t member = segment.member(slot);
  Volume* volume = volumes_.readable(member);
  if (volume == nullptr || reports_.is_hung(member))
    return fail(Errc::NotFound, "the shard's volume is absent");
  if (auto known = open_.get(key(segment, slot)); known && known->volume == volume)
    return *std::move(known);
  IoWait<std::shared_ptr<ShardFile>> wait;
  volume->shards().open(segment.info().uid.value().to_string(), wait.completion());
  Result<std::shared_ptr<ShardFile>> file = wait.wait(deadline_);
  if (!file) {
    report(member, volume, file.error());
    return fail(std::move(file).error());
  }
  OpenFile opened{volume, *std::move(file)};
  open_.put(key(segment, slot), opened, 1);
  return opened;
}

Result<std::shared_ptr<ShardFile>> ShardFiles::open(const Segment& segment, std::uint32_t slot) {
  COFFER_ASSIGN(OpenFile opened, open_there(segment, slot));
  return std::move(opened.file);
}

Result<BufferRef> ShardFiles::read(const Segment& segment, std::uint32_t slot, std::uint64_t at,
                                   std::uint32_t bytes, BufferPool& buffers) {
  COFFER_ASSIGN(const OpenFile opened, open_there(segment, slot));
  BufferRef buffer = buffers.take(bytes);
  IoWait<ByteCount> wait;
  opened.file->read(ByteOffset(at), IoSlice{buffer, buffer.span().first(bytes)}, wait.completion());
  Result<ByteCount> got = wait.wait(deadline_);
  if (!got) {
    open_.erase(key(segment, slot));
    report(segment.member(slot), opened.volume, got.error());
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
