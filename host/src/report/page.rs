//! One page about runs that are over: scores, settings, curves, and how their models do on samples that they were not trained on.
//!
//! The page is one text: styles, pictures and the script are in it, and nothing is asked of a network. Without the script it
//! shows the same, but for what a pointer tells. It is well-formed as XML, and what comes from files is escaped.

mod axis;
mod chart;
mod classes;
mod comparison;
mod curves;
mod figure;
mod find;
mod groups;
mod head;
mod loaded;
mod look;
mod markup;
mod panels;
mod parts;
mod promises;
mod rows;
mod run;
mod samples;
mod settings;
mod tested;
mod timeline;
mod values;

use self::chart::Chart;
use self::curves::figures;
use self::figure::Figure;
use self::loaded::Loaded;
use self::markup::Markup;
use self::parts::section;
use self::run::Run;
use crate::error::Result;
use crate::report::curves::Against;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;

pub use self::run::Samples;

/// What keeps the page by itself: nothing is loaded but what is in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// Runs to be shown; at least one.
#[derive(Debug)]
pub struct Page {
    runs: Vec<Run>,
}

/// What a figure's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines and letters.
    Svg,
    /// Pixels, two for a unit of the SVG.
    Png,
}

/// A figure as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureFile {
    /// The file's name, which ends in `.svg` or `.png`.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Form {
    fn end(self) -> &'static str {
        match self {
            Form::Svg => "svg",
            Form::Png => "png",
        }
    }

    fn drawn(self, chart: &Chart<'_>) -> io::Result<Vec<u8>> {
        match self {
            Form::Svg => Ok(chart.file().into_bytes()),
            Form::Png => chart.png(),
        }
    }
}

impl Page {
    /// Reads the runs in these folders, each written by `train --out` or by `compare --out`.
    ///
    /// A run may have been stopped, may have diverged, or may have no model: what is there is shown.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::Error::Argument) for no folders, for a folder of neither kind, a run that is named twice and
    /// settings that are none; [`Error::Io`](crate::Error::Io) and [`Error::Format`](crate::Error::Format) for files that cannot
    /// be read.
    pub fn read(folders: &[PathBuf], samples: Samples) -> Result<Self> {
        let found = find::runs(folders)?;
        let mut loaded = Loaded::default();
        let runs = found.iter().map(|found| Run::read(found, samples, &mut loaded));
        Ok(Self { runs: runs.collect::<Result<_>>()? })
    }

    /// Why the page says nothing of how a model does on samples, for each run of which it does not.
    pub fn left_out(&self) -> impl Iterator<Item = String> {
        let reason = |run: &Run| run.tested.as_ref().err().map(|reason| format!("{}: {reason}", run.label));
        self.runs.iter().filter_map(reason)
    }

    /// The page.
    ///
    /// # Errors
    /// A curve that is no JSON.
    pub fn html(&self) -> io::Result<String> {
        let figures = figures(&self.runs);
        let mut script = Markup::default();
        script.json(&panels::points(&figures))?;
        let mut markup = Markup::default();
        markup.own("<!DOCTYPE html>\n");
        markup.within("html", &[("lang", &"en")], |markup| {
            markup.within("head", &[], |markup| self.write_head(markup));
            markup.within("body", &[], |markup| {
                head::write(&self.runs, markup);
                markup.within("main", &[], |markup| self.write_sections(&figures, markup));
                let version = concat!("Written by altmin ", env!("CARGO_PKG_VERSION"), ".");
                markup.element("footer", &[], version);
                let kind = [("type", &"application/json" as &dyn Display), ("id", &"points")];
                markup.within("script", &kind, |markup| markup.append(script));
                markup.within("script", &[], |markup| {
                    markup.own("//<![CDATA[\n");
                    markup.own(include_str!("page/page.js"));
                    markup.own("//]]>");
                });
            });
        });
        markup.own("\n");
        Ok(markup.into_text())
    }

    /// The curves and, of values, the plots of the page, each as a file.
    ///
    /// # Errors
    /// A picture that an encoder refuses.
    pub fn figures(&self, form: Form) -> io::Result<Vec<FigureFile>> {
        let (mut files, end) = (Vec::new(), form.end());
        for figure in figures(&self.runs) {
            for against in [Against::Sweeps, Against::Seconds] {
                let over = match against {
                    Against::Sweeps => "sweeps",
                    Against::Seconds => "seconds",
                };
                let bytes = figure.drawn(against, |chart| form.drawn(chart))?;
                files.push(FigureFile { name: format!("{}-{over}.{end}", figure.id), bytes });
            }
        }
        for (number, run) in self.runs.iter().enumerate() {
            let before = if self.runs.len() == 1 { String::new() } else { format!("run-{}-", number + 1) };
            for plot in run.tested.iter().flat_map(values::plots) {
                let bytes = plot.drawn(|chart| form.drawn(chart))?;
                files.push(FigureFile { name: format!("{before}{}.{end}", plot.id), bytes });
            }
        }
        Ok(files)
    }

    fn write_head(&self, markup: &mut Markup) {
        markup.empty("meta", &[("charset", &"utf-8")]);
        markup.empty("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &POLICY)]);
        markup.empty("meta", &[("name", &"viewport"), ("content", &"width=device-width, initial-scale=1")]);
        markup.empty("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
        markup.element("title", &[], &format!("{} - altmin", head::title(&self.runs)));
        // Without one a browser asks for it.
        markup.empty("link", &[("rel", &"icon"), ("href", &"data:,")]);
        markup.within("style", &[], |markup| markup.own(include_str!("page/page.css")));
    }

    fn write_sections(&self, figures: &[Figure], markup: &mut Markup) {
        match &self.runs[..] {
            [run] => section("result", "Result", markup, |markup| head::scores(run, markup)),
            runs => section("comparison", "Comparison", markup, |markup| comparison::write(runs, markup)),
        }
        section("curves", "Curves", markup, |markup| panels::write(&self.runs, figures, markup));
        samples::write(&self.runs, markup);
        timeline::write(&self.runs, markup);
        section("promises", "Promises checked", markup, |markup| promises::write(&self.runs, markup));
        section("settings", "Settings", markup, |markup| settings::write(&self.runs, markup));
    }
}
