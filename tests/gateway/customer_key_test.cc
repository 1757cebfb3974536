// Clients' keys: what is kept beside sealed bytes says nothing of the plaintext.
#include "gateway/s3/customer_key.h"
#include "gateway/auth/digest.h"
#include "gateway/s3/checksum.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {
namespace {

class CustomerKeys : public TwoOwners {
 protected:
  static Fields key(char letter) {
    const std::string secret(32, letter);
    Digest md5(Digest::Kind::Md5);
    md5.update(secret);
    const std::string prefix = "x-amz-server-side-encryption-customer-";
    return {{prefix + "algorithm", "AES256"},
            {prefix + "key", to_base64(as_bytes(secret))},
            {prefix + "key-md5", to_base64(as_bytes(md5.finish()))}};
  }
  static Fields with(Fields fields, Fields more) {
    for (auto& field : more) fields.push_back(std::move(field));
    return fields;
  }
  static std::string crc32(std::string_view text) {
    Checksum checksum(ChecksumKind::Crc32);
    checksum.update(as_bytes(text));
    return to_base64(as_bytes(checksum.finish()));
  }
};

TEST_F(CustomerKeys, NoChecksumOfThePlaintextIsKept) {
  const RawReply reply = as(kAlice, "PUT", "/bucket/k",
                            with(key('k'), {{"x-amz-checksum-crc32", crc32("plain")}}), "plain");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("x-amz-checksum-crc32"), crc32("plain")) << "told once, to who sent it";
  const auto kept = objects_.head("bucket", "k")->metadata.checksums;
  EXPECT_EQ(kept.size(), 1U);
  EXPECT_TRUE(kept.contains(kCustomerSeal));
  EXPECT_EQ(as(kAlice, "GET", "/bucket/k", key('k')).body, "plain");
}

TEST_F(CustomerKeys, NorOfTheParts) {
  const RawReply made = as(kAlice, "POST", "/bucket/k?uploads",
                           with(key('k'), {{"x-amz-checksum-algorithm", "CRC32"}}));
  const std::size_t from = made.body.find("<UploadId>") + 10;
  const std::string id = made.body.substr(from, made.body.find("</UploadId>") - from);
  const std::string at = "/bucket/k?uploadId=" + id;
  const RawReply part = as(kAlice, "PUT", at + "&partNumber=1",
                           with(key('k'), {{"x-amz-checksum-crc32", crc32("plain")}}), "plain");
  EXPECT_EQ(part.status, 200);
  EXPECT_EQ(part.field("x-amz-checksum-crc32"), crc32("plain"));
  EXPECT_EQ(objects_.parts("bucket", "k", id)->front().checksums.size(), 1U);
  EXPECT_EQ(as(kAlice, "GET", at).body.find("Checksum"), std::string::npos);
  const std::string body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
                           part.field("etag") + "</ETag><ChecksumCRC32>" + crc32("plain") +
                           "</ChecksumCRC32></Part></CompleteMultipartUpload>";
  EXPECT_EQ(as(kAlice, "POST", at, {}, body).status, 200);
  EXPECT_EQ(objects_.head("bucket", "k")->metadata.checksums.size(), 1U);
  EXPECT_EQ(as(kAlice, "GET", "/bucket/k", key('k')).body, "plain");
}

TEST_F(CustomerKeys, ListedPartsFromBeforeShowNoneEither) {
  ObjectMetadata upload;
  upload.checksums[kCustomerSeal] = "seal";
  const std::string id = *objects_.create_upload("bucket", "k", upload);
  auto writer = objects_.begin_part("bucket", "k", id, 1);
  ObjectMetadata part;
  part.etag = "e";
  part.checksums = {{"crc32", "AAAAAA=="}, {kCustomerSeal, "seal"}};
  ASSERT_TRUE((*writer)->commit(part, {}, Durability::Synced));
  EXPECT_EQ(as(kAlice, "GET", "/bucket/k?uploadId=" + id).body.find("Checksum"), std::string::npos);
}

TEST_F(CustomerKeys, ACopyOntoItselfMayChangeTheKey) {
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k", {}, "plain").status, 200);
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k", {{"x-amz-copy-source", "bucket/k"}}).status, 400);
  EXPECT_EQ(
      as(kAlice, "PUT", "/bucket/k", with(key('k'), {{"x-amz-copy-source", "bucket/k"}})).status,
      200);
  EXPECT_EQ(as(kAlice, "GET", "/bucket/k", key('k')).body, "plain");
}

}  // namespace
}  // namespace coffer::gateway
