//! The time, which comes from outside so that tests can stop it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 00:00 UTC, leap seconds left out.
    fn now_ms(&self) -> u64;

    /// The same in seconds.
    fn now(&self) -> u64 {
        self.now_ms() / 1000
    }
}

/// The clock of the system, which its administrator may set forward and back.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
pub fn date(day: u64) -> (u64, u64, u64) {
    // Years that begin in March: the leap day is the last of its year.
    let day = day + MARCH_OF_YEAR_0;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next_year, month, of_month)
}

/// The day of a date, counted from 1970-01-01; none for what is no date, or not within 1970 to 9999.
pub fn day(year: u64, month: u64, of_month: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let (year_from_march, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year_from_march / 4 - year_from_march / 100 + year_from_march / 400;
    let day = 365 * year_from_march + leap_days + (153 * month_from_march + 2) / 5 + of_month;
    day.checked_sub(MARCH_OF_YEAR_0 + 1).filter(|day| date(*day) == (year, month, of_month))
}

/// Days from the first of March of the year 0 to 1970-01-01.
const MARCH_OF_YEAR_0: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(11_017), (2000, 3, 1));
        assert_eq!(date(59), (1970, 3, 1));
        assert_eq!(date(20_779), (2026, 11, 22));
        assert_eq!(date(19_722), (2023, 12, 31));
        assert_eq!(date(47_541), (2100, 3, 1));
    }

    #[test]
    fn what_is_no_date_has_no_day() {
        for (year, month, of_month) in
            [(1969, 12, 31), (2023, 2, 29), (2023, 13, 1), (2023, 0, 1), (2023, 4, 31), (2023, 4, 0), (10_000, 1, 1)]
        {
            assert_eq!(day(year, month, of_month), None, "{year}-{month}-{of_month}");
        }
        assert_eq!(day(2023, 4, u64::MAX / 2), None);
    }

    #[test]
    fn dates_follow_each_other() {
        let mut last = date(0);
        for day in 1..150_000 {
            let (year, month, of_month) = date(day);
            let follows = match of_month {
                1 => (year, month) == if last.1 == 12 { (last.0 + 1, 1) } else { (last.0, last.1 + 1) },
                _ => (year, month, of_month) == (last.0, last.1, last.2 + 1),
            };
            assert_eq!(super::day(year, month, of_month), Some(day));
            assert!(follows && of_month <= 31, "{last:?} {:?}", (year, month, of_month));
            last = (year, month, of_month);
        }
    }
}
