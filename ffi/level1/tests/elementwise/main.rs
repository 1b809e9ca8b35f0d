//! The elementwise updates, the intervals and the objectives: what a C caller gets through pointers has the same bits as
//! what the core's function gives.

mod double;
mod single;
mod support;
