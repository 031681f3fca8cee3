//! Arrays of numbers and structs that functions fill.

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_ULONG};
use strongroom_core::error::Error;

use super::Pointer;
use crate::failure::{Failure, Outcome};

/// An array and a pointer to the number of its places, which becomes the number of entries.
#[derive(Clone, Copy)]
pub(crate) struct List<T> {
    start: Pointer<T>,
    count: Pointer<CK_ULONG>,
}

/// An array of handles, how many it can take, and a pointer to where the number found goes.
#[derive(Clone, Copy)]
pub(crate) struct Handles {
    start: Pointer<CK_OBJECT_HANDLE>,
    places: CK_ULONG,
    count: Pointer<CK_ULONG>,
}

impl<T: Copy> List<T> {
    pub(crate) fn new(start: Pointer<T>, count: Pointer<CK_ULONG>) -> List<T> {
        List { start, count }
    }

    /// Stores the entries and their number, or only the number where there is no array (PKCS#11 3.2 §5.2).
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` without a place for the number, `CKR_BUFFER_TOO_SMALL` with the number needed.
    pub(crate) fn fill(&self, entries: impl ExactSizeIterator<Item = T>) -> Outcome {
        let needed = entries.len();
        if self.start.is_null() {
            return Ok(self.count.write(needed as CK_ULONG)?);
        }
        let places = self.count.read()?;
        self.count.write(needed as CK_ULONG)?;
        if places < needed as CK_ULONG {
            return Err(Failure::TooFewPlaces { needed });
        }
        for (index, entry) in entries.enumerate().take(needed) {
            // SAFETY: the caller vouches for `places` entries, and `index` is less.
            unsafe { self.start.0.add(index).write_unaligned(entry) };
        }
        Ok(())
    }
}

impl Handles {
    pub(crate) fn new(start: Pointer<CK_OBJECT_HANDLE>, places: CK_ULONG, count: Pointer<CK_ULONG>) -> Handles {
        Handles { start, places, count }
    }

    /// Checks the caller's pointers.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD`.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.count.required()?;
        let bytes = self.places.checked_mul(size_of::<CK_OBJECT_HANDLE>() as CK_ULONG).unwrap_or(CK_ULONG::MAX);
        super::pair_len(self.start.0.cast(), bytes).map(drop)
    }

    /// Fills the array with what `next` finds, part by part, and stores how many there are.
    ///
    /// # Errors
    /// As [`Handles::check`], and what `next` gives.
    pub(crate) fn fill(&self, mut next: impl FnMut(&mut [u64]) -> Result<usize, Error>) -> Result<(), Error> {
        self.check()?;
        let mut part = [0u64; PART_HANDLES];
        let mut found = 0;
        loop {
            let wanted = (self.places - found).min(PART_HANDLES as CK_ULONG) as usize;
            let part = part.get_mut(..wanted).unwrap_or_default();
            let filled = next(part)?;
            for handle in part.iter().take(filled) {
                // SAFETY: `check` has refused NULL and impossible counts, the caller vouches for `places` handles, and
                // `found` is less.
                unsafe { self.start.0.add(found as usize).write_unaligned(*handle) };
                found += 1;
            }
            if filled < wanted || found == self.places {
                return self.count.write(found);
            }
        }
    }
}

/// Handles passed on at a time, over the stack: a caller's array may not be aligned.
const PART_HANDLES: usize = 128;

#[cfg(test)]
mod tests {
    use cryptoki_sys::{CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL};

    use super::super::tests::pointer;
    use super::*;

    #[test]
    fn lists_are_counted_first() {
        let mut places = [0 as CK_ULONG; 4];
        let mut count: CK_ULONG = 0;
        let entries = || [7, 8, 9].into_iter();
        let query = List::new(pointer(std::ptr::null_mut()), pointer(&raw mut count));
        query.fill(entries()).unwrap();
        assert_eq!(count, 3);
        let list = List::new(pointer(places.as_mut_ptr()), pointer(&raw mut count));
        count = 2;
        assert_eq!(list.fill(entries()).unwrap_err().rv(), CKR_BUFFER_TOO_SMALL);
        assert_eq!((count, places), (3, [0; 4]));
        count = 4;
        list.fill(entries()).unwrap();
        assert_eq!((count, places), (3, [7, 8, 9, 0]));
        let nowhere = List::new(pointer(places.as_mut_ptr()), pointer(std::ptr::null_mut()));
        assert_eq!(nowhere.fill(entries()).unwrap_err().rv(), CKR_ARGUMENTS_BAD);
    }

    /// Finds the numbers below `end`, as a search would.
    fn search(end: u64) -> impl FnMut(&mut [u64]) -> Result<usize, Error> {
        let mut numbers = 0..end;
        move |places| Ok(places.iter_mut().zip(&mut numbers).map(|(place, number)| *place = number).count())
    }

    #[test]
    fn handles_come_in_parts() {
        for places in [0, 1, 127, 128, 129, 300] {
            for end in [0, 1, 128, 129, 300, 1000] {
                let mut array = [u64::MAX; 301];
                let mut count: CK_ULONG = 99;
                let handles = Handles::new(pointer(array.as_mut_ptr()), places, pointer(&raw mut count));
                handles.fill(search(end)).unwrap();
                let expected = places.min(end);
                assert_eq!(count, expected);
                assert!((0..expected).eq(array.iter().copied().take(expected as usize)));
                assert_eq!(array[expected as usize], u64::MAX);
            }
        }
    }

    #[test]
    fn impossible_arrays_are_refused() {
        let mut place = 0;
        let mut count: CK_ULONG = 0;
        let (start, number) = (pointer(&raw mut place), pointer(&raw mut count));
        let null = pointer(std::ptr::null_mut());
        for handles in [
            Handles::new(null, 1, number),
            Handles::new(start, 1, null),
            Handles::new(start, CK_ULONG::MAX, number),
            Handles::new(start, 1 << 61, number),
            Handles::new(start, 1 << 60, number),
        ] {
            assert_eq!(handles.fill(|_| panic!("ran")).unwrap_err().rv(), CKR_ARGUMENTS_BAD);
        }
        assert!(Handles::new(null, 0, number).check().is_ok());
    }
}
