//! TSSM over convolutions and fully connected blocks allocates nothing, works with exactly the scratch that it asks for and
//! is refused with less, with an optimiser and with proximal sweeps inside.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Network, Shape};
use altmin_core::executor::{Executor, Units};
use altmin_core::gemm::Portable;
use altmin_core::method::tssm::{self, Convention, Inner, Settings, Splitting, Tssm};
use altmin_core::method::{Partition, Problem};
use altmin_core::optimizer::Optimizer;
use altmin_core::theory::Norms;
use altmin_core::view::dense;
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Error, Loss, Real, Result, Target};

use crate::common::counting::allocations;
use crate::common::{Random, Scratch, in_both_precisions};

/// One unit after the other in scratch with canaries behind it.
struct Watched<T>(Scratch<T>);

impl<T: Real> Executor<T> for Watched<T> {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let mut rest = units;
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            task(index, first.single(), self.0.stack())?;
            rest = others;
        }
        Ok(())
    }
}

const TILE: usize = 4;

fn parts<T: Real>() -> (Shape, [Vec<Block<T>>; 2]) {
    let relu = Block::Activation(Activation::Relu);
    let pair = Block::Residual(Residual { outputs: 3, stride: 1, activation: Activation::Tanh });
    let dense = |outputs| Block::Dense { outputs };
    let first =
        vec![Block::Conv(Conv::square(2, 3, 1, 1)), relu, Block::MaxPool(Window { size: 2, stride: 2 })];
    (
        Shape { channels: 1, height: 6, width: 5 },
        [first, vec![pair, Block::Flatten, dense(7), relu, dense(3)]],
    )
}

in_both_precisions!(epochs_take_what_they_ask_for);

fn epochs_take_what_they_ask_for<T: Real>() {
    let number = T::from_f64;
    let proximal = Inner::Proximal { nu: number(2.0), damping: number(0.5) };
    for splitting in [Splitting::Gsadmm, Splitting::Gsam] {
        for inner in [Inner::Optimizer(Optimizer::adam(number(0.01))), proximal] {
            for guard in [None, Some(number(0.5))] {
                for samples in [0, 1, 11] {
                    let settings = Settings {
                        splitting,
                        alpha: number(2.0),
                        rho: T::ONE,
                        tau: number(20.0),
                        convention: Convention::Sum,
                        inner,
                        loss: Loss::CrossEntropy,
                        guard,
                        frozen: 0,
                    };
                    check(settings, samples);
                }
            }
        }
    }
}

fn check<T: Real>(settings: Settings<T>, samples: usize) {
    let what = format!("{settings:?}, {samples} samples");
    let (input, parts) = parts::<T>();
    let first = Network::new(&parts[0], input).unwrap();
    let networks = [first, Network::new(&parts[1], first.output()).unwrap()];
    let mut random = Random::new(7);
    let mut numbers = |count: usize| -> Vec<T> {
        random.matrix(count, 1).data.iter().map(|&x| T::from_f64(0.5 * x)).collect()
    };
    let x = numbers(input.features() * samples);
    let classes: Vec<u32> = (0..samples as u32).map(|j| j % 3).collect();
    let problem = Problem { x: dense(&x, input.features(), samples), target: Target::Classes(&classes) };
    let poison = |elements: usize| vec![T::from_f64(f64::NAN); elements];
    let guard = settings.guard.is_some();
    let mut subnetworks = [0, 1].map(|l| {
        let mut subnetwork = tssm::subnetwork(&networks[l], &settings.inner, guard, poison);
        subnetwork.parameters_mut().copy_from_slice(&numbers(networks[l].parameters()));
        subnetwork
    });
    let dual = settings.splitting == Splitting::Gsadmm;
    let features = networks[1].input().features();
    let mut interfaces = [tssm::interface(features, samples, dual, poison).unwrap()];
    let (partition, batches) =
        (Partition::new(samples, TILE, 2), Partition::new(samples.clamp(1, 8), TILE, 2));
    let mut shares: Vec<_> = networks
        .iter()
        .flat_map(|network| (0..batches.groups()).map(|_| tssm::share(network, &settings.inner, poison)))
        .collect();
    let mut terms = vec![tssm::Terms::default(); samples.div_ceil(TILE.min(samples.max(1)))];
    let state = tssm::State {
        subnetworks: &mut subnetworks,
        interfaces: &mut interfaces,
        shares: &mut shares,
        terms: &mut terms,
    };
    let mut method = Tssm::new(settings, &networks, partition, batches, problem, state).unwrap();
    // What a batch wants, though there may be fewer samples than its tile.
    let tile = batches.tile().max(partition.tile());
    let mut executor = Watched(Scratch::new(tssm::workspace(&Portable, &settings, &networks, tile)));
    let theorem = tssm::approximation_workspace(&Portable, &networks, tile);
    let mut for_theorem = Watched(Scratch::new(theorem));
    let mut short = Watched(Scratch::of(theorem.elements() - 1));
    let order: Vec<u32> = (0..samples as u32).collect();
    let batch = batches.samples();
    let mut norms = [Norms::default(); 2];
    let (count, (sweeps, found)) = allocations(|| {
        method.initialize(&mut executor, &Portable).unwrap();
        let mut sweeps = [Default::default(); 3];
        for sweep in &mut sweeps {
            *sweep = method.epoch(&mut executor, &Portable, &order, batch).unwrap();
        }
        (sweeps, method.approximation(&mut for_theorem, &Portable, 20, &mut norms).unwrap())
    });
    assert_eq!(count, 0, "{what}");
    assert!(executor.0.is_intact() && for_theorem.0.is_intact(), "{what}: written behind the workspace");
    assert!(found.error <= found.bound.unwrap(), "{what}: {found:?}");
    assert!(samples == 0 || sweeps[2] != sweeps[0], "{what}: nothing moved");
    if samples > TILE {
        let refused = method.approximation(&mut short, &Portable, 20, &mut norms);
        assert!(matches!(refused, Err(Error::Workspace { .. })), "{what}: {refused:?}");
        let mut none = Watched(Scratch::of(10));
        let refused = method.epoch(&mut none, &Portable, &order, batch);
        assert!(matches!(refused, Err(Error::Workspace { .. })), "{what}: {refused:?}");
    }
}
