//! [`functions!`]: the C functions of level 1, each from one description.

mod argument;
mod generate;
mod parse;

use proc_macro::TokenStream;

/// Makes C functions from descriptions:
///
/// ```text
/// functions! {
///     /// Moves q to the minimiser of ...
///     fn altmin_copy_step<T>(
///         nu: positive, rho: positive, activation: activation, n_out: size, m: samples,
///         z: read(n_out x m, ldz) "which has moved in this sweep",
///         q: update(n_out x m, ldq),
///         workspace: workspace(copy::step_workspace(n_out)),
///     ) -> moved: f64 or NULL "|q_new - q_old|^2" {
///         copy::step(nu, rho, activation, &z, &mut q, workspace)?
///     }
/// }
/// ```
///
/// From a description come
/// - `altmin_copy_step_f32` and `altmin_copy_step_f64`; one function of the plain name without `<T>`,
/// - their `altmin_copy_step_workspace_f32` and `_f64`, whose arguments are those that the workspace's formula names,
/// - the documentation of all of them, with a line for each argument from its kind and its text,
/// - an entry of `FUNCTIONS` for each, from which the tests make good and bad calls.
///
/// `name: kind(details) if code = Variant or NULL "text"` describes an argument; all but name and kind can be left out.
///
/// | kind | C parameters | in the body |
/// |---|---|---|
/// | `size`, `extent`, `samples`, `count` | a `size_t`: 1 or more; 0 or more; columns of matrices, 0 or more; a number that no memory has | `usize` |
/// | `positive`, `finite`, `any` | a `double`: finite and above 0; finite; checked by the core | `T` |
/// | `loss`, `dual`, ... | the code of `altmin_loss`, `altmin_dual`, ... | what `codes` makes of it |
/// | `activation` | an `altmin_activation_fn` | `Activation<T>` |
/// | `regularizer(lambda)`, `closed_form(lambda)`, `gradient_step(tau)` | a code and its parameter | `Regularizer<T>`, `Prepared<T>` |
/// | `step_rule` | a pointer to `altmin_step_rule` | `StepRule<T>` |
/// | `structure(altmin_x)` | a pointer to `altmin_x` | what its `checked` makes of it |
/// | `read(n x m, ld)`, `update(..)`, `write(..)` | a matrix and its leading dimension; `n x m if code = Variant` where it is used with that code alone, `else n x m` for others | `MatRef`, `MatMut` |
/// | `accumulate(n x m, ld, beta)` | a matrix that is written alone where beta is 0 | `MatMut` |
/// | `read(n)`, `update(n)`, `write(n)` | a vector; of `sums` a layer's sums | slice |
/// | `classes` | the classes of `m` samples, below `n_out` | `&[u32]` |
/// | `target(classes, values, ldv)` | classes or values | `Target` |
/// | `workspace(formula)` | memory and its size, and with it the function that tells the size | `Stack` |
///
/// A pointer with a condition or `or NULL` is an `Option` in the body. What the body computes goes to the names after `->`,
/// which must not be NULL unless it is said. Checks are made in this order: sizes; numbers and codes; pointers; what structs,
/// classes and targets hold, since what lies over a result need not hold anything.
#[proc_macro]
pub fn functions(input: TokenStream) -> TokenStream {
    generate::all(parse::functions(input))
}
