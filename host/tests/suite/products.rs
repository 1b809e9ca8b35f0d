//! Products, memory and thresholds against numbers worked out by hand.

use altmin::network::{Activation, Loss};
use altmin::run::memory::state_bytes;
use altmin::run::products::{layer_products, product_flops};
use altmin::run::threshold::{rho_threshold, warning};
use altmin::settings::{Method, Precision, Settings, StepRule, TrainOptions};

#[test]
fn products_of_a_layer() {
    // Counts of products of the layer's own shape, of n_in x n_in and of n_out x n_out, for 30 inputs.
    let table = [
        (Method::Pdadmm, StepRule::Vector, true, 30, [2.0, 0.0, 0.0]),
        (Method::Pdadmm, StepRule::Vector, false, 30, [4.0, 0.5, 0.0]),
        (Method::Pdadmm, StepRule::Scalar, false, 30, [4.0, 0.5, 0.0]),
        (Method::Pdadmm, StepRule::Backtracking, false, 30, [4.0, 0.5, 0.0]),
        (Method::Pdadmm, StepRule::LeastSquares, false, 30, [4.0, 1.5, 0.0]),
        (Method::Pdadmm, StepRule::LeastSquares, false, 13, [4.0, 1.5, 0.0]),
        (Method::Pdadmm, StepRule::LeastSquares, false, 12, [6.0, 0.5, 1.0]),
        (Method::Dladmm, StepRule::Vector, true, 30, [2.0, 0.0, 0.0]),
        (Method::Dladmm, StepRule::Vector, false, 30, [8.0, 1.0, 0.0]),
        (Method::Dladmm, StepRule::LeastSquares, false, 30, [8.0, 3.0, 0.0]),
        (Method::Dlam, StepRule::Vector, false, 30, [4.0, 0.5, 0.0]),
        (Method::Taylor, StepRule::LeastSquares, false, 30, [4.0, 1.5, 0.0]),
        (Method::Taylor, StepRule::LeastSquares, false, 12, [6.0, 0.5, 1.0]),
        (Method::Proxprop, StepRule::LeastSquares, true, 30, [2.0, 0.0, 0.0]),
        (Method::Proxprop, StepRule::LeastSquares, false, 12, [3.0, 0.5, 0.0]),
        (Method::Adam, StepRule::LeastSquares, false, 12, [3.0, 0.0, 0.0]),
    ];
    for (method, step, first, n_out, counts) in table {
        let found = layer_products(method, step, first, n_out, 30).map(|products| products.count);
        assert_eq!(found, counts, "{method} {step} {n_out}");
    }
}

#[test]
fn operations_of_a_sweep() {
    // 196-500-500-10 with 1,000 samples. Products: 196e6, 500e6 and 10e6 operations, 0.2e6 of 10 x 10.
    let layers = [196, 500, 500, 10];
    let flops = product_flops(Method::Pdadmm, StepRule::Vector, &layers, 1_000);
    assert_eq!(flops, 2.0 * 196e6 + 4.5 * 500e6 + 4.0 * 10e6 + 0.5 * 500e6);
    let flops = product_flops(Method::Dladmm, StepRule::LeastSquares, &layers, 1_000);
    assert_eq!(flops, 2.0 * 196e6 + 11.0 * 500e6 + 12.0 * 10e6 + 1.0 * 500e6 + 2.0 * 0.2e6);
}

#[test]
fn bytes_of_the_state() {
    let layers: Vec<usize> = [vec![196], vec![500; 9], vec![10]].concat();
    // p, z, q, r of nine hidden layers: 4.32 GB; z and r of the last: 4.8 MB.
    let bytes = state_bytes(Method::Pdadmm, &layers, 60_000, Precision::F32);
    assert_eq!(bytes, 4_320_000_000 + 4_800_000);
    // a, z, r of two layers of 1,000, and z, r, u of the last: 1.32 GB and 6.6 MB.
    let bytes = state_bytes(Method::Dladmm, &[784, 1000, 1000, 10], 55_000, Precision::F32);
    assert_eq!(bytes, 1_320_000_000 + 6_600_000);
    let double = state_bytes(Method::Dladmm, &[784, 1000, 1000, 10], 55_000, Precision::F64);
    assert_eq!(double, 2 * bytes);
}

#[test]
fn thresholds_of_the_theorems() {
    let pdadmm = |nu, activation| rho_threshold(Method::Pdadmm, nu, activation, Loss::CrossEntropy);
    assert_eq!(pdadmm(1.0, Activation::Relu), Some(4.0));
    assert_eq!(pdadmm(0.5, Activation::LeakyRelu { slope: 0.01 }), Some(2.0));
    assert_eq!(pdadmm(1.0, Activation::LeakyRelu { slope: 3.0 }), Some(36.0));
    let dladmm = |loss| rho_threshold(Method::Dladmm, 7.0, Activation::Relu, loss);
    assert_eq!((dladmm(Loss::CrossEntropy), dladmm(Loss::LeastSquares)), (Some(1.0), Some(2.0)));
    let taylor = rho_threshold(Method::Taylor, 7.0, Activation::Relu, Loss::LeastSquares).expect("one");
    assert!((taylor * taylor - 2.0).abs() < 1e-14);
}

fn settings(text: &str) -> Settings {
    let options = TrainOptions::from_toml(text, "some.toml".as_ref()).expect("readable");
    options.resolve().expect("valid")
}

#[test]
fn a_warning_names_the_threshold() {
    let text = warning(&settings("nu = 0.25\nrho = 1")).expect("rho at the threshold is not above it");
    assert!(text.contains("rho = 1 is not above 1"), "{text}");
    assert!(warning(&settings("nu = 0.25\nrho = 1.01")).is_none());
    let text = warning(&settings("method = 'dladmm'\nrho = 1e-6")).expect("far below");
    assert!(text.contains("0.000001") && text.contains("2 H"), "{text}");
}

#[test]
fn built_in_defaults_never_warn() {
    for method in ["pdadmm", "dladmm"] {
        for step in ["vector", "scalar", "backtracking", "least-squares"] {
            let defaults = settings(&format!("method = '{method}'\nstep = '{step}'"));
            assert_eq!(warning(&defaults), None);
        }
    }
}
