//! How samples are cut into groups and tiles.

use altmin_core::Activation;
use altmin_core::block::conv::Conv;
use altmin_core::block::{Block, Network, Shape};
use altmin_core::method::{Partition, widest_tile};
use proptest::prelude::*;

/// First sample of every tile and the one after its last of every group, in order.
fn tiles(partition: Partition) -> Vec<Vec<(usize, usize)>> {
    let of = |g: usize| {
        let (first, _) = partition.group(g);
        partition.tiles(g).map(|(start, count)| (first + start, first + start + count)).collect()
    };
    (0..partition.groups()).map(of).collect()
}

/// `pieces` are neighbours, from `from` to `to`.
fn joins(pieces: impl IntoIterator<Item = (usize, usize)>, from: usize, to: usize) -> bool {
    pieces.into_iter().try_fold(from, |end, (a, b)| (a == end).then_some(b)) == Some(to)
}

proptest! {
    #[test]
    fn groups_cover_all_samples_once(samples in 1usize..3000, tile in 1usize..400, groups in 1usize..40) {
        let partition = Partition::new(samples, tile, groups);
        prop_assert_eq!(partition.samples(), samples);
        prop_assert!(partition.groups() >= 1 && partition.groups() <= groups);
        let spans = (0..partition.groups()).map(|g| partition.group(g));
        prop_assert!(joins(spans.map(|(first, count)| (first, first + count)), 0, samples));
    }

    #[test]
    fn tiles_cover_each_group(samples in 1usize..3000, tile in 1usize..400, groups in 1usize..40) {
        let partition = Partition::new(samples, tile, groups);
        for (g, tiles) in tiles(partition).into_iter().enumerate() {
            let (first, count) = partition.group(g);
            prop_assert!(count > 0, "group {} is empty", g);
            prop_assert!(joins(tiles.iter().copied(), first, first + count));
            prop_assert!(tiles.iter().all(|&(a, b)| a < b && b - a <= partition.tile()));
            // All but the last sample's tile are full: groups are cut between tiles, never inside one.
            prop_assert!(tiles.iter().all(|&(a, b)| a % tile == 0 && (b == samples || b - a == tile)));
        }
    }

    #[test]
    fn groups_are_of_even_size(samples in 1usize..3000, tile in 1usize..400, groups in 1usize..40) {
        let partition = Partition::new(samples, tile, groups);
        let counts: Vec<usize> = tiles(partition).iter().map(Vec::len).collect();
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        prop_assert!(most - least <= 1, "tiles of the groups: {:?}", counts);
        prop_assert_eq!(partition.groups(), groups.min(samples.div_ceil(tile)));
    }

    #[test]
    fn the_cut_depends_on_its_arguments_alone(samples in 0usize..3000, tile in 1usize..400, groups in 1usize..40) {
        let (one, other) = (Partition::new(samples, tile, groups), Partition::new(samples, tile, groups));
        prop_assert_eq!(one, other);
        // Another thread, with whatever else it may know, cuts the same.
        let elsewhere = std::thread::spawn(move || tiles(Partition::new(samples, tile, groups))).join().unwrap();
        prop_assert_eq!(tiles(one), elsewhere);
    }
}

#[test]
fn no_samples_are_one_group_without_tiles() {
    let partition = Partition::new(0, 8, 4);
    assert_eq!((partition.groups(), partition.tile(), partition.group(0)), (1, 0, (0, 0)));
    assert_eq!(partition.tiles(0).count(), 0);
}

#[test]
fn an_example_by_hand() {
    let partition = Partition::new(23, 5, 2);
    let expected = vec![vec![(0, 5), (5, 10)], vec![(10, 15), (15, 20), (20, 23)]];
    assert_eq!(tiles(partition), expected);
    assert_eq!(Partition::new(3, 5, 2).tile(), 3);
}

#[test]
fn passes_through_networks_have_groups_and_tiles_of_one_size() {
    // 8 groups of 1,250 samples, in 3 tiles of 417 each, rounded up to a multiple of 16.
    let wide = Partition::for_network(10_000, 1_000);
    assert_eq!((wide.groups(), wide.tile()), (8, 432));
    let narrow = Partition::for_network(10_000, 100);
    assert_eq!((narrow.groups(), narrow.tile()), (8, 100));
    // Too few samples for 8 groups.
    assert_eq!(Partition::for_network(300, 1_000).groups(), 2);
    assert_eq!(Partition::for_network(600, 1_000).groups(), 4);
    for samples in [1, 5, 255, 300, 4_097, 60_000] {
        let partition = Partition::for_network(samples, 1_000);
        let sizes: Vec<usize> = (0..partition.groups()).map(|group| partition.group(group).1).collect();
        assert_eq!(sizes.iter().sum::<usize>(), samples);
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        assert!(most - least <= 2 * partition.tile(), "{samples}: {sizes:?}");
    }
}

#[test]
fn tiles_of_large_samples_are_narrow() {
    let conv = Block::Conv(Conv::square(64, 3, 1, 1));
    let blocks = [conv, Block::<f32>::Activation(Activation::Relu), conv];
    let input = Shape { channels: 3, height: 32, width: 32 };
    let network = Network::new(&blocks, input).unwrap();
    // A sample's record: 65,536 numbers of each convolution. Beside it two signals of its width at most.
    let sample = 3 * 2 * 65_536 + 3 * 32 * 32;
    assert_eq!(widest_tile(&network), (1 << 24) / sample);
    let layers = [Block::<f32>::Dense { outputs: 10 }];
    assert!(widest_tile(&Network::new(&layers, Shape::flat(20)).unwrap()) > 100_000);
}
