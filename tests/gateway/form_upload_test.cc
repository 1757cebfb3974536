// Browsers' form uploads over the wire: what they hold is bounded, and what they say is said once.
#include "gateway/http/reply.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {

namespace {

class FormUpload : public TwoOwners {
 protected:
  FormUpload() { open_bucket_.emplace("acl", "WRITE group " + std::string(kEverybody) + "\n"); }
  void SetUp() override {
    TwoOwners::SetUp();
    ASSERT_TRUE(objects_.create_bucket("open", Durability::Synced, open_bucket_));
  }
  RawReply post(std::string_view bucket, const Fields& fields) {
    return nobody("POST", "/" + std::string(bucket), {kFormType, {"origin", "http://x"}},
                  form_body(fields, "content"));
  }
  static constexpr std::string_view kEverybody = "http://acs.amazonaws.com/groups/global/AllUsers";
  BucketSettings open_bucket_;
};

TEST_F(FormUpload, NobodyUploadsWhereEverybodyMay) {
  EXPECT_EQ(post("open", {{"key", "k"}, {"x-amz-meta-a", "1"}}).status, 204);
  EXPECT_EQ(objects_.head("open", "k")->metadata.user.at("a"), "1");
  EXPECT_EQ(post("bucket", {{"key", "k"}}).status, 403);
}

TEST_F(FormUpload, FieldsBeyondTheirLimitAreRefusedWhateverTheWindowHolds) {
  const std::string large(300'000, 'a');
  EXPECT_EQ(post("no-such-bucket", {{"x-amz-meta-a", large}, {"key", "k"}}).status, 400);
  EXPECT_EQ(post("open", {{"x-amz-meta-a", large}, {"key", "k"}}).status, 400);
  Fields many{{"key", "k"}};
  for (int i = 0; i < 9; ++i)
    many.emplace_back("x-ignore-" + std::to_string(i), std::string(8000, 'a'));
  EXPECT_EQ(post("open", many).status, 400);
  EXPECT_EQ(post("open", {{"key", "k"}, {std::string(70'000, 'n'), "v"}}).status, 400);
  EXPECT_FALSE(objects_.head("open", "k"));
  many.pop_back();
  many.pop_back();
  EXPECT_EQ(post("open", many).status, 204);
}

TEST_F(FormUpload, ANameThatIsNoHeadersIsRefused) {
  EXPECT_EQ(post("open", {{"key", "k"}, {"x-amz-meta-a: b\r\nset-cookie", "c"}}).status, 400);
  EXPECT_EQ(post("open", {{"key", "k"}, {"x-amz-meta-a b", "c"}}).status, 400);
  EXPECT_EQ(post("open", {{"key", "k"}, {"x-amz-meta-\x01", "c"}}).status, 400);
  EXPECT_FALSE(objects_.head("open", "k"));
}

TEST_F(FormUpload, AFieldIsThereOnce) {
  EXPECT_EQ(post("open", {{"key", "k"}, {"x-amz-meta-a", "1"}, {"X-Amz-Meta-A", "2"}}).status, 400);
  EXPECT_EQ(post("open", {{"key", "k"}, {"key", "l"}}).status, 400);
  EXPECT_FALSE(objects_.head("open", "k"));
  EXPECT_FALSE(objects_.head("open", "l"));
}

TEST(ReplyNames, NoNameForgesALine) {
  Reply reply;
  reply.add("x-amz-meta-a: b\r\nSet-Cookie", "c\r\nd");
  EXPECT_EQ(reply.fields, "x-amz-meta-a--b--Set-Cookie: c  d\r\n");
}

TEST(RequestHeadMemory, ViewsStayGoodHoweverMuchIsAdded) {
  RequestHead head(8);
  head.set_line(Method::Put, "PUT", "/path?query");
  for (int i = 0; i < 2000; ++i) head.add_field("Name-" + std::to_string(i), std::to_string(i));
  head.add_field("large", std::string(300'000, 'x'));
  EXPECT_EQ(head.path(), "/path");
  EXPECT_EQ(head.query(), "query");
  for (int i = 0; i < 2000; ++i)
    ASSERT_EQ(head.find("name-" + std::to_string(i)), std::to_string(i));
}

}  // namespace
}  // namespace coffer::gateway
