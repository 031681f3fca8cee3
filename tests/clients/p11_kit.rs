//! p11-kit: the module found through its registration file, and used from another process through `p11-kit server`
//! and `p11-kit-client.so`, which is how a token is used remotely.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{LABEL, Place, USER_PIN, repository, run, succeed, system_library, told, tool};
use crate::page::{Page, as_user, search_path};
use crate::programs::{Language, compiler, sources};

#[test]
fn page_works() {
    let page = Page::read("p11-kit");
    let place = page.place();
    let user = ordinary_user(&place);
    // A page that fails half way leaves no server behind either.
    place.write("leave.sh", b"trap 'kill ${P11_KIT_SERVER_PID:-} 2> leave.log || true' EXIT\n");
    let mut shell = page.shell(&place);
    shell.env("PATH", search_path()).env("BASH_ENV", "leave.sh").env("LD_PRELOAD", user);
    let told = succeed(&mut shell);
    assert!(told.contains("strongroom:") && told.contains("token: first"), "{told}");
    assert_eq!(told.matches("pkcs11:model=Strongroom%20test").count(), 3, "{told}");
    let listed = as_user(&place, ["--list-objects"]);
    assert!(listed.contains("label:      orders") && listed.contains("label:      afar"), "{listed}");
}

#[test]
fn module_file_registers_the_module() {
    let place = Place::with_token("p11-kit-modules");
    let modules = place.directory.join(".config/pkcs11/modules");
    fs::create_dir_all(&modules).unwrap();
    let registration = fs::read_to_string(repository().join("packaging/strongroom.module")).unwrap();
    assert!(registration.contains("module: libstrongroom.so\n"), "the installed file names no directory");
    let here = registration.replace("libstrongroom.so", &place.module.display().to_string());
    fs::write(modules.join("strongroom.module"), here).unwrap();

    let ordinary_user = ordinary_user(&place);
    let mut list = place.command(tool("p11-kit"));
    let listed = succeed(list.env("LD_PRELOAD", &ordinary_user).arg("list-modules"));
    let ours = listed.find("strongroom:").unwrap_or_else(|| panic!("not registered:\n{listed}"));
    assert!(listed[ours..].contains(&format!("token: {LABEL}")), "{listed}");
    // GnuTLS finds the token without being told of a module.
    let mut list = place.command(tool("p11tool"));
    let tokens = succeed(list.env("LD_PRELOAD", &ordinary_user).arg("--list-token-urls"));
    assert!(tokens.contains("token=client%20test"), "{tokens}");
}

/// A library that tells a program it is not root's: p11-kit reads no user's configuration for root.
fn ordinary_user(place: &Place) -> PathBuf {
    let library = place.file("not_root.so");
    let mut compile = compiler(Language::C);
    succeed(compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(sources().join("not_root.c")));
    library
}

#[test]
fn server_and_client_carry_calls_to_the_module() {
    let place = Place::with_token("p11-kit-server");
    place.as_user(["--keygen", "--key-type", "AES:32", "--label", "remote", "--id", "01"]);
    let server = Server::start(&place);

    let mut list = server.client(&place);
    let listed = succeed(list.args(["--login", "--pin", USER_PIN, "--list-objects"]));
    assert!(listed.contains("remote"), "{listed}");

    // Block mode and whole blocks: p11-kit 0.24 carries no mechanism with an IV.
    let plain = place.write_data("plain", 4096);
    for (action, from, to) in [("--encrypt", "plain", "sealed"), ("--decrypt", "sealed", "opened")] {
        let mut command = server.client(&place);
        command.args(["--login", "--pin", USER_PIN, action, "-m", "AES-ECB", "--id", "01", "-i", from, "-o", to]);
        succeed(&mut command);
    }
    assert_eq!(place.read("opened"), plain);
    // What the client sealed from afar, the module opens directly: it is the same key.
    place.as_user(["--decrypt", "-m", "AES-ECB", "--id", "01", "-i", "sealed", "-o", "direct"]);
    assert_eq!(place.read("direct"), plain);

    // A key made from afar is on the token.
    let mut keygen = server.client(&place);
    succeed(keygen.args(["--login", "--pin", USER_PIN, "--keygen", "--key-type", "AES:16", "--label", "from afar"]));
    assert!(place.as_user(["--list-objects"]).contains("from afar"));

    let mut hash = server.client(&place);
    succeed(hash.args(["--hash", "-m", "SHA256", "-i", "plain", "-o", "hash"]));
    assert_eq!(place.read("hash").len(), 32);
}

/// A running `p11-kit server`, ended with the test.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(place: &Place) -> Self {
        let socket = place.file("socket");
        let mut command = place.command(tool("p11-kit"));
        command.args(["server", "--foreground", "--provider"]).arg(&place.module).arg("--name").arg(&socket);
        command.arg("pkcs11:token=client%20test").stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let server = Self { process, address: format!("unix:path={}", socket.display()) };
        let patience = Instant::now();
        while !socket.exists() {
            assert!(patience.elapsed() < Duration::from_secs(20), "p11-kit server opened no socket: {command:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        // The socket exists before the server listens to it: the first answered call is the beginning.
        let mut ask = server.client(place);
        ask.arg("--list-slots");
        let mut output = run(&mut ask);
        while !output.status.success() {
            assert!(patience.elapsed() < Duration::from_secs(20), "{}", told(&ask, &output));
            std::thread::sleep(Duration::from_millis(50));
            output = run(&mut ask);
        }
        server
    }

    /// `pkcs11-tool` on the client module, in a process that knows nothing of the token's directory.
    fn client(&self, place: &Place) -> Command {
        let mut command = place.command(tool("pkcs11-tool"));
        command.env_remove("STRONGROOM_DIR").env_remove("STRONGROOM_CONF").env_remove("SOFTHSM2_CONF");
        command.env("P11_KIT_SERVER_ADDRESS", &self.address);
        command.arg("--module").arg(system_library("pkcs11/p11-kit-client.so"));
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
