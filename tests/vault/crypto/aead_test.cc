#include "vault/crypto/aead.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "vault/crypto/random.h"
#include "vault/crypto/wrap.h"

namespace coffer::crypto {
namespace {

MutableBytes writable(std::string& s) { return std::as_writable_bytes(std::span(s)); }
const unsigned char* raw(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

std::string from_hex(std::string_view hex) {
  std::string out(hex.size() / 2, '\0');
  std::size_t n = 0;
  EXPECT_EQ(0, sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), hex.data(),
                              hex.size(), nullptr, &n, nullptr));
  return out;
}

SecretKey counting_key() {
  SecretKey key;
  unsigned char next = 0;
  for (std::byte& b : key.mutable_bytes()) b = std::byte{next++};
  return key;
}

std::string sealed_by(const Aead& aead, std::uint64_t ordinal, std::string_view aad,
                      std::string_view plain) {
  std::string out(Aead::sealed_size(plain.size()), '\0');
  EXPECT_TRUE(aead.seal(ordinal, as_bytes(aad), as_bytes(plain), writable(out)));
  return out;
}

Result<std::string> opened_by(const Aead& aead, std::uint64_t ordinal, std::string_view aad,
                              std::string_view sealed) {
  std::string out(sealed.size() - Aead::kTagBytes, 'x');
  COFFER_TRY(aead.open(ordinal, as_bytes(aad), as_bytes(sealed), writable(out)));
  return out;
}

class AeadOfBothCiphers : public testing::TestWithParam<CipherId> {};
INSTANTIATE_TEST_SUITE_P(Ciphers, AeadOfBothCiphers,
                         testing::Values(CipherId::Aes256Gcm, CipherId::XChaCha20Poly1305));

TEST_P(AeadOfBothCiphers, OpensWhatItSealedAtEverySize) {
  const Aead aead(GetParam(), SecretKey::random());
  for (const std::size_t size : {0, 1, 15, 16, 17, 4096, 16384, 100000}) {
    const std::string plain(size, 'p');
    const std::string sealed = sealed_by(aead, size, "aad", plain);
    EXPECT_EQ(plain, opened_by(aead, size, "aad", sealed).value()) << size;
  }
}

TEST_P(AeadOfBothCiphers, SealsAndOpensInPlace) {
  const Aead aead(GetParam(), SecretKey::random());
  std::string buffer(1000 + Aead::kTagBytes, 'p');
  const MutableBytes bytes = writable(buffer);
  ASSERT_TRUE(aead.seal(7, {}, bytes.first(1000), bytes));
  EXPECT_NE(std::string(1000, 'p'), buffer.substr(0, 1000));
  ASSERT_TRUE(aead.open(7, {}, bytes, bytes.first(1000)));
  EXPECT_EQ(std::string(1000, 'p'), buffer.substr(0, 1000));
}

TEST_P(AeadOfBothCiphers, RefusesEveryFlippedBitAndReleasesNothing) {
  const Aead aead(GetParam(), SecretKey::random());
  const std::string good = sealed_by(aead, 1, "aad", "twenty bytes of text");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    std::string out(20, 'x');
    const auto result = aead.open(1, as_bytes("aad"), as_bytes(bad), writable(out));
    ASSERT_FALSE(result);
    EXPECT_EQ(Errc::AuthenticationFailed, result.error().code);
    EXPECT_EQ(std::string(20, '\0'), out);
  }
}

TEST_P(AeadOfBothCiphers, BindsOrdinalAadAndKey) {
  const Aead aead(GetParam(), SecretKey::random());
  const std::string sealed = sealed_by(aead, 5, "aad", "text");
  EXPECT_TRUE(opened_by(aead, 5, "aad", sealed));
  EXPECT_FALSE(opened_by(aead, 6, "aad", sealed));
  EXPECT_FALSE(opened_by(aead, 5 | (std::uint64_t{1} << 63), "aad", sealed));
  EXPECT_FALSE(opened_by(aead, 5, "aae", sealed));
  EXPECT_FALSE(opened_by(aead, 5, "", sealed));
  EXPECT_FALSE(opened_by(Aead(GetParam(), SecretKey::random()), 5, "aad", sealed));
}

TEST_P(AeadOfBothCiphers, RefusesTruncationAndWrongBuffers) {
  const Aead aead(GetParam(), SecretKey::random());
  const std::string sealed = sealed_by(aead, 5, "aad", "text");
  for (std::size_t size = Aead::kTagBytes; size < sealed.size(); ++size) {
    EXPECT_FALSE(opened_by(aead, 5, "aad", sealed.substr(0, size)));
  }
  std::string out(3, '\0');
  EXPECT_EQ(Errc::AuthenticationFailed,
            aead.open(5, {}, as_bytes(sealed).first(15), {}).error().code);
  EXPECT_EQ(Errc::InvalidArgument,
            aead.open(5, as_bytes("aad"), as_bytes(sealed), writable(out)).error().code);
  EXPECT_EQ(Errc::InvalidArgument,
            aead.seal(5, as_bytes("aad"), as_bytes("text"), writable(out)).error().code);
}

TEST_P(AeadOfBothCiphers, IsSharedByThreads) {
  const Aead aead(GetParam(), SecretKey::random());
  std::vector<std::thread> threads;
  std::array<int, 8> failures{};
  for (std::size_t t = 0; t < failures.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 500; ++i) {
        const std::uint64_t ordinal = t * 1000 + i;
        const std::string plain(100 + i, static_cast<char>('a' + t));
        std::string sealed(Aead::sealed_size(plain.size()), '\0');
        std::string back(plain.size(), '\0');
        const bool fine = aead.seal(ordinal, {}, as_bytes(plain), writable(sealed)) &&
                          aead.open(ordinal, {}, as_bytes(sealed), writable(back)) && back == plain;
        // Every other time a forgery in between: a context that failed once must work again.
        const bool forged = bool(aead.open(ordinal + 1, {}, as_bytes(sealed), writable(back)));
        if (!fine || forged) ++failures[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((std::array<int, 8>{}), failures);
}

TEST(AeadKnownAnswer, Aes256GcmOfTheSpecification) {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", test case 14: zero key, zero nonce.
  const SecretKey key;
  const std::string plain(16, '\0');
  EXPECT_EQ(from_hex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
            sealed_by(Aead(CipherId::Aes256Gcm, key), 0, "", plain));
}

TEST(AeadKnownAnswer, XChaCha20Poly1305OfTheDraft) {
  // draft-irtf-cfrg-xchacha-03, A.3.1.
  const std::string key_bytes =
      from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const std::string nonce_bytes = from_hex("404142434445464748494a4b4c4d4e4f5051525354555657");
  const std::string aad = from_hex("50515253c0c1c2c3c4c5c6c7");
  const std::string plain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  RandomNonce nonce;
  std::memcpy(nonce.data(), nonce_bytes.data(), nonce.size());
  std::string out(Aead::sealed_size(plain.size()), '\0');
  const Aead aead(CipherId::XChaCha20Poly1305, SecretKey(as_bytes(key_bytes)));
  ASSERT_TRUE(aead.seal(nonce, as_bytes(aad), as_bytes(plain), writable(out)));
  EXPECT_EQ(from_hex("bd6d179d3e83d43b9576579493c0e939"), out.substr(0, 16));
  EXPECT_EQ(from_hex("c0875924c1c7987947deafd8780acf49"), out.substr(plain.size()));
}

TEST(XChaCha, IsWhatLibsodiumMakesOfTheSameNonce) {
  const SecretKey key = SecretKey::random();
  const Aead aead(CipherId::XChaCha20Poly1305, key);
  for (const std::size_t size : {0, 1, 64, 16384}) {
    const std::string plain(size, 'q');
    RandomNonce nonce;
    fill_random(nonce);
    std::string ours(Aead::sealed_size(size), '\0');
    ASSERT_TRUE(aead.seal(nonce, as_bytes("aad"), as_bytes(plain), writable(ours)));

    std::string theirs(ours.size(), '\0');
    const auto libsodium = [&](const unsigned char* nonce24) {
      crypto_aead_xchacha20poly1305_ietf_encrypt(
          reinterpret_cast<unsigned char*>(theirs.data()), nullptr, raw(plain), plain.size(),
          raw("aad"), 3, nullptr, nonce24,
          reinterpret_cast<const unsigned char*>(key.bytes().data()));
    };
    libsodium(reinterpret_cast<const unsigned char*>(nonce.data()));
    EXPECT_EQ(theirs, ours);

    std::string back(size, '\0');
    EXPECT_TRUE(aead.open(nonce, as_bytes("aad"), as_bytes(theirs), writable(back)));
    EXPECT_EQ(plain, back);

    // An ordinal is the nonce of 16 zero bytes and the ordinal, little-endian.
    std::array<unsigned char, 24> counter{};
    counter[16] = 0x34;
    counter[17] = 0x12;
    libsodium(counter.data());
    EXPECT_EQ(theirs, sealed_by(aead, 0x1234, "aad", plain));
  }
}

TEST(RandomNonce, IsRefusedByAesGcm) {
  const Aead aead(CipherId::Aes256Gcm, SecretKey::random());
  std::string out(Aead::sealed_size(4), '\0');
  EXPECT_EQ(Errc::InvalidArgument,
            aead.seal(RandomNonce{}, {}, as_bytes("text"), writable(out)).error().code);
}

TEST(Wrap, OpensOnlyWithItsKeyItsBindingAndAllItsBytes) {
  const SecretKey key = counting_key();
  const std::string wrapped = wrap(key, as_bytes("aad"), as_bytes("secret")).value();
  EXPECT_EQ(wrapped.size(), 6 + kWrapOverheadBytes);
  EXPECT_NE(wrapped, wrap(key, as_bytes("aad"), as_bytes("secret")).value());
  EXPECT_EQ("secret", unwrap(key, as_bytes("aad"), as_bytes(wrapped)).value().view());
  EXPECT_FALSE(unwrap(key, as_bytes("aae"), as_bytes(wrapped)));
  EXPECT_FALSE(unwrap(SecretKey::random(), as_bytes("aad"), as_bytes(wrapped)));
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    std::string bad = wrapped;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(unwrap(key, as_bytes("aad"), as_bytes(bad))) << i;
    EXPECT_FALSE(unwrap(key, as_bytes("aad"), as_bytes(wrapped).first(i))) << i;
  }
}

}  // namespace
}  // namespace coffer::crypto
