#include "vault/segment/segment_reader.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "vault/segment/open_stripe.h"
#include "vault/segment/segment_context.h"
#include "vault/segment/shard_rebuild.h"
#include "vault/volume/volume_set.h"

namespace coffer {

namespace {

constexpr std::uint32_t kParallelOpenBytes = 128 * 1024;
constexpr std::uint32_t kOpenGroupChunks = 4;

std::uint32_t plain_bytes_of(const Place& run, std::uint32_t chunk) {
  return std::min(kChunkBytes, run.bytes - chunk * kChunkBytes);
}

}  // namespace

SegmentReader::SegmentReader(SegmentContext& context)
    : context_(context), cache_(context.options.chunk_cache_bytes) {}

Result<void> SegmentReader::read(const std::shared_ptr<Segment>& segment, const Place& place,
                                 std::uint32_t skip, MutableBytes out, SegmentStore::CacheUse use) {
  if (out.empty()) return {};
  if (std::uint64_t{skip} + out.size() > place.bytes || place.shard >= segment->info().k) {
    return fail(Errc::InvalidArgument, "read beyond a place");
  }
  const auto cipher = context_.ciphers.get(segment->info());
  if (!cipher) return fail(cipher.error());
  const std::uint32_t first = skip / kChunkBytes;
  const auto last = static_cast<std::uint32_t>((skip + out.size() - 1) / kChunkBytes);
  Request request{*segment,
                  **cipher,
                  place.without_first(first).first(last - first + 1),
                  skip - first * kChunkBytes,
                  out,
                  use == SegmentStore::CacheUse::Keep};
  Result<void> done = last == first && request.keep ? read_cached(request) : read_run(request);
  if (!done && segment->removed()) return fail(Errc::NotFound, "the segment was removed");
  return done;
}

void SegmentReader::read_ahead(const Segment& segment, const Place& place, std::uint32_t skip,
                               std::uint32_t length) {
  if (length == 0 || std::uint64_t{skip} + length > place.bytes) return;
  const std::uint32_t slot = segment.slot(place.stripe, place.shard);
  // An open stripe is in memory; a lost shard is rebuilt from others, which the read itself will fetch.
  if (segment.live(place.stripe) || segment.is_lost(slot, place.stripe)) return;
  const std::uint32_t first = skip / kChunkBytes;
  const std::uint32_t last = (skip + length - 1) / kChunkBytes;
  const Place run = place.without_first(first).first(last - first + 1);
  context_.files.read_ahead(
      segment, slot, stripe_byte(run.stripe) + kStripeHeaderBytes + run.offset, run.sealed_bytes());
}

Result<void> SegmentReader::read_cached(const Request& request) {
  const ChunkKey key{request.run.segment.value(), request.run.ordinal};
  for (;;) {
    if (const auto chunk = cache_.get(key)) {
      context_.counters.cache_hits.fetch_add(1, std::memory_order_relaxed);
      std::memcpy(request.out.data(), chunk->data() + request.skip, request.out.size());
      return {};
    }
    MutexLock lock(flights_mutex_);
    if (flights_.try_emplace(key).second) break;
    // Somebody reads it; look again when he is done. If he failed we try ourselves.
    while (flights_.contains(key)) landed_.wait(lock);
  }
  context_.counters.cache_misses.fetch_add(1, std::memory_order_relaxed);
  const BufferRef chunk = context_.deps.buffers.take(request.run.bytes);
  Request whole{request.segment,
                request.cipher,
                request.run,
                0,
                chunk.span().first(request.run.bytes),
                false};
  const Result<void> done = read_run(whole);
  if (done) {
    cache_.put(key, chunk, chunk.capacity());
    std::memcpy(request.out.data(), chunk.data() + request.skip, request.out.size());
  }
  MutexLock lock(flights_mutex_);
  flights_.erase(key);
  landed_.notify_all();
  return done;
}

Result<void> SegmentReader::read_run(const Request& request) {
  const Place& run = request.run;
  ChunkList failed;
  if (const auto stripe = request.segment.live(run.stripe)) {
    const auto view = stripe->view(run);
    if (!view) return fail(Errc::Io, "no such place in an open stripe");
    if (!open_chunks(request, view->second).empty()) {
      return fail(Errc::Io, "a chunk in memory does not verify");
    }
    return {};
  }
  const std::uint32_t slot = request.segment.slot(run.stripe, run.shard);
  const std::uint8_t member = request.segment.member(slot);
  const bool absent =
      context_.deps.volumes.readable(member) == nullptr || context_.reports.is_hung(member);
  const bool lost = request.segment.is_lost(slot, run.stripe);
  if (!absent && !lost) {
    const std::uint64_t at = stripe_byte(run.stripe) + kStripeHeaderBytes + run.offset;
    const auto sealed =
        context_.files.read(request.segment, slot, at, run.sealed_bytes(), context_.deps.buffers);
    if (sealed) {
      failed = open_chunks(request, sealed->span().first(run.sealed_bytes()));
      if (failed.empty()) return {};
    }
  }
  if (failed.empty()) {
    for (std::uint32_t chunk = 0; chunk < run.chunks(); ++chunk) failed.push_back(chunk);
  }
  if (request.segment.removed()) return fail(Errc::NotFound, "the segment was removed");
  // It may be one of a file that was replaced since.
  if (!absent) context_.files.forget(request.segment, slot);
  if (!absent && !lost) context_.deps.journal.shard_damaged({run.segment, run.stripe, run.shard});
  return rebuild(request, failed);
}

SegmentReader::ChunkList SegmentReader::open_chunks(const Request& request, Bytes sealed) {
  const std::uint32_t chunks = request.run.chunks();
  std::vector<char> good(chunks, 0);
  const auto open_group = [&](std::size_t group) {
    const auto first = static_cast<std::uint32_t>(group) * kOpenGroupChunks;
    for (std::uint32_t i = first; i < std::min(first + kOpenGroupChunks, chunks); ++i) {
      const std::size_t bytes = plain_bytes_of(request.run, i) + kTagBytes;
      good[i] =
          open_chunk(request, i, sealed.subspan(std::size_t{i} * kSealedChunkBytes, bytes)) ? 1 : 0;
    }
  };
  const std::size_t groups = (chunks + kOpenGroupChunks - 1) / kOpenGroupChunks;
  if (request.run.bytes >= kParallelOpenBytes) {
    context_.for_each(groups, open_group);
  } else {
    for (std::size_t group = 0; group < groups; ++group) open_group(group);
  }
  ChunkList failed;
  for (std::uint32_t i = 0; i < chunks; ++i) {
    if (good[i] == 0) failed.push_back(i);
  }
  return failed;
}

bool SegmentReader::open_chunk(const Request& request, std::uint32_t chunk, Bytes sealed) {
  const std::uint32_t begin = chunk * kChunkBytes;  // in the run
  const std::uint32_t bytes = plain_bytes_of(request.run, chunk);
  const std::uint32_t want_begin = std::max(begin, request.skip);
  const auto want_end = static_cast<std::uint32_t>(
      std::min<std::size_t>(begin + bytes, request.skip + request.out.size()));
  const MutableBytes target = request.out.subspan(want_begin - request.skip, want_end - want_begin);
  const std::uint32_t ordinal = request.run.ordinal + chunk;
  if (target.size() == bytes) return request.cipher.open(ordinal, sealed, target).has_value();
  const BufferRef whole = context_.deps.buffers.take(bytes);
  const MutableBytes plain = whole.span().first(bytes);
  if (!request.cipher.open(ordinal, sealed, plain)) return false;
  std::memcpy(target.data(), plain.data() + (want_begin - begin), target.size());
  if (request.keep) {
    cache_.put({request.run.segment.value(), ordinal}, whole, whole.capacity());
  }
  return true;
}

Result<void> SegmentReader::rebuild(const Request& request, const ChunkList& failed) {
  context_.counters.rebuilt_reads.fetch_add(1, std::memory_order_relaxed);
  ShardRebuild from(context_, request.segment, request.run.stripe);
  const auto rebuild_chunks = [&](std::uint32_t first, std::uint32_t count) -> Result<void> {
    const Place part = request.run.without_first(first).first(count);
    return from.rebuild(part.shard, part.offset, part.sealed_bytes(), [&](Bytes sealed) {
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t bytes = plain_bytes_of(part, i) + kTagBytes;
        if (!open_chunk(request, first + i,
                        sealed.subspan(std::size_t{i} * kSealedChunkBytes, bytes))) {
          return false;
        }
      }
      return true;
    });
  };
  for (std::size_t i = 0; i < failed.size();) {
    std::size_t end = i + 1;
    while (end < failed.size() && failed[end] == failed[end - 1] + 1) ++end;
    const auto count = static_cast<std::uint32_t>(end - i);
    // Together if that works; one by one where the damage of several shards lies side by side.
    if (count == 1 || !rebuild_chunks(failed[i], count)) {
      for (; i < end; ++i) COFFER_TRY(rebuild_chunks(failed[i], 1));
    }
    i = end;
  }
  return {};
}

}  // namespace coffer
