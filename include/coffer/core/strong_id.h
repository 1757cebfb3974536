#pragma once
/// StrongId and Quantity: integers that cannot be mixed up.
///
/// StrongId is a name: compared and hashed, never added. ByteOffset is a position, ByteCount a
/// length: offset + count = offset, offset - offset = count, count + count = count.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>

namespace coffer {

template <typename Tag, typename Rep>
class StrongId {
 public:
  using rep = Rep;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

 private:
  Rep value_{};
};

template <typename Tag, typename Rep>
class Quantity {
 public:
  using rep = Rep;
  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value_ + b.value_);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value_ - b.value_);
  }

 private:
  Rep value_{};
};

using ByteCount = Quantity<struct ByteCountTag, std::uint64_t>;

class ByteOffset {
 public:
  constexpr ByteOffset() = default;
  constexpr explicit ByteOffset(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  constexpr auto operator<=>(const ByteOffset&) const = default;
  constexpr ByteOffset& operator+=(ByteCount count) {
    value_ += count.value();
    return *this;
  }
  friend constexpr ByteOffset operator+(ByteOffset a, ByteCount b) {
    return ByteOffset(a.value_ + b.value());
  }
  friend constexpr ByteOffset operator-(ByteOffset a, ByteCount b) {
    return ByteOffset(a.value_ - b.value());
  }
  friend constexpr ByteCount operator-(ByteOffset a, ByteOffset b) {
    return ByteCount(a.value_ - b.value_);
  }

 private:
  std::uint64_t value_ = 0;
};

static_assert(!std::is_convertible_v<ByteCount, ByteOffset>);
static_assert(!std::is_convertible_v<std::uint64_t, ByteCount>);

}  // namespace coffer

template <typename Tag, typename Rep>
struct std::hash<coffer::StrongId<Tag, Rep>> {
  std::size_t operator()(coffer::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
