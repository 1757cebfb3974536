#include "gateway/s3/copy_bytes.h"

#include <algorithm>
#include <vector>

namespace coffer::gateway {
namespace {
constexpr std::size_t kWindowBytes = std::size_t{1} << 20;
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
    if (opened != nullptr) opened->open(range.first + done, piece);
    md5.update(piece);
    if (const auto written = to.write(piece); !written)
      return s3_fail(call.failure(written.error(), Subject::Object));
    done += wanted;
  }
  return md5.finish();
}

}  // namespace coffer::gateway
