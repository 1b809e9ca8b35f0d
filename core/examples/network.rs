//! A whole run of pdADMM from the core alone: a network learns which of three corners a point lies at.
//!
//! `cargo run --release -p altmin-core --example network`
//!
//! The core neither allocates nor starts threads. It says how much memory a run takes, and the caller brings it: here two
//! `Vec` that are the run's state and one that is scratch. A host brings other executors, products and memory.

use altmin_core::block::{Block, Network, Shape};
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::pdadmm::PdAdmm;
use altmin_core::method::{Hyperparameters, Method, Problem, Run, State};
use altmin_core::view::{dense, dense_mut};
use altmin_core::{Activation, Result, Target};

const SAMPLES: usize = 90;
const CORNERS: [[f64; 2]; 3] = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];

fn main() -> Result {
    // The training set: a sample is a column, and its class the corner that it lies around.
    let mut random = 1_u64;
    let mut number = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f64 / (1 << 23) as f64 - 1.0
    };
    let classes: Vec<u32> = (0..SAMPLES).map(|j| (j % 3) as u32).collect();
    let x: Vec<f64> =
        classes.iter().flat_map(|&class| CORNERS[class as usize]).map(|x| x + 0.4 * number()).collect();
    let problem = Problem { x: dense(&x, 2, SAMPLES), target: Target::Classes(&classes) };

    // 2 inputs, 16 hidden units, 3 outputs; nu and rho are within the condition of Lemma 1, rho > 4 nu.
    let blocks =
        [Block::Dense { outputs: 16 }, Block::Activation(Activation::Relu), Block::Dense { outputs: 3 }];
    let network = Network::new(&blocks, Shape::flat(2))?;
    let run = Run { network, cuts: &[], problem };
    let settings = Hyperparameters { nu: 1.0, rho: 4.1, ..Hyperparameters::default() };
    let mut method = PdAdmm::new(&settings, &run)?;

    // The state, at whose front are the parameters, here random at first; and scratch for the one thread that works.
    let memory = method.memory(&run);
    let (mut scalars, mut numbers) = (vec![0.0; memory.scalars], vec![0.0; memory.numbers]);
    let mut state = State { scalars: &mut scalars, numbers: &mut numbers };
    state.parameters_mut(&network).fill_with(&mut number);
    let mut scratch = vec![0.0; method.workspace(&run, &Portable).elements()];
    let mut executor = Sequential::new(&mut scratch);

    method.initialize(&run, &mut state, &mut executor, &Portable)?;
    let mut before = method.objective(&run, &mut state, &mut executor, &Portable)?;
    for sweep in 1..=60 {
        let report = method.sweep(&run, &mut state, None, &mut executor, &Portable)?;
        let fall = before - report.objective;
        if sweep % 10 == 0 {
            println!(
                "sweep {sweep}: L = {:.4}, fell by {fall:.2e}, at least {:.2e}",
                report.objective, report.promised
            );
        }
        assert!(fall >= report.promised - 1e-12 * before, "Lemma 1");
        before = report.objective;
    }

    // What the trained network says: the largest of a sample's outputs is its class.
    let mut z = vec![0.0; 3 * SAMPLES];
    let mut scratch = vec![0.0; network.apply_workspace(&Portable, SAMPLES).elements()];
    let stack = altmin_core::workspace::Stack::new(&mut scratch);
    let parameters = state.parameters(&network);
    network.apply(&Portable, parameters, &problem.x, &mut dense_mut(&mut z, 3, SAMPLES), stack)?;
    let is_right = |(z, class): &(&[f64], &u32)| z.iter().all(|&other| other <= z[**class as usize]);
    let right = z.chunks_exact(3).zip(&classes).filter(is_right).count();
    println!("{right} of {SAMPLES} samples are classified correctly");
    assert!(right >= SAMPLES * 9 / 10);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs() {
        super::main().expect("the example ends well");
    }
}
