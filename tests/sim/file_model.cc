#include "tests/sim/file_model.h"

#include <algorithm>

namespace coffer::sim {
namespace {
constexpr std::string_view kBucket = "bucket";
}  // namespace

std::string FileModel::random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>('a' + random_() % 26);
  return bytes;
}

bool FileModel::step() {
  const std::string name = "f" + std::to_string(random_() % files);
  const auto found = files_.find(name);
  if (found == files_.end()) return random_() % 4 == 0 ? put_in_parts(name) : make(name);
  File& file = found->second;
  const std::string other = "f" + std::to_string(random_() % files);
  const auto second = files_.find(other);
  switch (random_() % 12) {
    case 0:
      return remove(name);
    case 1:
      return cut(file);
    case 2:
      return punch(file);
    case 3:
    case 4:
      return second == files_.end() ? true : copy(file, second->second);
    case 5:
      return vault_->tree().commit_file(file.inode).has_value();
    case 6:
      return vault_->tree().sync_file(file.inode).has_value();
    default:
      return overwrite(file);
  }
}

bool FileModel::make(const std::string& name) {
  const auto made = vault_->tree().make_node(kRootInode, name, NewNode{});
  if (!made) return false;
  File& file = files_[name];
  file.inode = made->inode;
  file.content = random_bytes(1 + random_() % largest);
  return vault_->tree().write(file.inode, 0, as_bytes(file.content)).has_value();
}

bool FileModel::overwrite(File& file) {
  const std::size_t offset = random_() % (file.content.size() + 10'000);
  const std::size_t sizes[] = {100, 4096, 16'384, 50'000, 130'000};
  const std::string piece = random_bytes(1 + random_() % sizes[random_() % 5]);
  if (!vault_->tree().write(file.inode, offset, as_bytes(piece))) return false;
  if (file.content.size() < offset + piece.size()) file.content.resize(offset + piece.size(), '\0');
  file.content.replace(offset, piece.size(), piece);
  return true;
}

bool FileModel::cut(File& file) {
  SetAttributes change;
  change.size = random_() % (file.content.size() + 20'000);
  if (!vault_->tree().set_attributes(file.inode, change)) return false;
  file.content.resize(*change.size, '\0');
  return true;
}

bool FileModel::punch(File& file) {
  if (file.content.empty()) return true;
  const std::size_t offset = random_() % file.content.size();
  const std::size_t length =
      std::min<std::size_t>(file.content.size() - offset, 1 + random_() % 60'000);
  if (!vault_->tree().allocate(file.inode, AllocateMode::PunchHole, offset, length)) return false;
  file.content.replace(offset, length, length, '\0');
  return true;
}

bool FileModel::copy(File& from, File& to) {
  if (from.content.empty()) return true;
  const std::size_t offset = random_() % from.content.size();
  const std::size_t length =
      std::min<std::size_t>(from.content.size() - offset, 1 + random_() % 200'000);
  const std::size_t target = random_() % (to.content.size() + 1);
  if (&from == &to && offset < target + length && target < offset + length) return true;
  const auto copied = vault_->tree().copy_range(from.inode, offset, to.inode, target, length);
  if (!copied || *copied != length) return false;
  const std::string piece = from.content.substr(offset, length);
  if (to.content.size() < target + length) to.content.resize(target + length, '\0');
  to.content.replace(target, length, piece);
  return true;
}

/// As an S3 client uploads it, under this name of a bucket; it is a file like the others then.
bool FileModel::put_in_parts(const std::string& name) {
  Objects& objects = vault_->objects();
  static_cast<void>(objects.create_bucket(std::string(kBucket), Durability::Synced, {}));
  const auto upload = objects.create_upload(kBucket, name, {});
  if (!upload) return false;
  std::string content;
  std::vector<CompletedPart> parts;
  for (std::uint32_t number = 1; number <= 2 + random_() % 2; ++number) {
    const std::string piece = random_bytes(1 + random_() % (largest / 2));
    auto writer = objects.begin_part(kBucket, name, *upload, number);
    if (!writer || !(*writer)->write(as_bytes(piece))) return false;
    ObjectMetadata metadata;
    metadata.etag = "e" + std::to_string(number);
    if (!(*writer)->commit(metadata, {}, Durability::Synced)) return false;
    parts.push_back({number, metadata.etag});
    content += piece;
  }
  ObjectMetadata metadata;
  metadata.etag = "whole";
  if (!objects.complete_upload(kBucket, name, *upload, parts, metadata, {}, Durability::Synced))
    return false;
  const auto bucket = vault_->tree().lookup(kRootInode, kBucket);
  if (!bucket) return false;
  const auto entry = vault_->tree().lookup(bucket->inode, name);
  if (!entry) return false;
  files_[name] = {entry->inode, content};
  // Where the others are, so that it is removed like them.
  return vault_->tree()
      .rename({bucket->inode, name, kRootInode, name, RenameRequest::Mode::Replace})
      .has_value();
}

bool FileModel::remove(const std::string& name) {
  if (!vault_->tree().unlink(kRootInode, name)) return false;
  files_.erase(name);
  return true;
}

std::uint64_t FileModel::bytes() const {
  std::uint64_t total = 0;
  for (const auto& [name, file] : files_) total += file.content.size();
  return total;
}

std::string FileModel::difference() {
  for (const auto& [name, file] : files_) {
    const auto entry = vault_->tree().lookup(kRootInode, name);
    if (!entry) return name + ": " + entry.error().context;
    if (entry->attributes.size != file.content.size())
      return name + ": " + std::to_string(entry->attributes.size) + " bytes instead of " +
             std::to_string(file.content.size());
    std::string found(file.content.size(), '\0');
    const auto got = vault_->tree().read(
        entry->inode, 0, {reinterpret_cast<std::byte*>(found.data()), found.size()});
    if (!got) return name + ": " + std::string(to_string(got.error().code));
    const auto differs = std::ranges::mismatch(found, file.content);
    if (differs.in1 != found.end())
      return name + ": differs at " + std::to_string(differs.in1 - found.begin());
  }
  return {};
}

}  // namespace coffer::sim
