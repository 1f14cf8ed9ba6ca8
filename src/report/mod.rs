//! One report, the rejects and the summary, with the books checked.
