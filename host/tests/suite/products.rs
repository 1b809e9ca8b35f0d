//! Products, memory and thresholds against numbers worked out by hand.

use altmin::bench::products::{network_flops, product_flops};
use altmin::network::blocks::dense_blocks;
use altmin::network::{Architecture, Network};
use altmin::run::plan::state_bytes;
use altmin::settings::{Method, Settings, TrainOptions};
use altmin_core::block::Shape;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Loss};

const LEAST_SQUARES: StepRule<f64> = StepRule::LeastSquares { damping: 0.1 };
const BACKTRACKING: StepRule<f64> = StepRule::Backtracking { start: 0.1, factor: 2.0 };

#[test]
fn products_of_a_layer() {
    // Counts of products of the layer's own shape, of n_in x n_in and of n_out x n_out, for 30 inputs.
    let table = [
        (Method::Pdadmm, StepRule::Vector, true, 30, [2.0, 0.0, 0.0]),
        (Method::Pdadmm, StepRule::Vector, false, 30, [4.0, 0.5, 0.0]),
        (Method::Pdadmm, StepRule::Scalar, false, 30, [4.0, 0.5, 0.0]),
        (Method::Pdadmm, BACKTRACKING, false, 30, [4.0, 0.5, 0.0]),
        (Method::Pdadmm, LEAST_SQUARES, false, 30, [4.0, 1.5, 0.0]),
        (Method::Pdadmm, LEAST_SQUARES, false, 13, [4.0, 1.5, 0.0]),
        (Method::Pdadmm, LEAST_SQUARES, false, 12, [6.0, 0.5, 1.0]),
        (Method::Dladmm, StepRule::Vector, true, 30, [2.0, 0.0, 0.0]),
        (Method::Dladmm, StepRule::Vector, false, 30, [8.0, 1.0, 0.0]),
        (Method::Dladmm, LEAST_SQUARES, false, 30, [8.0, 3.0, 0.0]),
        (Method::Dlam, StepRule::Vector, false, 30, [4.0, 0.5, 0.0]),
        (Method::Taylor, LEAST_SQUARES, false, 30, [4.0, 1.5, 0.0]),
        (Method::Taylor, LEAST_SQUARES, false, 12, [6.0, 0.5, 1.0]),
        (Method::Proxprop, LEAST_SQUARES, true, 30, [2.0, 0.0, 0.0]),
        (Method::Proxprop, LEAST_SQUARES, false, 12, [3.0, 0.5, 0.0]),
        (Method::Adam, LEAST_SQUARES, false, 12, [3.0, 0.0, 0.0]),
    ];
    for (method, step, first, n_out, counts) in table {
        let found = (method.card().products)(first, &step, n_out, 30);
        assert_eq!([found.own, found.inner, found.outer], counts, "{method} {step:?} {n_out}");
        let shapes = found.by_shape(n_out, 30).map(|products| (products.n_out, products.n_in));
        assert_eq!(shapes, [(n_out, 30), (30, 30), (n_out, n_out)]);
    }
}

#[test]
fn operations_of_a_sweep() {
    // 196-500-500-10 with 1,000 samples. Products: 196e6, 500e6 and 10e6 operations, 0.2e6 of 10 x 10.
    let layers = [196, 500, 500, 10];
    let flops = product_flops(Method::Pdadmm, &StepRule::Vector, &layers, 1_000);
    assert_eq!(flops, 2.0 * 196e6 + 4.5 * 500e6 + 4.0 * 10e6 + 0.5 * 500e6);
    let flops = product_flops(Method::Dladmm, &LEAST_SQUARES, &layers, 1_000);
    assert_eq!(flops, 2.0 * 196e6 + 11.0 * 500e6 + 12.0 * 10e6 + 1.0 * 500e6 + 2.0 * 0.2e6);
}

#[test]
fn operations_of_a_sweep_over_blocks() {
    let network = |blocks, input| Network::new(blocks, input).expect("a network");
    let dense = network(dense_blocks(&[500, 500], Activation::Relu, 10), Shape::flat(196));
    for method in [Method::Pdadmm, Method::Proxprop, Method::Adam, Method::Local] {
        let by_widths = product_flops(method, &LEAST_SQUARES, &[196, 500, 500, 10], 1_000);
        assert_eq!(network_flops(method, &LEAST_SQUARES, &dense, 1_000), by_widths, "{method}");
    }
    // On images of 6x6 a 3x3 kernel makes 4x4 pixels of 9 x 2 products, twice, since the first block takes nothing back; then
    // 32 x 3, three times. Two operations each.
    let text = "conv 2 3x3, relu, flatten, dense 3".parse::<Architecture>().expect("blocks");
    let images = text.network(Shape { channels: 1, height: 6, width: 6 }, 3).expect("a network");
    let expected = 2.0 * (2.0 * 16.0 * 18.0 + 3.0 * 96.0) * 7.0;
    assert_eq!(network_flops(Method::Adam, &LEAST_SQUARES, &images, 7), expected);
}

/// Bytes of the state of a method on a network of these widths.
fn bytes(method: &str, widths: &[usize], samples: usize, precision: &str) -> usize {
    let settings = settings(&format!("method = '{method}'\nprecision = '{precision}'"));
    let (outputs, hidden) = widths[1..].split_last().expect("a layer");
    let blocks = dense_blocks(hidden, Activation::Relu, *outputs);
    let network = Network::new(blocks, Shape::flat(widths[0])).expect("a network");
    state_bytes(&settings, &network, &[], samples)
}

#[test]
fn bytes_of_the_state() {
    let widths: Vec<usize> = [vec![196], vec![500; 9], vec![10]].concat();
    // p, z, q, r of nine hidden layers: 4.32 GB; z and r of the last: 4.8 MB.
    assert_eq!(bytes("pdadmm", &widths, 60_000, "f32"), 4_320_000_000 + 4_800_000);
    // a, z, r of two layers of 1,000, and z, r, u of the last: 1.32 GB and 6.6 MB.
    let single = bytes("dladmm", &[784, 1000, 1000, 10], 55_000, "f32");
    assert_eq!(single, 1_320_000_000 + 6_600_000);
    assert_eq!(bytes("dladmm", &[784, 1000, 1000, 10], 55_000, "f64"), 2 * single);
}

#[test]
fn thresholds_of_the_theorems() {
    let threshold = |method: Method, nu, activation: Activation<f64>, loss: Loss| {
        method.card().rho_threshold.map(|threshold| threshold(nu, activation.lipschitz(), loss.lipschitz()))
    };
    let pdadmm = |nu, activation| threshold(Method::Pdadmm, nu, activation, Loss::CrossEntropy);
    assert_eq!(pdadmm(1.0, Activation::Relu), Some(4.0));
    assert_eq!(pdadmm(0.5, Activation::LeakyRelu { slope: 0.01 }), Some(2.0));
    assert_eq!(pdadmm(1.0, Activation::LeakyRelu { slope: 3.0 }), Some(36.0));
    let dladmm = |loss| threshold(Method::Dladmm, 7.0, Activation::Relu, loss);
    assert_eq!((dladmm(Loss::CrossEntropy), dladmm(Loss::LeastSquares)), (Some(1.0), Some(2.0)));
    let taylor = threshold(Method::Taylor, 7.0, Activation::Relu, Loss::LeastSquares).expect("one");
    assert!((taylor * taylor - 2.0).abs() < 1e-14);
}

fn settings(text: &str) -> Settings {
    let options = TrainOptions::from_toml(text, "some.toml".as_ref()).expect("readable");
    options.resolve().expect("valid")
}

#[test]
fn a_warning_names_the_threshold() {
    let text = settings("method = 'pdadmm'\nnu = 0.25\nrho = 1")
        .rho_warning()
        .expect("rho at the threshold is not above it");
    assert!(text.contains("rho = 1 is not above 1"), "{text}");
    assert!(settings("method = 'pdadmm'\nnu = 0.25\nrho = 1.01").rho_warning().is_none());
    let text = settings("method = 'dladmm'\nrho = 1e-6").rho_warning().expect("far below");
    assert!(text.contains("0.000001") && text.contains("2 H"), "{text}");
}

#[test]
fn built_in_defaults_never_warn() {
    for method in ["pdadmm", "dladmm"] {
        for step in ["vector", "scalar", "backtracking", "least-squares"] {
            let defaults = settings(&format!("method = '{method}'\nstep = '{step}'"));
            assert_eq!(defaults.rho_warning(), None);
        }
    }
}
