//! Asks again, on several threads: one reads the logs, the others take batches of lines and count for themselves.
//! The sums do not depend on which thread had which line.

use std::num::NonZeroUsize;
use std::panic;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use doorward_engine::{PolicyBundle, STACK_SIZE};

use super::compare::{Flip, Kind};
use super::line::{Line, Recorded};
use super::stream::{Batch, LONGEST, Log};
use super::tally::Tally;
use crate::cli::Failure;
use crate::cli::render::progress::Progress;
use crate::domain::clock::Timestamp;

/// Batches that wait for each thread.
const WAITING: usize = 2;

/// What is asked of whom, and what counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) bundle: &'a PolicyBundle,
    /// The first moment that counts.
    pub(super) since: Option<Timestamp>,
    /// The first moment that does not count any more.
    pub(super) until: Option<Timestamp>,
    /// Whether the bundle is the one that decided.
    pub(super) same: bool,
    /// Most decisions that are listed.
    pub(super) most: usize,
}

/// Replays the logs, each to its end.
pub(super) fn run(
    task: &Task<'_>,
    logs: &mut [Log],
    threads: NonZeroUsize,
    progress: &Progress,
) -> Result<Tally, Failure> {
    let names: Vec<String> = logs.iter().map(|log| log.name.clone()).collect();
    thread::scope(|scope| -> Result<Tally, Failure> {
        let (sender, receiver) = mpsc::sync_channel::<Batch>(WAITING * threads.get());
        let queue = Arc::new(Mutex::new(receiver));
        let mut workers = Vec::new();
        for _ in 0..threads.get() {
            let (queue, names) = (Arc::clone(&queue), names.as_slice());
            let worker = thread::Builder::new()
                .name("replay".to_owned())
                .stack_size(STACK_SIZE)
                .spawn_scoped(scope, move || task.work(names, &queue, progress))
                .map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
            workers.push(worker);
        }
        // With the last worker the queue ends, and nobody waits for room in it.
        drop(queue);
        let read = feed(logs, &sender);
        drop(sender);
        let mut tally = Tally::new(task.most);
        for worker in workers {
            match worker.join() {
                Ok(part) => tally.merge(part),
                Err(payload) => panic::resume_unwind(payload),
            }
        }
        read.map(|()| tally)
    })
}

/// Reads all logs, one after the other.
fn feed(logs: &mut [Log], queue: &SyncSender<Batch>) -> Result<(), Failure> {
    for (number, log) in logs.iter_mut().enumerate() {
        log.read(number, |batch| queue.send(batch).is_ok())?;
    }
    Ok(())
}

fn next(queue: &Mutex<Receiver<Batch>>) -> Option<Batch> {
    // A thread that panicked while it waited has taken nothing.
    let receiver = queue.lock().unwrap_or_else(PoisonError::into_inner);
    receiver.recv().ok()
}

impl Task<'_> {
    /// Counts what this thread gets of the queue.
    fn work(&self, names: &[String], queue: &Mutex<Receiver<Batch>>, progress: &Progress) -> Tally {
        let mut tally = Tally::new(self.most);
        while let Some(batch) = next(queue) {
            let name = names.get(batch.log).map_or("", String::as_str);
            for (number, text) in batch.lines() {
                let place = Place {
                    log: batch.log,
                    name,
                    line: number,
                };
                self.line(text, place, &mut tally);
            }
            progress.advance(batch.read);
        }
        tally
    }

    fn line(&self, text: Option<&[u8]>, place: Place<'_>, tally: &mut Tally) {
        let line = text.map_or_else(too_long, |text| Line::read(text, self.since, self.until));
        match line {
            Line::Decided(recorded) => self.decision(&recorded, place, tally),
            Line::Unreplayable(reference) => {
                tally.counts.unreplayable += 1;
                let reference = reference.to_string();
                tally.unreplayable.add(place.position(), reference);
            }
            Line::Undecided => tally.counts.undecided += 1,
            Line::Outside => tally.counts.outside += 1,
            Line::Blank => {}
            Line::Malformed(why) => {
                tally.counts.malformed += 1;
                tally.broken.add(place.position(), (place.shown(), why));
            }
        }
    }

    fn decision(&self, recorded: &Recorded, place: Place<'_>, tally: &mut Tally) {
        let now = self.bundle.decide(&recorded.request, || recorded.offers());
        tally.counts.replayed += 1;
        tally.counts.in_part += usize::from(recorded.is_in_part());
        let Some(kind) = Kind::of(&recorded.decision, &now, self.same) else {
            return;
        };
        tally.flip(kind, recorded, &now);
        if tally.flips.wants(place.position()) {
            let flip = Flip::of(kind, recorded, &now, place.shown());
            tally.flips.add(place.position(), flip);
        }
    }
}

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    log: usize,
    name: &'a str,
    line: usize,
}

impl Place<'_> {
    fn position(self) -> (usize, usize) {
        (self.log, self.line)
    }

    /// `file:line`.
    fn shown(self) -> String {
        format!("{}:{}", self.name, self.line)
    }
}

fn too_long() -> Line {
    Line::Malformed(format!("the line is longer than {LONGEST} bytes"))
}
