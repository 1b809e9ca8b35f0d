//! What holds for every block: it works with exactly the scratch that it asks for and writes nowhere else, allocates
//! nothing, refuses every wrong size by name before anything is written, and takes views with gaps and no samples at all.

use altmin_core::block::conv::{Bound, Conv};
use altmin_core::block::pool::{self, Window};
use altmin_core::block::residual::{BoundResidual, Residual};
use altmin_core::block::{Block, GradientSums, MapSums, Masks, Network, Shape, dense};
use altmin_core::gemm::{Gemm, Portable};
use altmin_core::update::sums::{Parts, SumsMut};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Activation, Error, Real, Result};

use crate::common::counting::allocations;
use crate::common::{Loops, Plain, Random, Scratch, Strided, in_both_precisions};

/// The arguments of a call, in the order that it wants them.
type Arguments<T> = Vec<Strided<T>>;

type Call<T> = Box<dyn Fn(&mut [Strided<T>], Stack<'_, T>) -> Result>;

/// A call of a block on m samples: its arguments' shapes with their names in errors, its scratch.
struct Case<T: Real> {
    name: String,
    shapes: Vec<(usize, usize, &'static str)>,
    workspace: Requirement,
    run: Call<T>,
}

impl<T: Real> Case<T> {
    fn arguments(&self, gap: usize) -> Arguments<T> {
        let mut random = Random::new(5);
        let shapes = self.shapes.iter();
        // Slices are columns, and have no gaps.
        shapes
            .map(|&(rows, columns, name)| {
                let slice = [
                    "bias",
                    "bias gradient",
                    "parameters",
                    "record",
                    "signal",
                    "sums",
                    "sums.residual",
                    "sums.input",
                ];
                let gap = if slice.contains(&name) { 0 } else { gap };
                Strided::new(&random.matrix(rows, columns), gap)
            })
            .collect()
    }
}

fn case<T: Real>(
    name: String,
    shapes: &[(usize, usize, &'static str)],
    workspace: Requirement,
    run: impl Fn(&mut [Strided<T>], Stack<'_, T>) -> Result + 'static,
) -> Case<T> {
    Case { name, shapes: shapes.to_vec(), workspace, run: Box::new(run) }
}

fn of<T, const N: usize>(arguments: &mut [Strided<T>]) -> &mut [Strided<T>; N] {
    arguments.try_into().unwrap()
}

fn fully_connected<T: Real, G: Gemm<T> + Copy + 'static>(gemm: G, m: usize, cases: &mut Vec<Case<T>>) {
    for (o, i) in [(4, 3), (1, 1), (65, 40)] {
        let back = dense::backward_workspace(&gemm, o, i, m);
        cases.push(case(
            format!("dense forward {o} {i}"),
            &[(o, i, "weights"), (o, 1, "bias"), (i, m, "p"), (o, m, "z")],
            dense::forward_workspace(&gemm, o, i, m),
            move |a, stack| {
                let [w, b, p, z] = of(a);
                dense::forward(&gemm, &w.view(), b.slice(), &p.view(), &mut z.view_mut(), stack)
            },
        ));
        cases.push(case(
            format!("dense backward {o} {i}"),
            &[(o, i, "weights"), (o, m, "dz"), (i, m, "dp")],
            back,
            move |a, stack| {
                let [w, dz, dp] = of(a);
                dense::backward_input(&gemm, &w.view(), &dz.view(), &mut dp.view_mut(), stack)
            },
        ));
        cases.push(case(
            format!("dense gradient {o} {i}"),
            &[(i, m, "p"), (o, m, "dz"), (o, i, "weights"), (o, 1, "bias gradient")],
            back,
            move |a, stack| {
                let [p, dz, dw, db] = of(a);
                dense::add_gradient(&gemm, &p.view(), &dz.view(), &mut dw.view_mut(), db.slice_mut(), stack)
            },
        ));
    }
}

fn convolutions<T: Real, G: Gemm<T> + Copy + 'static>(gemm: G, m: usize, cases: &mut Vec<Case<T>>) {
    let shapes = [
        (Conv::square(3, 3, 1, 1), (2, 5, 4)),
        (Conv { outputs: 2, kernel_height: 3, kernel_width: 2, stride: 2, padding: 1 }, (1, 6, 5)),
        (Conv::square(4, 1, 1, 0), (3, 3, 2)),
        (Conv::square(4, 3, 1, 1), (2, 70, 70)),
        (Conv::square(17, 3, 1, 1), (16, 6, 5)),
    ];
    for (conv, (channels, height, width)) in shapes {
        let bound = Bound::new(conv, Shape { channels, height, width }).unwrap();
        let (i, o) = (bound.input().features(), bound.output().features());
        let ((_, q), n, need) = (bound.patches(), conv.outputs, bound.workspace(&gemm));
        cases.push(case(
            format!("{conv:?} forward"),
            &[(n, q, "weights"), (n, 1, "bias"), (i, m, "p"), (o, m, "z")],
            need,
            move |a, stack| {
                let [w, b, p, z] = of(a);
                bound.forward(&gemm, &w.view(), b.slice(), &p.view(), &mut z.view_mut(), stack)
            },
        ));
        cases.push(case(
            format!("{conv:?} backward"),
            &[(n, q, "weights"), (o, m, "z"), (i, m, "p")],
            need,
            move |a, stack| {
                let [w, dz, dp] = of(a);
                bound.backward_input(&gemm, &w.view(), &dz.view(), &mut dp.view_mut(), stack)
            },
        ));
        cases.push(case(
            format!("{conv:?} gradient"),
            &[(i, m, "p"), (o, m, "z"), (n, q, "weights"), (n, 1, "bias")],
            need,
            move |a, stack| {
                let [p, dz, dw, db] = of(a);
                bound.add_gradient(&gemm, &p.view(), &dz.view(), &mut dw.view_mut(), db.slice_mut(), stack)
            },
        ));
        cases.push(case(
            format!("{conv:?} sums"),
            &[
                (i, m, "p"),
                (o, m, "z"),
                (n, q, "sums.cross"),
                (q, q, "sums.gram"),
                (n, 1, "sums.residual"),
                (q, 1, "sums.input"),
            ],
            bound.sums_workspace(&gemm),
            move |a, stack| {
                let [p, dz, cross, gram, residual, input] = of(a);
                let (cross, gram) = (cross.view_mut(), gram.view_mut());
                let mut sums =
                    SumsMut { cross, gram, residual: residual.slice_mut(), input: input.slice_mut() };
                bound.add_sums(&gemm, &p.view(), &dz.view(), Parts::All, &mut sums, stack)
            },
        ));
    }
}

fn pools<T: Real>(m: usize, cases: &mut Vec<Case<T>>) {
    let input = Shape { channels: 2, height: 7, width: 6 };
    for (size, stride) in [(2, 2), (3, 1), (3, 4)] {
        let window = Window { size, stride };
        let output = Block::<T>::MaxPool(window).output_shape(0, input).unwrap();
        let (i, o) = (input.features(), output.features());
        cases.push(case(
            format!("max {size} {stride}"),
            &[(i, m, "x"), (o, m, "y")],
            Requirement::NONE,
            move |a, _| {
                let [x, y] = of(a);
                pool::max_forward(window, input, output, &x.view(), &mut y.view_mut())
            },
        ));
        cases.push(case(
            format!("max backward {size} {stride}"),
            &[(i, m, "x"), (o, m, "y"), (o, m, "dy"), (i, m, "dx")],
            Requirement::NONE,
            move |a, _| {
                let [x, y, dy, dx] = of(a);
                let dx = &mut dx.view_mut();
                pool::max_backward(window, input, output, &x.view(), &y.view(), &dy.view(), dx)
            },
        ));
        cases.push(case(
            format!("average {size} {stride}"),
            &[(i, m, "x"), (o, m, "y")],
            Requirement::NONE,
            move |a, _| {
                let [x, y] = of(a);
                pool::average_forward(window, input, output, &x.view(), &mut y.view_mut())
            },
        ));
        cases.push(case(
            format!("average backward {size} {stride}"),
            &[(o, m, "x"), (i, m, "y")],
            Requirement::NONE,
            move |a, _| {
                let [dy, dx] = of(a);
                pool::average_backward(window, input, output, &dy.view(), &mut dx.view_mut())
            },
        ));
    }
    let (i, o) = (input.features(), input.channels);
    cases.push(case("global".into(), &[(i, m, "x"), (o, m, "y")], Requirement::NONE, move |a, _| {
        let [x, y] = of(a);
        pool::global_forward(input, &x.view(), &mut y.view_mut())
    }));
    cases.push(case(
        "global backward".into(),
        &[(o, m, "x"), (i, m, "y")],
        Requirement::NONE,
        move |a, _| {
            let [dy, dx] = of(a);
            pool::global_backward(input, &dy.view(), &mut dx.view_mut())
        },
    ));
}

fn residuals<T: Real, G: Gemm<T> + Copy + 'static>(gemm: G, m: usize, cases: &mut Vec<Case<T>>) {
    let input = Shape { channels: 2, height: 4, width: 5 };
    for (outputs, stride) in [(2, 1), (3, 2)] {
        let pair = Residual { outputs, stride, activation: Activation::Tanh };
        let bound = BoundResidual::<T>::new(&pair, input, 0, 0).unwrap();
        let block = Block::Residual(pair);
        let output = block.output_shape(0, input).unwrap();
        let (i, o, parameters) = (input.features(), output.features(), block.parameters(input));
        cases.push(case(
            format!("residual {outputs} {stride}"),
            &[(parameters, 1, "parameters"), (i, m, "x"), (o, m, "h"), (o, m, "y")],
            bound.workspace(&gemm, m),
            move |a, stack| {
                let [parameters, x, h, y] = of(a);
                let (h, y) = (&mut h.view_mut(), &mut y.view_mut());
                bound.forward(&gemm, parameters.slice(), &x.view(), h, y, stack)
            },
        ));
        cases.push(case(
            format!("residual backward {outputs} {stride}"),
            &[
                (parameters, 1, "parameters"),
                (i, m, "x"),
                (o, m, "h"),
                (o, m, "y"),
                (o, m, "dy"),
                (i, m, "dx"),
                (parameters, 1, "sums"),
            ],
            bound.workspace(&gemm, m),
            move |a, stack| {
                let [parameters, x, h, y, dy, dx, gradient] = of(a);
                let (x, h, y) = (x.view(), h.view(), y.view());
                let (mut dy, mut dx) = (dy.view_mut(), dx.view_mut());
                let sink = &mut GradientSums(gradient.slice_mut());
                bound.backward(&gemm, parameters.slice(), &x, &h, &y, &mut dy, Some(&mut dx), sink, stack)
            },
        ));
    }
}

/// A network of every kind of block, in a training pass.
fn blocks<T: Real>() -> &'static [Block<T>] {
    let tanh = Block::Activation(Activation::Tanh);
    let window = Window { size: 2, stride: 1 };
    Vec::leak(vec![
        Block::Conv(Conv::square(2, 3, 2, 1)),
        Block::BatchNorm,
        tanh,
        Block::Residual(Residual { outputs: 3, stride: 1, activation: Activation::Relu }),
        Block::MaxPool(window),
        Block::AveragePool(window),
        Block::Dropout { share: 0.5 },
        Block::Flatten,
        Block::Dense { outputs: 5 },
        tanh,
        Block::ResidualDense(Activation::Tanh),
        Block::Dense { outputs: 2 },
    ])
}

fn networks<T: Real, G: Gemm<T> + Copy + 'static>(gemm: G, m: usize, cases: &mut Vec<Case<T>>) {
    let network = Network::new(blocks::<T>(), Shape { channels: 1, height: 8, width: 7 }).unwrap();
    let network = network.training(Masks { seed: 1, step: 2, first: 3, block: 0 });
    let (i, signal) = (network.input().features(), network.signal(m));
    let (parameters, record, sums) = (network.parameters(), network.record(m), network.sums());
    let needed = network.workspace(&gemm, m);
    cases.push(case(
        "network".into(),
        &[(parameters, 1, "parameters"), (i, m, "x"), (record, 1, "record")],
        needed,
        move |a, stack| {
            let [parameters, x, record] = of(a);
            network.forward(&gemm, parameters.slice(), &x.view(), record.slice_mut(), stack)
        },
    ));
    let shapes = |length| {
        [
            (parameters, 1, "parameters"),
            (i, m, "x"),
            (record, 1, "record"),
            (signal, 1, "signal"),
            (i, m, "dx"),
            (length, 1, "sums"),
        ]
    };
    cases.push(case("network backward".into(), &shapes(parameters), needed, move |a, stack| {
        let [parameters, x, record, signal, dx, gradient] = of(a);
        let (x, parameters, record) = (x.view(), parameters.slice(), record.slice());
        let (signal, mut dx) = (signal.slice_mut(), dx.view_mut());
        let sink = &mut GradientSums(gradient.slice_mut());
        network.backward(&gemm, parameters, &x, record, signal, Some(&mut dx), sink, stack)
    }));
    let needed = needed.and(MapSums::workspace(&gemm, &network, m));
    cases.push(case("network sums".into(), &shapes(sums), needed, move |a, mut stack| {
        // The pass asks for its own part; what its sums want beside it is asked for here.
        stack.require(needed)?;
        let [parameters, x, record, signal, dx, memory] = of(a);
        let (x, parameters, record) = (x.view(), parameters.slice(), record.slice());
        let (signal, mut dx) = (signal.slice_mut(), dx.view_mut());
        let sink = &mut MapSums { memory: memory.slice_mut(), first: Parts::All };
        network.backward(&gemm, parameters, &x, record, signal, Some(&mut dx), sink, stack.rest())
    }));
}

fn cases<T: Real, G: Gemm<T> + Copy + 'static>(gemm: G, m: usize) -> Vec<Case<T>> {
    let mut cases = Vec::new();
    fully_connected(gemm, m, &mut cases);
    convolutions(gemm, m, &mut cases);
    pools(m, &mut cases);
    residuals(gemm, m, &mut cases);
    networks(gemm, m, &mut cases);
    cases
}

fn all<T: Real>() -> impl Iterator<Item = Case<T>> {
    [0, 1, 3].into_iter().flat_map(|m| cases(Portable, m).into_iter().chain(cases(Loops, m)))
}

in_both_precisions!(
    scratch_is_what_is_asked_for,
    nothing_is_allocated,
    wrong_sizes_are_refused,
    gaps_change_no_bit
);

fn scratch_is_what_is_asked_for<T: Real>() {
    for case in all::<T>() {
        let needed = case.workspace.elements();
        let [mut exact, mut ample] = [case.arguments(1), case.arguments(1)];
        let mut scratch = Scratch::of(needed);
        assert_eq!((case.run)(&mut exact, scratch.stack()), Ok(()), "{}", case.name);
        assert!(scratch.is_intact(), "{}: written behind the workspace", case.name);
        assert!(exact.iter().all(Strided::is_intact), "{}: written between columns", case.name);
        let mut scratch = Scratch::of(needed + 1000);
        assert_eq!((case.run)(&mut ample, scratch.stack()), Ok(()), "{}", case.name);
        assert!(exact == ample, "{}: depends on the workspace", case.name);
        if let Some(fewer) = needed.checked_sub(1) {
            let mut refused = case.arguments(1);
            let result = (case.run)(&mut refused, Scratch::of(fewer).stack());
            assert!(matches!(result, Err(Error::Workspace { .. })), "{}: {result:?}", case.name);
            assert!(refused == case.arguments(1), "{}: written although refused", case.name);
        }
    }
}

fn nothing_is_allocated<T: Real>() {
    for m in [0, 1, 3] {
        for case in cases::<T, _>(Portable, m) {
            let (mut arguments, mut scratch) = (case.arguments(0), Scratch::new(case.workspace));
            let (count, result) = allocations(|| (case.run)(&mut arguments, scratch.stack()));
            assert_eq!((result, count), (Ok(()), 0), "{}", case.name);
        }
    }
    let (count, ()) = allocations(|| drop(std::hint::black_box(vec![1_u8; 10])));
    assert_eq!(count, 1, "the counter counts");
}

fn wrong_sizes_are_refused<T: Real>() {
    for case in cases::<T, _>(Loops, 3) {
        for (at, &(rows, columns, name)) in case.shapes.iter().enumerate() {
            let mut arguments = case.arguments(1);
            // One row fewer: a longer slice would do for some.
            arguments[at] = Strided::dense(&Plain::zeros(rows - 1, columns));
            let broken = arguments.clone();
            let result = (case.run)(&mut arguments, Scratch::new(case.workspace).stack());
            let is_sink = name == "sums";
            let what = format!("{}: {name}: {result:?}", case.name);
            match result {
                Err(Error::Shape { .. } | Error::Length { .. }) => {}
                _ => panic!("{what}"),
            }
            // What a sink's maps wrote before the one that is short stays.
            assert!(is_sink || arguments == broken, "{what}: written although refused");
        }
    }
}

fn gaps_change_no_bit<T: Real>() {
    for case in all::<T>() {
        let results = [0, 1, 5].map(|gap| {
            let mut arguments = case.arguments(gap);
            (case.run)(&mut arguments, Scratch::new(case.workspace).stack()).unwrap();
            arguments.iter().map(Strided::plain).collect::<Vec<_>>()
        });
        assert!(results[0] == results[1] && results[0] == results[2], "{}", case.name);
    }
}
