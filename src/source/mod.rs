//! Bytes in, from anywhere: files, several files, standard input.
