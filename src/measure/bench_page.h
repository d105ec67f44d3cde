// A bench as one page for a browser: plots, the table, the definitions and the machine. It needs no
// network, prints, fits a phone and is dark where the reader's system is. Well-formed XML.
#pragma once

#include <string>

#include "measure/bench_record.h"

namespace handmill::measure {

/// Names in the record can be any text.
std::string bench_page(const BenchRecord& record);

}  // namespace handmill::measure
