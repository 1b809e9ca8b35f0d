//! The memory that a run takes, reckoned before it is allocated, what there is of it, and what the process has used.

use std::fs;
use std::path::Path;

use altmin_core::block::Network as CoreNetwork;
use altmin_core::method::{AnyMethod, Method as _, Problem, Run};
use altmin_core::view::columns;
use altmin_core::{Real, loss::Target};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::network::predictor::Predictor;
use crate::network::score::Evaluator;
use crate::run::kernel::AnyGemm;
use crate::run::plan;
use crate::settings::{Batch, Keep, Precision, Settings, Use};

/// Bytes that a process can address: 47 bits of them on the 64-bit machines of today.
const ADDRESSABLE: usize =
    if usize::BITS > 47 { usize::MAX >> (usize::BITS - 47) } else { isize::MAX as usize };

/// Bytes of a run's memory, by what for. The program's own, the threads' stacks, and what the fast product packs, about a MB
/// a thread, are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Training and test samples.
    pub data: usize,
    /// What the method keeps from sweep to sweep, the network's parameters first, and the order of mini-batches.
    pub state: usize,
    /// Copies of the network: of the last good sweep, and with [`Keep::Best`] and [`Keep::Both`] of the best one.
    pub copies: usize,
    /// What each thread works in.
    pub thread: usize,
    /// Threads.
    pub threads: usize,
    /// The copy of the model that is written to its file at the end.
    pub file: usize,
    /// Of the data and the state, what does not depend on the precision.
    indices: usize,
}

impl Memory {
    /// All of it: the most that is held at a time.
    pub fn total(&self) -> usize {
        let each = [self.data, self.state, self.copies, self.threads.saturating_mul(self.thread), self.file];
        each.into_iter().fold(0, usize::saturating_add)
    }

    /// The memory of a run with these settings on these samples; nothing of that size is allocated.
    ///
    /// # Errors
    /// As [`plan::check`].
    pub fn of<T: Real>(settings: &Settings, train: &Dataset<T>, test: Option<&Dataset<T>>) -> Result<Self> {
        Self::of_first(train.n_samples(), settings, train, test)
    }

    /// The same with the first samples of the training set alone.
    fn of_first<T: Real>(
        samples: usize,
        settings: &Settings,
        train: &Dataset<T>,
        test: Option<&Dataset<T>>,
    ) -> Result<Self> {
        let problem =
            Problem { x: columns(&train.matrix(), 0, samples), target: train.target().columns(0, samples) };
        let network = plan::network(settings, train)?;
        let gemm = AnyGemm::of(settings.kernel);
        let (mut scalars, thread) = of_method(settings, &network, problem, &gemm)?;
        if let Some(growth) = settings.grow {
            // The shallow network is given up when the deep one is there.
            let shallow = plan::of_hidden(settings, &settings.hidden[..growth.layers], train)?;
            scalars = scalars.saturating_add(of_method(settings, &shallow, problem, &gemm)?.0);
        }
        let models = network.parameters() + of_readouts(settings, &network)?;
        let kept = if settings.keep == Keep::Last { 1 } else { 2 };
        let of_test = test.map_or(0, |test| test.n_samples() * test.bytes_per_sample());
        let order = match plan::batches(settings) {
            Some(batches) if batches.largest(samples) < samples => samples * size_of::<u32>(),
            _ => 0,
        };
        let labels = match problem.target {
            Target::Classes(_) | Target::WeightedClasses { .. } => {
                size_of::<u32>() * (samples + test.map_or(0, Dataset::n_samples))
            }
            Target::Values(_) => 0,
        };
        let bytes = |scalars: usize| scalars.saturating_mul(size_of::<T>());
        Ok(Self {
            data: samples * train.bytes_per_sample() + of_test,
            state: bytes(scalars).saturating_add(order),
            copies: bytes(models).saturating_mul(kept),
            thread: bytes(thread),
            threads: settings.threads,
            file: bytes(models),
            indices: labels + order,
        })
    }

    /// The same in single precision, of a run in double precision.
    fn halved(&self) -> usize {
        (self.total() - self.indices) / 2 + self.indices
    }
}

/// Scalars that a method keeps for a network, and those that each thread works in.
fn of_method<T: Real>(
    settings: &Settings,
    network: &Network,
    problem: Problem<'_, T>,
    gemm: &AnyGemm,
) -> Result<(usize, usize)> {
    let (blocks, cuts) = (network.blocks_in(), plan::cuts(settings, network)?);
    let run = Run { network: CoreNetwork::new(&blocks, network.input())?, cuts: &cuts, problem };
    let method = AnyMethod::new(settings.method, &settings.hyperparameters(), &run)?;
    let scores = Evaluator::scratch(&Predictor { network: run.network, parameters: &[] }, gemm);
    let mut thread = method.workspace(&run, gemm).or(scores);
    if settings.diagnostics {
        thread = thread.or(method.approximation_workspace(&run, gemm));
    }
    Ok((method.memory(&run).scalars, thread.elements()))
}

/// Parameters of all read-outs that the method trains.
fn of_readouts(settings: &Settings, network: &Network) -> Result<usize> {
    Ok(plan::readouts(settings, network)?.into_iter().map(|place| place.parameters(network)).sum())
}

/// `Ok` where a run, with so many bytes beside, fits into the memory that it may take.
///
/// # Errors
/// [`Error::Memory`] with what would fit; as [`Memory::of`].
pub(crate) fn require<T: Real>(
    settings: &Settings,
    train: &Dataset<T>,
    test: Option<&Dataset<T>>,
    beside: impl Fn(&Memory) -> usize,
) -> Result {
    require_weights(settings, train)?;
    let memory = Memory::of(settings, train, test)?;
    let limit = limit(settings, memory.data);
    let needed = |memory: &Memory| memory.total().saturating_add(beside(memory));
    // Where the system does not tell, what it refuses is too much.
    let refused = || Vec::<u8>::new().try_reserve_exact(needed(&memory)).is_err().then_some(memory.data);
    let Some(limit) = limit.or_else(refused).filter(|&limit| limit < needed(&memory)) else { return Ok(()) };
    let fits = |memory: Result<Memory>| memory.is_ok_and(|memory| needed(&memory) <= limit);
    let mut ways = Vec::new();
    let samples = train.n_samples();
    // A mini-batch is not above the samples.
    let batch_fits =
        |count| settings.batch.is_none_or(|batch| batch <= count || settings.has_default_batch());
    let fitting = largest(samples, |count| fits(Memory::of_first(count, settings, train, test)));
    let fitting = fitting.filter(|&count| batch_fits(count));
    ways.extend(fitting.map(|count| format!("{count} training samples")));
    if settings.uses(Use::Batch) {
        let batch = settings.batch.unwrap_or(samples);
        let of_batch = |size| Memory::of(&Settings { batch: Some(size), ..settings.clone() }, train, test);
        ways.extend(
            largest(batch, |size| fits(of_batch(size)))
                .map(|size| format!("mini-batches of {}", Batch(Some(size)))),
        );
    }
    let of_threads = |threads| Ok(Memory { threads, ..memory });
    ways.extend(largest(settings.threads, |threads| fits(of_threads(threads))).map(
        |threads| match threads {
            1 => "1 thread".to_owned(),
            _ => format!("{threads} threads"),
        },
    ));
    if settings.precision == Precision::F64 && memory.halved().saturating_add(beside(&memory) / 2) <= limit {
        ways.push(format!("precision {}", Precision::F32));
    }
    Err(Error::Memory { needed: needed(&memory), limit, is_set: settings.max_memory.is_some(), fits: ways })
}

/// Bytes that a run whose data take so many may take; `None` where neither settings nor system tell.
fn limit(settings: &Settings, data: usize) -> Option<usize> {
    // What is there already is no longer available.
    settings.max_memory.or_else(|| available_bytes().map(|left| left.saturating_add(data)))
}

/// `Ok` where the weights alone fit: a method reckons with the squares of layers' widths, which must be numbers too.
fn require_weights<T: Real>(settings: &Settings, train: &Dataset<T>) -> Result {
    let needed = plan::network(settings, train)?.parameters().saturating_mul(size_of::<T>());
    let data = train.n_samples() * train.bytes_per_sample();
    let limit = limit(settings, data).unwrap_or(ADDRESSABLE).min(ADDRESSABLE);
    let is_set = settings.max_memory == Some(limit);
    if needed > limit { Err(Error::Memory { needed, limit, is_set, fits: Vec::new() }) } else { Ok(()) }
}

/// The largest number from 1 and below `bound` that fits, where fewer fit as well.
fn largest(bound: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut good, mut bad) = (0, bound);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) { good = middle } else { bad = middle }
    }
    (good > 0).then_some(good)
}

/// The memory that the machine and the control group of this process have left, in bytes; `None` where the system does not
/// tell.
pub fn available_bytes() -> Option<usize> {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let of_machine = read(Path::new("/proc/meminfo")).and_then(|text| kilobytes(&text, "MemAvailable:"));
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    of_machine.into_iter().chain(left_of_groups(&groups, Path::new("/sys/fs/cgroup"), read)).min()
}

/// The files in which a version of the kernel's control groups keeps a group's memory.
struct GroupFiles {
    limit: &'static str,
    used: &'static str,
    /// In `memory.stat`: pages of files that nobody has used lately, which go when memory is wanted.
    unused_files: &'static str,
}

/// Version 1, where each controller has a tree of its own.
const GROUPS_1: GroupFiles = GroupFiles {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    unused_files: "total_inactive_file ",
};

const GROUPS_2: GroupFiles =
    GroupFiles { limit: "memory.max", used: "memory.current", unused_files: "inactive_file " };

/// What each control group with a limit has left: the process's own, and those that it is in.
fn left_of_groups(groups: &str, root: &Path, read: impl Fn(&Path) -> Option<String>) -> Vec<usize> {
    let mut left = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(own)) = (parts.next(), parts.next()) else { continue };
        let (files, root) = match controllers {
            "" => (&GROUPS_2, root.to_owned()),
            _ if controllers.split(',').any(|name| name == "memory") => (&GROUPS_1, root.join("memory")),
            _ => continue,
        };
        let own = root.join(own.trim_start_matches('/'));
        let around = own.ancestors().take_while(|folder| folder.starts_with(&root));
        left.extend(around.filter_map(|folder| left_of_group(folder, files, &read)));
    }
    left
}

fn left_of_group(
    folder: &Path,
    files: &GroupFiles,
    read: &impl Fn(&Path) -> Option<String>,
) -> Option<usize> {
    let number = |name: &str| read(&folder.join(name))?.trim().parse::<usize>().ok();
    let (most, used) = (number(files.limit)?, number(files.used)?);
    let statistics = read(&folder.join("memory.stat")).unwrap_or_default();
    let unused = statistics.lines().find_map(|line| line.strip_prefix(files.unused_files));
    let unused = unused.and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
    Some(most.saturating_sub(used.saturating_sub(unused)))
}

/// The most memory that this process has held so far, in bytes; `None` where the system does not tell.
pub fn peak_rss_bytes() -> Option<usize> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// A number of the kernel's tables, which are in units of 1,024 bytes.
fn kilobytes(table: &str, name: &str) -> Option<usize> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_the_kernel() {
        let status = "Name:\tcat\nVmPeak:\t    8000 kB\nVmHWM:\t    1756 kB\nVmRSS:\t    1700 kB\n";
        assert_eq!(kilobytes(status, "VmHWM:"), Some(1_798_144));
        assert_eq!(kilobytes("Name:\tcat\n", "VmHWM:"), None);
        let machine = "MemTotal:  100 kB\nMemAvailable:  3 kB\n";
        assert_eq!(kilobytes(machine, "MemAvailable:"), Some(3_072));
    }

    #[test]
    fn a_group_has_left_what_it_and_those_around_it_have_not_used() {
        let files = |path: &Path| {
            let text = match path.to_str()? {
                "/cg/a/b/memory.max" => "1000\n",
                "/cg/a/b/memory.current" => "700\n",
                "/cg/a/b/memory.stat" => "anon 600\ninactive_file 100\n",
                "/cg/a/memory.max" => "max\n",
                "/cg/memory.max" => "5000\n",
                "/cg/memory.current" => "6000\n",
                _ => return None,
            };
            Some(text.to_owned())
        };
        assert_eq!(left_of_groups("0::/a/b\n", Path::new("/cg"), files), [400, 0]);
        assert!(left_of_groups("1:cpu:/a/b\n", Path::new("/cg"), files).is_empty());
        assert!(left_of_groups("0\n\n::\n", Path::new("/none"), files).is_empty());
    }

    #[test]
    fn a_group_of_version_1_has_a_tree_for_its_memory() {
        let files = |path: &Path| {
            let text = match path.to_str()? {
                // A container sees its own group at the root of the tree, under whatever path it is outside.
                "/cg/memory/memory.limit_in_bytes" => "1000\n",
                "/cg/memory/memory.usage_in_bytes" => "700\n",
                "/cg/memory/memory.stat" => "inactive_file 1\ntotal_inactive_file 100\n",
                "/cg/memory/a/memory.limit_in_bytes" => "9223372036854771712\n",
                "/cg/memory/a/memory.usage_in_bytes" => "712\n",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let groups = "12:cpu,cpuacct:/a\n4:hugetlb,memory:/a/b\n1:name=systemd:/a\n0::/a\n";
        assert_eq!(left_of_groups(groups, Path::new("/cg"), files), [9_223_372_036_854_771_000, 400]);
        assert_eq!(left_of_groups("4:memory:/docker/1", Path::new("/cg"), files), [400]);
    }

    #[test]
    fn the_largest_that_fits_is_found() {
        for most in 0..9 {
            assert_eq!(largest(8, |count| count <= most), (most > 0).then_some(most.min(7)), "{most}");
        }
        assert_eq!(largest(1, |_| true), None);
    }
}
