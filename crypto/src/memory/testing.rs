//! What the tests of this crate share: bytes from text, and running a check in a forked child.

/// The bytes that hexadecimal text stands for; blanks are ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| u8::try_from(digit).expect("< 16")).collect();
    assert_eq!(digits.len() % 2, 0, "an odd number of digits");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Runs `check` in a forked child, which ends by `_exit`: 0 when the check returns true. A child that does not end in
/// time is killed and the test fails: that is what a deadlock looks like.
pub(crate) fn check_in_child(check: impl FnOnce() -> bool) {
    // SAFETY: the child runs `check` only, which sticks to this crate and to the allocator (made safe for this by the
    // C library), and leaves by `_exit`, even when it panics.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0, "fork failed");
        if child == 0 {
            libc::alarm(TIMEOUT_SECONDS);
            let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
            libc::_exit(if good.unwrap_or(false) { 0 } else { 1 });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert!(libc::WIFEXITED(status), "the child was killed by signal {}", libc::WTERMSIG(status));
        assert_eq!(libc::WEXITSTATUS(status), 0, "the check failed in the child");
    }
}

const TIMEOUT_SECONDS: u32 = 20;
