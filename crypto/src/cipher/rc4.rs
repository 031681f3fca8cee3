//! RC4 keys and their stream.

use aws_lc_sys::{RC4, RC4_KEY, RC4_set_key};

use super::operation::{Operation, room};
use crate::Error;
use crate::memory::{Plain, SecretBox};

/// A scheduled RC4 key. The schedule is the cipher's state: every operation works on a copy.
pub struct Key {
    schedule: SecretBox<RC4_KEY>,
}

// SAFETY: words.
unsafe impl Plain for RC4_KEY {}

impl Key {
    pub(super) fn new(bytes: &[u8]) -> Result<Key, Error> {
        if bytes.is_empty() || bytes.len() > KEY_BYTES_MAX {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        let mut schedule = SecretBox::<RC4_KEY>::new_zeroed()?;
        // SAFETY: the schedule is writable and `bytes` readable for its length, which fits a C unsigned.
        unsafe { RC4_set_key(&mut *schedule, bytes.len() as u32, bytes.as_ptr()) };
        Ok(Key { schedule })
    }
}

/// A running RC4 stream.
pub(super) struct Stream {
    schedule: SecretBox<RC4_KEY>,
}

impl Stream {
    pub(super) fn new(key: &super::Key) -> Result<Stream, Error> {
        let mut stream = Stream { schedule: SecretBox::new_zeroed()? };
        stream.begin(key)?;
        Ok(stream)
    }

    pub(super) fn begin(&mut self, key: &super::Key) -> Result<(), Error> {
        let super::Key::Rc4(key) = key else {
            return Err(Error::Parameter("RC4 needs an RC4 key"));
        };
        *self.schedule = *key.schedule;
        Ok(())
    }
}

impl Operation for Stream {
    fn update_len(&self, input: usize) -> usize {
        input
    }

    fn finish_len(&self) -> usize {
        0
    }

    fn one_shot_len(&self, input: usize) -> usize {
        input
    }

    fn update(&mut self, _: &super::Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        room(output, input.len())?;
        // SAFETY: both buffers hold `input.len()` bytes and do not overlap; the schedule is ours alone.
        unsafe { RC4(&mut *self.schedule, input.len(), input.as_ptr(), output.as_mut_ptr()) };
        Ok(input.len())
    }

    fn finish(&mut self, _: &super::Key, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }

    fn one_shot(&mut self, key: &super::Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        self.update(key, input, output)
    }
}

const KEY_BYTES_MAX: usize = 256;
