#include "vault/segment/segment_repair.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vault/crypto/random.h"
#include "vault/erasure/crc32c.h"
#include "vault/segment/segment_context.h"
#include "vault/volume/io_wait.h"
#include "vault/volume/volume_set.h"

namespace coffer {

/// One file that is being made, under a name that no row knows.
struct SegmentRepair::Output {
  struct Range {
    std::uint64_t at = 0;
    std::uint32_t bytes = 0;
    std::uint32_t crc = 0;
  };
  Target target;
  std::string name;
  std::shared_ptr<ShardFile> file;
  std::vector<Range> written;
  std::uint64_t bytes = 0;
};

SegmentRepair::SegmentRepair(SegmentContext& context, std::shared_ptr<Segment> segment,
                             std::shared_ptr<const SegmentCipher> cipher)
    : context_(context), segment_(std::move(segment)), cipher_(std::move(cipher)) {}

std::uint64_t SegmentRepair::longest_file() {
  std::uint64_t longest = 0;
  for (std::uint32_t slot = 0; slot < segment_->shards(); ++slot) {
    const auto file = context_.files.open(*segment_, slot);
    if (!file) continue;
    if (const auto size = (*file)->size()) longest = std::max(longest, size->value());
  }
  return longest;
}

StripeImage::ShardBits SegmentRepair::listed_shards(const ListedShards& listed,
                                                    std::uint32_t stripe) const {
  const auto found = listed.stripes.find(stripe);
  StripeImage::ShardBits shards = found == listed.stripes.end() ? 0 : found->second;
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    if ((listed.slots >> segment_->slot(stripe, shard) & 1U) != 0) shards |= 1U << shard;
  }
  return shards;
}

Result<void> SegmentRepair::walk(const ListedShards& listed, StripeImage::Reading reading,
                                 const OnStripe& on_stripe, const OnBlock& on_block) {
  // A handle may be one of a file that is gone by its name, and what nobody can open is not there.
  context_.files.forget(*segment_);
  const std::uint64_t end = longest_file();
  for (std::uint32_t stripe = 0; stripe_byte(stripe) < end;) {
    auto image = StripeImage::read(context_, *segment_, stripe,
                                   {cipher_.get(), listed_shards(listed, stripe)}, reading);
    if (segment_->removed()) return fail(Errc::NotFound, "the segment was removed");
    if (image) {
      COFFER_TRY(on_stripe(*image));
      stripe += blocks_for(image->header().longest());
    } else {
      COFFER_TRY(on_block(stripe));
      ++stripe;
    }
  }
  return {};
}

void SegmentRepair::note(StripeImage& image, SegmentReceipt& receipt) const {
  const std::uint32_t stripe = image.header().stripe;
  (image.explained() ? receipt.stripes : receipt.unexplained).push_back(stripe);
  receipt.bytes_read += image.bytes_read();
  receipt.shards_read += image.shards_read();
  receipt.chunks += image.chunks();
  receipt.chunks_unverified += image.chunks_unverified();
  receipt.gave_up = receipt.gave_up || image.gave_up();
  if (image.explained() && image.chunks_unverified() > 0) receipt.unverified.push_back(stripe);
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    if ((image.faults() >> shard & 1U) == 0) continue;
    const std::uint32_t slot = segment_->slot(stripe, shard);
    const std::uint8_t member = segment_->member(slot);
    // A volume that is away has nothing that could be wrong.
    if (context_.deps.volumes.readable(member) == nullptr) continue;
    receipt.faults.push_back({{segment_->info().id, stripe, static_cast<std::uint8_t>(shard)},
                              member,
                              slot,
                              image.state(shard)});
    receipt.bad_slots |= 1U << slot;
    if (image.explained()) receipt.fixable_slots |= 1U << slot;
  }
}

Result<SegmentReceipt> SegmentRepair::check(const ListedShards& listed, const Step& step) {
  SegmentReceipt receipt;
  receipt.id = segment_->info().id;
  receipt.uid = segment_->info().uid;
  COFFER_TRY(walk(
      listed, StripeImage::Reading::All,
      [&](StripeImage& image) {
        note(image, receipt);
        return step(image.bytes_read());
      },
      [&](std::uint32_t) -> Result<void> {
        ++receipt.blocks_without_header;
        return {};
      }));
  return receipt;
}

Result<SegmentReceipt> SegmentRepair::rebuild(const std::vector<Target>& targets,
                                              const ListedShards& listed, const Step& step) {
  SegmentReceipt receipt;
  receipt.id = segment_->info().id;
  receipt.uid = segment_->info().uid;
  std::vector<Output> outputs;
  const auto make = [&]() -> Result<void> {
    for (const Target& target : targets) {
      COFFER_ASSIGN(Output output, begin(target));
      outputs.push_back(std::move(output));
    }
    COFFER_TRY(walk(
        listed, StripeImage::Reading::Enough,
        [&](StripeImage& image) -> Result<void> {
          note(image, receipt);
          const std::uint64_t before = receipt.bytes_written;
          for (Output& output : outputs) {
            COFFER_TRY(write_stripe(output, image));
            receipt.bytes_written += std::exchange(output.bytes, 0);
          }
          return step(image.bytes_read() + receipt.bytes_written - before);
        },
        [&](std::uint32_t block) -> Result<void> {
          ++receipt.blocks_without_header;
          for (Output& output : outputs) COFFER_TRY(keep_bytes(output, block, kStripeBlockBytes));
          return {};
        }));
    for (Output& output : outputs) {
      COFFER_TRY(finish(output));
      receipt.shards_written += output.written.size();
      receipt.rebuilt_slots |= 1U << output.target.slot;
    }
    return {};
  };
  if (auto made = make(); !made) {
    for (Output& output : outputs) give_up(output);
    return fail(std::move(made).error());
  }
  return receipt;
}

Result<SegmentRepair::Output> SegmentRepair::begin(const Target& target) {
  Output output;
  output.target = target;
  // In the directory where it will stand.
  const std::string name = segment_->info().uid.value().to_string();
  output.name = name.substr(0, 2) + crypto::random_uuid().to_string().substr(2);
  IoWait<std::shared_ptr<ShardFile>> wait;
  target.volume->shards().create(output.name, wait.completion());
  auto made = wait.wait(context_.options.volume_deadline);
  if (!made) {
    target_failed(output, made.error());
    return fail(std::move(made).error());
  }
  output.file = *std::move(made);
  return output;
}

Result<void> SegmentRepair::write(Output& output, std::uint32_t stripe, const IoSlice& content) {
  IoWait<void> wait;
  output.file->write(ByteOffset(stripe_byte(stripe)), {content}, wait.completion());
  if (auto done = wait.wait(context_.options.volume_deadline); !done) {
    target_failed(output, done.error());
    return done;
  }
  const auto bytes = static_cast<std::uint32_t>(content.bytes.size());
  output.file->start_writeback(ByteOffset(stripe_byte(stripe)), ByteCount(bytes));
  output.written.push_back({stripe_byte(stripe), bytes, crc32c(content.bytes)});
  output.bytes += bytes;
  return {};
}

Result<void> SegmentRepair::write_stripe(Output& output, StripeImage& image) {
  const StripeHeader& header = image.header();
  std::uint32_t shard = 0;
  while (segment_->slot(header.stripe, shard) != output.target.slot) ++shard;
  if (header.bytes_of(shard) == 0) return {};
  if (!image.explained())
    return keep_bytes(output, header.stripe, kStripeHeaderBytes + header.bytes_of(shard));
  COFFER_ASSIGN(const IoSlice content, image.content(shard));
  return write(output, header.stripe, content);
}

/// What nobody can tell better stays as it stands, for a chunk in it may still verify. Block by block: what cannot be read takes
/// nothing beside it along.
Result<void> SegmentRepair::keep_bytes(Output& output, std::uint32_t block, std::uint32_t bytes) {
  for (std::uint32_t kept = 0; kept < bytes; kept += kStripeBlockBytes)
    COFFER_TRY(keep_block(output, block + kept / kStripeBlockBytes,
                          std::min(kStripeBlockBytes, bytes - kept)));
  return {};
}

Result<void> SegmentRepair::keep_block(Output& output, std::uint32_t block, std::uint32_t bytes) {
  if (context_.deps.volumes.readable(segment_->member(output.target.slot)) == nullptr) return {};
  const auto file = context_.files.open(*segment_, output.target.slot);
  const auto size = file ? (*file)->size() : Result<ByteCount>(ByteCount(0));
  if (!size || size->value() <= stripe_byte(block)) return {};
  const auto count = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(bytes, size->value() - stripe_byte(block)));
  const auto raw = context_.files.read(*segment_, output.target.slot, stripe_byte(block), count,
                                       context_.deps.buffers);
  if (!raw) return {};
  const MutableBytes found = raw->span().first(count);
  if (std::ranges::all_of(found, [](std::byte b) { return b == std::byte{0}; })) return {};
  return write(output, block, {*raw, found});
}

Result<void> SegmentRepair::read_back(const Output& output) {
  IoWait<std::shared_ptr<ShardFile>> opening;
  output.target.volume->shards().open(output.name, opening.completion());
  COFFER_ASSIGN(const auto file, opening.wait(context_.options.volume_deadline));
  file->forget_cached();
  for (const Output::Range& range : output.written) {
    const BufferRef buffer = context_.deps.buffers.take(range.bytes);
    IoWait<ByteCount> reading;
    file->read(ByteOffset(range.at), {buffer, buffer.span().first(range.bytes)},
               reading.completion());
    COFFER_ASSIGN(const ByteCount got, reading.wait(context_.options.volume_deadline));
    if (got.value() != range.bytes || crc32c(buffer.span().first(range.bytes)) != range.crc)
      return fail(Errc::Io, "a shard that was just written reads back otherwise");
  }
  return {};
}

/// From the fresh name to the old one: the moment from which the new file counts.
Result<void> SegmentRepair::finish(Output& output) {
  const std::string name = segment_->info().uid.value().to_string();
  const auto put_in_place = [&]() -> Result<void> {
    IoWait<void> syncing;
    output.file->sync(syncing.completion());
    COFFER_TRY(syncing.wait(context_.options.volume_deadline));
    COFFER_TRY(read_back(output));
    IoWait<void> replacing;
    output.target.volume->shards().replace(output.name, name, replacing.completion());
    return replacing.wait(context_.options.volume_deadline);
  };
  if (auto done = put_in_place(); !done) {
    Error why = std::move(done).error();
    if (why.code == Errc::NoSpace) why.code = Errc::Io;  // a sync's: delayed allocation failed
    target_failed(output, why);
    return fail(std::move(why));
  }
  output.file.reset();
  const bool in_use =
      context_.deps.volumes.readable(segment_->member(output.target.slot)) == output.target.volume;
  if (in_use) {
    context_.files.forget(*segment_, output.target.slot);
    segment_->restore(output.target.slot);
  }
  // Who removes a segment marks it first and unlinks then; here it is the other way round, so one of the two sees the other.
  if (!segment_->removed()) return {};
  IoWait<void> removing;
  output.target.volume->shards().remove(name, removing.completion());
  static_cast<void>(removing.wait(context_.options.volume_deadline));
  return fail(Errc::NotFound, "the segment was removed");
}

void SegmentRepair::give_up(Output& output) {
  if (!output.file) return;  // it is in place
  output.file.reset();
  IoWait<void> removing;
  output.target.volume->shards().remove(output.name, removing.completion());
  static_cast<void>(removing.wait(context_.options.volume_deadline));  // else the next opening does
}

/// A full disk is not a broken one.
void SegmentRepair::target_failed(const Output& output, const Error& why) {
  const std::uint8_t member = segment_->member(output.target.slot);
  if (why.code == Errc::NoSpace) return;
  if (context_.deps.volumes.writable(member) == output.target.volume)
    context_.reports.volume_failed(member, why);
}

}  // namespace coffer
