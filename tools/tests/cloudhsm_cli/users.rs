//! cluster, user, login, logout.

use serde_json::{Value, json};

use super::cli::{ADMIN, ALICE, BOB, Cli, NOBODY, PROGRAM, Who, answers};
use super::place::{NEW_PIN, PIN, Place, SO_PIN};

fn row(name: &str, role: &str) -> Value {
    json!({
        "username": name, "role": role, "locked": "false", "mfa": [], "quorum": [], "cluster-coverage": "full",
    })
}

#[test]
fn a_directory_without_a_token_is_a_fresh_hsm_that_is_activated_once() {
    let cli = Cli { place: Place::new() };
    let fresh = json!({ "users": [row("admin", "unactivated-admin"), row("app_user", "internal(APPLIANCE_USER)")] });
    let made = format!(
        "cloudhsm-cli: a fresh HSM was made in {}; 'cluster activate' gives its admin a password\n",
        cli.place.tokens().display()
    );
    let first = cli.run(NOBODY, "user list");
    assert_eq!((first.code, first.err), (0, made.clone()));
    cli.answers(NOBODY, "user list", &fresh);
    cli.refuses(NOBODY, "cluster activate --password password", "published password");
    cli.refuses(NOBODY, "cluster activate --password short", "7");
    cli.answers(NOBODY, &format!("cluster activate --password {SO_PIN}"), &json!("Cluster activation successful"));
    cli.refuses(NOBODY, &format!("cluster activate --password {NEW_PIN}"), "activated already");
    let activated = json!({ "users": [row("admin", "admin"), row("app_user", "internal(APPLIANCE_USER)")] });
    cli.answers(ADMIN, "user list", &activated);
    let other = Cli { place: Place::new() };
    let outcome = other.run(NOBODY, &format!("cluster activate --password {SO_PIN}"));
    let said = made.replace(cli.place.tokens().to_str().unwrap(), other.place.tokens().to_str().unwrap());
    assert_eq!((outcome.code, outcome.err), (0, said));
}

/// An HSM in a directory that was mistyped would have the published password, and its owner would not know of it.
#[test]
fn nothing_else_makes_a_fresh_hsm() {
    let cli = Cli { place: Place::new() };
    let absence =
        format!("there is no token in {}; make one with 'strongroom token init", cli.place.tokens().display());
    let login = format!("login --username admin --role admin --password {SO_PIN}");
    for line in [
        "key list",
        "user create --username dave --role crypto-user --password x",
        "cluster hsm-info",
        "logout",
        "quorum token-sign list-quorum-values",
        "crypto verify rsa-pkcs --key-filter attr.label=a --data-path d \
         --hash-function sha256 --signature-path s",
        &login,
    ] {
        for who in [NOBODY, ADMIN, ALICE] {
            cli.refuses(who, line, &absence);
        }
    }
    for (line, words) in [
        ("cluster mtls list-trust-anchors", "cluster mtls is not offered"),
        ("login mfa-token-sign --token t", "login mfa-token-sign is not offered"),
        ("user change-mfa token-sign", "user change-mfa is not offered"),
        ("user replicate", "user replicate is not offered"),
        ("key replicate", "key replicate is not offered"),
    ] {
        cli.refuses(NOBODY, line, words);
    }
    let interactive = |lines: &str| cli.place.start(PROGRAM, &["interactive"]).input(lines).outcome();
    assert_eq!((interactive("").code, interactive("quit\n").out.as_str(), cli.run(NOBODY, "quit").code), (0, "", 0));
    let outcome = interactive("key list\ncluster mtls x\nhelp\nquit\n");
    assert!(outcome.code == 1 && outcome.out.contains(&absence), "{outcome:?}");
    assert!(!cli.place.tokens().exists());
    let outcome = interactive(&format!("key list\ncluster activate --password {SO_PIN}\n{login}\nuser list\nquit\n"));
    let answers = answers(&outcome.out);
    let codes: Vec<_> = answers.iter().map(|answer| answer["error_code"].as_u64().unwrap()).collect();
    assert_eq!((outcome.code, codes.as_slice()), (1, &[1, 0, 0, 0][..]), "{outcome:?}");
    assert!(outcome.err.contains("a fresh HSM was made in"), "{outcome:?}");
}

#[test]
fn a_name_that_no_token_has_makes_no_fresh_hsm() {
    let cli = Cli { place: Place::new() };
    cli.refuses(NOBODY, "user list --cluster-id second", "strongroom token init");
    let run = cli.place.start(PROGRAM, &["user", "list"]).env("STRONGROOM_TOKEN", "second").outcome();
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(cli.place.run(&["token", "list"]).json()["tokens"], json!([]));
}

#[test]
fn the_hsm_says_what_it_is() {
    let cli = Cli::new();
    let version = env!("CARGO_PKG_VERSION");
    let mut parts = version.split('.');
    let mut part = || parts.next().unwrap().to_owned();
    let mut answer = cli.ok(NOBODY, "cluster hsm-info");
    let serial = answer["hsms"][0]["serial-number"].take();
    assert_eq!(serial.as_str().unwrap().len(), 16);
    let expected = json!({ "hsms": [{
        "vendor": "Strongroom",
        "model": "software HSM",
        "serial-number": null,
        "hardware-version-major": "0",
        "hardware-version-minor": "0",
        "firmware-version-major": part(),
        "firmware-version-minor": part(),
        "firmware-build-number": part(),
        "firmware-id": format!("Strongroom {version}"),
        "fips-state": "0 [non-FIPS mode with single factor authentication]",
    }] });
    super::cli::looks_like(&expected, &answer, "cluster hsm-info");
    let fips = Cli { place: Place::new() };
    fips.place.configure("kdf = \"test\"\npolicy = \"fips\"\n");
    assert_eq!(fips.run(NOBODY, "user list").code, 0);
    let said = fips.ok(NOBODY, "cluster hsm-info");
    assert_eq!(said["hsms"][0]["fips-state"], "2 [FIPS mode with single factor authentication]");
}

#[test]
fn users_are_made_and_listed_by_an_admin() {
    let cli = Cli::new();
    let made = json!({ "username": "dave_2", "role": "crypto-user" });
    cli.answers(ADMIN, &format!("user create --username Dave_2 --role crypto-user --password {PIN}"), &made);
    let officer = json!({ "username": "olga", "role": "admin" });
    cli.answers(ADMIN, &format!("user create --username olga --role admin --password {PIN}"), &officer);
    let all = json!({ "users": [
        row("admin", "admin"),
        row("app_user", "internal(APPLIANCE_USER)"),
        row("alice", "crypto-user"),
        row("bob", "crypto-user"),
        row("carol", "crypto-user"),
        row("dave_2", "crypto-user"),
        row("olga", "admin"),
    ] });
    cli.answers(NOBODY, "user list", &all);
    for (who, line, words) in [
        (ADMIN, format!("--username alice --role crypto-user --password {PIN}"), "a user of this name exists"),
        (ADMIN, format!("--username a/b --role crypto-user --password {PIN}"), "letters, digits"),
        (ADMIN, format!("--username {} --role crypto-user --password {PIN}", "x".repeat(32)), "1 to 31 characters"),
        (ADMIN, format!("--username app_user --role crypto-user --password {PIN}"), "appliance user"),
        (ADMIN, "--username erin --role crypto-user --password short".to_owned(), "7"),
        (ADMIN, "--username erin --role crypto-user --password with:colon".to_owned(), "':'"),
        (ALICE, format!("--username erin --role crypto-user --password {PIN}"), "alice is logged in as crypto-user"),
        (NOBODY, format!("--username erin --role crypto-user --password {PIN}"), "CLOUDHSM_ROLE"),
    ] {
        cli.refuses(who, &format!("user create {line}"), words);
    }
    cli.mistyped(ADMIN, &format!("user create --username erin --role officer --password {PIN}"), "crypto-user");
    cli.mistyped(ADMIN, "user create --role admin", "--username");
    cli.answers(NOBODY, "user list", &all);
}

#[test]
fn users_are_deleted_by_an_admin_unless_they_own_keys() {
    let cli = Cli::new();
    cli.ok(ALICE, "key generate-symmetric aes --label k --key-length-bytes 16");
    cli.refuses(ADMIN, "user delete --username alice --role crypto-user", "still owns objects");
    cli.refuses(ADMIN, "user delete --username admin --role admin", "primary officer");
    cli.refuses(ADMIN, "user delete --username app_user --role crypto-user", "appliance user");
    cli.refuses(ADMIN, "user delete --username bob --role admin", "There is no admin with the name bob");
    cli.refuses(ADMIN, "user delete --username erin --role crypto-user", "There is no crypto-user with the name erin");
    cli.refuses(BOB, "user delete --username carol --role crypto-user", "takes the role admin");
    assert_eq!(cli.ok(NOBODY, "user list")["users"].as_array().unwrap().len(), 5);
    let gone = json!({ "username": "bob", "role": "crypto-user" });
    cli.answers(ADMIN, "user delete --username BOB --role crypto-user", &gone);
    assert_eq!(cli.ok(NOBODY, "user list")["users"].as_array().unwrap().len(), 4);
    cli.refuses(BOB, "key list", "RET_USER_LOGIN_FAILURE");
}

#[test]
fn passwords_are_changed_by_their_users_and_by_admins() {
    let cli = Cli::new();
    let changed = json!({ "username": "alice", "role": "crypto-user" });
    let line = |name: &str, password: &str| {
        format!("user change-password --username {name} --role crypto-user --password {password}")
    };
    cli.answers(ALICE, &line("alice", NEW_PIN), &changed);
    cli.refuses(ALICE, "key list", "Login failed");
    cli.answers(ADMIN, &line("alice", PIN), &changed);
    cli.ok(ALICE, "key list");
    cli.answers(ALICE, &line("alice", "-4711-zebra"), &changed);
    cli.answers(ADMIN, &line("alice", PIN), &changed);
    cli.refuses(ALICE, &line("bob", NEW_PIN), "takes the role admin");
    cli.refuses(ADMIN, &line("erin", NEW_PIN), "There is no crypto-user with the name erin");
    cli.refuses(ADMIN, &line("app_user", NEW_PIN), "appliance user");
    cli.refuses(ADMIN, &line("alice", "short"), "7");
    cli.refuses(ALICE, &(line("alice", NEW_PIN) + " --deregister-mfa"), "not offered");
    cli.refuses(ALICE, &(line("alice", NEW_PIN) + " --deregister-quorum"), "not offered");
    cli.ok(ALICE, "key list");
    cli.ok(BOB, "key list");
}

#[test]
fn a_user_who_is_locked_is_told_nothing_else_and_unlocked_by_a_new_password() {
    let cli = Cli::new();
    let wrong = |pin: &str| {
        let run = cli.place.start(PROGRAM, &["key", "list"]);
        run.env("CLOUDHSM_ROLE", "crypto-user").env("CLOUDHSM_PIN", format!("alice:{pin}")).outcome().out
    };
    let first = wrong("not-the-one");
    assert!(first.contains("RET_USER_LOGIN_FAILURE"), "{first}");
    for _ in 0..5 {
        assert_eq!(wrong("not-the-one"), first);
    }
    assert_eq!(wrong(PIN), first, "locked");
    let (_, told) = cli.refused(ALICE, "key list");
    assert!(told.contains("the user \"alice\" is locked after too many wrong passwords; an officer unlocks"), "{told}");
    assert!(told.contains("'user change-password' in cloudhsm-cli"), "{told}");
    assert_eq!(cli.ok(NOBODY, "user list")["users"][2]["locked"], "true");
    cli.ok(ADMIN, &format!("user change-password --username alice --role crypto-user --password {PIN}"));
    assert_eq!(cli.ok(NOBODY, "user list")["users"][2]["locked"], "false");
    cli.ok(ALICE, "key list");
}

#[test]
fn a_session_logs_in_and_out() {
    let cli = Cli::new();
    let login = |who: Who, password: &str| {
        let (role, name) = who.unwrap();
        format!("login --username {name} --role {role} --password {password}")
    };
    let lines = [
        "key list".to_owned(),
        "logout".to_owned(),
        login(Some(("admin", "alice")), PIN),
        login(ALICE, "not-the-one"),
        login(Some(("crypto-user", "ALICE")), PIN),
        login(BOB, PIN),
        "logout".to_owned(),
        login(ADMIN, SO_PIN),
        "quit".to_owned(),
        "user list".to_owned(),
    ];
    let outcome = cli.place.start(PROGRAM, &["interactive"]).input(&(lines.join("\n") + "\n")).outcome();
    let said = answers(&outcome.out);
    let (ok, refused) =
        (|data: Value| json!({ "error_code": 0, "data": data }), |at: usize| said[at]["error_code"] == 1);
    assert!(refused(0) && refused(1) && refused(2) && refused(3) && refused(5), "{outcome:?}");
    assert!(said[0]["data"].as_str().unwrap().contains("Nobody is logged in"), "{outcome:?}");
    assert_eq!(said[2], said[3]);
    assert_eq!(said[4], ok(json!({ "username": "alice", "role": "crypto-user" })));
    assert!(said[5]["data"].as_str().unwrap().contains("another user is logged in"), "{outcome:?}");
    assert_eq!(said[6], ok(json!("Logout successful")));
    assert_eq!(said[7], ok(json!({ "username": "admin", "role": "admin" })));
    assert_eq!(said.len(), 8, "nothing after quit: {outcome:?}");
}

#[test]
fn of_several_activations_at_once_one_counts_and_the_others_say_so() {
    let place = Place::new();
    // With what a password costs by default, all of them see a fresh HSM.
    place.configure("");
    let passwords: Vec<String> = (0..4).map(|number| format!("password-of-{number}")).collect();
    let started =
        passwords.iter().map(|password| place.start(PROGRAM, &["cluster", "activate", "--password", password]).spawn());
    let started: Vec<_> = started.collect();
    let mut done = 0;
    for child in started {
        let output = child.wait_with_output().unwrap();
        let answer = answers(&String::from_utf8(output.stdout).unwrap()).remove(0);
        match answer["error_code"].as_u64() {
            Some(0) => done += 1,
            _ => {
                let said = answer["data"].as_str().unwrap();
                let expected = ["The cluster is activated already.", "Somebody else has just activated the cluster"];
                assert!(expected.iter().any(|words| said.starts_with(words)), "{said}");
            }
        }
    }
    assert_eq!(done, 1);
}
