#pragma once
/// Names at the mount and stored names: a bijection. Format: docs/format.md §5.6.
///
/// A stored name is one component of an S3 key, verbatim: any bytes but '/', of any length up to
/// 1024, also empty. A name at the mount is 1..255 bytes without '/' and NUL, and neither "." nor
/// "..". What does not fit is shown escaped:
///
///   %s3.e            the empty name (a directory: `//` in a key)
///   %s3.d  %s3.dd    "." and ".."
///   %s3.o.<name>     a file beside a directory of the same stored name
///   %s3.x.<name>     a stored name that itself reads as an escape
///   %s3.h.<32 hex>   what has no other form that fits: BLAKE2b-128 of the stored name, with a '/'
///   behind it for a directory
///
/// Every stored entry has exactly one visible name in a given state of its directory; a name that
/// reads as an escape but is not the visible name of anything there names nothing, and cannot be
/// made.
///
/// Threads   pure functions.

#include <string>
#include <string_view>

namespace coffer {

inline constexpr std::size_t kMountNameBytesMax = 255;

/// What a name at the mount asks for.
struct MountName {
  enum class Kind : unsigned char {
    Plain,                // an entry of any type called `stored`
    FileBesideDirectory,  // the file `stored`, while a directory `stored` exists
    DirectoryOnly,        // the directory `stored`
    Hashed,               // `stored` holds the 16 bytes of the hash
  };
  Kind kind = Kind::Plain;
  std::string stored;
};

/// False: the name means itself, an entry of any type.
bool may_be_escaped(std::string_view name);
/// @pre is_mount_name(name)
MountName parse_mount_name(std::string_view name);

/// How an entry is shown. `beside_directory`: it is no directory, and a directory of the same
/// stored name exists.
std::string visible_name(std::string_view stored, bool directory, bool beside_directory);

/// 1..255 bytes, no '/', no NUL, not "." and not "..".
bool is_mount_name(std::string_view name);

/// The entry may have to be shown by its hash: its name row (kLongName) must exist.
bool may_be_hashed(std::string_view stored);
/// The 16 bytes under which the name row stands.
std::string name_hash(std::string_view stored, bool directory);

}  // namespace coffer
