#pragma once
/// StripeImage: one closed stripe of a sealed segment in memory: what stands on the volumes, and what belongs there
/// (docs/decisions/0012).
///
/// Format    docs/format.md §3.
/// Borrows   context and segment.
/// Threads   one at a time.
/// Keys      with a cipher: MACs and every chunk's tag decide; without: checksums and parity.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "coffer/core/buffer.h"
#include "coffer/core/error.h"
#include "vault/segment/segment.h"
#include "vault/segment/shard_finding.h"
#include "vault/segment/stripe_header.h"

namespace coffer {

class ErasureCode;
struct SegmentContext;

class StripeImage {
 public:
  using State = ShardFinding::State;
  using ShardBits = std::uint32_t;
  /// Enough: as many shards as tell what the others are. All: and whether those are right.
  enum class Reading : std::uint8_t { Enough, All };
  struct Trust {
    const SegmentCipher* cipher = nullptr;
    ShardBits listed =
        0;  // known as missing or unknown: used only where k others are not to be had
  };

  /// None where no shard has a header of such a stripe.
  static std::optional<StripeImage> read(SegmentContext& context, const Segment& segment,
                                         std::uint32_t stripe, Trust trust, Reading reading);

  /// Of some shard; lengths and ordinals are those of all.
  [[nodiscard]] const StripeHeader& header() const { return header_; }
  [[nodiscard]] State state(std::uint32_t shard) const { return shards_[shard].state; }
  /// What belongs there is known. Else nothing of the stripe may be written.
  [[nodiscard]] bool explained() const { return explained_; }
  /// Shards that were looked at and are not what belongs there, and the listed ones.
  [[nodiscard]] ShardBits faults() const;
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  [[nodiscard]] std::uint32_t shards_read() const { return shards_read_; }
  [[nodiscard]] std::uint32_t chunks() const { return chunks_; }
  /// Chunks that no shards give a valid tag for, though all agree on their bytes.
  [[nodiscard]] std::uint32_t chunks_unverified() const { return chunks_unverified_; }
  /// There are more sets of shards than were tried for one whose tags all hold.
  [[nodiscard]] bool gave_up() const { return gave_up_; }

  /// Header and payload as they belong into the shard's file. @pre explained(), the shard is not Unused, a cipher
  Result<IoSlice> content(std::uint32_t shard);

 private:
  struct Shard {
    State state = State::NotRead;
    BufferRef raw;             // header and payload as they stand there
    std::uint32_t pieces = 0;  // bits: their checksums hold
    BufferRef made;  // room for a header, then the payload as it should be; null: as in raw
  };

  StripeImage(SegmentContext& context, const Segment& segment, std::uint32_t stripe, Trust trust);
  bool find_any_header();
  void read_shards(Reading reading);
  void read_shard(std::uint32_t shard);
  void judge(Shard& shard, std::uint32_t index);
  /// The data shards out of what is usable, without those in `without`.
  bool decode(ShardBits without);
  bool decode_run(std::uint32_t begin, std::uint32_t end, ShardBits present);
  [[nodiscard]] ShardBits usable(std::uint32_t piece, ShardBits without) const;
  [[nodiscard]] Bytes payload(std::uint32_t shard) const;  // of a data shard, after decode()
  /// How many chunks of the decoded data do not verify.
  std::uint32_t verify_tags();
  bool find_honest_set(ShardBits without);
  bool is_honest(ShardBits without);
  void make_parity();
  /// Marks what differs from what belongs there as Wrong; true if nothing does.
  bool compare();
  void settle();
  void write_header(std::uint32_t shard, MutableBytes out) const;

  SegmentContext* context_;
  const Segment* segment_;
  std::uint32_t stripe_;
  Trust trust_;
  std::shared_ptr<const ErasureCode> code_;
  StripeHeader header_;
  std::array<Shard, kStripeShardsMax> shards_;
  bool explained_ = false;
  bool parity_made_ = false;
  std::uint64_t bytes_read_ = 0;
  std::uint32_t shards_read_ = 0;
  std::uint32_t chunks_ = 0;
  std::uint32_t chunks_unverified_ = 0;
  ShardBits suspects_ = 0;  // data shards in which verify_tags() found chunks that do not hold
  bool gave_up_ = false;
};

}  // namespace coffer
