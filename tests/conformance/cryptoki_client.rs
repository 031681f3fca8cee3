//! The module as Rust's `cryptoki` crate uses it: one process makes a token and keys, another finds them and works on a
//! file with them, a third finds the work in order. The results are compared with the `openssl` program's.
//!
//! The crate loads the module like any program, so each step is a process of its own: this test program, started again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

use crate::module::{directory, module_file, write_configuration};

const STEP: &str = "STRONGROOM_TEST_STEP";
const AES_VALUE: [u8; 32] = *b"a key that openssl gets as well.";
const IV: [u8; 16] = *b"sixteen IV bytes";

#[test]
fn several_processes_share_a_token() {
    let place = directory().join("cryptoki");
    fs::create_dir_all(place.join("tokens")).unwrap();
    write_configuration(&place, "strongroom.toml", "");
    let data: Vec<u8> = (0..1_000_003u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(place.join("file"), data).unwrap();
    for step in ["make", "use", "check"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cryptoki_client::step", "--ignored", "--nocapture"])
            .env(STEP, step)
            .env("STRONGROOM_DIR", place.join("tokens"))
            .env("STRONGROOM_CONF", place.join("strongroom.toml"))
            .current_dir(&place)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.contains(&format!("step {step} is done")), "{step}:\n{told}");
    }
    compare_with_openssl(&place);
}

#[test]
#[ignore = "a step of several_processes_share_a_token, which runs it in a process of its own"]
fn step() {
    let step = std::env::var(STEP).expect("run by several_processes_share_a_token");
    let client = Pkcs11::new(module_file()).unwrap();
    client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    match step.as_str() {
        "make" => make(&client),
        "use" => use_keys(&client),
        "check" => check(&client),
        other => panic!("{other}"),
    }
    client.finalize().unwrap();
    println!("step {step} is done");
}

fn pin(text: &str) -> AuthPin {
    AuthPin::new(text.into())
}

fn user(client: &Pkcs11) -> Session {
    let slot = client.get_slots_with_initialized_token().unwrap()[0];
    let session = client.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&pin("user PIN"))).unwrap();
    session
}

fn kept(label: &str) -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Label(label.into()),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
    ]
}

fn find(session: &Session, label: &str) -> ObjectHandle {
    let found = session.find_objects(&[Attribute::Label(label.into())]).unwrap();
    assert_eq!(found.len(), 1, "{label}");
    found[0]
}

fn make(client: &Pkcs11) {
    let slot = client.get_slots_with_token().unwrap()[0];
    client.init_token(slot, &pin("officer PIN"), "cryptoki crate").unwrap();
    let session = client.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&pin("officer PIN"))).unwrap();
    session.init_pin(&pin("first PIN")).unwrap();
    session.logout().unwrap();
    session.login(UserType::User, Some(&pin("first PIN"))).unwrap();
    session.set_pin(&pin("first PIN"), &pin("user PIN")).unwrap();
    let sized = |label: &str, len: u64| [kept(label), vec![Attribute::ValueLen(len.into())]].concat();
    for len in [16, 24, 32] {
        session.generate_key(&Mechanism::AesKeyGen, &sized(&format!("aes {len}"), len)).unwrap();
    }
    session.generate_key(&Mechanism::Des3KeyGen, &kept("des3")).unwrap();
    session.generate_key(&Mechanism::GenericSecretKeyGen, &sized("generic", 64)).unwrap();
    // The crate has no RC4 mechanisms, but knows the type of key.
    let imported = |label: &str, key_type, value: &[u8]| {
        let own =
            [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(key_type), Attribute::Value(value.into())];
        session.create_object(&[kept(label), own.to_vec()].concat()).unwrap()
    };
    imported("rc4", KeyType::RC4, b"an RC4 key");
    imported("shared aes", KeyType::AES, &AES_VALUE);
    imported("shared mac", KeyType::GENERIC_SECRET, &AES_VALUE);
    let mechanisms = client.get_mechanism_list(slot).unwrap();
    assert!(mechanisms.contains(&MechanismType::AES_GCM) && mechanisms.contains(&MechanismType::AES_CBC_PAD));
}

fn use_keys(client: &Pkcs11) {
    let session = user(client);
    let data = fs::read("file").unwrap();
    assert_eq!(session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)]).unwrap().len(), 8);
    for (label, mechanism) in ciphers() {
        let key = find(&session, label);
        let whole = session.encrypt(&mechanism, key, &data).unwrap();
        session.encrypt_init(&mechanism, key).unwrap();
        let mut parts = Vec::new();
        for part in data.chunks(65_537) {
            parts.extend(session.encrypt_update(part).unwrap());
        }
        parts.extend(session.encrypt_final().unwrap());
        assert!(whole == parts, "{label}: the parts differ from the whole");
        fs::write(encrypted_name(label), whole).unwrap();
    }
    let mut iv = [7; 12];
    let gcm = GcmParams::new(&mut iv, b"header", 128.into()).unwrap();
    fs::write("gcm", session.encrypt(&Mechanism::AesGcm(gcm), find(&session, "aes 32"), &data).unwrap()).unwrap();
    let mac = find(&session, "shared mac");
    fs::write("hmac", session.sign(&Mechanism::Sha256Hmac, mac, &data).unwrap()).unwrap();
    fs::write("cmac", session.sign(&Mechanism::AesCMac, find(&session, "shared aes"), &data).unwrap()).unwrap();
    fs::write("digest", session.digest(&Mechanism::Sha512, &data).unwrap()).unwrap();
    // What a sensitive key does not show.
    let shown =
        session.get_attributes(find(&session, "aes 16"), &[AttributeType::Value, AttributeType::KeyType]).unwrap();
    assert_eq!(shown, [Attribute::KeyType(KeyType::AES)]);
}

fn check(client: &Pkcs11) {
    let session = user(client);
    let data = fs::read("file").unwrap();
    for (label, mechanism) in ciphers() {
        let encrypted = fs::read(encrypted_name(label)).unwrap();
        let decrypted = session.decrypt(&mechanism, find(&session, label), &encrypted).unwrap();
        assert!(decrypted == data, "{label}");
    }
    let mut iv = [7; 12];
    let gcm = GcmParams::new(&mut iv, b"header", 128.into()).unwrap();
    let opened = session.decrypt(&Mechanism::AesGcm(gcm), find(&session, "aes 32"), &fs::read("gcm").unwrap()).unwrap();
    assert!(opened == data);
    let mac = find(&session, "shared mac");
    session.verify(&Mechanism::Sha256Hmac, mac, &data, &fs::read("hmac").unwrap()).unwrap();
    session.verify(&Mechanism::Sha256Hmac, mac, b"other", &fs::read("hmac").unwrap()).unwrap_err();
    session.destroy_object(mac).unwrap();
    session.logout().unwrap();
    session.login(UserType::User, Some(&pin("first PIN"))).unwrap_err();
}

fn ciphers() -> Vec<(&'static str, Mechanism<'static>)> {
    vec![
        ("aes 16", Mechanism::AesCbcPad(IV)),
        ("aes 24", Mechanism::AesCbcPad(IV)),
        ("aes 32", Mechanism::AesCbcPad(IV)),
        ("shared aes", Mechanism::AesCbcPad(IV)),
        ("des3", Mechanism::Des3CbcPad(*b"8 bytes.")),
    ]
}

fn encrypted_name(label: &str) -> PathBuf {
    PathBuf::from(format!("{label}.encrypted"))
}

fn compare_with_openssl(place: &Path) {
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(place).output().expect("openssl");
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let (key, iv) = (digits(&AES_VALUE), digits(&IV));
    let encrypted = openssl(&["enc", "-aes-256-cbc", "-K", &key, "-iv", &iv, "-in", "file"]);
    assert!(encrypted == fs::read(place.join(encrypted_name("shared aes"))).unwrap());
    let hexkey = format!("hexkey:{key}");
    for (file, arguments) in [
        ("hmac", &["dgst", "-sha256", "-mac", "HMAC", "-macopt", &hexkey, "-binary", "file"][..]),
        ("cmac", &["dgst", "-mac", "CMAC", "-macopt", "cipher:aes-256-cbc", "-macopt", &hexkey, "-binary", "file"]),
        ("digest", &["dgst", "-sha512", "-binary", "file"]),
    ] {
        assert_eq!(openssl(arguments), fs::read(place.join(file)).unwrap(), "{file}");
    }
}
