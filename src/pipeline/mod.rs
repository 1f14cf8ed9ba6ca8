//! The one function that reads as the picture of the stations.
