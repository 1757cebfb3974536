#pragma once
/// DELETE in a versioned bucket: of the object, which leaves a marker, or of one version, after which the next older one may be
/// current.

#include "coffer/vault/objects.h"
#include "vault/tree/namespace.h"
#include "vault/tree/tree_change.h"

namespace coffer {

/// Nothing: names changed under the look, try again. InvalidArgument: no version id; Conflict and NotFound by the conditions.
/// @pre the gate is held, since the state was asked for
Result<std::optional<Removed>> remove_version(Namespace& names, const InodeRef& bucket,
                                              Versioning state, const RemoveRequest& request,
                                              Aftermath& after);

}  // namespace coffer
