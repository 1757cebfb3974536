#include "gateway/auth/policy_words.h"

#include <algorithm>
#include <array>
#include <string>

#include "gateway/auth/policy_condition.h"

namespace coffer::gateway {
namespace {

// docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html: those of buckets and objects.
constexpr std::array<std::string_view, 92> kActions{
    "abortmultipartupload",
    "bypassgovernanceretention",
    "createbucket",
    "createbucketmetadatatableconfiguration",
    "createsession",
    "deletebucket",
    "deletebucketmetadatatableconfiguration",
    "deletebucketpolicy",
    "deletebucketwebsite",
    "deleteobject",
    "deleteobjecttagging",
    "deleteobjectversion",
    "deleteobjectversiontagging",
    "getaccelerateconfiguration",
    "getanalyticsconfiguration",
    "getbucketabac",
    "getbucketacl",
    "getbucketcors",
    "getbucketlocation",
    "getbucketlogging",
    "getbucketmetadatatableconfiguration",
    "getbucketnotification",
    "getbucketobjectlockconfiguration",
    "getbucketownershipcontrols",
    "getbucketpolicy",
    "getbucketpolicystatus",
    "getbucketpublicaccessblock",
    "getbucketrequestpayment",
    "getbuckettagging",
    "getbucketversioning",
    "getbucketwebsite",
    "getencryptionconfiguration",
    "getintelligenttieringconfiguration",
    "getinventoryconfiguration",
    "getlifecycleconfiguration",
    "getmetricsconfiguration",
    "getobject",
    "getobjectacl",
    "getobjectattributes",
    "getobjectlegalhold",
    "getobjectretention",
    "getobjecttagging",
    "getobjecttorrent",
    "getobjectversion",
    "getobjectversionacl",
    "getobjectversionattributes",
    "getobjectversionforreplication",
    "getobjectversiontagging",
    "getobjectversiontorrent",
    "getreplicationconfiguration",
    "initiatereplication",
    "listallmybuckets",
    "listbucket",
    "listbucketmultipartuploads",
    "listbucketversions",
    "listmultipartuploadparts",
    "objectowneroverridetobucketowner",
    "putaccelerateconfiguration",
    "putanalyticsconfiguration",
    "putbucketabac",
    "putbucketacl",
    "putbucketcors",
    "putbucketlogging",
    "putbucketnotification",
    "putbucketobjectlockconfiguration",
    "putbucketownershipcontrols",
    "putbucketpolicy",
    "putbucketpublicaccessblock",
    "putbucketrequestpayment",
    "putbuckettagging",
    "putbucketversioning",
    "putbucketwebsite",
    "putencryptionconfiguration",
    "putintelligenttieringconfiguration",
    "putinventoryconfiguration",
    "putlifecycleconfiguration",
    "putmetricsconfiguration",
    "putobject",
    "putobjectacl",
    "putobjectlegalhold",
    "putobjectretention",
    "putobjecttagging",
    "putobjectversionacl",
    "putobjectversiontagging",
    "putreplicationconfiguration",
    "replicatedelete",
    "replicateobject",
    "replicatetags",
    "restoreobject",
    "updatebucketmetadatainventorytableconfiguration",
    "updatebucketmetadatajournaltableconfiguration",
    "updateobjectencryption"};

constexpr std::array<std::string_view, 34> kKeys{
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principaltype",
    "aws:referer",
    "aws:securetransport",
    "aws:sourceip",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "s3:authtype",
    "s3:delimiter",
    "s3:max-keys",
    "s3:prefix",
    "s3:requestobjecttagkeys",
    "s3:resourceaccount",
    "s3:signatureversion",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-ownership",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location"};

constexpr std::array<std::string_view, 20> kAbsentKeys{"aws:federatedprovider",
                                                       "aws:multifactorauthage",
                                                       "aws:multifactorauthpresent",
                                                       "aws:principalorgid",
                                                       "aws:principalorgpaths",
                                                       "aws:principalservicename",
                                                       "aws:sourceaccount",
                                                       "aws:sourcearn",
                                                       "aws:sourceidentity",
                                                       "aws:sourceorgid",
                                                       "aws:sourceorgpaths",
                                                       "aws:sourceowner",
                                                       "aws:sourcevpc",
                                                       "aws:sourcevpce",
                                                       "aws:tokenissuetime",
                                                       "aws:vpcsourceip",
                                                       "s3:accessgrantsinstancearn",
                                                       "s3:accesspointnetworkorigin",
                                                       "s3:dataaccesspointaccount",
                                                       "s3:dataaccesspointarn"};

constexpr std::string_view kExistingTag = "s3:existingobjecttag/";
constexpr std::string_view kRequestedTag = "s3:requestobjecttag/";

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& sorted, std::string_view text) {
  return std::binary_search(sorted.begin(), sorted.end(), text);
}

}  // namespace

bool matches_an_action(std::string_view pattern) {
  if (pattern == "*") return true;
  constexpr std::string_view kService = "s3:";
  if (!pattern.starts_with(kService)) return false;
  pattern.remove_prefix(kService.size());
  return std::any_of(kActions.begin(), kActions.end(),
                     [&](std::string_view action) { return matches_pattern(pattern, action); });
}

bool is_condition_key(std::string_view key) {
  const auto names_tag = [&](std::string_view prefix) {
    return key.starts_with(prefix) && key.size() > prefix.size();
  };
  return holds(kKeys, key) || holds(kAbsentKeys, key) || names_tag(kExistingTag) ||
         names_tag(kRequestedTag);
}

bool depends_on_object(std::string_view key) {
  return key.starts_with(kExistingTag) || key == "s3:prefix";
}

}  // namespace coffer::gateway
