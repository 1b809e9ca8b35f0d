//! Every update against the same quantity computed densely in double precision, by plain loops over the samples.

mod elementwise;
mod forward;
mod input;
mod interval;
mod least_squares;
mod sums;
mod weights;
