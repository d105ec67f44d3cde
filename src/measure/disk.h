// How fast a file is read from its disk, past the page cache.
#pragma once

#include <string>

#include "base/result.h"

namespace handmill::measure {

/// Bytes a second of one reader, 4 MiB at a time and in order, for at most a second or half a
/// gigabyte. An error where the file cannot be read, is shorter than 1 MiB, or would come from the
/// page cache all the same (as on tmpfs): then there is no such figure. Behind a virtual disk a
/// host's cache may answer, which cannot be seen from here.
Result<double> measure_disk(const std::string& path);

}  // namespace handmill::measure
