#pragma once
/// Running a daemon behind the command that starts it.
///
/// The process forks before any thread or vault exists. The parent waits for the child's word: it
/// exits with 0 once the child called ready(), or prints the child's error and exits with its code.

#include <functional>
#include <string>

#include "cli/exit_code.h"
#include "coffer/core/error.h"

namespace coffer::cli {

/// Tells whoever waits that the daemon serves; what `text` says is printed there.
using Ready = std::function<void(const std::string& text)>;
using DaemonBody = std::function<Result<ExitCode>(const Ready& ready)>;

/// Runs `body` in this process; ready() prints its text.
Result<ExitCode> run_in_foreground(const DaemonBody& body);
/// Returns in the parent. In the child, ready() lets go of the terminal and the working directory,
/// and the process ends when `body` returns.
Result<ExitCode> run_in_background(const DaemonBody& body);

}  // namespace coffer::cli
