//! Bytes going in and bytes coming out.

use std::borrow::Cow;
use std::ops::Range;

use cryptoki_sys::CK_ULONG;
use strongroom_core::error::Error;
use strongroom_core::limits::ATTRIBUTE_BYTES_MAX;
use strongroom_core::session::Output;
use strongroom_crypto::memory::SecretBytes;

use super::{Pointer, pair_len};

/// Bytes a caller passes in: a pointer and a length.
#[derive(Clone, Copy)]
pub(crate) struct Input {
    start: Pointer<u8>,
    len: CK_ULONG,
}

/// Room for bytes a function passes out: a pointer and, for the length, another.
#[derive(Clone, Copy)]
pub(crate) struct Space {
    start: Pointer<u8>,
    len: Pointer<CK_ULONG>,
}

/// Room that a function fills to its end.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    start: Pointer<u8>,
    len: CK_ULONG,
}

impl Input {
    #[inline]
    pub(crate) const fn new(start: Pointer<u8>, len: CK_ULONG) -> Input {
        Input { start, len }
    }

    /// The bytes; NULL with length 0 is none.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for a pair that can mean no memory.
    #[inline]
    pub(crate) fn bytes(&self) -> Result<&[u8], Error> {
        let len = pair_len(self.start.0, self.len)?;
        if len == 0 {
            return Ok(&[]);
        }
        // SAFETY: not NULL and of possible length, so vouched for until the call returns, which `self` does not
        // outlive. Nothing of ours writes there meanwhile: an output that overlaps makes `exchange` copy the input.
        Ok(unsafe { std::slice::from_raw_parts(self.start.0, len) })
    }

    /// The bytes, or none for NULL: a PIN that is to be entered elsewhere.
    ///
    /// # Errors
    /// As [`Input::bytes`].
    pub(crate) fn optional(&self) -> Result<Option<&[u8]>, Error> {
        let bytes = self.bytes()?;
        Ok((!self.start.is_null()).then_some(bytes))
    }

    /// Whether there is a pointer at all.
    pub(crate) fn is_null(&self) -> bool {
        self.start.is_null()
    }

    /// The length the caller gave, possible or not.
    pub(crate) fn len(&self) -> CK_ULONG {
        self.len
    }

    /// The pointer, to be read as a struct of `size_of::<T>()` bytes.
    pub(super) fn as_struct<T>(&self) -> Option<Pointer<T>> {
        let fits = pair_len(self.start.0, self.len).is_ok_and(|len| len == size_of::<T>());
        fits.then_some(Pointer(self.start.0.cast()))
    }

    /// Where the bytes begin, as a pointer.
    pub(super) fn start(&self) -> Pointer<u8> {
        self.start
    }
}

impl Space {
    #[inline]
    pub(crate) fn new(start: Pointer<u8>, len: Pointer<CK_ULONG>) -> Space {
        Space { start, len }
    }

    /// Lets `run` turn `input` into output, and stores the length (PKCS#11 3.2 §5.2).
    ///
    /// `refused` is called where the caller's pointers are refused before `run`: an operation in progress ends with
    /// any error but a buffer that is too small.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD`, `CKR_HOST_MEMORY` where the output overlaps the input and there is no room for a copy, and
    /// what `run` gives.
    #[inline]
    pub(crate) fn exchange(
        &self,
        input: &Input,
        refused: impl FnOnce(),
        run: impl FnOnce(&[u8], Output<'_>) -> Result<usize, Error>,
    ) -> Result<(), Error> {
        let (copy, room) = match self.prepare(input) {
            Ok(prepared) => prepared,
            Err(error) => {
                refused();
                return Err(error);
            }
        };
        let bytes = match &copy {
            Some(copy) => copy.expose(),
            None => input.bytes()?,
        };
        let result = match room {
            None => run(bytes, Output::Length),
            Some(len) => {
                // SAFETY: not NULL and of possible length, so vouched for. `bytes` does not overlap: `prepare` has made
                // a copy if it did.
                let buffer = unsafe { std::slice::from_raw_parts_mut(self.start.0, len) };
                run(bytes, Output::Buffer(buffer))
            }
        };
        self.settle(result)
    }

    /// As [`Space::exchange`], without input.
    ///
    /// # Errors
    /// As [`Space::exchange`].
    #[inline]
    pub(crate) fn deliver(
        &self,
        refused: impl FnOnce(),
        run: impl FnOnce(Output<'_>) -> Result<usize, Error>,
    ) -> Result<(), Error> {
        self.exchange(&Input::new(Pointer(std::ptr::null_mut()), 0), refused, |_, output| run(output))
    }

    /// As [`Space::deliver`], into memory of the module that is copied out at the end: for outputs made while the
    /// caller's own parameters are in use, which may lie anywhere.
    ///
    /// # Errors
    /// As [`Space::exchange`].
    pub(crate) fn deliver_apart(&self, run: impl FnOnce(Output<'_>) -> Result<usize, Error>) -> Result<(), Error> {
        let (_, room) = self.prepare(&Input::new(Pointer(std::ptr::null_mut()), 0))?;
        let Some(room) = room else {
            return self.settle(run(Output::Length));
        };
        let mut own = Vec::new();
        own.try_reserve_exact(room.min(APART_BYTES_MAX)).map_err(|_| Error::HostMemory)?;
        own.resize(room.min(APART_BYTES_MAX), 0);
        let result = run(Output::Buffer(&mut own));
        if let Ok(len) = &result {
            let made = own.get(..*len).unwrap_or_default();
            // SAFETY: not NULL unless there is no room and nothing made, vouched for as `room` bytes, and `made` has no
            // more.
            unsafe { std::ptr::copy(made.as_ptr(), self.start.0, made.len()) };
        }
        self.settle(result)
    }

    /// Whether there is not even a place for a length.
    pub(crate) fn has_no_length(&self) -> bool {
        self.len.is_null()
    }

    /// Whether only the length is asked for.
    pub(crate) fn is_query(&self) -> bool {
        self.start.is_null()
    }

    /// The bytes of an input, copied if they lie where the output goes.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for pairs that can mean no memory, `CKR_HOST_MEMORY`.
    pub(crate) fn apart<'i>(&self, input: &'i Input) -> Result<Cow<'i, [u8]>, Error> {
        let bytes = input.bytes()?;
        if self.start.is_null() || self.len.is_null() {
            return Ok(Cow::Borrowed(bytes));
        }
        let room = pair_len(self.start.0, self.len.read()?)?;
        if !overlap(&addresses(bytes.as_ptr(), bytes.len()), &addresses(self.start.0, room)) {
            return Ok(Cow::Borrowed(bytes));
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(bytes.len()).map_err(|_| Error::HostMemory)?;
        copy.extend_from_slice(bytes);
        Ok(Cow::Owned(copy))
    }

    /// A copy of the input if the output would overwrite it, and the room in bytes (none for a length query).
    #[inline]
    fn prepare(&self, input: &Input) -> Result<(Option<SecretBytes>, Option<usize>), Error> {
        self.len.required()?;
        let bytes = input.bytes()?;
        if self.start.is_null() {
            return Ok((None, None));
        }
        let room = pair_len(self.start.0, self.len.read()?)?;
        let copy = overlap(&addresses(bytes.as_ptr(), bytes.len()), &addresses(self.start.0, room))
            .then(|| SecretBytes::from_slice(bytes))
            .transpose()?;
        Ok((copy, Some(room)))
    }

    #[inline]
    fn settle(&self, result: Result<usize, Error>) -> Result<(), Error> {
        match result {
            Ok(len) => self.len.write(len as CK_ULONG),
            Err(Error::BufferTooSmall { needed }) => {
                self.len.write(needed as CK_ULONG)?;
                Err(Error::BufferTooSmall { needed })
            }
            Err(error) => Err(error),
        }
    }
}

impl Room {
    pub(crate) fn new(start: Pointer<u8>, len: CK_ULONG) -> Room {
        Room { start, len }
    }

    /// The bytes to fill.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for a pair that can mean no memory.
    pub(crate) fn bytes(&mut self) -> Result<&mut [u8], Error> {
        let len = pair_len(self.start.0, self.len)?;
        if len == 0 {
            return Ok(&mut []);
        }
        // SAFETY: not NULL and of possible length, so vouched for; the only slice of the call.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.start.0, len) })
    }
}

/// No wrapped key and no ciphertext of an encapsulation is longer.
const APART_BYTES_MAX: usize = ATTRIBUTE_BYTES_MAX;

#[inline]
fn addresses(start: *const u8, len: usize) -> Range<usize> {
    start.addr()..start.addr().saturating_add(len)
}

#[inline]
fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end && !a.is_empty() && !b.is_empty()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use cryptoki_sys::{CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL, CKR_DATA_LEN_RANGE};

    use super::super::tests::pointer;
    use super::*;

    const NOBODY: fn() = || panic!("refused");

    /// Writes the input backwards, so that a lost copy would show.
    fn backwards(input: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let Output::Buffer(buffer) = output else { return Ok(input.len()) };
        let Some(buffer) = buffer.get_mut(..input.len()) else {
            return Err(Error::BufferTooSmall { needed: input.len() });
        };
        for (place, byte) in buffer.iter_mut().zip(input.iter().rev()) {
            *place = *byte;
        }
        Ok(input.len())
    }

    #[test]
    fn lengths_and_buffers() {
        let mut input = *b"abcd";
        let mut output = [0u8; 8];
        let mut len: CK_ULONG = 8;
        let input = Input::new(pointer(input.as_mut_ptr()), 4);
        let space = Space::new(pointer(output.as_mut_ptr()), pointer(&raw mut len));
        space.exchange(&input, NOBODY, backwards).unwrap();
        assert_eq!((len, &output[..5]), (4, &b"dcba\0"[..]));

        let query = Space::new(pointer(std::ptr::null_mut()), pointer(&raw mut len));
        len = 99;
        query.exchange(&input, NOBODY, backwards).unwrap();
        assert_eq!(len, 4);

        len = 3;
        assert_eq!(space.exchange(&input, NOBODY, backwards).unwrap_err().rv(), CKR_BUFFER_TOO_SMALL);
        assert_eq!(len, 4);

        // Other errors leave the length alone.
        let refusal = space.exchange(&input, NOBODY, |_, _| Err(Error::DataLength));
        assert_eq!((refusal.unwrap_err().rv(), len), (CKR_DATA_LEN_RANGE, 4));
    }

    #[test]
    fn in_place_at_every_distance() {
        for distance in 0..8 {
            for forwards in [false, true] {
                let mut memory = *b"................";
                let (from, to) = if forwards { (0, distance) } else { (distance, 0) };
                memory[from..from + 4].copy_from_slice(b"abcd");
                let mut len: CK_ULONG = 4;
                let start = memory.as_mut_ptr();
                let input = Input::new(pointer(start.wrapping_add(from)), 4);
                let space = Space::new(pointer(start.wrapping_add(to)), pointer(&raw mut len));
                space.exchange(&input, NOBODY, backwards).unwrap();
                assert_eq!(&memory[to..to + 4], b"dcba", "{from} to {to}");
            }
        }
    }

    #[test]
    fn refusals_are_told_before_anything_runs() {
        let mut bytes = [0u8; 4];
        let mut len: CK_ULONG = 4;
        let start = pointer(bytes.as_mut_ptr());
        let null = pointer(std::ptr::null_mut());
        let good = Input::new(start, 4);
        let length = pointer(&raw mut len);
        let cases = [
            (Input::new(null, 5), Space::new(start, length)),
            (Input::new(start, CK_ULONG::MAX), Space::new(start, length)),
            (good, Space::new(start, pointer(std::ptr::null_mut()))),
            (good, Space::new(null, pointer(std::ptr::null_mut()))),
        ];
        for (input, space) in cases {
            let told = Cell::new(false);
            let result = space.exchange(&input, || told.set(true), |_, _| panic!("ran"));
            assert_eq!((result.unwrap_err().rv(), told.get()), (CKR_ARGUMENTS_BAD, true));
        }
        length.write(CK_ULONG::MAX).unwrap();
        let result = Space::new(start, length).exchange(&good, || {}, |_, _| panic!("ran"));
        assert_eq!(result.unwrap_err().rv(), CKR_ARGUMENTS_BAD);
    }

    #[test]
    fn nothing_is_something() {
        let null = pointer(std::ptr::null_mut());
        assert_eq!(Input::new(null, 0).bytes().unwrap(), b"");
        assert_eq!(Input::new(null, 0).optional().unwrap(), None);
        let mut byte = 7u8;
        assert_eq!(Input::new(pointer(&raw mut byte), 0).optional().unwrap(), Some(&b""[..]));
        assert_eq!(Input::new(pointer(&raw mut byte), 1).optional().unwrap(), Some(&[7][..]));
        assert!(Input::new(null, 1).optional().is_err());
        assert_eq!(Room::new(null, 0).bytes().unwrap(), b"");
        assert!(Room::new(null, 1).bytes().is_err());
    }

    #[test]
    fn overlap_is_strict() {
        assert!(overlap(&(0..4), &(3..5)));
        assert!(overlap(&(3..5), &(0..4)));
        assert!(overlap(&(0..9), &(3..5)));
        assert!(!overlap(&(0..4), &(4..5)));
        assert!(!overlap(&(0..0), &(0..5)));
        assert!(!overlap(&(2..2), &(0..5)));
    }
}
