#pragma once
/// libfuse's low-level header at the one API version this room is written for.

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
