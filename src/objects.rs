//! Object management (PKCS#11 3.2 §5.7).

use cryptoki_sys::*;
use strongroom_core::attribute::Template;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Answer, Attributes, Handles, Pointer};

/// `C_CreateObject`.
pub(crate) fn create(hsm: &Hsm, session: u64, template: Attributes, object: Pointer<CK_OBJECT_HANDLE>) -> Outcome {
    let session = hsm.session(session)?;
    object.required()?;
    let handle = session.create_object(&Template::parse(&template.raw()?)?)?;
    Ok(object.write(handle)?)
}

/// `C_CopyObject`.
pub(crate) fn copy(
    hsm: &Hsm,
    session: u64,
    original: u64,
    template: Attributes,
    object: Pointer<CK_OBJECT_HANDLE>,
) -> Outcome {
    let session = hsm.session(session)?;
    object.required()?;
    let handle = session.copy_object(original, &Template::parse(&template.raw()?)?)?;
    Ok(object.write(handle)?)
}

/// `C_DestroyObject`.
pub(crate) fn destroy(hsm: &Hsm, session: u64, object: u64) -> Outcome {
    Ok(hsm.session(session)?.destroy_object(object)?)
}

/// `C_GetObjectSize`.
pub(crate) fn size(hsm: &Hsm, session: u64, object: u64, size: Pointer<CK_ULONG>) -> Outcome {
    let session = hsm.session(session)?;
    size.required()?;
    Ok(size.write(session.object_size(object)?)?)
}

/// `C_GetAttributeValue` (§5.7.5).
///
/// Every entry is answered whatever becomes of the others. Of several refusals the gravest is returned: a sensitive
/// attribute before one that does not exist, and that before a buffer that is too small.
pub(crate) fn attributes(hsm: &Hsm, session: u64, object: u64, attributes: Attributes) -> Outcome {
    let session = hsm.session(session)?;
    let count = attributes.len()?;
    let object = session.object(object)?;
    let mut gravest = None;
    for index in 0..count {
        let refusal = match object.attribute(attributes.attribute(index)) {
            Ok(value) => match attributes.answer(index, value) {
                Answer::Given => continue,
                Answer::TooSmall { needed } => Error::BufferTooSmall { needed },
            },
            Err(error) => {
                attributes.refuse(index);
                error
            }
        };
        if gravest.as_ref().is_none_or(|gravest| gravity(&refusal) > gravity(gravest)) {
            gravest = Some(refusal);
        }
    }
    gravest.map_or(Ok(()), |refusal| Err(refusal.into()))
}

fn gravity(refusal: &Error) -> u8 {
    match refusal {
        Error::AttributeSensitive(_) => 3,
        Error::BufferTooSmall { .. } => 1,
        _ => 2,
    }
}

/// `C_SetAttributeValue`.
pub(crate) fn set_attributes(hsm: &Hsm, session: u64, object: u64, template: Attributes) -> Outcome {
    let session = hsm.session(session)?;
    Ok(session.set_attributes(object, &Template::parse(&template.raw()?)?)?)
}

/// `C_FindObjectsInit`.
pub(crate) fn find_init(hsm: &Hsm, session: u64, template: Attributes) -> Outcome {
    let session = hsm.session(session)?;
    Ok(session.find_init(&Template::parse_search(&template.raw()?)?)?)
}

/// `C_FindObjects`.
pub(crate) fn find(hsm: &Hsm, session: u64, handles: Handles) -> Outcome {
    let session = hsm.session(session)?;
    Ok(handles.fill(|places| session.find(places))?)
}

/// `C_FindObjectsFinal`.
pub(crate) fn find_final(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.session(session)?.find_final()?)
}
