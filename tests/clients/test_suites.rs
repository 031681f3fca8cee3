//! Tokens for test suites, as `docs/test-suites.md` makes them.

use crate::harness::{Place, succeed};
use crate::page::{Page, search_path};

#[test]
fn page_works() {
    let place = Place::new("test-suites");
    if place.is_peer() {
        // Stores in memory and test tokens are ours.
        return;
    }
    let mut shell = Page::read("test-suites").shell(&place);
    // All that a reader's shell would have, and the page's directories in ours.
    shell.env_remove("STRONGROOM_CONF").env_remove("STRONGROOM_DIR").env("TMPDIR", &place.directory);
    let told = succeed(shell.env("PATH", search_path()));
    for number in 1..=4 {
        let listed = String::from_utf8(place.read(&format!("job-{number}.txt"))).unwrap();
        assert!(listed.contains("fixture") && listed.contains(&format!("job {number}")), "{listed}");
        assert_eq!(listed.matches("job ").count(), 1, "a key of another job:\n{listed}");
    }
    // One line for each token: initialised anew it is in the slot it was in, a test token, and empty.
    let lists: Vec<&str> = told.split("NOTES\n").skip(1).collect();
    assert_eq!(lists.len(), 2, "{told}");
    for listed in lists {
        let words: Vec<&str> = listed.lines().next().unwrap().split_whitespace().collect();
        assert_eq!((words[0], words[1], words[4], words[5]), ("0", "ci", "2", "0"), "{told}");
        assert!(listed.contains("TEST TOKEN"), "{told}");
    }
}
