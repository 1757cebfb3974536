#pragma once
/// WorkerCall: runs a function on a worker and resumes the coroutine on its event loop afterwards.
///
/// start() and the await are separate, so that a socket can be read or written meanwhile.
///
/// Threads   start() and co_await on the loop's thread.
/// Invariant a started call is awaited before it is destroyed: the worker refers to it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <coroutine>
#include <utility>

#include "coffer/core/executor.h"
#include "coffer/core/unique_function.h"

namespace coffer::gateway {

class WorkerCall {
 public:
  WorkerCall(Executor& workers, boost::asio::io_context& loop) : workers_(workers), loop_(loop) {}
  ~WorkerCall() { assert(state_ != State::Running); }
  WorkerCall(const WorkerCall&) = delete;
  WorkerCall& operator=(const WorkerCall&) = delete;

  /// False when no worker can take it; it does not run then.
  bool start(UniqueFunction<void()> work) {
    assert(state_ == State::Idle);
    state_ = State::Running;
    work_ = std::move(work);
    if (workers_.try_submit([this] {
          work_();
          boost::asio::post(loop_, [this] { completed(); });
        })) {
      return true;
    }
    state_ = State::Idle;
    return false;
  }

  [[nodiscard]] bool await_ready() const noexcept { return state_ != State::Running; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  void await_resume() noexcept { state_ = State::Idle; }

 private:
  enum class State { Idle, Running, Done };
  void completed() {
    state_ = State::Done;
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  Executor& workers_;
  boost::asio::io_context& loop_;
  UniqueFunction<void()> work_;
  State state_ = State::Idle;
  std::coroutine_handle<> waiter_;
};

}  // namespace coffer::gateway
