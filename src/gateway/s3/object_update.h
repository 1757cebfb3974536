#pragma once
/// Looking at one object and changing what is kept with it, by who may.
///
/// Threads   any; it holds nothing.

#include <functional>

#include "gateway/s3/call.h"

namespace coffer::gateway {

/// The call's object, if the call's operation may be done on it.
S3Result<ObjectInfo> find_authorized(S3Call& call);

/// What is asked of the object that was found; the permission was asked for before.
using MakeUpdate = std::function<S3Result<ObjectUpdate>(const ObjectInfo&)>;
/// Where the object is replaced between the look and the change, both are done again.
S3Result<Reply> update_object(S3Call& call, const MakeUpdate& make);

}  // namespace coffer::gateway
