//! From block to block: carries the state and hands the records out.
//!
//! Two loops take turns, window by window. The first notes where records end
//! and start; the second hands them out. Each then has branches that a
//! processor can foresee, where one loop for both would stumble over how many
//! records a block happens to end.

use super::block::Carry;
use super::kernel::{BLOCK, Kernel};
use super::scanner::{OpenQuote, Record, Sink};
use super::window::{Boundary, Filled, WINDOW, Window};

/// A place and what was counted up to it.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Bytes.
    position: u64,
    /// Separators outside quotes.
    separators: u64,
    /// Ends of physical lines.
    lines: u64,
}

/// How far a scan has come.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    separator: u8,
    carry: Carry,
    here: Place,
    /// Where the record that is open, or was handed out last, started.
    record: Place,
    /// Where a quoted field opened last.
    opened: Place,
}

/// Reads `bytes`, which follow those read before.
#[inline(always)]
pub(super) fn walk<K: Kernel, S: Sink>(
    kernel: K,
    progress: &mut Progress,
    bytes: &[u8],
    sink: &mut S,
) {
    let separator = progress.separator;
    let mut window = Window::new();
    // A load that straddles two lines of the cache costs two.
    let (head, bytes) = bytes.split_at(bytes.as_ptr().align_offset(BLOCK).min(bytes.len()));
    let (blocks, tail) = bytes.as_chunks::<BLOCK>();
    sink.bytes(head);
    walk_part(kernel, progress, head, &mut window, sink);
    let mut carry = progress.carry;
    for stretch in blocks.chunks(WINDOW) {
        let mut filled = Filled::default();
        let mut plain = true;
        let found = kernel.find(stretch, separator, &mut window);
        sink.bytes(stretch.as_flattened());
        while filled.blocks < stretch.len() {
            if let Some(usual) = carry.usual() {
                let mut inner = *usual;
                if filled.blocks < found {
                    let found = &stretch[..found];
                    kernel.advance_while_plain(&mut inner, found, &mut window, &mut filled);
                }
                for block in &stretch[filled.blocks..] {
                    let stands = kernel.classify(block, separator);
                    let Some(marks) = inner.advance_if_plain(kernel, stands) else {
                        break;
                    };
                    window.note_plain(&mut filled, &marks);
                }
                *usual = inner;
            }
            let mut cr = 0;
            for block in &stretch[filled.blocks..] {
                plain = false;
                let stands = kernel.classify(block, separator);
                window.note(&mut filled, &carry.advance(kernel, stands, BLOCK));
                // Where one line ends in CR, the next will too: no plain block
                // is hoped for before the window's end.
                cr |= stands.cr;
                if cr == 0 {
                    break;
                }
            }
        }
        plain &= !carry.take_inner();
        progress.carry = carry;
        let bytes = stretch.len() * BLOCK;
        if plain {
            progress.hand_out_plain(&window, filled, bytes, sink);
        } else {
            progress.hand_out(&mut window, filled, bytes, sink);
        }
    }
    sink.bytes(tail);
    walk_part(kernel, progress, tail, &mut window, sink);
    // A record that ended with the very last byte need not wait for the next.
    if progress.carry.take_ended() {
        sink.record(record(progress.record, progress.here));
    }
}

/// Reads less than a block.
#[inline(always)]
fn walk_part<K: Kernel, S: Sink>(
    kernel: K,
    progress: &mut Progress,
    bytes: &[u8],
    window: &mut Window,
    sink: &mut S,
) {
    if bytes.is_empty() {
        return;
    }
    let mut filled = Filled::default();
    let mut block = [0; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    let valid = u64::MAX >> (BLOCK - bytes.len());
    let found = kernel.classify(&block, progress.separator).within(valid);
    let marks = progress.carry.advance(kernel, found, bytes.len());
    window.note(&mut filled, &marks);
    progress.hand_out(window, filled, bytes.len(), sink);
}

/// The record from `start` up to `end`.
#[inline(always)]
fn record(start: Place, end: Place) -> Record {
    let separators = end.separators - start.separators;
    Record {
        start: start.position,
        end: end.position,
        line: start.lines,
        fields: u32::try_from(separators + 1).unwrap_or(u32::MAX),
    }
}

impl Progress {
    /// At the start of a record in physical line `line`.
    pub(super) const fn start(separator: u8, line: u64) -> Self {
        let here = Place {
            position: 0,
            separators: 0,
            lines: line,
        };
        Self {
            separator,
            carry: Carry::start(),
            here,
            record: here,
            opened: here,
        }
    }

    /// The quoted field that is open.
    pub(super) fn open_quote(&self) -> Option<OpenQuote> {
        self.carry.is_inside().then_some(OpenQuote {
            record_start: self.record.position,
            record_line: self.record.lines,
            offset: self.opened.position,
            line: self.opened.lines,
        })
    }

    /// The record that is open, as if it ended here.
    pub(super) fn open_record(&self) -> Option<Record> {
        self.carry
            .is_record_open()
            .then(|| record(self.record, self.here))
    }

    /// Hands out the records that the window, of so many bytes, completes.
    #[inline(always)]
    fn hand_out<S: Sink>(
        &mut self,
        window: &mut Window,
        filled: Filled,
        bytes: usize,
        sink: &mut S,
    ) {
        let lines = window.count_lines(filled);
        let place = |boundary: Boundary| {
            let separators = boundary.separators();
            let lines = window.lines_before(boundary);
            self.here.after(boundary.byte().into(), separators, lines)
        };
        let mut start = self.record;
        for &boundary in window.boundaries(filled) {
            let here = place(boundary);
            if boundary.ends() {
                sink.record(record(start, here));
            }
            if boundary.starts() {
                start = here;
            }
        }
        self.record = start;
        if self.carry.is_quoted()
            && let Some(opening) = window.last_opening(filled)
        {
            self.opened = place(opening);
        }
        self.here = self.here.after(bytes as u64, filled.separators, lines);
    }

    /// The same for a window in which each line is a record, and each boundary
    /// an end and a start: lines need no counting.
    #[inline(always)]
    fn hand_out_plain<S: Sink>(
        &mut self,
        window: &Window,
        filled: Filled,
        bytes: usize,
        sink: &mut S,
    ) {
        let place = |boundary: Boundary, lines| {
            let separators = boundary.separators();
            self.here.after(boundary.byte().into(), separators, lines)
        };
        let boundaries = window.boundaries(filled);
        // A line that ended just before the window is counted already.
        let mut lines = match boundaries {
            [first, ..] if first.byte() == 0 => 0,
            _ => 1,
        };
        let mut start = self.record;
        for &boundary in boundaries {
            let here = place(boundary, lines);
            sink.record(record(start, here));
            start = here;
            lines += 1;
        }
        self.record = start;
        // One that ends just before the next window is counted here.
        lines -= u32::from(!self.carry.is_terminated());
        if self.carry.is_quoted()
            && let Some(opening) = window.last_opening(filled)
        {
            // No line ended since, or it would be one inside quotes.
            self.opened = place(opening, lines);
        }
        self.here = self.here.after(bytes as u64, filled.separators, lines);
    }
}

impl Place {
    /// The place that is `bytes` further on, with so many separators and lines
    /// between.
    #[inline(always)]
    fn after(self, bytes: u64, separators: u32, lines: u32) -> Self {
        Self {
            position: self.position + bytes,
            separators: self.separators + u64::from(separators),
            lines: self.lines + u64::from(lines),
        }
    }
}
