#include "fuse/session.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "coffer/core/log.h"
#include "fuse/libfuse.h"
#include "fuse/operations.h"
#include "fuse/request_extras.h"

namespace coffer::fuse {

namespace {

constexpr std::chrono::seconds kInitDeadline{30};

/// Requests whose answer the kernel caches and that change nothing.
bool reads_metadata(std::uint32_t opcode) {
  return opcode == FUSE_LOOKUP || opcode == FUSE_GETATTR || opcode == FUSE_READDIR ||
         opcode == FUSE_READDIRPLUS || opcode == FUSE_READLINK || opcode == kOpcodeStatx;
}

/// Bodies from this size on are sealed, opened or read from disk before the answer.
constexpr std::uint32_t kLongBodyBytes = 64 * 1024;

/// Requests that may keep a worker for milliseconds, which is longer than small ones should wait.
bool may_take_long(const fuse_in_header& header, std::span<const std::byte> body) {
  switch (header.opcode) {
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
    case kOpcodeCopyFileRange64:
    case kOpcodeSyncFs:
      return true;
    case FUSE_WRITE:
      return body.size() >= kLongBodyBytes;
    case FUSE_READ: {
      fuse_read_in wanted{};
      if (body.size() >= sizeof(wanted)) std::memcpy(&wanted, body.data(), sizeof(wanted));
      return wanted.size >= kLongBodyBytes;
    }
    default:
      return false;
  }
}

/// Nobody knows what an odd error of read(2) means; the mount goes on, without a busy loop.
constexpr std::chrono::milliseconds kReadErrorPause{10};

/// A client that waits for each answer sends its next request some microseconds after the last reply. To look for it that long
/// saves two switches of threads, and on a virtual machine the wake-up of an idle CPU.
/// Measured: untar 2,646 to 3,081 files/s instead of 1,998 to 2,289, for a quarter more of CPU time; 120 microseconds give no more.
constexpr std::chrono::microseconds kSoon{60};
constexpr int kEagernessMax = 8;

/// Wakes a worker from read(2); nothing else does while the connection stays open.
int wake_signal() { return SIGRTMIN + 1; }

void install_wake_signal() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // no SA_RESTART: read(2) must return
  ::sigaction(wake_signal(), &action, nullptr);
}

/// Signals are for the process's main thread; a worker that took SIGTERM would run its handler
/// while a request waits.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigdelset(&all, wake_signal());
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

Session::Session(int descriptor, Context& context, unsigned workers)
    : descriptor_(descriptor), context_(context), read_sections_(workers) {
  workers_.reserve(workers);
  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->buffer = std::make_unique_for_overwrite<std::byte[]>(kRequestBytesMax);
  }
}

Result<std::unique_ptr<Session>> Session::create(int descriptor,
                                                 const fuse_lowlevel_ops& operations,
                                                 Context& context, unsigned workers) {
  std::unique_ptr<Session> session(new Session(descriptor, context, workers));
  char name[] = "coffer";
  char* words[] = {name, nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(1, words);
  session->session_ = ::fuse_session_new(&arguments, &operations, sizeof(operations), &context);
  ::fuse_opt_free_args(&arguments);  // libfuse copies the words when it parses them
  if (session->session_ == nullptr) {
    ::close(descriptor);
    return fail(Errc::Io, "libfuse made no session");
  }
  fuse_custom_io hooks{};
  hooks.read = &Session::receive_hook;
  hooks.writev = &Session::send_hook;
  if (const int error = ::fuse_session_custom_io(session->session_, &hooks, descriptor);
      error != 0) {
    ::close(descriptor);
    return fail(Errc::Io, "libfuse took no custom I/O");
  }
  return session;
}

Session::~Session() {
  join();
  if (session_ != nullptr) ::fuse_session_destroy(session_);  // closes the descriptor
}

ssize_t Session::send_hook(int fd, iovec* parts, int count, void* userdata) {
  return static_cast<Context*>(userdata)->shim.send(
      fd, std::span(parts, static_cast<std::size_t>(count)));
}

ssize_t Session::receive_hook(int fd, void* buffer, std::size_t bytes, void* /*userdata*/) {
  return ::read(fd, buffer, bytes);
}

Result<void> Session::start() {
  ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
  install_wake_signal();
  {
    MutexLock lock(mutex_);
    running_ = workers_.size();
  }
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->thread = std::thread([this, i] { serve(i); });
  const auto deadline = std::chrono::steady_clock::now() + kInitDeadline;
  MutexLock lock(mutex_);
  while (!initialised_ && running_ > 0) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return fail(Errc::TimedOut, "the kernel did not open the session");
    changed_.wait_for(lock, left);
  }
  if (!initialised_) return fail(Errc::Io, "the kernel refused the session");
  return {};
}

ssize_t Session::receive(Worker& worker) const {
  const auto read_one = [&] { return ::read(descriptor_, worker.buffer.get(), kRequestBytesMax); };
  const auto nothing_yet = [](ssize_t got) { return got < 0 && errno == EAGAIN; };
  ssize_t got = read_one();
  if (!nothing_yet(got)) return got;
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::steady_clock::now() - start; };
  if (worker.eagerness > 0) {
    do {
      ::sched_yield();  // to the client, where it shares this CPU
      got = read_one();
    } while (nothing_yet(got) && passed() < kSoon);
  }
  while (nothing_yet(got)) {
    pollfd waiting{descriptor_, POLLIN, 0};
    if (::poll(&waiting, 1, -1) < 0) return -1;
    got = read_one();
  }
  worker.eagerness = std::clamp(worker.eagerness + (passed() < kSoon ? 1 : -1), 0, kEagernessMax);
  return got;
}

void Session::serve(std::size_t index) {
  block_signals();
  Worker& worker = *workers_[index];
  Lookout::Turn turn{.parked = index > 0};
  while (::fuse_session_exited(session_) == 0 && lookout_.listen(turn)) {
    const ssize_t got = receive(worker);
    if (got > 0) {
      lookout_.took(turn);
      handle(index, {worker.buffer.get(), static_cast<std::size_t>(got)});
      continue;
    }
    lookout_.took_nothing();
    // ENOENT: the request was interrupted before we took it.
    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
    if (got < 0 && errno != ENODEV) {
      log_error("reading from /dev/fuse failed: errno {}", errno);
      std::this_thread::sleep_for(kReadErrorPause);  // not a busy loop of errors
      continue;
    }
    break;  // ENODEV: unmounted
  }
  lookout_.end();  // parked workers have nothing to wait for any more
  worker_ended();
}

void Session::worker_ended() {
  MutexLock lock(mutex_);
  --running_;
  changed_.notify_all();
}

void Session::handle(std::size_t index, std::span<std::byte> request) {
  if (request.size() < sizeof(fuse_in_header)) return;
  fuse_in_header header;
  std::memcpy(&header, request.data(), sizeof(header));
  auto& count = workers_[index]->counts[header.opcode < kOpcodesMax ? header.opcode : 0];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);

  if (reads_metadata(header.opcode)) {
    const ReadSections::Scope reading(read_sections_, index);
    dispatch(header, request);
    return;
  }
  if (header.opcode != FUSE_INIT) {
    if (may_take_long(header, request.subspan(sizeof(header)))) lookout_.call_replacement();
    dispatch(header, request);
    return;
  }
  context_.shim.note_request(request);
  dispatch(header, request);
  if (context_.shim.initialised()) {
    MutexLock lock(mutex_);
    initialised_ = true;
    changed_.notify_all();
  }
}

void Session::dispatch(const fuse_in_header& header, std::span<std::byte> request) {
  // libfuse 3.14 knows nothing beyond COPY_FILE_RANGE; what is not ours either it answers ENOSYS.
  if (header.opcode > FUSE_COPY_FILE_RANGE &&
      handle_raw_request(context_, header, request.subspan(sizeof(fuse_in_header))))
    return;
  current_request_extras() = parse_request_extras(request);
  if (header.opcode == FUSE_SETXATTR && (context_.shim.flags_sent() & FUSE_SETXATTR_EXT) != 0)
    request = shorten_setxattr(request, current_request_extras());
  fuse_buf buffer{};
  buffer.size = request.size();
  buffer.mem = request.data();
  ::fuse_session_process_buf(session_, &buffer);
}

bool Session::reply_raw(std::uint64_t unique, int error, std::span<const iovec> parts) {
  fuse_out_header header{};
  header.unique = unique;
  header.error = -error;
  std::vector<iovec> all{{&header, sizeof(header)}};
  all.insert(all.end(), parts.begin(), parts.end());
  std::size_t bytes = 0;
  for (const iovec& part : all) bytes += part.iov_len;
  header.len = static_cast<std::uint32_t>(bytes);
  return context_.shim.send(descriptor_, all) >= 0;
}

bool Session::wait_ended(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(mutex_);
  while (running_ > 0) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    changed_.wait_for(lock, left);
  }
  return true;
}

void Session::wait_ended() {
  MutexLock lock(mutex_);
  while (running_ > 0) changed_.wait(lock);
}

void Session::interrupt() {
  ::fuse_session_exit(session_);
  lookout_.end();
  // A signal that comes just before read(2) is lost, so it is sent again until it was heard.
  while (!wait_ended(std::chrono::milliseconds(5))) {
    for (const auto& worker : workers_)
      ::pthread_kill(worker->thread.native_handle(), wake_signal());
  }
  // The last descriptor of the connection ends it: who waits for an answer is told so. The number stays taken until libfuse closes it.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  ::dup3(null, descriptor_, O_CLOEXEC);
  ::close(null);
}

void Session::join() {
  for (const auto& worker : workers_)
    if (worker->thread.joinable()) worker->thread.join();
}

std::array<std::uint64_t, kOpcodesMax> Session::request_counts() const {
  std::array<std::uint64_t, kOpcodesMax> total{};
  for (const auto& worker : workers_)
    for (std::size_t op = 0; op < kOpcodesMax; ++op)
      total[op] += worker->counts[op].load(std::memory_order_relaxed);
  return total;
}

}  // namespace coffer::fuse
