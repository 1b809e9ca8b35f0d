//! Who worked when: what is taken down of a sweep, and how a page shows it.

use altmin::data;
use altmin::run::executor::timeline::{Interval, Timeline, Work};
use altmin::run::observe::Observers;
use altmin::settings::{Batch, Method, Samples, Widths};
use altmin::{TrainOptions, Trainer};
use std::collections::HashSet;
use std::fs;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A run of a few sweeps of 200 samples in mini-batches of 20, with or without a timeline, and its weights.
fn run(method: Method, sweeps: usize, threads: usize, is_recorded: bool) -> (Option<Timeline>, Vec<f32>) {
    let options = TrainOptions {
        method: Some(method),
        samples: Some(Samples(Some(200))),
        hidden: Some(Widths(vec![30, 20, 10])),
        batch: (method != Method::Pdadmm).then_some(Batch(Some(20))),
        sweeps: Some(sweeps),
        threads: Some(threads),
        ..TrainOptions::default()
    };
    let settings = options.resolve().expect("settings");
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("digits");
    let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::new(test)).expect("a trainer");
    if is_recorded {
        trainer.record_timeline();
    }
    trainer.run(&mut Observers::new(), &AtomicBool::new(false)).expect("a run");
    (trainer.timeline().cloned(), trainer.model().parameters)
}

/// No worker does two things at a time, and nothing lies outside of the sweep.
fn require_sound(timeline: &Timeline) {
    assert!(timeline.whole && !timeline.intervals.is_empty());
    for worker in 0..timeline.workers {
        let own: Vec<&Interval> =
            timeline.intervals.iter().filter(|interval| interval.worker == worker).collect();
        assert!(own.windows(2).all(|pair| pair[0].end <= pair[1].start), "{worker}");
    }
    for Interval { worker, start, end, .. } in &timeline.intervals {
        assert!(*worker < timeline.workers && 0.0 <= *start && start <= end && *end <= timeline.seconds);
    }
}

#[test]
fn every_layer_takes_every_batch_once_after_the_layer_below() {
    let (timeline, recorded) = run(Method::Local, 3, 2, true);
    let timeline = timeline.expect("a timeline");
    require_sound(&timeline);
    assert_eq!((timeline.sweep, timeline.workers), (2, 2));
    let stages: Vec<_> = timeline
        .intervals
        .iter()
        .filter_map(|interval| match interval.work {
            Work::Stage { stage, item } => Some(((stage, item), interval)),
            Work::Unit { .. } => None,
        })
        .collect();
    let seen: HashSet<_> = stages.iter().map(|(place, _)| *place).collect();
    let all: HashSet<_> = (0..4).flat_map(|stage| (0..10).map(move |item| (stage, item))).collect();
    assert!(seen == all && stages.len() == 40, "{seen:?}");
    let of = |place| stages.iter().find(|(other, _)| *other == place).expect("a piece of work").1;
    for (stage, item) in all.into_iter().filter(|place| place.0 > 0) {
        assert!(of((stage - 1, item)).end <= of((stage, item)).start, "{stage} {item}");
    }
    // Looking at the clock changes nothing.
    let (none, plain) = run(Method::Local, 3, 2, false);
    assert!(none.is_none() && plain == recorded);
}

#[test]
fn units_of_a_phase_end_before_the_next_phase_begins() {
    for (sweeps, threads) in [(3, 2), (1, 1)] {
        let timeline = run(Method::Pdadmm, sweeps, threads, true).0.expect("a timeline");
        require_sound(&timeline);
        assert_eq!((timeline.sweep, timeline.workers), (sweeps.min(2), threads));
        let mut last = (0, 0.0, 0.0f64);
        for Interval { work, start, end, .. } in timeline.intervals {
            let Work::Unit { phase, .. } = work else { panic!("{work:?}") };
            if phase > last.0 {
                last = (phase, last.2, last.2);
            }
            assert!(phase == last.0 && start >= last.1, "{phase} {last:?}");
            last.2 = last.2.max(end);
        }
        assert!(last.0 > 2);
    }
}

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

#[test]
fn a_page_draws_every_piece_and_refuses_what_is_no_timeline() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let path = |name: &str| parent.path().join(name).to_str().expect("a path").to_owned();
    let (run, page) = (path("run"), path("page.html"));
    let small = ["--method", "local", "--samples", "60", "--batch", "20", "--hidden", "12", "--sweeps", "2"];
    let train = |more: &[&str]| altmin(&[&["train", "--quiet", "--threads", "2"], &small[..], more].concat());
    assert_eq!(train(&["--timeline", "--out", &run]).status.code(), Some(0));
    let report = || {
        let output = altmin(&["report", &run, "--no-data", "-o", &page]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read_to_string(&page).expect("a page")
    };
    let shown = report();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&shown, options).expect("well-formed");
    let section =
        document.descendants().find(|node| node.attribute("id") == Some("timeline")).expect("a section");
    let titles: HashSet<_> = section
        .descendants()
        .filter(|node| node.has_tag_name("rect"))
        .filter_map(|node| node.first_element_child()?.text()?.split(':').next())
        .collect();
    for title in ["layer 1, batch 1", "layer 2, batch 3"] {
        assert!(titles.contains(title), "{titles:?}");
    }
    assert!(shown.contains("worker 2 busy"));
    for broken in
        ["{}", r#"{"sweep":1,"workers":1,"seconds":1,"whole":true,"intervals":[[7,"unit",0,0,0.1,0.2]]}"#]
    {
        fs::write(parent.path().join("run/timeline.json"), broken).expect("a file");
        assert!(report().contains("what `altmin train --timeline` writes"), "{broken}");
    }
    fs::remove_file(parent.path().join("run/timeline.json")).expect("a file");
    assert!(!report().contains("Who worked when"));
    for wrong in [&["--timeline"][..], &["--timeline", "--evaluate-every", "1", "--out", &path("other")]] {
        assert_eq!(train(wrong).status.code(), Some(2), "{wrong:?}");
    }
}
