#pragma once
/// Byte spans and the one codec for bytes on disk: little-endian, bounds-checked.
///
/// ByteWriter appends to a std::string (the value type RocksDB takes). ByteReader reads hostile
/// bytes: it never reads past the end; after the first short read ok() is false and every later
/// read gives zero, so a parser checks ok() once at its end. Big-endian forms exist for ordered
/// database keys.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace coffer {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u16(std::uint16_t v) { fixed(v); }
  void u32(std::uint32_t v) { fixed(v); }
  void u64(std::uint64_t v) { fixed(v); }
  void i64(std::int64_t v) { fixed(static_cast<std::uint64_t>(v)); }
  void u64_big_endian(std::uint64_t v) { fixed(swap_to_big(v)); }
  void u32_big_endian(std::uint32_t v) { fixed(swap_to_big(v)); }
  /// LEB128, at most 10 bytes.
  void varint(std::uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<std::uint8_t>(v | 0x80));
      v >>= 7;
    }
    u8(static_cast<std::uint8_t>(v));
  }
  void raw(Bytes b) { out_.append(as_text(b)); }
  void raw(std::string_view s) { out_.append(s); }
  /// varint length, then the bytes.
  void prefixed(std::string_view s) {
    varint(s.size());
    raw(s);
  }

 private:
  template <typename T>
  static T swap_to_big(T v) {
    static_assert(std::endian::native == std::endian::little);
    if constexpr (sizeof(T) == 8)
      return __builtin_bswap64(v);
    else
      return __builtin_bswap32(v);
  }
  template <typename T>
  void fixed(T v) {
    char b[sizeof(T)];
    std::memcpy(b, &v, sizeof(T));
    out_.append(b, sizeof(T));
  }
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(Bytes in) : in_(in) {}
  explicit ByteReader(std::string_view in) : in_(as_bytes(in)) {}
  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  std::uint64_t u64_big_endian() { return __builtin_bswap64(u64()); }
  std::uint32_t u32_big_endian() { return __builtin_bswap32(u32()); }
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = u8();
      if (shift == 63 && b > 1) {
        ok_ = false;
        return 0;
      }
      v |= std::uint64_t{b & 0x7fU} << shift;
      if ((b & 0x80U) == 0) return ok_ ? v : 0;
    }
    ok_ = false;
    return 0;
  }
  /// A view into the input, valid while the input is.
  Bytes raw(std::size_t n) {
    if (!ok_ || in_.size() < n) {
      ok_ = false;
      return {};
    }
    Bytes r = in_.first(n);
    in_ = in_.subspan(n);
    return r;
  }
  std::string_view text(std::size_t n) { return as_text(raw(n)); }
  std::string_view prefixed() {
    const std::uint64_t n = varint();
    if (n > in_.size()) {
      ok_ = false;
      return {};
    }
    return text(static_cast<std::size_t>(n));
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return in_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return in_.size(); }

 private:
  template <typename T>
  T fixed() {
    const Bytes b = raw(sizeof(T));
    if (b.size() != sizeof(T)) return T{};
    T v;
    std::memcpy(&v, b.data(), sizeof(T));
    return v;
  }
  Bytes in_;
  bool ok_ = true;
};

}  // namespace coffer
