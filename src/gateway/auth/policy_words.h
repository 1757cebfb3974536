#pragma once
/// The words that a bucket policy may use: AWS's actions and condition keys. What is not among them is misspelt, or would not be
/// evaluated as it is meant.
///
/// Threads   pure functions.

#include <string_view>

namespace coffer::gateway {

/// Does `pattern` ("s3:get*", "*"; lower case) match an action that a bucket policy may name, served here or not?
bool matches_an_action(std::string_view pattern);

/// `key` as condition_key() makes it. Those that no request to this gateway has (a VPC's, a service's) are known too: they are
/// absent, as they are with AWS from where they do not apply.
bool is_condition_key(std::string_view key);

/// May the key's value differ between the objects of one request?
bool depends_on_object(std::string_view key);

}  // namespace coffer::gateway
