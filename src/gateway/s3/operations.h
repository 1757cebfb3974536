#pragma once
/// The operations: one file each.

#include "gateway/s3/call.h"

namespace coffer::gateway {

extern const Operation kListBuckets;
extern const Operation kCreateBucket;
extern const Operation kHeadBucket;
extern const Operation kDeleteBucket;
extern const Operation kGetBucketLocation;
extern const Operation kGetBucketAcl;
extern const Operation kPutBucketAcl;
extern const Operation kGetBucketPolicy;
extern const Operation kPutBucketPolicy;
extern const Operation kDeleteBucketPolicy;
extern const Operation kGetBucketPolicyStatus;
extern const Operation kGetPublicAccessBlock;
extern const Operation kPutPublicAccessBlock;
extern const Operation kDeletePublicAccessBlock;
extern const Operation kGetOwnershipControls;
extern const Operation kPutOwnershipControls;
extern const Operation kDeleteOwnershipControls;
extern const Operation kGetBucketTagging;
extern const Operation kPutBucketTagging;
extern const Operation kDeleteBucketTagging;
extern const Operation kGetBucketCors;
extern const Operation kPutBucketCors;
extern const Operation kDeleteBucketCors;
extern const Operation kPreflight;
extern const Operation kGetBucketEncryption;
extern const Operation kPutBucketEncryption;
extern const Operation kDeleteBucketEncryption;
extern const Operation kGetBucketVersioning;
extern const Operation kPutBucketVersioning;
extern const Operation kGetObjectLockConfiguration;
extern const Operation kPutObjectLockConfiguration;
extern const Operation kGetObjectRetention;
extern const Operation kPutObjectRetention;
extern const Operation kGetObjectLegalHold;
extern const Operation kPutObjectLegalHold;
extern const Operation kGetBucketLifecycle;
extern const Operation kPutBucketLifecycle;
extern const Operation kDeleteBucketLifecycle;
extern const Operation kGetBucketSetting;  // those that a bucket does not have, as AWS answers them
extern const Operation kGetObjectAttributes;
extern const Operation kGetObjectAcl;
extern const Operation kPutObjectAcl;
extern const Operation kGetObjectTagging;
extern const Operation kPutObjectTagging;
extern const Operation kDeleteObjectTagging;
extern const Operation kListObjects;
extern const Operation kListObjectsV2;
extern const Operation kListObjectVersions;
extern const Operation kPutObject;
extern const Operation kPostObject;  // a browser's form
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
