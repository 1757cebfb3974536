// fsops WORK DIRECTORY COUNT: loops of system calls in DIRECTORY, too fast for a script to drive; prints `name rate` lines.
//
//   names      create (4 KiB each), stat of missing and present names, rename, unlink of COUNT files: each a line
//   randread   COUNT reads of 4 KiB at random places of DIRECTORY/sequential
//   randwrite  COUNT writes of 4 KiB at random places of it, then one fsync
//   syncwrite  COUNT writes of 4 KiB at random places of it, with an fsync after each
//   write4k    COUNT sequential writes of 4 KiB into a new file, then one fsync

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kBlockBytes = 4096;

[[noreturn]] void die(const std::string& what) {
  std::perror(("fsops: " + what).c_str());
  std::exit(1);
}

void report(const char* name, long count, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%s %.1f\n", name, static_cast<double>(count) / seconds.count());
}

void names(const std::string& directory, long count) {
  const std::string base = directory + "/names";
  if (::mkdir(base.c_str(), 0700) != 0) die(base);
  std::vector<std::string> here, moved, missing;
  for (long i = 0; i < count; ++i) {
    here.push_back(base + "/file-" + std::to_string(i));
    moved.push_back(base + "/moved-" + std::to_string(i));
    missing.push_back(base + "/missing-" + std::to_string(i));
  }
  const std::vector<char> block(kBlockBytes, 'c');
  report("create", count, [&] {
    for (const std::string& path : here) {
      const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
      if (fd < 0 || ::write(fd, block.data(), block.size()) != kBlockBytes || ::close(fd) != 0)
        die(path);
    }
  });
  struct stat status {};
  report("stat-missing", count, [&] {
    for (const std::string& path : missing)
      if (::stat(path.c_str(), &status) == 0) die("there: " + path);
  });
  report("stat-present", count, [&] {
    for (const std::string& path : here)
      if (::stat(path.c_str(), &status) != 0 || status.st_size != kBlockBytes) die(path);
  });
  report("rename", count, [&] {
    for (std::size_t i = 0; i < here.size(); ++i)
      if (::rename(here[i].c_str(), moved[i].c_str()) != 0) die(here[i]);
  });
  report("unlink", count, [&] {
    for (const std::string& path : moved)
      if (::unlink(path.c_str()) != 0) die(path);
  });
  if (::rmdir(base.c_str()) != 0) die(base);
}

void random_places(const std::string& work, const std::string& directory, long count) {
  const std::string path = directory + "/sequential";
  const int fd = ::open(path.c_str(), work == "randread" ? O_RDONLY : O_WRONLY);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) die(path);
  std::vector<char> block(kBlockBytes, 'r');
  std::mt19937_64 random(7);  // the same places on every column
  const auto blocks = static_cast<std::uint64_t>(status.st_size) / kBlockBytes;
  report(work.c_str(), count, [&] {
    for (long i = 0; i < count; ++i) {
      const auto at = static_cast<off_t>(random() % blocks * kBlockBytes);
      const ssize_t done = work == "randread" ? ::pread(fd, block.data(), block.size(), at)
                                              : ::pwrite(fd, block.data(), block.size(), at);
      if (done != kBlockBytes) die(path);
      if (work == "syncwrite" && ::fsync(fd) != 0) die(path);
    }
    if (work == "randwrite" && ::fsync(fd) != 0) die(path);
  });
  ::close(fd);
}

void write_small(const std::string& directory, long count) {
  const std::string path = directory + "/small-writes";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) die(path);
  const std::vector<char> block(kBlockBytes, 'w');
  report("write4k", count, [&] {
    for (long i = 0; i < count; ++i)
      if (::write(fd, block.data(), block.size()) != kBlockBytes) die(path);
    if (::fsync(fd) != 0) die(path);
  });
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string work = argc == 4 ? argv[1] : "";
  const long count = argc == 4 ? std::atol(argv[3]) : 0;
  if (count > 0 && work == "names")
    names(argv[2], count);
  else if (count > 0 && (work == "randread" || work == "randwrite" || work == "syncwrite"))
    random_places(work, argv[2], count);
  else if (count > 0 && work == "write4k")
    write_small(argv[2], count);
  else {
    std::fprintf(stderr,
                 "usage: fsops names|randread|randwrite|syncwrite|write4k DIRECTORY COUNT\n");
    return 1;
  }
  return 0;
}
