#pragma once
/// What was read and written of a segment, and lines, added to the receipt of the whole work. Whatever the vault's size and state,
/// the receipt's is bounded.

#include "coffer/vault/upkeep.h"
#include "vault/segment/segment_repair.h"

namespace coffer {

void add_reading(UpkeepReceipt& receipt, const SegmentReceipt& found);
void add_writing(UpkeepReceipt& receipt, const SegmentReceipt& done);
void add_bad(UpkeepReceipt& receipt, std::string line);
void add_unrepaired(UpkeepReceipt& receipt, std::string line);

}  // namespace coffer
