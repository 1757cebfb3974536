#pragma once
/// Context: what every operation of one mount works with; libfuse's userdata.

#include "coffer/core/buffer.h"
#include "coffer/vault/tree.h"
#include "coffer/vault/vault.h"
#include "fuse/channel_shim.h"
#include "fuse/inode_table.h"

namespace coffer::fuse {

class PageFlusher;
class Session;

struct Context final : InodeUsers {
  explicit Context(Vault& opened_vault) : vault(opened_vault), tree(opened_vault.tree()) {}

  /// Asked by the tree with its locks held; takes one shard lock of the table.
  bool in_use(InodeId inode) override { return inodes.in_use(inode); }

  Vault& vault;
  Tree& tree;
  InodeTable inodes;
  BufferPool buffers;
  Session* session = nullptr;          // set before the first request
  PageFlusher* page_flusher = nullptr;  // likewise
  ChannelShim shim;
  bool sync_names = false;  // of the mount's options (lasting.h); set before the first request
};

}  // namespace coffer::fuse
