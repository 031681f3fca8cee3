//! The configuration file: any text is a configuration within its limits, or a complaint that names the file.

#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use strongroom_core::hsm::config::{Config, Options};
use strongroom_core::limits::PIN_BYTES_MAX;

fuzz_target!(|text: &[u8]| {
    let file = file();
    std::fs::write(file, text).expect("a temporary file");
    for dir in [None, Some(PathBuf::from("/nonexistent/tokens"))] {
        match Config::load(Options { dir: dir.clone(), conf: Some(file.clone()) }) {
            Ok(config) => {
                assert!(std::str::from_utf8(text).is_ok(), "a configuration is UTF-8");
                assert_eq!(config.file.as_ref(), Some(file));
                assert!(config.dir.is_absolute(), "{config:?}");
                assert!((1..=PIN_BYTES_MAX).contains(&config.settings.pin_bytes_min), "{config:?}");
                assert!(dir.is_none() || dir.as_ref() == Some(&config.dir), "the caller's directory goes first");
            }
            Err(error) => {
                let name = file.display().to_string();
                assert!(dir.is_none() || error.to_string().contains(&name), "{error}");
            }
        }
    }
});

fn file() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| std::env::temp_dir().join(format!("strongroom-fuzz-{}.toml", std::process::id())))
}
