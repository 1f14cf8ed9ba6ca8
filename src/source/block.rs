//! Blocks of bytes, read ahead on a thread of their own.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// Bytes of one block: small enough that a block is still in the second-level
/// cache when it has been read, checked and scanned, large enough that the hop
/// from the reading thread costs nothing.
pub const BLOCK_BYTES: usize = 256 * 1024;

/// Blocks read ahead of the scanner. More would only hold memory.
const READ_AHEAD: usize = 4;

/// A stream of blocks in source order. After an error it ends.
pub type Blocks = std::pin::Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Reads `input` to its end on a thread of its own.
///
/// A plain thread and not tokio's blocking pool: a runtime waits for that pool
/// when it shuts down, and a read of a terminal's standard input never ends.
pub(super) fn read_blocks(mut input: impl Read + Send + 'static) -> Blocks {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    std::thread::spawn(move || {
        let pool = Arc::new(Pool::default());
        loop {
            match read_block(&mut input, &pool) {
                Ok(None) => return,
                Ok(Some(block)) => {
                    if sender.blocking_send(Ok(block)).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // A closed channel means that nobody listens any more.
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            }
        }
    });
    Box::pin(ReceiverStream::new(receiver))
}

/// One block, filled as far as the input has bytes without waiting for more
/// than the first: a pipe's writer that pauses must not hold back what it sent.
fn read_block(input: &mut impl Read, pool: &Arc<Pool>) -> io::Result<Option<Bytes>> {
    let mut buffer = pool.take();
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                // A pipe hands over at most 64 KiB at a time; a file fills the
                // block in one call.
                if filled >= buffer.len() / 2 || count < PIPE_BYTES {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if filled == 0 {
        return Ok(None);
    }
    let owner = PooledBlock {
        buffer,
        pool: Arc::clone(pool),
    };
    Ok(Some(Bytes::from_owner(owner).slice(..filled)))
}

/// What one read of a full pipe returns (Linux's default pipe size).
const PIPE_BYTES: usize = 64 * 1024;

/// Buffers that were given back. Fresh memory costs a page fault for every
/// 4 KiB, which at gigabytes per second is more than the scan itself.
#[derive(Default)]
struct Pool(Mutex<Vec<Box<[u8]>>>);

impl Pool {
    fn take(&self) -> Box<[u8]> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| vec![0; BLOCK_BYTES].into_boxed_slice())
    }
}

/// A block's memory; it goes back to the pool when its last slice is dropped.
struct PooledBlock {
    buffer: Box<[u8]>,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for PooledBlock {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for PooledBlock {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        self.pool
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_stream::StreamExt as _;

    /// A reader that gives what it is told to, piece by piece.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    #[tokio::test]
    async fn a_paused_writer_does_not_hold_back_what_it_sent() {
        let mut blocks = read_blocks(Pieces(vec![b"a,b\n".to_vec(), b"1,2\n".to_vec()]));
        assert_eq!(blocks.next().await.unwrap().unwrap(), "a,b\n");
        assert_eq!(blocks.next().await.unwrap().unwrap(), "1,2\n");
        assert!(blocks.next().await.is_none());
    }

    #[tokio::test]
    async fn blocks_joined_are_the_input() {
        let input: Vec<u8> = (0..=250).cycle().take(3 * BLOCK_BYTES + 17).collect();
        let mut blocks = read_blocks(io::Cursor::new(input.clone()));
        let mut joined = Vec::new();
        while let Some(block) = blocks.next().await {
            joined.extend_from_slice(&block.unwrap());
        }
        assert!(joined == input);
    }
}
