#include "gateway/s3/customer_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace coffer::gateway {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kProofBytes = 32;
constexpr std::size_t kBlockBytes = 16;
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::string_view kCipher = "coffer sse-c cipher";
constexpr std::string_view kProof = "coffer sse-c proof";
constexpr std::string_view kEtag = "coffer sse-c etag";
constexpr std::size_t kEtagBytes = 16;

tl::unexpected<S3Error> wrong(std::string message) {
  return s3_fail(S3Code::InvalidArgument, std::move(message));
}

}  // namespace

CustomerCipher::CustomerCipher(const std::array<std::byte, 32>& key)
    : context_(EVP_CIPHER_CTX_new()), key_(key) {}
CustomerCipher::CustomerCipher(CustomerCipher&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)), key_(other.key_) {}
CustomerCipher::~CustomerCipher() {
  EVP_CIPHER_CTX_free(context_);
  OPENSSL_cleanse(key_.data(), key_.size());
}

Result<void> CustomerCipher::apply(std::uint64_t offset, MutableBytes bytes) {
  std::array<unsigned char, kBlockBytes> counter{};
  std::uint64_t block = offset / kBlockBytes;
  for (std::size_t i = kBlockBytes; block != 0; block >>= 8)
    counter[--i] = static_cast<unsigned char>(block & 0xff);
  const auto* const key = reinterpret_cast<const unsigned char*>(key_.data());
  bool done = context_ != nullptr &&
              EVP_EncryptInit_ex(context_, EVP_aes_256_ctr(), nullptr, key, counter.data()) == 1;
  int n = 0;
  std::array<unsigned char, kBlockBytes> skipped{};
  const auto skip = static_cast<int>(offset % kBlockBytes);
  if (done && skip > 0)
    done = EVP_EncryptUpdate(context_, skipped.data(), &n, skipped.data(), skip) == 1;
  while (done && !bytes.empty()) {
    const MutableBytes piece = bytes.first(std::min<std::size_t>(bytes.size(), 1U << 30));
    auto* const at = reinterpret_cast<unsigned char*>(piece.data());
    done = EVP_EncryptUpdate(context_, at, &n, at, static_cast<int>(piece.size())) == 1;
    bytes = bytes.subspan(piece.size());
  }
  if (!done) return fail(Errc::Io, "AES-256-CTR failed");
  return {};
}

CustomerKey::~CustomerKey() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::string CustomerKey::etag(std::string_view md5) const {
  const auto digest = derive(kEtag, md5);
  return to_hex(Bytes(digest).first(kEtagBytes));
}

S3Result<std::optional<CustomerKey>> CustomerKey::read(const S3Call& call, Of of) {
  const std::string prefix = of == Of::Object
                                 ? "x-amz-server-side-encryption-customer-"
                                 : "x-amz-copy-source-server-side-encryption-customer-";
  const auto algorithm = call.head.find(prefix + "algorithm");
  const auto key_text = call.head.find(prefix + "key");
  const auto md5_text = call.head.find(prefix + "key-md5");
  if (!algorithm && !key_text && !md5_text) return std::optional<CustomerKey>();
  if (!algorithm) {
    return wrong(
        "Requests specifying Server Side Encryption with Customer provided keys must "
        "provide a valid encryption algorithm.");
  }
  if (*algorithm != "AES256") return s3_fail(S3Code::InvalidEncryptionAlgorithmError);
  if (!key_text) {
    return wrong(
        "Requests specifying Server Side Encryption with Customer provided keys must "
        "provide an appropriate secret key.");
  }
  if (!md5_text) {
    return wrong(
        "Requests specifying Server Side Encryption with Customer provided keys must "
        "provide the client calculated MD5 of the secret key.");
  }
  CustomerKey key;
  key.key_ = from_base64(*key_text, 32);
  if (key.key_.empty()) return wrong("The secret key was invalid for the specified algorithm.");
  Digest md5(Digest::Kind::Md5);
  md5.update(key.key_);
  if (to_base64(as_bytes(md5.finish())) != *md5_text) {
    return wrong("The calculated MD5 hash of the key did not match the hash that was provided.");
  }
  if (of == Of::Object && call.head.find("x-amz-server-side-encryption")) {
    return wrong(
        "Server Side Encryption with Customer provided key is incompatible with the "
        "encryption method specified");
  }
  return std::optional<CustomerKey>(std::move(key));
}

S3Result<std::optional<CustomerKey>> CustomerKey::require(
    const S3Call& call, Of of, const std::map<std::string, std::string>& checksums) {
  S3_ASSIGN(std::optional<CustomerKey> key, read(call, of));
  const auto seal = checksums.find(kCustomerSeal);
  if (seal == checksums.end()) {
    if (!key) return key;
    return s3_fail(S3Code::InvalidRequest,
                   "The encryption parameters are not applicable to this object.");
  }
  if (!key) {
    return s3_fail(S3Code::InvalidRequest,
                   "The object was stored using a form of Server Side Encryption. The correct "
                   "parameters must be provided to retrieve the object.");
  }
  if (!key->fits(seal->second)) {
    return s3_fail(S3Code::InvalidRequest,
                   "The provided encryption parameters did not match the ones used originally.");
  }
  return key;
}

std::array<std::byte, 32> CustomerKey::derive(std::string_view salt,
                                              std::string_view purpose) const {
  return hmac_sha256(as_bytes(key_), std::string(salt).append(purpose));
}

S3Result<std::string> CustomerKey::new_seal() const {
  std::string seal(kSaltBytes, '\0');
  // A salt that comes twice is a key stream that is used twice.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(seal.data()), kSaltBytes) != 1)
    return s3_fail(S3Code::InternalError);
  const auto proof = derive(seal, kProof);
  seal.append(as_text(Bytes(proof)));
  return to_base64(as_bytes(seal));
}

bool CustomerKey::fits(std::string_view seal) const {
  const std::string raw = from_base64(seal, kSaltBytes + kProofBytes);
  if (raw.empty()) return false;
  const auto proof = derive(std::string_view(raw).substr(0, kSaltBytes), kProof);
  return equal_constant_time(as_text(Bytes(proof)), std::string_view(raw).substr(kSaltBytes));
}

CustomerCipher CustomerKey::cipher(std::string_view seal) const {
  const std::string raw = from_base64(seal, kSaltBytes + kProofBytes);
  auto key = derive(std::string_view(raw).substr(0, kSaltBytes), kCipher);
  CustomerCipher cipher(key);
  OPENSSL_cleanse(key.data(), key.size());
  return cipher;
}

void add_encryption_headers(const S3Call& call, bool customer, Reply& reply) {
  if (!customer) {
    reply.add("x-amz-server-side-encryption", "AES256");
    return;
  }
  constexpr std::string_view kMd5 = "x-amz-server-side-encryption-customer-key-MD5";
  reply.add("x-amz-server-side-encryption-customer-algorithm", "AES256");
  if (const auto md5 = call.head.find("x-amz-server-side-encryption-customer-key-md5"))
    reply.add(kMd5, *md5);
}

namespace {

class SealingWriter final : public ObjectWriter {
 public:
  SealingWriter(std::unique_ptr<ObjectWriter> inner, CustomerCipher cipher)
      : inner_(std::move(inner)), cipher_(std::move(cipher)) {}

  Result<void> write(Bytes data) override {
    // Not in place: the same bytes are being hashed.
    while (!data.empty()) {
      const Bytes piece = data.first(std::min(data.size(), kPieceBytes));
      scratch_.assign(piece.begin(), piece.end());
      COFFER_TRY(cipher_.apply(inner_->size(), scratch_));
      COFFER_TRY(inner_->write(scratch_));
      data = data.subspan(piece.size());
    }
    return {};
  }
  Result<void> append_range(ObjectReader&, std::uint64_t, std::uint64_t) override {
    return fail(Errc::NotSupported, "sealed bytes are not shared");
  }
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    COFFER_ASSIGN(const std::size_t n, inner_->read(offset, out));
    COFFER_TRY(cipher_.apply(offset, out.first(n)));
    return n;
  }
  [[nodiscard]] std::uint64_t size() const override { return inner_->size(); }
  Result<ObjectInfo> commit(ObjectMetadata metadata, const WriteConditions& conditions,
                            Durability durability) override {
    return inner_->commit(std::move(metadata), conditions, durability);
  }

 private:
  const std::unique_ptr<ObjectWriter> inner_;
  CustomerCipher cipher_;
  std::vector<std::byte> scratch_;
};

}  // namespace

std::unique_ptr<ObjectWriter> sealing_writer(std::unique_ptr<ObjectWriter> inner,
                                             CustomerCipher cipher) {
  return std::make_unique<SealingWriter>(std::move(inner), std::move(cipher));
}

S3Result<SealedReader> SealedReader::create(const S3Call& call, const ObjectInfo& info,
                                            const CustomerKey& key) {
  SealedReader reader;
  if (info.metadata.parts == 0) {
    reader.pieces_.push_back({0, info.size, key.cipher(info.metadata.checksums.at(kCustomerSeal))});
    return reader;
  }
  const auto parts = call.service.objects.object_parts(info);
  if (!parts) return s3_fail(call.failure(parts.error(), Subject::Object));
  std::uint64_t begin = 0;
  for (const PartInfo& part : *parts) {
    const auto seal = part.checksums.find(kCustomerSeal);
    if (seal == part.checksums.end() || !key.fits(seal->second))
      return s3_fail(S3Code::InternalError);
    reader.pieces_.push_back({begin, begin + part.size, key.cipher(seal->second)});
    begin += part.size;
  }
  if (begin != info.size) return s3_fail(S3Code::InternalError);
  return reader;
}

Result<void> SealedReader::open(std::uint64_t offset, MutableBytes bytes) {
  auto piece =
      std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                       [](std::uint64_t at, const Piece& candidate) { return at < candidate.end; });
  for (; piece != pieces_.end() && !bytes.empty(); ++piece) {
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), piece->end - offset));
    COFFER_TRY(piece->cipher.apply(offset - piece->begin, bytes.first(n)));
    bytes = bytes.subspan(n);
    offset += n;
  }
  return {};
}

}  // namespace coffer::gateway
