//! Curves of a run while it goes on, on a terminal.

mod picture;
mod screen;
mod series;

use crate::network::score::Scores;
use crate::run::observe::{Change, Metrics, Observer, Summary};
use console::{Term, colors_enabled_stderr};
use picture::{Picture, SMALLEST, TALLEST, Times};
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use screen::Screen;
use std::io::{self, IsTerminal, Stderr, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// So often the times are shown anew where no sweep ends.
const TICK: Duration = Duration::from_secs(1);
/// A picture wider than this has no clearer curves.
const WIDEST: u16 = 200;

/// The view that is on the terminal, of which there is one at most.
static LIVE: Mutex<Option<Live>> = Mutex::new(None);

/// A view on a terminal.
#[derive(Debug)]
struct Live {
    picture: Picture,
    screen: Screen<Stderr>,
    begun: Instant,
    /// Sweeps that were done before.
    before: usize,
    /// When it was drawn last.
    drawn: Option<Instant>,
}

/// Curves of loss and scores on stderr, with objective, residuals and the time left; as long as this lives.
///
/// It changes nothing of the terminal but what it writes: no key is taken from it, and the cursor is always to be seen.
#[derive(Debug)]
pub struct View(());

impl View {
    /// Shows a run of at most `sweeps`, of which those in `before` are done. None where stdout or stderr is no terminal, or one that is too
    /// small or cannot place letters, and where there is a view.
    pub fn begin(title: &str, sweeps: usize, scores: Scores, before: &[Metrics]) -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        let terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
        if !cfg!(unix) || dumb || !terminals || size().is_none() {
            return None;
        }
        let mut live = live();
        if live.is_some() {
            return None;
        }
        let mut picture = Picture::new(title, sweeps, scores);
        before.iter().for_each(|metrics| picture.sweep(metrics));
        let begun = Instant::now();
        let screen = Screen::new(io::stderr(), colors_enabled_stderr());
        let mut new = Live { before: picture.done(), picture, screen, begun, drawn: None };
        new.draw();
        *live = Some(new);
        drop(live);
        leave_before_panics();
        // Without the thread times are those of the last sweep.
        let _ = std::thread::Builder::new().name("view".to_owned()).spawn(move || tick(begun));
        Some(Self(()))
    }
}

/// Writes whole lines to stderr: above the view, where there is one.
pub fn write_above(lines: &str) -> io::Result<()> {
    match &mut *live() {
        Some(live) => live.screen.above(lines),
        None => io::stderr().lock().write_all(lines.as_bytes()),
    }
}

fn live() -> MutexGuard<'static, Option<Live>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows the times anew as long as the view is the one that began then.
fn tick(begun: Instant) {
    loop {
        std::thread::sleep(TICK);
        match &mut *live() {
            Some(live) if live.begun == begun => live.draw_after(TICK),
            _ => return,
        }
    }
}

/// A panic is told below the last picture, and nothing is drawn over it.
fn leave_before_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // The drawing itself may be what has panicked.
            if let Ok(mut live) = LIVE.try_lock() {
                *live = None;
            }
            before(panic);
        }));
    });
}

/// The size of the picture; none where the terminal has no room for one.
fn size() -> Option<(u16, u16)> {
    let (lines, columns) = Term::stderr().size_checked()?;
    // A line below it is the cursor's, and one above shows what came before.
    let (columns, lines) = (columns.min(WIDEST), lines.saturating_sub(2).min(TALLEST));
    (columns >= SMALLEST.0 && lines >= SMALLEST.1).then_some((columns, lines))
}

impl Live {
    fn times(&self) -> Times {
        let gone = self.begun.elapsed();
        let done = self.picture.done().saturating_sub(self.before);
        let left = self.picture.left() as f64 / done as f64;
        let left = (done > 0 && self.picture.left() > 0)
            .then(|| Duration::try_from_secs_f64(left * gone.as_secs_f64()).ok());
        Times { gone, left: left.flatten() }
    }

    fn draw_after(&mut self, pause: Duration) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= pause) {
            self.draw();
        }
    }

    fn draw(&mut self) {
        // A terminal that has become too small shows the last picture that it had room for.
        if let Some((columns, lines)) = size() {
            let area = Rect::new(0, 0, columns, lines);
            let mut buffer = Buffer::empty(area);
            self.picture.draw(self.times(), area, &mut buffer);
            // A terminal that has hung up shows nothing; the run goes on.
            let _ = self.screen.show(buffer);
        }
        self.drawn = Some(Instant::now());
    }
}

impl Observer for View {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        if let Some(live) = &mut *live() {
            live.picture.sweep(metrics);
            live.draw_after(FRAME);
        }
        Ok(())
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        if let Some(live) = &mut *live() {
            live.picture.change(change.setting, change.to);
        }
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for View {
    // The last curves stay on the terminal.
    fn drop(&mut self) {
        if let Some(mut live) = live().take() {
            live.draw();
        }
    }
}
