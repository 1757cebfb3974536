#pragma once
/// The operations: one file each.

#include "gateway/s3/call.h"

namespace coffer::gateway {

extern const Operation kListBuckets;
extern const Operation kCreateBucket;
extern const Operation kHeadBucket;
extern const Operation kDeleteBucket;
extern const Operation kGetBucketLocation;
extern const Operation kGetBucketSetting;  // those that a bucket does not have, as AWS answers them
extern const Operation kGetObjectAcl;
extern const Operation kListObjects;
extern const Operation kListObjectsV2;
extern const Operation kListObjectVersions;
extern const Operation kPutObject;
extern const Operation kGetObject;
extern const Operation kHeadObject;
extern const Operation kDeleteObject;
extern const Operation kDeleteObjects;
extern const Operation kCopyObject;
extern const Operation kCreateMultipartUpload;
extern const Operation kUploadPart;
extern const Operation kUploadPartCopy;
extern const Operation kCompleteMultipartUpload;
extern const Operation kAbortMultipartUpload;
extern const Operation kListParts;
extern const Operation kListMultipartUploads;
/// Whatever S3 has and this does not (yet): 501, never a false 200.
extern const Operation kNotImplemented;
extern const Operation kMethodNotAllowed;

}  // namespace coffer::gateway
