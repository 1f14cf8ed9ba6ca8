//! The gate, submitting, and polling: a chunk becomes a job and a job ends.
