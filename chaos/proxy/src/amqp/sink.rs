//! What was read and goes on: frames that follow each other and pass as they are leave in one piece, uncopied.

use bytes::{Bytes, BytesMut};

/// The way from what was read to what is to be written.
pub(crate) struct Sink<'a> {
    read: &'a mut BytesMut,
    /// So many of the first bytes pass as they are.
    run: usize,
    out: &'a mut Vec<Bytes>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(read: &'a mut BytesMut, out: &'a mut Vec<Bytes>) -> Self {
        Self { read, run: 0, out }
    }

    /// What has not been decided on.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.read[self.run..]
    }

    /// The next bytes pass as they are.
    pub(crate) fn pass(&mut self, len: usize) {
        self.run += len;
    }

    /// The next bytes do not pass; not so, at least.
    pub(crate) fn take(&mut self, len: usize) -> Bytes {
        self.flush();
        self.read.split_to(len).freeze()
    }

    /// Something else goes on, after all that passed before.
    pub(crate) fn put(&mut self, bytes: Bytes) {
        self.flush();
        self.out.push(bytes);
    }

    pub(crate) fn flush(&mut self) {
        if self.run > 0 {
            self.out.push(self.read.split_to(self.run).freeze());
            self.run = 0;
        }
    }
}
