#include "cli/mount_helper.h"

#include <algorithm>
#include <string_view>

namespace coffer::cli {
namespace {

enum class Helper { None, Mount, Unmount };

Helper helper_of(const std::string& program) {
  const std::string name = program.substr(program.rfind('/') + 1);
  if (name == "mount.coffer" || name == "mount.fuse.coffer") return Helper::Mount;
  if (name == "umount.coffer" || name == "umount.fuse.coffer") return Helper::Unmount;
  return Helper::None;
}

/// A word of single letters, each of which is one of `letters`: "-nv".
bool is_switches(const std::string& word, std::string_view letters) {
  return word.size() > 1 && word[0] == '-' &&
         word.find_first_not_of(letters, 1) == std::string::npos;
}

bool has(const std::string& switches, char letter) {
  return switches.find(letter) != std::string::npos;
}

/// What a remount undoes where its list, which mount(8) makes complete, does not say the contrary.
constexpr const char* kOpposites = "suid,dev,exec,async,atime,diratime,symfollow";

bool is_remount(const std::vector<std::string>& given) {
  return std::any_of(given.begin(), given.end(), [](const std::string& word) {
    return ("," + word + ",").find(",remount,") != std::string::npos;
  });
}

}  // namespace

std::optional<HelperCall> helper_call(const std::string& program,
                                      const std::vector<std::string>& given, Caller caller) {
  const Helper helper = helper_of(program);
  if (helper == Helper::None) return std::nullopt;
  const bool mounts = helper == Helper::Mount;
  HelperCall call{{mounts ? "mount" : "unmount"}};
  if (mounts && caller == Caller::Root)
    call.arguments.insert(call.arguments.end(),
                          {"-o", is_remount(given) ? kOpposites : "suid,dev"});
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string& word = given[i];
    if (word == "-t") {  // the type, which the name says as well
      ++i;
    } else if (word == "-o" && i + 1 < given.size()) {
      call.arguments.insert(call.arguments.end(), {word, given[++i]});
    } else if (is_switches(word, mounts ? "sfnvw" : "flnrv")) {
      // No mtab is written, nothing is said of success, and a busy vault stays as it is.
      if (mounts && has(word, 'f')) call.fake = true;
      if (mounts && has(word, 's')) call.arguments.insert(call.arguments.end(), {"-o", "sloppy"});
      if (!mounts && has(word, 'l')) call.arguments.emplace_back("--lazy");
    } else {
      call.arguments.push_back(word);
    }
  }
  return call;
}

}  // namespace coffer::cli
