//! Arrays of `CK_ATTRIBUTE`: templates read in, values written out.

use std::ffi::c_void;

use cryptoki_sys::{CK_ATTRIBUTE, CK_ULONG, CK_UNAVAILABLE_INFORMATION};
use strongroom_core::attribute::{AttributeType, RawAttribute, RawValue, TemplateAttribute, TemplateValue, ValueKind};
use strongroom_core::error::Error;
use strongroom_core::limits::{TEMPLATE_DEPTH_MAX, TEMPLATE_ENTRIES_MAX};
use strongroom_core::object::AttributeValue;

use super::{Pointer, pair_len};

/// A caller's template: a pointer to its entries and their number.
#[derive(Clone, Copy)]
pub(crate) struct Attributes {
    start: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
}

/// How [`Attributes::answer`] ended for one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The value, or its length where only that was asked for, is in the entry.
    Given,
    /// The caller's buffer has not the room; the entry says `CK_UNAVAILABLE_INFORMATION`.
    TooSmall {
        /// Bytes needed.
        needed: usize,
    },
}

impl Attributes {
    pub(crate) fn new(start: Pointer<CK_ATTRIBUTE>, count: CK_ULONG) -> Attributes {
        Attributes { start, count }
    }

    /// How many entries there are.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for entries at NULL and for more than any template has.
    #[inline]
    pub(crate) fn len(&self) -> Result<usize, Error> {
        let count = usize::try_from(self.count).ok().filter(|count| *count <= TEMPLATE_ENTRIES_MAX);
        let count = count.ok_or(Error::Arguments("the template has too many entries"))?;
        pair_len(self.start.0.cast(), (count * size_of::<CK_ATTRIBUTE>()) as CK_ULONG)?;
        Ok(count)
    }

    /// The entries as they are, for [`strongroom_core::attribute::Template::parse`].
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` as for [`Attributes::len`], `CKR_ATTRIBUTE_VALUE_INVALID` where a value's pointer and length
    /// can mean no memory, `CKR_HOST_MEMORY`.
    pub(crate) fn raw(&self) -> Result<Vec<RawAttribute<'_>>, Error> {
        self.raw_at(0)
    }

    fn raw_at(&self, depth: usize) -> Result<Vec<RawAttribute<'_>>, Error> {
        let count = self.len()?;
        let mut entries = Vec::new();
        entries.try_reserve_exact(count).map_err(|_| Error::HostMemory)?;
        for index in 0..count {
            let entry = self.entry(index);
            entries.push(RawAttribute { attribute: entry.type_, value: raw_value(&entry, depth)? });
        }
        Ok(entries)
    }

    /// The attribute asked for at `index`, and the pointer and length that came with it. `index` must be below
    /// [`Attributes::len`].
    #[inline]
    pub(crate) fn attribute(&self, index: usize) -> AttributeType {
        AttributeType(self.entry(index).type_)
    }

    /// The bytes at `index`, for the trace: none where the pair can mean no memory.
    pub(crate) fn traced_value(&self, index: usize) -> Option<&[u8]> {
        let entry = self.entry(index);
        let len = pair_len(entry.pValue.cast(), entry.ulValueLen).ok()?;
        if entry.pValue.is_null() {
            return None;
        }
        // SAFETY: not NULL and of possible length, so vouched for.
        Some(unsafe { std::slice::from_raw_parts(entry.pValue.cast(), len) })
    }

    /// The length at `index`, for the trace.
    pub(crate) fn traced_len(&self, index: usize) -> CK_ULONG {
        self.entry(index).ulValueLen
    }

    /// Answers the entry at `index` with a value (PKCS#11 3.2 §5.7.5): all of it, or its length where the entry has no
    /// buffer. `index` must be below [`Attributes::len`].
    #[inline]
    pub(crate) fn answer(&self, index: usize, value: AttributeValue<'_>) -> Answer {
        self.assert_within(index);
        // SAFETY: within the entries the caller vouches for.
        unsafe { answer_entry(self.start.0.add(index), value) }
    }

    /// Answers the entry at `index` with `CK_UNAVAILABLE_INFORMATION`. `index` must be below [`Attributes::len`].
    pub(crate) fn refuse(&self, index: usize) {
        self.assert_within(index);
        // SAFETY: within the entries the caller vouches for.
        unsafe { set_len(self.start.0.add(index), CK_UNAVAILABLE_INFORMATION) };
    }

    #[inline]
    fn entry(&self, index: usize) -> CK_ATTRIBUTE {
        self.assert_within(index);
        // SAFETY: within the entries the caller vouches for; any bytes are a CK_ATTRIBUTE, aligned or not.
        unsafe { self.start.0.add(index).read_unaligned() }
    }

    /// A caught panic rather than a stray access, should a caller in this crate be wrong.
    #[inline]
    fn assert_within(&self, index: usize) {
        assert!((index as CK_ULONG) < self.count && index < TEMPLATE_ENTRIES_MAX && !self.start.is_null());
    }
}

fn raw_value<'a>(entry: &CK_ATTRIBUTE, depth: usize) -> Result<RawValue<'a>, Error> {
    let attribute = AttributeType(entry.type_);
    let invalid = |reason| Error::AttributeValue { attribute, reason };
    let len = pair_len(entry.pValue.cast(), entry.ulValueLen)
        .map_err(|_| invalid("its pointer and length can mean no memory"))?;
    if attribute.kind() == Some(ValueKind::Template) && len > 0 {
        if !len.is_multiple_of(size_of::<CK_ATTRIBUTE>()) {
            return Err(invalid("not a whole number of CK_ATTRIBUTEs"));
        }
        if depth >= TEMPLATE_DEPTH_MAX {
            return Err(invalid("a template within a template within a template"));
        }
        let count = (len / size_of::<CK_ATTRIBUTE>()) as CK_ULONG;
        let inner = Attributes::new(Pointer(entry.pValue.cast()), count);
        return inner.raw_at(depth + 1).map(|entries| RawValue::Nested(until_return(entries)));
    }
    if len == 0 {
        return Ok(RawValue::Bytes(&[]));
    }
    // SAFETY: not NULL and of possible length, so vouched for until the call returns.
    Ok(RawValue::Bytes(unsafe { std::slice::from_raw_parts(entry.pValue.cast(), len) }))
}

/// The values lie in the caller's memory, not in the array that named them, and are vouched for as long as the outer
/// ones.
fn until_return<'a>(entries: Vec<RawAttribute<'_>>) -> Vec<RawAttribute<'a>> {
    // SAFETY: only the lifetime changes; `raw_value` would give it to each entry by itself.
    unsafe { std::mem::transmute(entries) }
}

/// # Safety
///
/// `entry` leads to a `CK_ATTRIBUTE`, and its pointer is NULL or leads to as many bytes as its length says.
unsafe fn answer_entry(entry: *mut CK_ATTRIBUTE, value: AttributeValue<'_>) -> Answer {
    // SAFETY: promised.
    let CK_ATTRIBUTE { pValue: buffer, ulValueLen: room, .. } = unsafe { entry.read_unaligned() };
    let needed = match value {
        AttributeValue::Flag(_) => 1,
        AttributeValue::Ulong(_) => size_of::<CK_ULONG>(),
        AttributeValue::Bytes(bytes) => bytes.len(),
        AttributeValue::Mechanisms(list) => size_of_val(list),
        AttributeValue::Template(entries) => entries.len() * size_of::<CK_ATTRIBUTE>(),
    };
    let fits = buffer.is_null() || usize::try_from(room).is_ok_and(|room| room >= needed);
    let mut answer = if fits { Answer::Given } else { Answer::TooSmall { needed } };
    // SAFETY: the buffer has room for `needed` bytes, and the entry is promised.
    unsafe {
        if fits && !buffer.is_null() {
            answer = store(buffer, value);
        }
        set_len(entry, if fits { needed as CK_ULONG } else { CK_UNAVAILABLE_INFORMATION });
    }
    answer
}

/// # Safety
///
/// There is room for the value. For a template the room holds entries that are as [`answer_entry`] wants them.
unsafe fn store(buffer: *mut c_void, value: AttributeValue<'_>) -> Answer {
    let bytes: &[u8] = match value {
        AttributeValue::Flag(value) => &[u8::from(value)],
        AttributeValue::Ulong(number) => &number.to_ne_bytes(),
        AttributeValue::Bytes(bytes) => bytes,
        AttributeValue::Mechanisms(list) => {
            // SAFETY: numbers are bytes.
            unsafe { std::slice::from_raw_parts(list.as_ptr().cast(), size_of_val(list)) }
        }
        // SAFETY: passed on.
        AttributeValue::Template(entries) => return unsafe { store_template(buffer.cast(), entries) },
    };
    // SAFETY: there is room for the value; `copy` minds no overlap, whatever the caller's pointers lead to.
    unsafe { std::ptr::copy(bytes.as_ptr(), buffer.cast::<u8>(), bytes.len()) };
    Answer::Given
}

/// The types within are set, whatever they were; the values go where the caller's inner entries point.
///
/// # Safety
///
/// `buffer` leads to as many entries, each as [`answer_entry`] wants it.
unsafe fn store_template(buffer: *mut CK_ATTRIBUTE, entries: &[TemplateAttribute]) -> Answer {
    let mut answer = Answer::Given;
    for (index, entry) in entries.iter().enumerate() {
        let value = match &entry.value {
            TemplateValue::Flag(value) => AttributeValue::Flag(*value),
            TemplateValue::Ulong(number) => AttributeValue::Ulong(*number),
            TemplateValue::Bytes(bytes) => AttributeValue::Bytes(bytes),
            TemplateValue::Mechanisms(list) => AttributeValue::Mechanisms(list),
        };
        // SAFETY: promised for each index.
        let inner = unsafe {
            let place = buffer.add(index);
            (&raw mut (*place).type_).write_unaligned(entry.attribute.0);
            answer_entry(place, value)
        };
        if inner != Answer::Given {
            answer = inner;
        }
    }
    answer
}

/// # Safety
///
/// `entry` leads to a `CK_ATTRIBUTE`.
#[inline]
unsafe fn set_len(entry: *mut CK_ATTRIBUTE, len: CK_ULONG) {
    // SAFETY: promised; the field need not be aligned.
    unsafe { (&raw mut (*entry).ulValueLen).write_unaligned(len) };
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::*;

    use super::super::tests::pointer;
    use super::*;

    fn entry(type_: u64, value: &mut [u8]) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE { type_, pValue: value.as_mut_ptr().cast(), ulValueLen: value.len() as CK_ULONG }
    }

    fn query(type_: u64) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE { type_, pValue: std::ptr::null_mut(), ulValueLen: 77 }
    }

    fn attributes(entries: &mut [CK_ATTRIBUTE]) -> Attributes {
        Attributes::new(pointer(entries.as_mut_ptr()), entries.len() as CK_ULONG)
    }

    fn refusal(entries: &mut [CK_ATTRIBUTE]) -> CK_RV {
        attributes(entries).raw().err().map_or(CKR_OK, |error| error.rv())
    }

    #[test]
    fn templates_are_read() {
        let (mut label, mut flag) = (*b"name", [1u8]);
        let mut inner = [entry(CKA_EXTRACTABLE, &mut flag)];
        let mut entries = [
            entry(CKA_LABEL, &mut label),
            CK_ATTRIBUTE {
                type_: CKA_UNWRAP_TEMPLATE,
                pValue: inner.as_mut_ptr().cast(),
                ulValueLen: size_of_val(&inner) as CK_ULONG,
            },
            CK_ATTRIBUTE { ulValueLen: 0, ..query(CKA_ID) },
        ];
        let attributes = attributes(&mut entries);
        let raw = attributes.raw().unwrap();
        assert_eq!(raw.len(), 3);
        assert!(matches!(raw[0].value, RawValue::Bytes(b"name")));
        let RawValue::Nested(nested) = &raw[1].value else { panic!("not nested") };
        assert_eq!(nested[0].attribute, CKA_EXTRACTABLE);
        assert!(matches!(nested[0].value, RawValue::Bytes([1])));
        assert!(matches!(raw[2].value, RawValue::Bytes([])));
    }

    #[test]
    fn bad_templates_are_refused() {
        let mut byte = [0u8; 48];
        let null = pointer(std::ptr::null_mut());
        assert_eq!(Attributes::new(null, 0).raw().unwrap().len(), 0);
        assert_eq!(Attributes::new(null, 5).raw().unwrap_err().rv(), CKR_ARGUMENTS_BAD);
        let mut one = [entry(CKA_LABEL, &mut byte)];
        for count in [TEMPLATE_ENTRIES_MAX as CK_ULONG + 1, 1 << 60, 1 << 63, CK_ULONG::MAX] {
            let huge = Attributes::new(pointer(one.as_mut_ptr()), count);
            assert_eq!(huge.raw().unwrap_err().rv(), CKR_ARGUMENTS_BAD);
        }
        assert_eq!(refusal(&mut [query(CKA_LABEL)]), CKR_ATTRIBUTE_VALUE_INVALID);
        let with_len = |type_, len| CK_ATTRIBUTE { ulValueLen: len, ..entry(type_, &mut [0; 48]) };
        assert_eq!(refusal(&mut [with_len(CKA_VALUE, CK_ULONG::MAX)]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&mut [with_len(CKA_WRAP_TEMPLATE, 23)]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&mut [query(CKA_WRAP_TEMPLATE)]), CKR_ATTRIBUTE_VALUE_INVALID);

        let mut deepest = [entry(CKA_LABEL, &mut byte)];
        let nest = |inner: &mut [CK_ATTRIBUTE]| CK_ATTRIBUTE {
            type_: CKA_WRAP_TEMPLATE,
            pValue: inner.as_mut_ptr().cast(),
            ulValueLen: size_of_val(inner) as CK_ULONG,
        };
        let mut middle = [nest(&mut deepest)];
        assert_eq!(refusal(&mut middle), CKR_OK);
        assert_eq!(refusal(&mut [nest(&mut middle)]), CKR_ATTRIBUTE_VALUE_INVALID);
        // A template that holds itself.
        let mut own = [query(CKA_WRAP_TEMPLATE)];
        own[0] = nest(&mut own);
        assert_eq!(refusal(&mut own), CKR_ATTRIBUTE_VALUE_INVALID);
    }

    #[test]
    fn values_lengths_and_lacks_of_room() {
        let (mut exact, mut small, mut large) = ([9u8; 4], [9u8; 3], [9u8; 6]);
        let mut entries = [
            entry(CKA_LABEL, &mut exact),
            entry(CKA_LABEL, &mut small),
            entry(CKA_LABEL, &mut large),
            query(CKA_LABEL),
            query(CKA_LABEL),
        ];
        let list = attributes(&mut entries);
        let value = AttributeValue::Bytes(b"name");
        assert_eq!(list.answer(0, value), Answer::Given);
        assert_eq!(list.answer(1, value), Answer::TooSmall { needed: 4 });
        assert_eq!(list.answer(2, value), Answer::Given);
        assert_eq!(list.answer(3, value), Answer::Given);
        list.refuse(4);
        assert_eq!((&exact, &small, &large), (b"name", &[9; 3], b"name\x09\x09"));
        let lengths = entries.map(|entry| entry.ulValueLen);
        assert_eq!(lengths, [4, CK_UNAVAILABLE_INFORMATION, 4, 4, CK_UNAVAILABLE_INFORMATION]);
    }

    #[test]
    fn every_kind_of_value() {
        let mut room = [0u8; 16];
        let mut fill = |value, expected: &[u8]| {
            let mut entries = [entry(CKA_ID, &mut room)];
            assert_eq!(attributes(&mut entries).answer(0, value), Answer::Given);
            assert_eq!(&room[..entries[0].ulValueLen as usize], expected);
        };
        fill(AttributeValue::Flag(true), &[1]);
        fill(AttributeValue::Flag(false), &[0]);
        fill(AttributeValue::Ulong(CKO_SECRET_KEY), &4u64.to_ne_bytes());
        fill(AttributeValue::Bytes(b""), b"");
        fill(AttributeValue::Mechanisms(&[]), b"");
        fill(AttributeValue::Mechanisms(&[1, 2]), &[1u64.to_ne_bytes(), 2u64.to_ne_bytes()].concat());
    }

    #[test]
    fn templates_are_given_by_way_of_the_inner_entries() {
        let kept = [
            TemplateAttribute { attribute: AttributeType(CKA_EXTRACTABLE), value: TemplateValue::Flag(false) },
            TemplateAttribute { attribute: AttributeType(CKA_LABEL), value: TemplateValue::Bytes((*b"name").into()) },
        ];
        let value = AttributeValue::Template(&kept);
        let mut outer = [query(CKA_WRAP_TEMPLATE)];
        assert_eq!(attributes(&mut outer).answer(0, value), Answer::Given);
        assert_eq!(outer[0].ulValueLen, 48);

        let mut inner = [query(0), query(0)];
        outer[0].pValue = inner.as_mut_ptr().cast();
        assert_eq!(attributes(&mut outer).answer(0, value), Answer::Given);
        assert_eq!(inner.map(|entry| (entry.type_, entry.ulValueLen)), [(CKA_EXTRACTABLE, 1), (CKA_LABEL, 4)]);

        let (mut flag, mut short) = ([7u8], [7u8; 3]);
        inner = [entry(0, &mut flag), entry(0, &mut short)];
        assert_eq!(attributes(&mut outer).answer(0, value), Answer::TooSmall { needed: 4 });
        assert_eq!((flag, short, outer[0].ulValueLen), ([0], [7; 3], 48));
        assert_eq!(inner.map(|entry| entry.ulValueLen), [1, CK_UNAVAILABLE_INFORMATION]);

        outer[0].ulValueLen = 47;
        assert_eq!(attributes(&mut outer).answer(0, value), Answer::TooSmall { needed: 48 });
        assert_eq!(outer[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    }

    #[test]
    fn entries_need_no_alignment() {
        let mut label = *b"name";
        let mut memory = [0u8; 25];
        let place = memory[1..].as_mut_ptr().cast::<CK_ATTRIBUTE>();
        let unaligned = pointer(place);
        unaligned.write(entry(CKA_LABEL, &mut label)).unwrap();
        let list = Attributes::new(unaligned, 1);
        assert!(matches!(list.raw().unwrap()[0].value, RawValue::Bytes(b"name")));
        assert_eq!(list.answer(0, AttributeValue::Bytes(b"ab")), Answer::Given);
        assert_eq!(unaligned.read().unwrap().ulValueLen, 2);
        assert_eq!(&label, b"abme");
    }
}
