#pragma once
/// ExitCode: what the process answers to the shell, and the one line that goes with a failure.
///
/// Promised to scripts in docs/operations.md; the numbers never change.

#include <string>
#include <string_view>

#include "coffer/core/error.h"

namespace coffer::cli {

enum class ExitCode : int {
  Ok = 0,
  Usage = 1,        // the command line, or what it names
  WrongKey = 2,     // no key slot opens
  Damaged = 3,      // the vault is damaged, or not enough of its volumes are there
  Busy = 4,         // another process has it
  Io = 5,           // the machine refused
  FoundDamage = 6,  // fsck, scrub or heal found damage that it could not repair
};

ExitCode exit_code(Errc code) noexcept;

/// What a person can do about it; empty where the error says all there is.
std::string_view advice(Errc code) noexcept;

/// "coffer mount: /disk1: what failed: what to do", without a newline. `subject` may be empty.
std::string error_line(std::string_view command, std::string_view subject, const Error& error);

/// The inverse of to_string(Errc), for errors that a daemon reports; Io for a word of another
/// version.
Errc errc_from_word(std::string_view word) noexcept;

}  // namespace coffer::cli
