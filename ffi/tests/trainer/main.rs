//! The trainer's handle, as C sees it.

mod examples;
mod life;
mod refusals;
mod support;
mod threads;
mod use_of_it;
