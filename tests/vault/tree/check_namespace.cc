#include <set>

#include "tests/vault/tree/tree_fixture.h"
#include "vault/tree/dentry.h"
#include "vault/tree/inode_record.h"
#include "vault/tree/object_record.h"
#include "vault/tree/upload_rows.h"
#include "vault/tree/version_rows.h"

namespace coffer::test {
namespace {

void each(MetaStore& meta, char prefix,
          const std::function<void(std::string_view, std::string_view)>& fn) {
  const std::string from(1, prefix);
  auto rows = meta.cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) fn(rows->key(), rows->value());
  EXPECT_TRUE(rows->status());
}

}  // namespace

std::vector<std::string> check_namespace(MetaStore& meta) {
  std::vector<std::string> wrong;
  const auto number = [](InodeId id) { return std::to_string(id.value()); };
  std::map<InodeId, InodeRecord> inodes;
  each(meta, keys::kInode, [&](auto key, auto value) {
    inodes[keys::inode_of(key)] = decode_inode(keys::inode_of(key), value).value();
  });
  std::map<InodeId, std::uint64_t> links, entries, subdirectories;
  std::set<InodeId> named_hidden;
  using IndexRow = std::tuple<InodeId, std::uint64_t, InodeId, std::string>;
  std::set<IndexRow> by_name, by_cookie;
  std::map<std::pair<InodeId, std::string>, int> twins;
  each(meta, keys::kDentry, [&](auto key, auto value) {
    const InodeId parent = keys::inode_of(key);
    std::string stored(keys::stored_name_of(key));
    const Dentry dentry = decode_dentry(value).value();
    const bool directory = stored.ends_with('/');
    if (directory) stored.pop_back();
    if (directory != (dentry.type == FileType::Directory))
      wrong.push_back("kind of an entry in " + number(parent));
    if (!inodes.contains(dentry.inode))
      wrong.push_back("entry without inode " + number(dentry.inode));
    else if (inodes[dentry.inode].attributes.type != dentry.type)
      wrong.push_back("type of " + number(dentry.inode));
    if (!inodes.contains(parent)) wrong.push_back("entry in no directory " + number(parent));
    if (directory && inodes[dentry.inode].parent != parent)
      wrong.push_back("parent of " + number(dentry.inode));
    ++links[dentry.inode];
    ++entries[parent];
    if (directory) ++subdirectories[parent];
    if (++twins[{parent, stored}] == 2 && !inodes[parent].has(InodeRecord::kTwins))
      wrong.push_back("twins flag");
    by_name.emplace(parent, dentry.cookie, dentry.inode, stored);
    if (may_be_hashed(stored)) {
      const auto row = meta.get(keys::long_name(parent, name_hash(stored, directory))).value();
      if (row != (directory ? stored + "/" : stored))
        wrong.push_back("long name row in " + number(parent));
    }
  });
  each(meta, keys::kDirectoryIndex, [&](auto key, auto value) {
    const IndexedEntry entry = decode_indexed_entry(value).value();
    by_cookie.emplace(keys::inode_of(key), keys::second_number_of(key), entry.inode,
                      entry.stored_name);
  });
  if (by_name != by_cookie) wrong.push_back("entries and their index differ");
  each(meta, keys::kObject, [&](auto key, auto value) {
    const InodeId owner = keys::inode_of(key);
    if (!inodes.contains(owner)) wrong.push_back("object row without inode " + number(owner));
    const ObjectRecord object = decode_object(value).value();
    if (object.body != InodeId{}) {
      ++links[object.body];
      named_hidden.insert(object.body);
    }
  });
  each(meta, keys::kPart, [&](auto, auto value) {
    const InodeId part = decode_part(1, value).value().inode;
    ++links[part];
    named_hidden.insert(part);
  });
  std::string last_null;
  each(meta, keys::kVersion, [&](auto key, auto value) {
    const VersionRow row = decode_version(parse_version_key(key)->sequence, value).value();
    if (!inodes.contains(keys::inode_of(key))) wrong.push_back("versions without a bucket");
    if (row.is_null) {
      const std::string of_key(key.substr(0, key.size() - 8));
      if (of_key == last_null) wrong.push_back("two null versions of a key");
      last_null = of_key;
    }
    if (row.marker) return;
    ++links[row.inode];
    if (!inodes.contains(row.inode) || !inodes[row.inode].has(InodeRecord::kVersion))
      wrong.push_back("version row of " + number(row.inode));
  });
  for (const auto& [id, record] : inodes) {
    const Attributes& a = record.attributes;
    const bool directory = a.type == FileType::Directory;
    if (directory) {
      const bool reachable = id == kRootInode || links[id] == 1;
      if (!reachable)
        wrong.push_back("directory with " + std::to_string(links[id]) + " names: " + number(id));
      if (a.nlink != 2 + subdirectories[id]) wrong.push_back("links of directory " + number(id));
      if (a.size != entries[id]) wrong.push_back("count of entries in " + number(id));
    } else if (a.nlink != links[id]) {
      wrong.push_back("inode " + number(id) + " says " + std::to_string(a.nlink) + " links, has " +
                      std::to_string(links[id]));
    }
    if (record.has(InodeRecord::kHidden) != named_hidden.contains(id) && a.nlink > 0) {
      wrong.push_back("hidden inode " + number(id));
    }
    if (a.nlink == 0 && !meta.get(keys::orphan(id)).value())
      wrong.push_back("no orphan row for " + number(id));
  }
  return wrong;
}

}  // namespace coffer::test
