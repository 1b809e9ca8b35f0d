//! Convolutions and pools against PyTorch's numbers: golden/blocks.txt, made by golden/blocks.py.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::{Block, GradientSums, Network, Shape};
use altmin_core::gemm::Portable;
use altmin_core::view::{dense, dense_mut};
use altmin_core::{Real, view::column};

use crate::common::{Scratch, assert_near, columns_of, in_both_precisions};

in_both_precisions!(blocks_agree_with_pytorch);

fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

fn blocks_agree_with_pytorch<T: Real>() {
    let mut lines = include_str!("../golden/blocks.txt").lines();
    let mut cases = 0;
    while let Some(head) = lines.next() {
        let (name, sizes) = head.split_once(' ').unwrap();
        let sizes: Vec<usize> = sizes.split(' ').map(|size| size.parse().unwrap()).collect();
        let shape = &sizes[sizes.len() - 4..];
        let mut next = || numbers(lines.next().unwrap());
        let window = Window { size: sizes[0], stride: sizes[1] };
        let (block, parameters) = match name {
            "max" => (Block::MaxPool(window), vec![]),
            "average" => (Block::AveragePool(window), vec![]),
            _ => {
                let conv = Conv {
                    outputs: sizes[0],
                    kernel_height: sizes[1],
                    kernel_width: sizes[2],
                    stride: sizes[3],
                    padding: sizes[4],
                };
                let (weights, bias) = (next(), next());
                (Block::Conv(conv), [columns_of(sizes[0], &weights), bias].concat())
            }
        };
        let (x, g, y, dx) = (next(), next(), next(), next());
        let gradient = if name == "conv" {
            let (weights, bias) = (next(), next());
            [columns_of(sizes[0], &weights), bias].concat()
        } else {
            vec![]
        };
        let input = Shape { channels: shape[1], height: shape[2], width: shape[3] };
        check::<T>(head, block, input, shape[0], [&parameters, &x, &g, &y, &dx, &gradient]);
        cases += 1;
    }
    assert_eq!(cases, 17);
}

fn check<T: Real>(what: &str, block: Block<T>, input: Shape, m: usize, numbers: [&[f64]; 6]) {
    let [parameters, x, g, y, dx, gradient] = numbers;
    let blocks = [block];
    let network = Network::new(&blocks, input).unwrap();
    let exact = |numbers: &[f64]| -> Vec<T> { numbers.iter().map(|&x| T::from_f64(x)).collect() };
    let (parameters, x) = (exact(parameters), exact(x));
    let x = dense(&x, input.features(), m);
    let mut record = vec![T::ZERO; network.record(m)];
    let mut scratch = Scratch::new(network.workspace(&Portable, m));
    network.forward(&Portable, &parameters, &x, &mut record, scratch.stack()).unwrap();
    let features = network.output().features();
    let near = |what: &str, found: &[T], expected: &[f64]| {
        assert_eq!(found.len(), expected.len(), "{what}");
        let scale = expected.iter().fold(1.0, |most: f64, x| x.abs().max(most));
        for (found, &expected) in found.iter().zip(expected) {
            assert_near::<T>(what, found.to_f64(), expected, scale);
        }
    };
    let output = network.output_of(&record, m);
    for (j, expected) in y.chunks(features).enumerate() {
        near(&format!("{what}: output"), column(&output, j), expected);
    }
    let mut found = vec![T::from_f64(f64::NAN); dx.len()];
    let mut sums = vec![T::ZERO; gradient.len()];
    let mut signal = exact(g);
    signal.resize(network.signal(m), T::from_f64(f64::NAN));
    let mut target = dense_mut(&mut found, input.features(), m);
    let (dx_wanted, sink) = (Some(&mut target), &mut GradientSums(&mut sums));
    network
        .backward(&Portable, &parameters, &x, &record, &mut signal, dx_wanted, sink, scratch.stack())
        .unwrap();
    assert!(scratch.is_intact());
    near(&format!("{what}: input"), &found, dx);
    near(&format!("{what}: parameters"), &sums, gradient);
}
