//! The section of who worked when in a sweep.

use super::axis::{Axis, Unit};
use super::look::Look;
use super::markup::Markup;
use super::parts::{Tile, folded, section, tiles};
use super::run::Run;
use crate::error::{Error, Result};
use crate::run::executor::timeline::{Interval, Timeline, Work};
use crate::run::folder::TIMELINE;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 70.0;
const ROW: f64 = 26.0;
const BAR: f64 = 20.0;
const BOTTOM: f64 = 40.0;
/// A piece of work of middle length is so wide.
const PIECE: f64 = 8.0;
const INK: &str = "#1f2328";

/// What a run's folder has of it, if anything.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for a file that is something else.
pub(super) fn read(folder: &Path) -> Result<Option<Timeline>> {
    let path = folder.join(TIMELINE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &path, error)),
    };
    let unreadable = |found: String| Error::format(&path, found, "what `altmin train --timeline` writes");
    let timeline: Timeline = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let is_sound = |interval: &Interval| {
        interval.worker < timeline.workers && 0.0 <= interval.start && interval.start <= interval.end
    };
    match timeline.intervals.iter().all(is_sound) {
        true => Ok(Some(timeline)),
        false => Err(unreadable("a worker that there is not, or an end before its begin".to_owned())),
    }
}

/// Of a run by itself, or of each that has one; nothing where none has.
pub(super) fn write(runs: &[Run], markup: &mut Markup) {
    let all: Vec<_> = runs.iter().filter(|run| !matches!(run.timeline, Ok(None))).collect();
    if all.is_empty() {
        return;
    }
    section("timeline", "Who worked when", markup, |markup| match (&all[..], runs.len()) {
        ([run], 1) => content(run, markup),
        _ => all.iter().for_each(|run| folded(&run.label, false, markup, |markup| content(run, markup))),
    });
}

fn content(run: &Run, markup: &mut Markup) {
    match &run.timeline {
        Ok(Some(timeline)) => shown(timeline, markup),
        Ok(None) => {}
        Err(reason) => markup.element("p", &[("class", &"note left-out")], &format!("Left out: {reason}.")),
    }
}

fn shown(timeline: &Timeline, markup: &mut Markup) {
    let Timeline { sweep, workers, seconds, whole, intervals } = timeline;
    let end = if *whole { *seconds } else { intervals.last().map_or(0.0, |last| last.end) };
    let busy = |worker: usize| {
        let own = intervals.iter().filter(|interval| interval.worker == worker);
        own.map(|interval| interval.end - interval.start).sum::<f64>() / end
    };
    let mut all = vec![
        Tile::new("sweep", sweep.to_string()),
        Tile::new("milliseconds", format!("{:.2}", 1e3 * seconds)),
        Tile::new("pieces of work", intervals.len().to_string()),
    ];
    if end > 0.0 {
        let share = |worker| {
            Tile::new(format!("worker {} busy", worker + 1), format!("{:.1} %", 100.0 * busy(worker)))
        };
        all.extend((0..*workers).map(share));
    }
    tiles(&all, markup);
    let mut lengths: Vec<f64> = intervals.iter().map(|interval| interval.end - interval.start).collect();
    lengths.sort_by(f64::total_cmp);
    let Some(middle) = lengths.get(lengths.len() / 2).filter(|_| end > 0.0) else { return };
    let stretch = (middle * (WIDTH - LEFT) / PIECE).clamp(1e-3 * end, end);
    let is_pipeline = intervals.iter().any(|interval| matches!(interval.work, Work::Stage { .. }));
    let colors = match is_pipeline {
        true => "Each layer has a colour; after eight they begin anew.",
        false => "Each phase has the next colour; at its end the workers wait for each other.",
    };
    let cut = if *whole { "" } else { " Only the beginning of the sweep was taken down." };
    markup.element(
        "p",
        &[("class", &"note")],
        &format!("{colors} The pointer shows what a piece of work is.{cut}"),
    );
    let mut stretches = vec![("The beginning", 0.0)];
    if stretch < end {
        stretches.push(("The end", end - stretch));
    }
    for (name, start) in stretches {
        let name = if stretch < end { name } else { "The whole sweep" };
        markup.within("figure", &[], |markup| {
            markup.element("figcaption", &[], name);
            drawn(timeline, [start, start + stretch], name, markup);
        });
    }
}

/// What was done between two times: a row a worker.
fn drawn(timeline: &Timeline, [start, end]: [f64; 2], name: &str, markup: &mut Markup) {
    let bottom = ROW * timeline.workers as f64;
    let height = bottom + BOTTOM;
    let view = format!("0 0 {WIDTH} {height}");
    let x = |time: f64| LEFT + ((time - start) / (end - start)).clamp(0.0, 1.0) * (WIDTH - LEFT - 14.0);
    let size = [("class", &"chart" as &dyn Display), ("viewBox", &view), ("role", &"img")];
    let named = [&size[..], &[("aria-label", &name), ("font-size", &12)]].concat();
    markup.within("svg", &named, |svg| {
        let text = |x: f64, y: f64, anchor: &str, text: &str, svg: &mut Markup| {
            let place = [x, y].map(|place| format!("{place:.1}"));
            let drawn: [(&str, &dyn Display); 4] =
                [("x", &place[0]), ("y", &place[1]), ("text-anchor", &anchor), ("fill", &INK)];
            svg.element("text", &drawn, text);
        };
        for worker in 0..timeline.workers {
            let y = ROW * worker as f64 + 0.5 * BAR + 4.0;
            text(LEFT - 7.0, y, "end", &format!("worker {}", worker + 1), svg);
        }
        let axis = Axis::between(1e3 * start, 1e3 * end, Unit::Number);
        for (mark, label) in &axis.marks {
            text(x(1e-3 * mark), bottom + 14.0, "middle", label, svg);
        }
        text(0.5 * (LEFT + WIDTH), bottom + 32.0, "middle", "milliseconds", svg);
        let seen = timeline.intervals.iter().filter(|interval| interval.end > start && interval.start < end);
        for Interval { worker, work, start, end } in seen {
            let (color, what) = match work {
                Work::Stage { stage, item } => (stage, format!("layer {}, batch {}", stage + 1, item + 1)),
                Work::Unit { phase, unit } => (phase, format!("phase {}, unit {}", phase + 1, unit + 1)),
            };
            let look = Look::of(*color, 0);
            let (left, right) = (x(*start), x(*end));
            // A gap between neighbours, of which the narrow ones have nothing to spare.
            let wide = (right - left - 0.5).max(0.25);
            let numbers = [left, ROW * *worker as f64, wide].map(|number| format!("{number:.2}"));
            let (class, fill) = (look.class(), look.color());
            svg.within("g", &[("class", &class)], |svg| {
                let drawn: [(&str, &dyn Display); 6] = [
                    ("class", &"spot"),
                    ("x", &numbers[0]),
                    ("y", &numbers[1]),
                    ("width", &numbers[2]),
                    ("height", &BAR),
                    ("fill", &fill),
                ];
                let title = format!("{what}: {:.3} ms", 1e3 * (end - start));
                svg.within("rect", &drawn, |svg| svg.element("title", &[], &title));
            });
        }
    });
}
