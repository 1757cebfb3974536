// The examples of docs/format.md §5 are what the code writes and reads.

#include <gtest/gtest.h>

#include "tests/vault/format_example.h"
#include "vault/tree/access_key_service.h"
#include "vault/tree/dentry.h"
#include "vault/tree/inode_record.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_record.h"
#include "vault/tree/upload_rows.h"
#include "vault/tree/version_rows.h"

namespace coffer::test {
namespace {

constexpr InodeId kBucket{2};
constexpr InodeId kFile{300};
constexpr Timespec kTime{1'700'000'000, 500};
constexpr std::string_view kUpload = "17979cfe362a01f4000102030405060708090a0b0c0d0e0f";

ObjectMetadata example_metadata() {
  ObjectMetadata metadata;
  metadata.etag = "5d41402abc4b2a76b9719d911017c592";
  metadata.content_type = "image/jpeg";
  metadata.user["by"] = "me";
  return metadata;
}

void expect_example(std::string_view name, const std::string& bytes) {
  EXPECT_EQ(hex_dump(bytes_of_example(name)), hex_dump(bytes)) << name << "\n" << hex_dump(bytes);
}

TEST(RowsFormat, Inode) {
  InodeRecord record;
  record.attributes.type = FileType::Regular;
  record.attributes.permissions = 0644;
  record.attributes.uid = record.attributes.gid = 1000;
  record.attributes.nlink = 1;
  record.attributes.size = 5;
  record.attributes.atime = record.attributes.mtime = kTime;
  record.attributes.ctime = record.attributes.btime = kTime;
  record.flags = InodeRecord::kHasObject;
  record.content_version = 1;
  expect_example("row-inode", keys::inode(kFile) + encode_inode(record));
}

TEST(RowsFormat, Entry) {
  expect_example("row-entry", keys::dentry(kBucket, "cat.jpg", false) +
                                  encode_dentry({kFile, FileType::Regular, 7}));
  expect_example("row-index", keys::directory_index(kBucket, 7) +
                                  encode_indexed_entry({kFile, FileType::Regular, "cat.jpg"}));
}

TEST(RowsFormat, Object) {
  expect_example("row-object",
                 keys::object(kFile) + encode_object({1, {}, {}, example_metadata()}));
}

TEST(RowsFormat, WhatS3KeepsWithObjectsAndBuckets) {
  ObjectMetadata metadata = example_metadata();
  metadata.tags["t"] = "1";
  metadata.properties["owner"] = "x";
  const ObjectRecord tagged{1, {}, {}, metadata};
  expect_example("row-object-tagged", keys::object(kFile) + encode_object(tagged));
  EXPECT_EQ(decode_object(encode_object(tagged))->metadata.properties, metadata.properties);

  PartInfo part;
  part.number = 2;
  part.size = 5 << 20;
  part.checksums["crc32c"] = "AAAAAA==";
  expect_example("row-object-parts", keys::object_parts(kFile) + encode_object_parts({part}));
  const BucketSettings settings{{"owner", "x"}, {"ownership", "ObjectWriter"}};
  expect_example("row-bucket-settings", keys::bucket_settings(kBucket) + encode_settings(settings));
  EXPECT_EQ(*decode_settings(encode_settings(settings)), settings);
  for (const std::string& damaged :
       {std::string(), std::string("\x02"), std::string("\x01\x05x")}) {
    EXPECT_FALSE(decode_settings(damaged));
    EXPECT_FALSE(decode_object_parts(damaged));
  }
}

TEST(RowsFormat, Versions) {
  InodeRecord record;
  record.attributes.type = FileType::Regular;
  record.attributes.permissions = 0644;
  record.attributes.nlink = 1;
  record.attributes.atime = record.attributes.mtime = kTime;
  record.attributes.ctime = record.attributes.btime = kTime;
  record.set_version(VersionTag{9, false, "cat.jpg"});
  record.parent = kBucket;
  record.flags |= InodeRecord::kSealed;
  const std::string tagged = encode_inode(record);
  expect_example("row-inode-version", keys::inode(kFile) + tagged);
  EXPECT_EQ(decode_inode(kFile, tagged)->version->key, "cat.jpg");
  EXPECT_EQ(encode_inode(*decode_inode(kFile, tagged)), tagged);

  const VersionRow row{9, false, false, kFile, kTime, {}};
  expect_example("row-version", keys::version(kBucket, "cat.jpg", 9) + encode_version(row));
  const VersionRow marker{10, true, true, {}, kTime, {{"owner", "x"}}};
  expect_example("row-delete-marker",
                 keys::version(kBucket, "cat.jpg", 10) + encode_version(marker));
  EXPECT_EQ(decode_version(10, encode_version(marker))->properties, marker.properties);
  const std::string nul("a\0b", 3);
  EXPECT_EQ(parse_version_key(keys::version(kBucket, nul, 77))->key, nul);
  EXPECT_EQ(parse_version_key(keys::version(kBucket, nul, 77))->sequence, 77U);
  EXPECT_LT(keys::version(kBucket, "a", 8), keys::version(kBucket, "a", 7)) << "newest first";
  EXPECT_FALSE(parse_version_key("V"));
  for (const std::string& damaged : {std::string(), encode_version(row) + "x", std::string("\1\3")})
    EXPECT_FALSE(decode_version(9, damaged));
}

TEST(RowsFormat, UploadAndPart) {
  expect_example("row-upload", keys::upload(kBucket, "cat.jpg", kUpload) +
                                   encode_upload({kTime, example_metadata()}));
  PartRecord part;
  part.inode = InodeId{301};
  part.info.number = 1;
  part.info.size = 5 << 20;
  part.info.modified = kTime;
  part.info.etag = "e1";
  part.info.checksums["crc32c"] = "AAAAAA==";
  expect_example("row-part", keys::part(kUpload, 1) + encode_part(part));
}

TEST(RowsFormat, AccessKey) {
  AccessKey key;
  key.id = "AKEXAMPLE0123456789A";
  key.secret = "not-a-secret-but-an-example";
  key.name = "me";
  key.bucket = "photos";
  key.read_only = true;
  key.created = kTime;
  expect_example("row-access-key", keys::access_key(key.id) + encode_access_key(key));
  key.owner = "x";
  key.email = "x@example.org";
  expect_example("row-access-key-owner", keys::access_key(key.id) + encode_access_key(key));
  EXPECT_EQ(decode_access_key(key.id, encode_access_key(key))->email, key.email);
}

}  // namespace
}  // namespace coffer::test
