#pragma once
/// Where a passphrase or key file comes from. Never from the command line, which every user of the
/// machine can read.

#include <string>

#include "coffer/core/error.h"
#include "coffer/vault/credential.h"

namespace coffer::cli {

/// At most one of them is set; none of them: the terminal.
struct CredentialSource {
  std::string passfile;     // its first line
  std::string passcommand;  // the first line of what /bin/sh -c prints
  std::string keyfile;      // its whole content
  [[nodiscard]] bool given() const {
    return !passfile.empty() || !passcommand.empty() || !keyfile.empty();
  }
};

enum class Ask { Once, Twice };  // twice where a mistyped passphrase would lock its owner out

/// InvalidArgument: no terminal, an empty passphrase, two that differ, a command that failed.
Result<Credential> read_credential(const CredentialSource& source, Ask ask);

}  // namespace coffer::cli
