#pragma once
/// An upload that is asked about by who may be its initiator.
///
/// Threads   any; it holds nothing.

#include "gateway/s3/call.h"

namespace coffer::gateway {

/// The call's upload, if the call's operation may be done on it. Who could not have made one is not told whether it is there.
S3Result<UploadInfo> find_authorized_upload(S3Call& call);

}  // namespace coffer::gateway
