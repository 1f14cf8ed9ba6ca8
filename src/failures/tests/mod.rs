mod garbage;
mod laws;
mod model;
mod samples;
