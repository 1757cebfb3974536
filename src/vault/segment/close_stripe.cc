// OpenStripe::close(): from sealed chunks in memory to shards with headers and parity in files.

#include <algorithm>
#include <utility>

#include "coffer/core/log.h"
#include "vault/erasure/erasure_code.h"
#include "vault/segment/open_stripe.h"
#include "vault/segment/segment_context.h"

namespace coffer {

namespace {

// Below this a second thread costs more than it saves.
constexpr std::uint32_t kParallelBytesMin = 64 * 1024;

}  // namespace

Result<void> OpenStripe::seal_index() {
  const std::string& plain = index_.encoded();
  return writer_->cipher().seal(index_spot_.ordinal, as_bytes(plain),
                                areas_[index_spot_.shard].buffer.span().subspan(
                                    kStripeHeaderBytes + index_spot_.offset, index_spot_.bytes));
}

StripeHeader OpenStripe::common_header() const {
  const SegmentInfo& info = writer_->segment()->info();
  StripeHeader header;
  header.vault = context_.deps.vault;
  header.segment_uid = info.uid;
  header.segment = info.id;
  header.stripe = stripe_;
  header.data_epoch = info.data_epoch;
  header.k = k_;
  header.m = m_;
  std::ranges::copy(info.members, header.members.begin());
  header.first_ordinal = first_ordinal_;
  header.ordinals = index_spot_.ordinal + 1 - first_ordinal_;
  header.index_shard = index_spot_.shard;
  header.index_offset = index_spot_.offset;
  header.index_sealed_bytes = index_spot_.bytes;
  header.index_ordinal = index_spot_.ordinal;
  for (std::uint32_t shard = 0; shard < k_; ++shard) header.data_bytes[shard] = areas_[shard].used;
  return header;
}

std::vector<BufferRef> OpenStripe::encode_parity(std::uint32_t longest) {
  std::vector<BufferRef> parity;
  std::vector<MutableBytes> parity_bytes;
  for (std::uint32_t i = 0; i < m_; ++i) {
    parity.push_back(context_.deps.buffers.take(kStripeHeaderBytes + longest));
    parity_bytes.push_back(parity.back().span().subspan(kStripeHeaderBytes, longest));
  }
  if (m_ == 0) return parity;
  std::vector<Bytes> data;
  for (const Area& area : areas_) {
    data.push_back(area.used == 0
                       ? Bytes{}
                       : Bytes(area.buffer.span().subspan(kStripeHeaderBytes, area.used)));
  }
  const auto code = context_.deps.codes.get({k_, m_});
  if (!code) {
    // Cannot be: the geometry was checked when the segment was made.
    log_error("erasure code {}+{} is not there", k_, m_);
    return {};
  }
  (*code)->encode(data, parity_bytes);
  return parity;
}

void OpenStripe::write_data_shard(std::uint32_t shard, const StripeHeader& common) {
  const Area& area = areas_[shard];
  StripeHeader header = common;
  header.shard = static_cast<std::uint8_t>(shard);
  header.payload_bytes = area.used;
  const MutableBytes all = area.buffer.span().first(kStripeHeaderBytes + area.used);
  checksum_pieces(header, all.subspan(kStripeHeaderBytes));
  encode_stripe_header(header, writer_->cipher().header_mac(), all.first(kStripeHeaderBytes));
  const std::uint32_t slot = writer_->segment()->slot(stripe_, shard);
  const std::uint64_t at = stripe_byte(stripe_);
  if (area.written == 0) {
    if (!writer_->write(slot, stripe_, at, {IoSlice{area.buffer, all}})) return;
  } else {
    const std::uint32_t from = kStripeHeaderBytes + area.written;
    if (from < all.size() &&
        !writer_->write(slot, stripe_, at + from, {IoSlice{area.buffer, all.subspan(from)}})) {
      return;
    }
    const IoSlice head{area.buffer, all.first(kStripeHeaderBytes)};
    if (!writer_->write(slot, stripe_, at, {head})) return;
  }
  writer_->start_writeback(slot, at, all.size());
}

void OpenStripe::write_parity_shard(std::uint32_t shard, const BufferRef& area,
                                    const StripeHeader& common) {
  StripeHeader header = common;
  header.shard = static_cast<std::uint8_t>(shard);
  header.payload_bytes = common.longest();
  const MutableBytes all = area.span().first(kStripeHeaderBytes + header.payload_bytes);
  checksum_pieces(header, all.subspan(kStripeHeaderBytes));
  encode_stripe_header(header, writer_->cipher().header_mac(), all.first(kStripeHeaderBytes));
  const std::uint32_t slot = writer_->segment()->slot(stripe_, shard);
  if (!writer_->write(slot, stripe_, stripe_byte(stripe_), {IoSlice{area, all}})) return;
  writer_->start_writeback(slot, stripe_byte(stripe_), all.size());
}

void OpenStripe::close() {
  {
    MutexLock lock(mutex_);
    while (writing_out_) changed_.wait(lock);
  }
  if (Result<void> sealed = seal_index(); !sealed) {
    // Out of memory in OpenSSL. The stripe is whole but for its index; readers do not need that.
    log_error("owner index could not be sealed: {}", sealed.error().context);
    std::ranges::fill(areas_[index_spot_.shard].buffer.span().subspan(
                          kStripeHeaderBytes + index_spot_.offset, index_spot_.bytes),
                      std::byte{0});
  }
  const StripeHeader common = common_header();
  const std::vector<BufferRef> parity = encode_parity(common.longest());
  std::vector<std::uint32_t> shards;
  std::uint32_t used = 0;
  for (std::uint32_t shard = 0; shard < k_ + parity.size(); ++shard) {
    if (shard < k_ && areas_[shard].used == 0) continue;
    shards.push_back(shard);
    used |= 1U << shard;
  }
  const auto write_one = [&](std::size_t i) {
    const std::uint32_t shard = shards[i];
    if (shard < k_) {
      write_data_shard(shard, common);
    } else {
      write_parity_shard(shard, parity[shard - k_], common);
    }
  };
  if (common.longest() >= kParallelBytesMin) {
    context_.for_each(shards.size(), write_one);
  } else {
    for (std::size_t i = 0; i < shards.size(); ++i) write_one(i);
  }
  writer_->stripe_written(stripe_, used);
  writer_->segment()->remove_live(stripe_);  // from here on readers go to the files
  MutexLock lock(mutex_);
  state_ = State::Closed;
  changed_.notify_all();
}

}  // namespace coffer
