//! Where PINs come from, and that they go nowhere.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::place::{NEW_PIN, PIN, PROGRAM, Place, SO_PIN, set_mode};

#[test]
fn files_give_pins() {
    let place = Place::new();
    let so = place.secret_file("so", &format!("{SO_PIN}\n"));
    let user = place.secret_file("user", PIN);
    let crlf = place.secret_file("crlf", &format!("{PIN}\r\n"));
    place.run(&["token", "init", "--label", "t", "--so-pin-file", &so, "--pin-file", &user]).succeeds();
    place.run(&["key", "list", "--pin-file", &crlf]).succeeds();
    let new = place.secret_file("new", &format!("{NEW_PIN}\n"));
    place.run(&["user", "set-pin", "--pin-file", &user, "--new-pin-file", &new]).succeeds();
    place.run(&["key", "list"]).env("STRONGROOM_PIN", NEW_PIN).succeeds();
    place.run(&["user", "unlock", "user", "--so-pin-file", &so]).succeeds();
}

#[test]
fn options_go_before_the_environment() {
    let place = Place::with_token();
    let right = place.secret_file("right", PIN);
    place.run(&["key", "list", "--pin-file", &right]).env("STRONGROOM_PIN", "wrong").succeeds();
    place.run(&["key", "list", "--pin-fd", "0"]).input(PIN).env("STRONGROOM_PIN", "wrong").succeeds();
}

#[test]
fn files_that_are_none_are_refused() {
    let place = Place::with_token();
    let absent = place.path("absent");
    place.run(&["key", "list", "--pin-file", absent.to_str().unwrap()]).refused(1, &["absent", "cannot be read"]);
    let empty = place.secret_file("empty", "\n");
    place.run(&["key", "list", "--pin-file", &empty]).refused(1, &["empty", "holds no PIN"]);
    let two = place.secret_file("two", &format!("{PIN}\n{NEW_PIN}\n"));
    place.run(&["key", "list", "--pin-file", &two]).refused(1, &["more than one line"]);
    let long = place.secret_file("long", &"x".repeat(5000));
    place.run(&["key", "list", "--pin-file", &long]).refused(1, &["no PIN"]);
    place.run(&["key", "list", "--pin-file", &empty, "--pin-fd", "0"]).refused(2, &["--pin-fd"]);
    assert_eq!(place.run(&["user", "list"]).json()["users"][1]["wrong_pins"], 0, "none of them was tried");
}

#[test]
fn an_open_file_is_warned_about() {
    let place = Place::with_token();
    let file = place.secret_file("pin", PIN);
    set_mode(file.as_ref(), 0o644);
    let warned = place.run(&["key", "list", "--pin-file", &file]).outcome();
    assert_eq!(warned.code, 0, "{warned:?}");
    assert!(warned.err.starts_with("strongroom: warning: ") && warned.err.contains("mode 0644"), "{warned:?}");
    assert!(warned.err.contains("chmod 600"), "{warned:?}");
    let warned = place.run(&["key", "list", "--pin-file", &file, "--json"]).outcome();
    let json: serde_json::Value = serde_json::from_str(&warned.err).unwrap();
    assert!(json["warning"]["message"].as_str().unwrap().contains("0644"), "{warned:?}");
    set_mode(file.as_ref(), 0o600);
    assert_eq!(place.run(&["key", "list", "--pin-file", &file]).outcome().err, "");
}

#[test]
fn descriptors_give_pins() {
    let place = Place::with_token();
    place.run(&["key", "list", "--pin-fd", "0"]).input(&format!("{PIN}\n")).succeeds();
    place.run(&["key", "list", "--pin-fd", "9"]).refused(1, &["descriptor 9", "cannot be read"]);
    place.run(&["key", "list", "--pin-fd", "x"]).refused(2, &["x"]);
    let twice = ["token", "init", "--label", "u", "--pin-fd", "0", "--so-pin-fd", "0"];
    place.run(&twice).input(SO_PIN).refused(2, &["descriptor 0 is named twice"]);
    // A shell gives other descriptors, as files and as pipes.
    let file = place.secret_file("pin", PIN);
    for redirection in [format!("7<{file}"), format!("7< <(cat {file})")] {
        let script = format!("{} key list --json --pin-fd 7 {redirection}", env!("CARGO_BIN_EXE_strongroom"));
        let output = Command::new("bash")
            .args(["-c", &script])
            .env("STRONGROOM_DIR", place.tokens())
            .env("STRONGROOM_CONF", place.path("strongroom.toml"))
            .env_remove("STRONGROOM_PIN")
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Not what could be opened by its name, but what was handed over.
#[test]
fn a_descriptor_is_read_as_it_was_handed_over() {
    let place = Place::with_token();
    let run = |shell: &mut Command, script: &str| {
        let output = shell
            .args(["-c", script, PROGRAM])
            .env("STRONGROOM_DIR", place.tokens())
            .env("STRONGROOM_CONF", place.path("strongroom.toml"))
            .env_remove("STRONGROOM_PIN")
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let list = "\"$0\" key list --pin-fd 7";
    let file = place.secret_file("pin", &format!("a first line\n{PIN}\n"));
    run(&mut Command::new("sh"), &format!("exec 7<{file}; read first <&7; {list}"));
    run(&mut Command::new("sh"), &format!("exec 7<{file}; rm {file}; read first <&7; {list}"));
    let (mut near, far) = UnixStream::pair().unwrap();
    near.write_all(PIN.as_bytes()).unwrap();
    drop(near);
    let hand_over = format!("exec 7<&0 </dev/null; {list}");
    run(Command::new("sh").stdin(OwnedFd::from(far)), &hand_over);
    // A file that only root opens, handed over to somebody else. Not every tree lets others run what is in it.
    let others = |shell: &mut Command| shell.uid(NOBODY).gid(NOBODY).status().unwrap().success();
    if fs::metadata("/proc/self").unwrap().uid() == 0 && others(Command::new("test").args(["-x", PROGRAM])) {
        let file = File::open(place.secret_file("root", PIN)).unwrap();
        let path = place.path("");
        assert!(Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(&path).status().unwrap().success());
        chown(path.join("root"), Some(0), None).unwrap();
        run(Command::new("sh").uid(NOBODY).gid(NOBODY).stdin(file), &hand_over);
    }
}

#[test]
fn without_terminal_and_source_the_sources_are_named() {
    let place = Place::with_token();
    place.run(&["key", "list"]).refused(1, &["user \"user\"", "--pin-file FILE", "--pin-fd N", "STRONGROOM_PIN"]);
    place.run(&["key", "list"]).env("STRONGROOM_PIN", "").refused(1, &["STRONGROOM_PIN"]);
    place.run(&["user", "unlock", "user"]).refused(1, &["officer \"so\"", "--so-pin-file", "STRONGROOM_SO_PIN"]);
    let new = ["the new PIN of user \"user\" is needed", "--new-pin-file", "STRONGROOM_NEW_PIN"];
    place.run(&["user", "set-pin"]).pins().refused(1, &new);
    place.run(&["user", "set-pin"]).refused(1, &["the PIN of user \"user\" is needed", "--pin-file", "STRONGROOM_PIN"]);
    place.run(&["token", "init", "--label", "b"]).refused_json(1, "CKR_ARGUMENTS_BAD");
}

#[test]
fn the_terminal_is_asked_without_echo() {
    let place = Place::new();
    let (so, user) = (format!("{SO_PIN}\n"), format!("{PIN}\n"));
    let dialogue = [
        ("New PIN of the officer:", so.as_str()),
        ("The same PIN again:", &so),
        ("New PIN of user \"user\":", &user),
        ("The same PIN again:", &user),
    ];
    let made = place.at_terminal(&["token", "init", "--label", "asked"], &dialogue);
    assert_eq!(made.code, 0, "{made:?}");
    made.tells_no_pin();
    assert!(made.out.contains("Made token \"asked\" in slot 0"), "{made:?}");
    place.run(&["key", "list"]).pins().succeeds();
    let listed = place.at_terminal(&["key", "list"], &[("PIN of user \"user\":", &user)]);
    assert_eq!(listed.code, 0, "{listed:?}");
    listed.tells_no_pin();
}

#[test]
fn a_new_pin_is_typed_twice_and_kept_to_the_rules() {
    let place = Place::with_token();
    let (old, new) = (format!("{PIN}\n"), format!("{NEW_PIN}\n"));
    let dialogue = [
        ("PIN of user \"user\":", old.as_str()),
        ("New PIN of user \"user\":", "abc\n"),
        ("3 bytes, 4 to 255 are allowed\n".trim_end(), ""),
        ("New PIN of user \"user\":", &new),
        ("The same PIN again:", "something-else\n"),
        ("the two PINs differ", ""),
        ("New PIN of user \"user\":", &new),
        ("The same PIN again:", &new),
    ];
    let set = place.at_terminal(&["user", "set-pin"], &dialogue);
    assert_eq!(set.code, 0, "{set:?}");
    set.tells_no_pin();
    place.run(&["key", "list"]).env("STRONGROOM_PIN", NEW_PIN).succeeds();
    let new_question = ("New PIN of user \"user\":", "abc\n");
    let dialogue = [("PIN of user \"user\":", new.as_str()), new_question, new_question, new_question];
    let given_up = place.at_terminal(&["user", "set-pin"], &dialogue);
    assert_eq!(given_up.code, 1, "{given_up:?}");
}

#[test]
fn ctrl_c_at_the_question_changes_nothing() {
    let place = Place::with_token();
    for key in ["\u{3}", "\u{4}"] {
        let left = place.at_terminal(&["key", "generate", "--type", "aes"], &[("PIN of user \"user\":", key)]);
        assert_eq!(left.code, 1, "{left:?}");
        assert!(left.out.contains("given up at the question; nothing was changed"), "{left:?}");
    }
    assert_eq!(place.run(&["user", "list"]).json()["users"][1]["wrong_pins"], 0);
}

/// A terminal that stays without echo looks dead to whoever types on it.
#[test]
fn a_signal_at_the_question_leaves_the_terminal_as_it_was() {
    let place = Place::with_token();
    let (pid, tty) = (place.path("pid"), place.path("tty"));
    for (before, signals, code) in [
        ("", &["TERM"][..], "143\n"),
        ("", &["HUP"], "129\n"),
        ("", &["INT"], "130\n"),
        ("", &["QUIT"], "131\n"),
        // What nohup has a program ignore does not end it.
        ("trap \"\" HUP; ", &["HUP", "TERM"], "143\n"),
    ] {
        let (_, _) = (fs::remove_file(&pid), fs::remove_file(&tty));
        let directory = place.path("");
        let directory = directory.to_str().unwrap();
        let script = format!(
            "cd {directory}; ulimit -c 0; stty -g >before; sh -c '{before}echo $$ >pid; tty >tty; exec \"$0\" key list' \
             \"$0\"; echo $? >code; stty -g >after"
        );
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let read = |path: &Path| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
                let flags = || Command::new("stty").args(["-a", "-F", &read(&tty)]).output().unwrap().stdout;
                while !String::from_utf8(flags()).unwrap().contains(" -echo ") {
                    std::thread::sleep(Duration::from_millis(5));
                }
                for signal in signals {
                    assert!(
                        Command::new("kill").args([&format!("-{signal}"), &read(&pid)]).status().unwrap().success()
                    );
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            place.at_terminal_of("sh", &["-c", &script, PROGRAM], &[("PIN of user \"user\":", "")]);
        });
        let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
        assert_eq!((read("code").as_str(), read("after")), (code, read("before")), "{before}{signals:?}");
    }
}

#[test]
fn name_and_pin_together_choose_the_user() {
    let place = Place::with_token();
    place.run(&["user", "add", "bob"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place.run(&["key", "generate", "--type", "aes"]).env("STRONGROOM_PIN", format!("bob:{NEW_PIN}")).succeeds();
    let shown = place.run(&["key", "show", "1"]).env("STRONGROOM_PIN", format!("bob:{NEW_PIN}")).json();
    assert_eq!(shown["key"]["owner"], "bob");
}

#[test]
fn no_pin_is_kept_in_the_token_files() {
    let place = Place::with_token();
    place.run(&["key", "generate", "--type", "aes", "--label", "k"]).pins().succeeds();
    let mut files = 0;
    for slot in fs::read_dir(place.tokens()).unwrap() {
        for file in fs::read_dir(slot.unwrap().path()).unwrap() {
            let content = fs::read(file.unwrap().path()).unwrap();
            files += 1;
            for pin in [PIN, SO_PIN] {
                assert!(!content.windows(pin.len()).any(|window| window == pin.as_bytes()));
            }
        }
    }
    assert!(files >= 1);
}

const NOBODY: u32 = 65534;
