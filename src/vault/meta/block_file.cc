#include "vault/meta/block_file.h"

#include <algorithm>
#include <array>

#include "vault/crypto/secret.h"
#include "vault/volume/volume.h"

namespace coffer::meta {
namespace {

Result<void> read_exactly(AreaFile& file, std::uint64_t at, MutableBytes into) {
  while (!into.empty()) {
    COFFER_ASSIGN(const std::size_t got, file.read(ByteOffset(at), into));
    if (got == 0) return fail(Errc::Corrupt, "metadata file shorter than it was");
    at += got;
    into = into.subspan(got);
  }
  return {};
}

}  // namespace

BlockFile::BlockFile(SealingContext context, MirrorSet& mirrors, std::string name)
    : context_(context), mirrors_(mirrors), name_(std::move(name)), copies_(mirrors.size()) {}

BlockFile::~BlockFile() = default;

Result<std::unique_ptr<BlockFile>> BlockFile::open(const SealingContext& context,
                                                   MirrorSet& mirrors, std::string name) {
  std::unique_ptr<BlockFile> file(new BlockFile(context, mirrors, std::move(name)));
  COFFER_TRY(file->open_any());
  return file;
}

Result<void> BlockFile::open_any() {
  MutexLock lock(mutex_);
  Error error{Errc::NotFound, "metadata file"};
  std::vector<std::size_t> bad;
  for (std::size_t i = 0; i < mirrors_.size(); ++i) {
    if (!mirrors_.good(i)) continue;
    if (auto opened = open_copy(i)) {
      for (const std::size_t mirror : bad) mirrors_.note_damage(mirror, name_);
      return {};
    } else if (error.code == Errc::NotFound) {
      error = std::move(opened).error();
    }
    bad.push_back(i);
  }
  return fail(std::move(error));
}

Result<std::shared_ptr<AreaFile>> BlockFile::open_copy(std::size_t mirror) {
  if (mirror >= copies_.size()) copies_.resize(mirror + 1);  // added since
  copies_[mirror].tried = true;
  COFFER_ASSIGN(std::shared_ptr<AreaFile> file,
                mirrors_.files(mirror).open(mirrors_.path(mirror, name_)));
  COFFER_ASSIGN(const ByteCount disk_bytes, file->size());
  COFFER_ASSIGN(const BlockLayout layout, BlockLayout::of(disk_bytes.value()));
  std::array<std::byte, SealedIdentity::kHeaderBytes> header;
  COFFER_TRY(read_exactly(*file, 0, header));
  if (identity_) {
    // A later copy must be the same file: its last block is then the one that was verified, or read() finds out.
    if (as_text(header) != identity_->header() || layout.plain_bytes != layout_.plain_bytes) {
      return fail(Errc::Corrupt, "copies of a metadata file differ");
    }
  } else {
    COFFER_ASSIGN(SealedIdentity identity,
                  SealedIdentity::parse(context_, classify_name(name_), header));
    const std::uint64_t last = layout.blocks - 1;
    std::array<std::byte, kSealedBlockBytes> sealed;
    std::array<std::byte, kBlockBytes> plain;
    const std::uint32_t bytes = layout.plain_size(last);
    const MutableBytes raw = MutableBytes(sealed).first(crypto::Aead::sealed_size(bytes));
    COFFER_TRY(read_exactly(*file, layout.disk_offset(last), raw));
    COFFER_TRY(open_block(identity, layout, last, raw, MutableBytes(plain).first(bytes)));
    identity_ = std::move(identity);
    layout_ = layout;
  }
  copies_[mirror].file = file;
  return file;
}

std::shared_ptr<AreaFile> BlockFile::copy(std::size_t mirror) {
  MutexLock lock(mutex_);
  if (mirror >= copies_.size() || !copies_[mirror].tried) {
    if (!open_copy(mirror)) mirrors_.note_damage(mirror, name_);
  }
  return copies_[mirror].file;
}

std::vector<bool> BlockFile::present() {
  std::vector<bool> found(mirrors_.size());
  for (std::size_t i = 0; i < found.size(); ++i) found[i] = mirrors_.good(i) && copy(i) != nullptr;
  return found;
}

Result<void> BlockFile::read_blocks(AreaFile& file, std::uint64_t first, std::uint64_t count,
                                    std::uint64_t offset, MutableBytes out) const {
  thread_local std::string raw;
  const std::uint64_t last = first + count - 1;
  raw.resize(layout_.disk_offset(last) - layout_.disk_offset(first) +
             crypto::Aead::sealed_size(layout_.plain_size(last)));
  const MutableBytes sealed{reinterpret_cast<std::byte*>(raw.data()), raw.size()};
  COFFER_TRY(read_exactly(file, layout_.disk_offset(first), sealed));
  std::array<std::byte, kBlockBytes> edge;
  for (std::uint64_t block = first; block <= last; ++block) {
    const std::uint32_t bytes = layout_.plain_size(block);
    const Bytes in =
        sealed.subspan((block - first) * kSealedBlockBytes, crypto::Aead::sealed_size(bytes));
    const std::uint64_t block_at = block * kBlockBytes;
    if (block_at >= offset && block_at + bytes <= offset + out.size()) {
      COFFER_TRY(open_block(*identity_, layout_, block, in, out.subspan(block_at - offset, bytes)));
      continue;
    }
    COFFER_TRY(open_block(*identity_, layout_, block, in, MutableBytes(edge).first(bytes)));
    const std::uint64_t from = std::max(block_at, offset);
    const std::uint64_t to = std::min<std::uint64_t>(block_at + bytes, offset + out.size());
    std::memcpy(out.data() + (from - offset), edge.data() + (from - block_at), to - from);
  }
  if (raw.capacity() > (std::size_t{1} << 20)) std::string().swap(raw);
  return {};
}

Result<std::size_t> BlockFile::read(std::uint64_t offset, MutableBytes out) {
  if (offset >= layout_.plain_bytes || out.empty()) return std::size_t{0};
  out = out.first(std::min<std::uint64_t>(out.size(), layout_.plain_bytes - offset));
  const std::uint64_t first = offset / kBlockBytes;
  const std::uint64_t count = (offset + out.size() - 1) / kBlockBytes - first + 1;
  Error error{Errc::Io, "no metadata mirror to read from"};
  std::vector<std::size_t> bad;
  for (std::size_t i = 0; i < mirrors_.size(); ++i) {
    if (!mirrors_.good(i)) continue;
    const std::shared_ptr<AreaFile> file = copy(i);
    if (file == nullptr) continue;
    if (auto done = read_blocks(*file, first, count, offset, out)) {
      for (const std::size_t mirror : bad) mirrors_.note_damage(mirror, name_);
      return out.size();
    } else {
      error = std::move(done).error();
    }
    bad.push_back(i);
  }
  crypto::wipe(out);  // a prefix of it may have been filled
  return fail(std::move(error));
}

Result<std::string> BlockFile::read_sealed(std::uint64_t first, std::uint64_t count) {
  std::string sealed;
  std::array<std::byte, kSealedBlockBytes> raw;
  std::array<std::byte, kBlockBytes> plain;
  for (std::uint64_t block = first; block < first + count; ++block) {
    const std::uint32_t bytes = layout_.plain_size(block);
    const MutableBytes in = MutableBytes(raw).first(crypto::Aead::sealed_size(bytes));
    Result<void> done = fail(Errc::Io, "no metadata mirror to read from");
    for (std::size_t i = 0; i < mirrors_.size() && !done; ++i) {
      const std::shared_ptr<AreaFile> file = mirrors_.good(i) ? copy(i) : nullptr;
      if (file == nullptr) continue;
      done = read_exactly(*file, layout_.disk_offset(block), in);
      if (done) done = open_block(*identity_, layout_, block, in, MutableBytes(plain).first(bytes));
      if (!done) mirrors_.note_damage(i, name_);
    }
    if (!done) return fail(std::move(done).error());
    sealed.append(as_text(in));
  }
  return sealed;
}

Result<void> BlockFile::verify(std::size_t mirror) {
  constexpr std::uint64_t kBlocksAtOnce = 64;
  const std::shared_ptr<AreaFile> file = copy(mirror);
  if (file == nullptr) return fail(Errc::Corrupt, "a copy of a metadata file is not there");
  std::string plain(kBlocksAtOnce * kBlockBytes, '\0');
  for (std::uint64_t first = 0; first < layout_.blocks; first += kBlocksAtOnce) {
    const std::uint64_t count = std::min(kBlocksAtOnce, layout_.blocks - first);
    const std::uint64_t at = first * kBlockBytes;
    const std::uint64_t bytes = std::min(count * kBlockBytes, layout_.plain_bytes - at);
    const MutableBytes out{reinterpret_cast<std::byte*>(plain.data()), bytes};
    COFFER_TRY(read_blocks(*file, first, count, at, out));
  }
  crypto::wipe({reinterpret_cast<std::byte*>(plain.data()), plain.size()});
  return {};
}

Result<void> BlockFile::copy_to(FileArea& files, const std::string& path) {
  constexpr std::uint64_t kBlocksAtOnce = 64;
  COFFER_ASSIGN(const auto copy, files.create(path, FileArea::Create::Truncate));
  COFFER_TRY(copy->append(as_bytes(identity_->header())));
  for (std::uint64_t first = 0; first < layout_.blocks; first += kBlocksAtOnce) {
    COFFER_ASSIGN(const std::string sealed,
                  read_sealed(first, std::min(kBlocksAtOnce, layout_.blocks - first)));
    COFFER_TRY(copy->append(as_bytes(sealed)));
  }
  return copy->sync();
}

}  // namespace coffer::meta
