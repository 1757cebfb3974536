#include "vault/meta/meta_image.h"

#include "vault/meta/image_writer.h"
#include "vault/volume/volume.h"

namespace coffer {
namespace {

Result<std::vector<Reference>> decode_needs(std::string_view encoded) {
  std::vector<Reference> needs;
  ByteReader in(encoded);
  while (in.ok() && !in.at_end()) needs.push_back(decode_reference(in));
  if (!in.ok()) return fail(Errc::Corrupt, "references of a metadata frame");
  return needs;
}

}  // namespace

struct MetaImage::Impl {
  Impl(const MetaStoreDeps& deps, const std::vector<MirrorDirectory>& where)
      : sealing{.keys = deps.keys, .cipher = deps.cipher, .vault = deps.vault, .boot = deps.boot},
        mirrors(where, nullptr) {}

  const meta::SealingContext sealing;
  meta::MirrorSet mirrors;
  meta::ImageContent content;
  std::vector<MetaTailFrame> tail;

  Result<void> collect_tail() {
    for (const meta::ImageLog& log : content.logs) {
      for (const meta::Frame& frame : log.file.frames) {
        if (frame.info.commits == 0 || frame.info.position <= content.synced_upto) continue;
        COFFER_ASSIGN(std::vector<Reference> needs, decode_needs(frame.needs));
        tail.push_back({CommitPosition(frame.info.position), std::move(needs)});
      }
    }
    return {};
  }
};

MetaImage::MetaImage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetaImage::~MetaImage() = default;

Result<std::unique_ptr<MetaImage>> MetaImage::inspect(const MetaStoreDeps& deps,
                                                      std::vector<MirrorDirectory> mirrors) {
  if (mirrors.empty()) return fail(Errc::NotEnoughVolumes, "no metadata mirror");
  auto impl = std::make_unique<Impl>(deps, mirrors);
  COFFER_ASSIGN(impl->content, meta::ImageReader(impl->sealing, impl->mirrors).read());
  COFFER_TRY(impl->collect_tail());
  return std::unique_ptr<MetaImage>(new MetaImage(std::move(impl)));
}

const std::vector<MetaTailFrame>& MetaImage::tail() const { return impl_->tail; }
bool MetaImage::damaged() const { return impl_->content.damaged; }
const MirrorDirectory& MetaImage::best() const { return impl_->mirrors.where(impl_->content.best); }
Uuid MetaImage::boot() const { return impl_->content.boot; }
CommitPosition MetaImage::last_position() const { return CommitPosition(impl_->content.position); }

void MetaImage::cut(std::size_t first_dropped) {
  if (first_dropped >= impl_->tail.size()) return;
  const std::uint64_t from = impl_->tail[first_dropped].position.value();
  impl_->tail.resize(first_dropped);
  auto& logs = impl_->content.logs;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    auto& frames = logs[i].file.frames;
    for (std::size_t f = 0; f < frames.size(); ++f) {
      const meta::FrameInfo& info = frames[f].info;
      if (info.commits == 0 || info.position < from) continue;
      impl_->content.position = info.position - info.commits;
      frames.resize(f);
      logs.resize(i + 1);
      return;
    }
  }
}

Result<void> MetaImage::establish(const std::vector<MirrorDirectory>& targets) {
  return meta::ImageWriter(impl_->sealing, impl_->mirrors, impl_->content).write(targets);
}

Result<void> remove_meta_directory(FileArea& files, DirectoryUid directory) {
  const std::string path = meta::meta_directory_path(directory);
  const auto entries = files.list(path);
  if (!entries && entries.error().code == Errc::NotFound) return {};
  if (!entries) return fail(entries.error());
  for (const AreaEntry& entry : *entries) COFFER_TRY(files.remove(path + "/" + entry.name));
  return files.remove_directory(path);
}

}  // namespace coffer
