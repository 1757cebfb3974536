#include "coffer/core/bytes.h"
#include "coffer/core/mutex.h"
#include "coffer/core/strong_id.h"
