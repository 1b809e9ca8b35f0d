//! The trainer's handle, as C sees it.

mod change;
mod examples;
mod fuzz_corpus;
mod life;
mod refusals;
mod support;
mod threads;
mod use_of_it;
