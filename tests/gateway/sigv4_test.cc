/// AWS's published examples (docs.aws.amazon.com, "Signature Calculations for the Authorization
/// Header", "Authenticating Requests: Using Query Parameters", "… Transferring Payload in Multiple
/// Chunks").
#include "gateway/auth/sigv4.h"

#include <gtest/gtest.h>

#include "gateway/auth/chunk_verifier.h"
#include "gateway/http/date.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kAccessKey = "AKIAIOSFODNN7EXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kEmptySha =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

class OneSecret final : public SecretSource {
 public:
  Result<std::optional<std::string>> secret_of(std::string_view access_key) override {
    if (access_key != kAccessKey) return std::optional<std::string>();
    return std::optional<std::string>(kSecret);
  }
};

struct Example {
  Method method = Method::Get;
  std::string method_text = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> fields;
};

class SigV4Test : public testing::Test {
 protected:
  tl::expected<SignedRequest, AuthFailure> verify(const Example& example) {
    RequestHead head(8192);
    head.set_line(example.method, example.method_text, example.target);
    for (const auto& [name, value] : example.fields) head.add_field(name, value);
    const auto query = QueryParameters::parse(head.query());
    return auth_.verify(head, query.value(), now_);
  }

  static std::string authorization(std::string_view headers, std::string_view signature) {
    return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
           "SignedHeaders=" +
           std::string(headers) + ",Signature=" + std::string(signature);
  }
  static Example get_object() {
    return {Method::Get,
            "GET",
            "/test.txt",
            {{"Host", "examplebucket.s3.amazonaws.com"},
             {"Authorization",
              authorization("host;range;x-amz-content-sha256;x-amz-date",
                            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")},
             {"Range", "bytes=0-9"},
             {"x-amz-content-sha256", std::string(kEmptySha)},
             {"x-amz-date", "20130524T000000Z"}}};
  }

  OneSecret secrets_;
  SigV4 auth_{secrets_};
  std::int64_t now_ = *parse_amz_date("20130524T000000Z");
};

TEST_F(SigV4Test, AcceptsAwsExampleGetObject) {
  const auto request = verify(get_object());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->access_key, kAccessKey);
  EXPECT_EQ(request->payload, PayloadKind::Hashed);
  EXPECT_EQ(request->payload_sha256, kEmptySha);
}

TEST_F(SigV4Test, AcceptsAwsExamplePutObject) {
  const Example put{
      Method::Put,
      "PUT",
      "/test$file.text",
      {{"Host", "examplebucket.s3.amazonaws.com"},
       {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
       {"Authorization",
        authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")},
       {"x-amz-date", "20130524T000000Z"},
       {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
       {"x-amz-content-sha256",
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"}}};
  EXPECT_TRUE(verify(put));
}

TEST_F(SigV4Test, AcceptsAwsExamplesWithQuery) {
  const auto with = [&](std::string target, std::string_view signature) {
    return Example{
        Method::Get,
        "GET",
        std::move(target),
        {{"Host", "examplebucket.s3.amazonaws.com"},
         {"x-amz-date", "20130524T000000Z"},
         {"Authorization", authorization("host;x-amz-content-sha256;x-amz-date", signature)},
         {"x-amz-content-sha256", std::string(kEmptySha)}}};
  };
  EXPECT_TRUE(verify(
      with("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")));
  EXPECT_TRUE(verify(with("/?max-keys=2&prefix=J",
                          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")));
}

Example presigned() {
  return {
      Method::Get,
      "GET",
      "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
      "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
      "&X-Amz-SignedHeaders=host&X-Amz-Signature="
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
      {{"Host", "examplebucket.s3.amazonaws.com"}}};
}

TEST_F(SigV4Test, AcceptsAwsExamplePresignedUntilItExpires) {
  const auto request = verify(presigned());
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->presigned);
  EXPECT_EQ(request->payload, PayloadKind::Unsigned);
  now_ += 86400;
  EXPECT_TRUE(verify(presigned()));
  now_ += 1;
  EXPECT_EQ(verify(presigned()).error(), AuthFailure::Expired);
  now_ -= 2 * 86400;
  EXPECT_EQ(verify(presigned()).error(), AuthFailure::NotYetValid);
}

TEST_F(SigV4Test, RefusesWhatWasChanged) {
  Example other_range = get_object();
  other_range.fields[2].second = "bytes=0-10";
  EXPECT_EQ(verify(other_range).error(), AuthFailure::WrongSignature);
  Example other_path = get_object();
  other_path.target = "/test.tx";
  EXPECT_EQ(verify(other_path).error(), AuthFailure::WrongSignature);
  Example other_method = get_object();
  other_method.method_text = "DELETE";
  EXPECT_EQ(verify(other_method).error(), AuthFailure::WrongSignature);
  Example unsigned_header = get_object();
  unsigned_header.fields.emplace_back("x-amz-copy-source", "/other/key");
  EXPECT_EQ(verify(unsigned_header).error(), AuthFailure::HeadersNotSigned);
}

TEST_F(SigV4Test, SaysWhatIsWrong) {
  Example stranger = get_object();
  stranger.fields[1].second.replace(stranger.fields[1].second.find("AKIA"), 4, "AKIB");
  EXPECT_EQ(verify(stranger).error(), AuthFailure::UnknownAccessKey);
  EXPECT_EQ(verify({}).error(), AuthFailure::Anonymous);
  Example v2;
  v2.fields = {{"Authorization", "AWS AKIAIOSFODNN7EXAMPLE:signature"}};
  EXPECT_EQ(verify(v2).error(), AuthFailure::UnsupportedMechanism);
  Example malformed = get_object();
  malformed.fields[1].second = "AWS4-HMAC-SHA256 Credential=AKIA";
  EXPECT_EQ(verify(malformed).error(), AuthFailure::MalformedHeader);
  Example no_hash = get_object();
  no_hash.fields.erase(no_hash.fields.begin() + 3);
  EXPECT_EQ(verify(no_hash).error(), AuthFailure::MissingContentSha256);
  now_ += 15 * 60;
  EXPECT_TRUE(verify(get_object()));
  now_ += 1;
  EXPECT_EQ(verify(get_object()).error(), AuthFailure::Skewed);
}

TEST_F(SigV4Test, SigningKeysAreDerivedOnce) {
  EXPECT_TRUE(verify(get_object()));
  EXPECT_TRUE(verify(get_object()));
  EXPECT_EQ(auth_.keys().stats().hits, 1U);
  EXPECT_EQ(auth_.keys().stats().entries, 1U);
}

ChunkSeed example_seed(std::string_view signature) {
  return {derive_signing_key(kSecret, {"20130524", "us-east-1", "s3"}), "20130524T000000Z",
          "20130524/us-east-1/s3/aws4_request", std::string(signature)};
}

TEST(ChunkSignatures, AcceptAwsExampleAndRefuseAFlippedBit) {
  const std::vector<ChunkMark> marks{
      {65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
      {66560, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
      {66560, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"}};
  const ChunkSeed seed =
      example_seed("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  std::string body(66560, 'a');
  ChunkVerifier whole(seed);
  EXPECT_TRUE(whole.update(as_bytes(body), marks));

  ChunkVerifier pieces(seed);
  EXPECT_TRUE(pieces.update(as_bytes(body).first(70), {}));
  EXPECT_TRUE(pieces.update(as_bytes(body).subspan(70, 65466 + 24),
                            std::vector<ChunkMark>{{65466, marks[0].signature}}));
  EXPECT_TRUE(pieces.update(
      as_bytes(body).subspan(65560),
      std::vector<ChunkMark>{{1000, marks[1].signature}, {1000, marks[2].signature}}));

  body[66000] = 'b';
  ChunkVerifier flipped(seed);
  EXPECT_FALSE(flipped.update(as_bytes(body), marks));
}

TEST(ChunkSignatures, AcceptAwsExampleWithTrailer) {
  ChunkVerifier verifier(
      example_seed("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"));
  const std::string body(66560, 'a');
  EXPECT_TRUE(verifier.update(
      as_bytes(body),
      std::vector<ChunkMark>{
          {65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"},
          {66560, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"},
          {66560, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"}}));
  const std::vector<AwsChunkedParser::Trailer> trailers{{"x-amz-checksum-crc32c", "sOO8/Q=="}};
  EXPECT_TRUE(verifier.check_trailers(
      trailers, "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"));
}

}  // namespace
}  // namespace coffer::gateway
