#include "gateway/s3/copy_bytes.h"

#include <algorithm>
#include <vector>

namespace coffer::gateway {
namespace {
constexpr std::size_t kWindowBytes = std::size_t{1} << 20;
}

S3Result<CopySlot> CopySlot::take(const S3Service& service, std::uint64_t length) {
  if (length > kBytesMax) {
    return s3_fail(S3Code::InvalidRequest,
                   "The specified copy source is larger than the maximum allowable size for a copy "
                   "source: " +
                       std::to_string(kBytesMax));
  }
  if (length <= kLongBytes) return CopySlot(nullptr);
  CopySlot slot(service.long_copies);
  if (slot.count_->fetch_add(1) >= kLongMax) return s3_fail(S3Code::SlowDown);
  return slot;
}

CopySlot::~CopySlot() {
  if (count_) count_->fetch_sub(1);
}

S3Result<std::string> copy_bytes(const S3Call& call, ObjectReader& from, SealedReader* opened,
                                 const ByteRange& range, ObjectWriter& to) {
  Digest md5(Digest::Kind::Md5);
  std::vector<std::byte> window(
      static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, range.length)));
  for (std::uint64_t done = 0; done < range.length;) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), range.length - done));
    const MutableBytes piece = MutableBytes(window).first(wanted);
    const auto n = from.read(range.first + done, piece);
    if (!n) return s3_fail(call.failure(n.error(), Subject::Object));
    if (*n != wanted) return s3_fail(S3Code::OperationAborted);  // truncated at the mount meanwhile
    if (opened != nullptr) {
      if (const auto open = opened->open(range.first + done, piece); !open)
        return s3_fail(call.failure(open.error(), Subject::Object));
    }
    md5.update(piece);
    if (const auto written = to.write(piece); !written)
      return s3_fail(call.failure(written.error(), Subject::Object));
    done += wanted;
  }
  return md5.finish();
}

}  // namespace coffer::gateway
