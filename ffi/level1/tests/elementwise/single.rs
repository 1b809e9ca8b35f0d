//! The functions of float.

use altmin_level1::activation::{
    altmin_activation_apply_f32 as activation_apply, altmin_activation_backward_f32 as activation_backward,
    altmin_activation_derivative_f32 as activation_derivative,
};
use altmin_level1::copy::{
    altmin_copy_carry_f32 as copy_carry, altmin_copy_carry_workspace_f32 as copy_carry_workspace,
    altmin_copy_step_f32 as copy_step, altmin_copy_step_workspace_f32 as copy_step_workspace,
};
use altmin_level1::dual::{
    altmin_dual_recover_f32 as dual_recover, altmin_dual_step_f32 as dual_step,
    altmin_dual_step_shifted_f32 as dual_step_shifted,
};
use altmin_level1::extrapolation::altmin_extrapolation_momentum_f32 as extrapolation_momentum;
use altmin_level1::extrapolation::parameters::{
    altmin_extrapolation_parameters_f32 as extrapolation_parameters,
    altmin_extrapolation_parameters_workspace_f32 as extrapolation_parameters_workspace,
};
use altmin_level1::extrapolation::variables::{
    altmin_extrapolation_activation_f32 as extrapolation_activation,
    altmin_extrapolation_activation_workspace_f32 as extrapolation_activation_workspace,
    altmin_extrapolation_linear_f32 as extrapolation_linear,
    altmin_extrapolation_linear_workspace_f32 as extrapolation_linear_workspace,
    altmin_extrapolation_output_f32 as extrapolation_output,
    altmin_extrapolation_output_workspace_f32 as extrapolation_output_workspace,
};
use altmin_level1::interval::activation::{
    altmin_interval_activation_project_f32 as interval_activation_project,
    altmin_interval_activation_project_workspace_f32 as interval_activation_project_workspace,
    altmin_interval_activation_step_f32 as interval_activation_step,
    altmin_interval_activation_step_workspace_f32 as interval_activation_step_workspace,
};
use altmin_level1::interval::linear::{
    altmin_interval_linear_repair_f32 as interval_linear_repair,
    altmin_interval_linear_step_f32 as interval_linear_step,
    altmin_interval_linear_step_workspace_f32 as interval_linear_step_workspace,
};
use altmin_level1::interval::search::{
    altmin_interval_first_tau_f32 as interval_first_tau, altmin_interval_next_tau_f32 as interval_next_tau,
    altmin_interval_probe_f32 as interval_probe,
    altmin_interval_probe_workspace_f32 as interval_probe_workspace,
    altmin_interval_trial_f32 as interval_trial,
    altmin_interval_trial_workspace_f32 as interval_trial_workspace,
};
use altmin_level1::interval::{
    altmin_interval_violation_f32 as interval_violation,
    altmin_interval_violation_workspace_f32 as interval_violation_workspace,
};
use altmin_level1::loss::{
    altmin_loss_count_correct_f32 as loss_count_correct, altmin_loss_gradient_f32 as loss_gradient,
    altmin_loss_value_f32 as loss_value,
};
use altmin_level1::objective::{
    altmin_activation_gap_f32 as activation_gap,
    altmin_activation_gap_workspace_f32 as activation_gap_workspace,
    altmin_constraint_terms_f32 as constraint_terms, altmin_copy_terms_f32 as copy_terms,
    altmin_copy_terms_workspace_f32 as copy_terms_workspace, altmin_squared_f32 as squared,
};
use altmin_level1::output::{
    altmin_output_step_f32 as output_step, altmin_output_step_workspace_f32 as output_step_workspace,
};
use altmin_level1::regularizer::altmin_regularizer_value_f32 as regularizer_value;

type T = f32;

#[path = "updates.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests for both precisions")]
mod updates;

#[path = "intervals.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests for both precisions")]
mod intervals;

#[path = "extrapolations.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests for both precisions")]
mod extrapolations;
