#include "vault/tree/key_walker.h"

#include "vault/tree/keys.h"
#include "vault/tree/object_path.h"

namespace coffer {

KeyWalker::KeyWalker(Namespace& names, InodeId bucket) : names_(names), bucket_(bucket) {
  const std::string all(1, keys::kDentry);
  rows_ = names_.deps().meta->cursor(all, keys::prefix_end(all));
}

Result<bool> KeyWalker::is_marker(InodeId directory) {
  auto inode = names_.deps().inodes->get(directory);
  if (!inode && inode.error().code == Errc::NotFound)
    return false;  // removed since the cursor's moment
  if (!inode) return fail(std::move(inode).error());
  SharedLock lock((*inode)->mutex);
  return !(*inode)->reclaimed && (*inode)->record.has(InodeRecord::kMarker);
}

Result<std::optional<KeyWalker::Item>> KeyWalker::seek(std::string_view from) {
  frames_.clear();
  frames_.push_back({bucket_, "", ""});
  // Down along the directories of `from` that exist; what comes behind them is found on the way back up.
  for (;;) {
    Frame& frame = frames_.back();
    const std::string_view rest = from.substr(frame.prefix.size());
    const std::size_t slash = rest.find('/');
    const bool names_directory = slash != std::string_view::npos;
    std::string row = keys::dentry(frame.directory, rest.substr(0, slash), names_directory);
    rows_->seek(row);
    stands_ = true;
    const bool ends_here =
        !names_directory || slash + 1 == rest.size();  // `k/` is the first of its keys
    if (ends_here || !rows_->valid() || rows_->key() != row) break;
    COFFER_ASSIGN(const Dentry dentry, decode_dentry(rows_->value()));
    std::string prefix(from.substr(0, frame.prefix.size() + slash + 1));
    frame.resume = std::move(row);
    frame.resume.push_back('\0');
    frames_.push_back({dentry.inode, std::move(prefix), ""});
  }
  return advance();
}

Result<std::optional<KeyWalker::Item>> KeyWalker::next() {
  if (frames_.empty()) return std::optional<Item>{};
  if (stands_) rows_->next();
  return advance();
}

Result<std::optional<KeyWalker::Item>> KeyWalker::enter(std::string_view row_name,
                                                        InodeId directory) {
  Frame& frame = frames_.back();
  std::string prefix = frame.prefix;
  prefix.append(row_name);
  if (prefix.size() > kObjectKeyBytesMax || !is_utf8(row_name)) {
    rows_->next();  // nothing below has a key that could be served
    return std::optional<Item>{};
  }
  frame.resume = rows_->key();
  frame.resume.push_back('\0');
  COFFER_ASSIGN(const bool marker, is_marker(directory));
  std::optional<Item> item;
  if (marker) item = Item{prefix, true, directory};
  frames_.push_back({directory, std::move(prefix), keys::dentry_prefix(directory)});
  stands_ = false;
  return item;
}

Result<std::optional<KeyWalker::Item>> KeyWalker::advance() {
  while (!frames_.empty()) {
    const Frame& frame = frames_.back();
    if (!stands_) rows_->seek(frame.resume);
    stands_ = true;
    if (!rows_->valid() || keys::inode_of(rows_->key()) != frame.directory) {
      COFFER_TRY(rows_->status());
      frames_.pop_back();
      stands_ = false;
      continue;
    }
    const std::string_view name = keys::stored_name_of(rows_->key());
    COFFER_ASSIGN(const Dentry dentry, decode_dentry(rows_->value()));
    if (dentry.type == FileType::Directory) {
      COFFER_ASSIGN(auto item, enter(name, dentry.inode));
      if (item) return item;
      continue;
    }
    const bool served = dentry.type == FileType::Regular && is_utf8(name) &&
                        frame.prefix.size() + name.size() <= kObjectKeyBytesMax;
    if (served)
      return std::optional<Item>(Item{frame.prefix + std::string(name), false, dentry.inode});
    rows_->next();
  }
  return std::optional<Item>{};
}

}  // namespace coffer
