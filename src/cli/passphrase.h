#pragma once
/// Where a passphrase or key file comes from. Never from the command line, which every user of the
/// machine can read.

#include <string>

#include "coffer/core/error.h"
#include "coffer/vault/credential.h"

namespace coffer::cli {

/// At most one of them is set; none of them: the terminal.
struct CredentialSource {
  std::string passfile;                // its first line
  std::string passcommand;             // the first line of what /bin/sh -c prints
  std::string keyfile;                 // its whole content
  std::string recovery_key_file = {};  // its first line
  bool recovery_key = false;           // the terminal is asked for the recovery key
  [[nodiscard]] bool given() const {
    return !passfile.empty() || !passcommand.empty() || !keyfile.empty() ||
           !recovery_key_file.empty() || recovery_key;
  }
};

/// Twice where a mistyped passphrase would lock its owner out. New: likewise, for one beside others that are asked for.
enum class Ask { Once, Twice, New };

/// InvalidArgument: no terminal, an empty passphrase, two that differ, a command that failed.
Result<Credential> read_credential(const CredentialSource& source, Ask ask);

/// Asks a question on the terminal. False unless the answer is yes. InvalidArgument: there is no terminal; the message says `instead`.
Result<bool> confirm(const std::string& question, const std::string& instead);

}  // namespace coffer::cli
