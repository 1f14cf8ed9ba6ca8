//! Whatever befalls the calls: no row is lost, none comes twice but for those of
//! chunks that say so, and the books balance or say why not.

mod one_by_one;
mod random;
