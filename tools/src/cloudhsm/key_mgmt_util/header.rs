//! The header of a file with a wrapped key, which says what the key is called and for.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | `SRWK` |
//! | 1 | version: 1 |
//! | 1 | mechanism, by the number of `-m` |
//! | 1 | class: 3 private, 4 secret |
//! | 4 | type, big-endian, as `OBJ_ATTR_KEY_TYPE` |
//! | 2 | what the key is for, big-endian: a bit for each usage in the order of their numbers, the lowest first |
//! | 1 + n | label |
//! | 1 + n | identifier |
//! | 1 + n | IV, for AES-GCM |
//!
//! Label and identifier are bytes of any kind, as the attributes are.
//!
//! The wrapped key follows. For AES-GCM the header is authenticated with it. Other mechanisms leave it as it is: who
//! can change the file can give the key another name and use, as who unwraps it may in any case.

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) mechanism: u8,
    pub(super) class: u8,
    pub(super) key_type: u32,
    pub(super) usages: u16,
    pub(super) label: Vec<u8>,
    pub(super) id: Vec<u8>,
    pub(super) iv: Vec<u8>,
}

impl Header {
    /// The bytes of the header.
    ///
    /// # Errors
    /// Words for a label or an identifier that is longer than a header can say: other programs give such to keys.
    pub(super) fn encode(&self) -> Result<Vec<u8>, String> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, self.mechanism, self.class]);
        bytes.extend(self.key_type.to_be_bytes());
        bytes.extend(self.usages.to_be_bytes());
        for (what, text) in [("label", &self.label), ("ID", &self.id), ("IV", &self.iv)] {
            let length = u8::try_from(text.len()).map_err(|_| {
                let (length, most) = (text.len(), u8::MAX);
                format!("the key's {what} has {length} bytes, and a header has room for {most}")
            })?;
            bytes.push(length);
            bytes.extend(text);
        }
        Ok(bytes)
    }

    /// Reads the header of a file: what it says, and what follows it.
    ///
    /// # Errors
    /// Words for a file without one.
    pub(super) fn decode(file: &[u8]) -> Result<(Header, &[u8]), &'static str> {
        const SHORT: &str = "its header is cut off";
        let rest = file.strip_prefix(MAGIC).ok_or("it has no header of this tool; -noheader unwraps it without")?;
        let (&[version, mechanism, class], rest) = rest.split_first_chunk().ok_or(SHORT)?;
        if version != VERSION {
            return Err("its header is of another version");
        }
        let (key_type, rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let (usages, rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let (label, rest) = text(rest).ok_or(SHORT)?;
        let (id, rest) = text(rest).ok_or(SHORT)?;
        let (iv, rest) = text(rest).ok_or(SHORT)?;
        let (key_type, usages) = (u32::from_be_bytes(*key_type), u16::from_be_bytes(*usages));
        Ok((Header { mechanism, class, key_type, usages, label, id, iv }, rest))
    }
}

fn text(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((text.to_vec(), rest))
}

const MAGIC: &[u8] = b"SRWK";
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_both_ways_and_nothing_shorter_does() {
        let (label, id, iv) = (b"label".to_vec(), Vec::new(), vec![7; 12]);
        let header = Header { mechanism: 10, class: 4, key_type: 31, usages: 0x11, label, id, iv };
        let mut file = header.encode().unwrap();
        let length = file.len();
        file.extend(b"wrapped");
        assert_eq!(Header::decode(&file), Ok((header, &b"wrapped"[..])));
        for cut in 0..length {
            assert!(Header::decode(&file[..cut]).is_err(), "{cut} bytes");
        }
        file[4] = 2;
        assert!(Header::decode(&file).is_err());
    }

    #[test]
    fn what_has_no_room_is_not_cut() {
        let header = |bytes: usize| {
            let id = vec![0xff; bytes];
            Header { mechanism: 6, class: 4, key_type: 31, usages: 0, label: vec![b'l'; 255], id, iv: Vec::new() }
        };
        let file = header(255).encode().unwrap();
        assert_eq!(Header::decode(&file), Ok((header(255), &b""[..])));
        assert_eq!(header(256).encode().unwrap_err(), "the key's ID has 256 bytes, and a header has room for 255");
    }
}
