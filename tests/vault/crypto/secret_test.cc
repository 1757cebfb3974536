#include "vault/crypto/secret.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "coffer/vault/harden_process.h"
#include "coffer/vault/uuid.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/kdf.h"
#include "vault/crypto/random.h"
#include "vault/crypto/recovery_key.h"

namespace coffer::crypto {
namespace {

std::string hex(Bytes bytes) {
  std::string out;
  for (const std::byte b : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out.push_back(kDigits[std::to_integer<unsigned>(b) >> 4]);
    out.push_back(kDigits[std::to_integer<unsigned>(b) & 15U]);
  }
  return out;
}

TEST(SecretKey, IsZeroAtFirstAlsoWhereAnotherKeyLay) {
  const std::byte* place = nullptr;
  {
    const SecretKey key = SecretKey::random();
    place = key.bytes().data();
  }
  const SecretKey next;
  EXPECT_EQ(place, next.bytes().data()) << "the pool gives out the last freed place";
  EXPECT_EQ(std::string(32, '\0'), as_text(next.bytes()));
}

TEST(SecretKey, ManyKeysDoNotOverlap) {
  std::vector<SecretKey> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(SecretKey::random());
  std::set<std::string> distinct;
  for (const SecretKey& key : keys) distinct.emplace(as_text(key.bytes()));
  EXPECT_EQ(1000U, distinct.size());
}

TEST(SecretKey, CopiesOnlyWhenTold) {
  static_assert(!std::is_copy_constructible_v<SecretKey>);
  static_assert(!std::is_copy_constructible_v<SecretString>);
  SecretKey a = SecretKey::random();
  const SecretKey b = a.copy();
  EXPECT_TRUE(a.equals(b));
  const SecretKey c = std::move(a);
  EXPECT_TRUE(c.equals(b));
}

TEST(SecretString, GrowsAndShrinksKeepingItsContent) {
  SecretString s;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    s.push_back(static_cast<char>('a' + i % 26));
    expected.push_back(static_cast<char>('a' + i % 26));
  }
  EXPECT_EQ(expected, s.view());
  s.pop_back();
  s.resize(2);
  EXPECT_EQ("ab", s.view());
  s.resize(4);
  EXPECT_EQ(std::string("ab\0\0", 4), s.view());
  const SecretString moved = std::move(s);
  EXPECT_EQ(4U, moved.size());
}

TEST(HardenProcess, ForbidsCoreDumpsAndTracing) {
  const auto harden = [] {
    rlimit limit = {};
    const bool done = bool(harden_process()) && getrlimit(RLIMIT_CORE, &limit) == 0;
    std::_Exit(done && limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
  };
  // In a child, so that this test's own debugging is not cut off.
  EXPECT_EXIT(harden(), testing::ExitedWithCode(0), "");
}

TEST(Hash, IsBlake2b) {
  // BLAKE2b-256 of the empty message and of "abc".
  EXPECT_EQ("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8", hex(digest({})));
  EXPECT_EQ("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
            hex(digest(as_bytes("abc"))));
}

TEST(DeriveKey, SeparatesParentLabelAndContext) {
  const SecretKey parent = SecretKey::random();
  const SecretKey key = derive_key(parent, "label", as_bytes("context"));
  EXPECT_TRUE(key.equals(derive_key(parent, "label", as_bytes("context"))));
  EXPECT_FALSE(key.equals(parent));
  EXPECT_FALSE(key.equals(derive_key(parent, "labelc", as_bytes("ontext"))));
  EXPECT_FALSE(key.equals(derive_key(parent, "label", {})));
  EXPECT_FALSE(key.equals(derive_key(SecretKey::random(), "label", as_bytes("context"))));
}

TEST(DeriveKey, StaysWhatOldVaultsWereSealedWith) {
  const SecretKey zero;
  EXPECT_EQ("664ddd89826f10436b9c56e30513532b5ba7263a39472932236a9abf317e102b",
            hex(derive_key(zero, "label", as_bytes("context")).bytes()));
}

TEST(KeyedMac, VerifiesOnlyTheMessageUnderItsKey) {
  const SecretKey key = SecretKey::random();
  const KeyedMac mac(key.copy());
  const auto short_mac = mac.mac16(as_bytes("message"));
  const auto long_mac = mac.mac32(as_bytes("message"));
  EXPECT_TRUE(mac.verify(as_bytes("message"), short_mac));
  EXPECT_TRUE(mac.verify(as_bytes("message"), long_mac));
  EXPECT_FALSE(mac.verify(as_bytes("massage"), long_mac));
  EXPECT_FALSE(mac.verify(as_bytes("message"), Bytes(long_mac).first(16)));
  EXPECT_FALSE(mac.verify(as_bytes("message"), Bytes(long_mac).first(8)));
  EXPECT_FALSE(mac.verify(as_bytes("message"), {}));
  EXPECT_FALSE(KeyedMac(SecretKey::random()).verify(as_bytes("message"), short_mac));
}

TEST(RecoveryKey, ComesBackHoweverItIsTyped) {
  for (int i = 0; i < 50; ++i) {
    const SecretKey key = SecretKey::random();
    const SecretString text = recovery_key_text(key);
    ASSERT_EQ(14U * 4 + 13, text.size());
    std::string typed(text.view());
    EXPECT_TRUE(parse_recovery_key(typed).value().equals(key));
    std::transform(typed.begin(), typed.end(), typed.begin(), [](char c) {
      if (c == '0') return 'o';
      if (c == '1') return 'l';
      return c == '-' ? ' ' : static_cast<char>(std::tolower(c));
    });
    EXPECT_TRUE(parse_recovery_key(typed + "\n").value().equals(key));
  }
}

TEST(RecoveryKey, NoticesATypoASwapAndAMissingCharacter) {
  const SecretKey key(as_bytes("0123456789abcdefghijklmnopqrstuv"));
  const std::string text(recovery_key_text(key).view());
  int swaps = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    for (const char c : std::string("0ZU!")) {
      if (c == text[i]) continue;
      std::string bad = text;
      bad[i] = c;
      EXPECT_FALSE(parse_recovery_key(bad)) << i;
    }
    EXPECT_FALSE(parse_recovery_key(text.substr(0, i) + text.substr(i + 1))) << i;
    if (i + 1 < text.size() && text[i + 1] != '-' && text[i + 1] != text[i]) {
      std::string bad = text;
      std::swap(bad[i], bad[i + 1]);
      EXPECT_FALSE(parse_recovery_key(bad)) << i;
      ++swaps;
    }
  }
  EXPECT_GT(swaps, 20);
  EXPECT_FALSE(parse_recovery_key(""));
  EXPECT_FALSE(parse_recovery_key(text + "0"));
}

TEST(Uuid, HasATextFormThatComesBack) {
  const Uuid id = random_uuid();
  EXPECT_FALSE(id.is_nil());
  EXPECT_EQ(32U, id.to_string().size());
  EXPECT_EQ(id, Uuid::parse(id.to_string()).value());
  EXPECT_NE(id, random_uuid());
  EXPECT_EQ(id, Uuid::from_bytes(id.bytes()));
  EXPECT_TRUE(Uuid::from_bytes({}).is_nil());
  EXPECT_FALSE(Uuid::parse("0123"));
  EXPECT_FALSE(Uuid::parse("0123456789abcdef0123456789abcdeg"));
  EXPECT_EQ(VolumeUuid(id), VolumeUuid(id));
  EXPECT_EQ(std::hash<VolumeUuid>{}(VolumeUuid(id)), std::hash<Uuid>{}(id));
}

}  // namespace
}  // namespace coffer::crypto
