#pragma once
/// UniqueFunction<R(Args...)>: a callable that may be moved and not copied, so that it can own what
/// it captures (std::move_only_function comes with C++23 only).
///
/// Owns      its callable: inline up to 48 bytes, on the heap beyond.
/// Threads   like any value: not synchronised.
/// Errors    calling an empty one is a bug.

#include <cassert>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace coffer {

template <typename Signature>
class UniqueFunction;

template <typename R, typename... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  // A lambda is passed as itself; the constraint leaves moves to the move constructor.
  // NOLINTBEGIN(google-explicit-constructor, bugprone-forwarding-reference-overload)
  template <typename Fn,
            typename = std::enable_if_t<!std::is_same_v<std::remove_cvref_t<Fn>, UniqueFunction> &&
                                        std::is_invocable_r_v<R, std::decay_t<Fn>&, Args...>>>
  UniqueFunction(Fn&& fn) {
    using Callable = std::decay_t<Fn>;
    if constexpr (fits<Callable>()) {
      ::new (static_cast<void*>(storage_)) Callable(std::forward<Fn>(fn));
    } else {
      ::new (static_cast<void*>(storage_)) Callable*(new Callable(std::forward<Fn>(fn)));
    }
    operations_ = &kOperations<Callable>;
  }
  // NOLINTEND(google-explicit-constructor, bugprone-forwarding-reference-overload)
  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  explicit operator bool() const { return operations_ != nullptr; }
  R operator()(Args... args) {
    assert(operations_ != nullptr);
    return operations_->call(storage_, std::forward<Args>(args)...);
  }
  /// Destroys the callable and what it captured.
  void reset() {
    if (operations_ == nullptr) return;
    std::exchange(operations_, nullptr)->destroy(storage_);
  }

 private:
  static constexpr std::size_t kInlineBytes = 48;

  struct Operations {
    R (*call)(std::byte*, Args&&...);
    void (*move_to)(std::byte* from, std::byte* to);  // leaves nothing to destroy in `from`
    void (*destroy)(std::byte*);
  };

  template <typename Callable>
  static constexpr bool fits() {
    // NOLINTNEXTLINE(misc-redundant-expression): redundant for most callables only
    return sizeof(Callable) <= kInlineBytes && alignof(Callable) <= alignof(std::max_align_t) &&
           std::is_nothrow_move_constructible_v<Callable>;
  }
  template <typename Callable>
  static Callable& target(std::byte* storage) {
    if constexpr (fits<Callable>()) {
      return *std::launder(reinterpret_cast<Callable*>(storage));
    } else {
      return **std::launder(reinterpret_cast<Callable**>(storage));
    }
  }
  template <typename Callable>
  static R call(std::byte* storage, Args&&... args) {
    return target<Callable>(storage)(std::forward<Args>(args)...);
  }
  template <typename Callable>
  static void move_to(std::byte* from, std::byte* to) {
    if constexpr (fits<Callable>()) {
      ::new (static_cast<void*>(to)) Callable(std::move(target<Callable>(from)));
      target<Callable>(from).~Callable();
    } else {
      ::new (static_cast<void*>(to)) Callable*(&target<Callable>(from));
    }
  }
  template <typename Callable>
  static void destroy(std::byte* storage) {
    if constexpr (fits<Callable>()) {
      target<Callable>(storage).~Callable();
    } else {
      delete &target<Callable>(storage);
    }
  }
  template <typename Callable>
  static constexpr Operations kOperations{&call<Callable>, &move_to<Callable>, &destroy<Callable>};

  void take(UniqueFunction& other) {
    operations_ = std::exchange(other.operations_, nullptr);
    if (operations_ != nullptr) operations_->move_to(other.storage_, storage_);
  }

  const Operations* operations_ = nullptr;
  alignas(std::max_align_t) std::byte storage_[kInlineBytes];
};

}  // namespace coffer
