#include "cli/exit_code.h"

#include <algorithm>

namespace coffer::cli {

ExitCode exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument:
    case Errc::NotFound:
    case Errc::Exists:
    case Errc::NotDirectory:
    case Errc::IsDirectory:
    case Errc::NotEmpty:
    case Errc::NameTooLong:
    case Errc::TooLarge:
    case Errc::OutOfRange:
    case Errc::NoAttribute:
    case Errc::TooManyLinks:
    case Errc::CrossDevice:
    case Errc::NotSupported:
    case Errc::Cancelled:
      return ExitCode::Usage;
    case Errc::WrongKey:
      return ExitCode::WrongKey;
    case Errc::Corrupt:
    case Errc::AuthenticationFailed:
    case Errc::NotEnoughVolumes:
    case Errc::Forked:
      return ExitCode::Damaged;
    case Errc::Busy:
    case Errc::Conflict:
      return ExitCode::Busy;
    case Errc::Permission:
    case Errc::AccessDenied:
    case Errc::ReadOnly:
    case Errc::NoSpace:
    case Errc::Stale:
    case Errc::Io:
    case Errc::TimedOut:
    case Errc::ShuttingDown:
    case Errc::OutOfMemory:
      return ExitCode::Io;
  }
  return ExitCode::Io;
}

std::string_view advice(Errc code) noexcept {
  switch (code) {
    case Errc::WrongKey:
      return "check the passphrase or key file";
    case Errc::NotEnoughVolumes:
      return "bring the missing volumes back, or name moved ones with --volume PATH";
    case Errc::Corrupt:
    case Errc::AuthenticationFailed:
      return "name another volume of the vault, or restore this one";
    case Errc::Busy:
      return "end what uses it, or wait until it is free";
    case Errc::NoSpace:
      return "free some space there";
    case Errc::Permission:
    case Errc::AccessDenied:
      return "run as its owner";
    default:
      return {};
  }
}

std::string error_line(std::string_view command, std::string_view subject, const Error& error) {
  std::string line = "coffer";
  const auto add = [&line](std::string_view separator, std::string_view part) {
    if (part.empty()) return;
    line += separator;
    line += part;
  };
  add(" ", command);
  // The context often begins with what it happened on; twice is noise.
  if (!error.context.starts_with(subject)) add(": ", subject);
  add(": ", error.context.empty() ? to_string(error.code) : std::string_view(error.context));
  // Nothing of a vault that is only being made can be brought back or restored.
  if (command != "init") add(": ", advice(error.code));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

Errc errc_from_word(std::string_view word) noexcept {
  for (int number = 0; number <= static_cast<int>(Errc::NotSupported); ++number) {
    const auto code = static_cast<Errc>(number);
    if (to_string(code) == word) return code;
  }
  return Errc::Io;
}

}  // namespace coffer::cli
