mod forks;
mod garbage;
mod laws;
mod model;
mod samples;
mod truths;
