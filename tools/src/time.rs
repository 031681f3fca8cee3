//! Points in time as people and programs read and write them, always in UTC.

use strongroom_core::clock::{date, day};

/// `2023-11-14 22:13:20`.
pub(crate) fn text(time_ms: u64) -> String {
    let (date, clock) = parts(time_ms);
    format!("{date} {clock}")
}

/// `2023-11-14T22:13:20.123Z` (RFC 3339).
pub(crate) fn rfc3339(time_ms: u64) -> String {
    let (date, clock) = parts(time_ms);
    format!("{date}T{clock}.{:03}Z", time_ms % 1000)
}

/// A point in time: a date, a date with a time, or how long ago it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// Milliseconds since 1970.
    At(u64),
    /// Milliseconds before now.
    Ago(u64),
}

impl Since {
    /// The point as milliseconds since 1970, seen from `now_ms`.
    pub(crate) fn seen_from(self, now_ms: u64) -> u64 {
        match self {
            Since::At(time_ms) => time_ms,
            Since::Ago(span_ms) => now_ms.saturating_sub(span_ms),
        }
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Since, String> {
        ago(text).or_else(|| at(text)).ok_or_else(|| {
            "give a date (2025-01-31), a date and a time in UTC (2025-01-31T08:00), or how long ago (30m, 12h, 7d)"
                .to_owned()
        })
    }
}

fn ago(text: &str) -> Option<Since> {
    let unit_ms = match text.chars().last()? {
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => DAY_MS,
        _ => return None,
    };
    Some(Since::Ago(number(&text[..text.len() - 1])?.checked_mul(unit_ms)?))
}

fn at(text: &str) -> Option<Since> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let mut fields = date.split('-').map(number);
    let day = day(fields.next()??, fields.next()??, fields.next()??)?;
    let mut clock = clock.split(':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?);
    let whole = fields.next().is_none() && clock.next().is_none() && hour < 24 && minute < 60 && second < 60;
    whole.then_some(Since::At(day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000))
}

fn number(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn parts(time_ms: u64) -> (String, String) {
    let (year, month, day) = date(time_ms / DAY_MS);
    let seconds = time_ms / 1000;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}:{second:02}"))
}

const DAY_MS: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(text(1_700_000_000_123), "2023-11-14 22:13:20");
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        // What a damaged clock may have said.
        assert!(!text(u64::MAX).is_empty());
    }

    #[test]
    fn times_are_read_in_several_forms() {
        let read = |text: &str| text.parse::<Since>();
        assert_eq!(read("2023-11-14"), Ok(Since::At(1_699_920_000_000)));
        assert_eq!(read("2023-11-14T22:13:20Z"), Ok(Since::At(1_700_000_000_000)));
        assert_eq!(read("2023-11-14 22:13"), Ok(Since::At(1_699_999_980_000)));
        assert_eq!(read("90m").unwrap().seen_from(1_700_000_000_000), 1_699_994_600_000);
        assert_eq!(read("7d").unwrap().seen_from(5), 0);
        for wrong in [
            "",
            "m",
            "-1d",
            "7",
            "7w",
            "2023-13-01",
            "2023-1",
            "2023-11-14T24:00",
            "2023-11-14T1",
            "é",
            "1é",
            "99999999999999999d",
        ] {
            assert!(read(wrong).unwrap_err().contains("2025-01-31"), "{wrong}");
        }
    }
}
