//! What is promised of layers with read-outs.

use crate::promise::{Promise, Property};

const SOURCE: &str = "documentation of the method local";

pub(super) fn promises() -> Vec<Promise> {
    let promise = |property, statement| Promise::new(property, statement, SOURCE);
    vec![
        promise(
            Property::LocalSignal,
            "the signal of a layer is (1/nu) times the gradient of R at its own read-out, by central differences",
        ),
        promise(
            Property::WeightStationary,
            "the gradient of a map's damped proximal problem on its batch is 0 after the step of its weights and bias",
        ),
        promise(
            Property::WeightShare,
            "the step lowers that problem by (nu/2)|change of r|^2 + (nu delta/2)|D|^2 at least",
        ),
        promise(
            Property::ReadoutStationary,
            "the gradient of a read-out's damped proximal problem is 0 after its step",
        ),
        promise(Property::StepForms, "steps by inputs x inputs and by samples x samples are the same"),
        promise(
            Property::Pipeline,
            "layers at work on different batches end with the bits of one batch after the other",
        ),
        promise(
            Property::Objective,
            "the reported objective is R of the network at the last batch, before its step, and Omega",
        ),
    ]
}
