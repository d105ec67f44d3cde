// The runs of this program's commands held against predictions: the recorder with its ledger, and
// the model on this machine that it follows. Where the machine was never measured nothing is.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/model_name.h"
#include "engine/engine.h"
#include "gguf/file.h"
#include "measure/recorder.h"
#include "measure/subject.h"

namespace handmill::cli {

/// ledger.db in handmill's home; empty without one, or with HANDMILL_LEDGER=off.
std::string ledger_path();
/// For help texts: what is kept, and how not to.
extern const char* const kLedgerNote;

/// Stores in ledger_path(); a ledger that cannot be used is a warning in the log.
std::unique_ptr<measure::Recorder> make_recorder();

/// A model on this machine with so many threads (0: as many as handmill takes by itself). Nothing
/// where the machine was never measured with them; what is wrong with the kept figures is a warning
/// in the log.
std::shared_ptr<const measure::Subject> subject_of(const std::string& model, const gguf::File& file,
                                                   backend::KvType kv, int threads, int chunk);

}  // namespace handmill::cli
