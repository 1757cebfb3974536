#pragma once
/// SegmentReader: plaintext of places, out of a stripe in memory, the chunk cache, the shard file,
/// or the stripe's other shards.
///
/// Owns      the bounded cache of decrypted chunks.
/// Threads   any. Two misses of one chunk read it once.
/// Errors    Io, NotFound (the segment was removed meanwhile). Nothing unauthenticated is released.

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "coffer/core/buffer.h"
#include "coffer/core/lru_cache.h"
#include "coffer/core/mutex.h"
#include "vault/segment/segment.h"
#include "vault/segment/segment_store.h"

namespace coffer {

class SegmentCipher;
struct SegmentContext;

class SegmentReader {
 public:
  explicit SegmentReader(SegmentContext& context);

  Result<void> read(const std::shared_ptr<Segment>& segment, const Place& place, std::uint32_t skip,
                    MutableBytes out, SegmentStore::CacheUse use);
  void read_ahead(const Segment& segment, const Place& place, std::uint32_t skip,
                  std::uint32_t length);

 private:
  struct ChunkKey {
    std::uint64_t segment = 0;
    std::uint32_t ordinal = 0;
    bool operator==(const ChunkKey&) const = default;
  };
  struct ChunkKeyHash {
    std::size_t operator()(const ChunkKey& key) const {
      return key.segment * 0x9E3779B97F4A7C15ULL + key.ordinal;
    }
  };
  struct Flight {
    bool done = false;
  };
  /// A read of whole and partial chunks of one run.
  struct Request {
    const Segment& segment;
    const SegmentCipher& cipher;
    Place run;  // only the chunks that are touched
    std::uint32_t skip = 0;
    MutableBytes out;
    bool keep = false;
  };
  using ChunkList = std::vector<std::uint32_t>;

  Result<void> read_run(const Request& request);
  Result<void> read_cached(const Request& request);
  /// The chunks that `sealed` does not verify for, in order.
  ChunkList open_chunks(const Request& request, Bytes sealed);
  bool open_chunk(const Request& request, std::uint32_t chunk, Bytes sealed);
  Result<void> rebuild(const Request& request, const ChunkList& failed);

  SegmentContext& context_;
  LruCache<ChunkKey, BufferRef, ChunkKeyHash> cache_;
  Mutex flights_mutex_;
  CondVar landed_;
  std::unordered_map<ChunkKey, Flight, ChunkKeyHash> flights_ GUARDED_BY(flights_mutex_);
};

}  // namespace coffer
