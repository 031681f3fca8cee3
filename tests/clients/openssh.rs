//! OpenSSH: logins to a real `sshd`, the agent, signed files and certificates, with keys that stay in the token.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::harness::{Place, refuse, succeed, tool};
use crate::page::Page;

#[test]
fn page_works() {
    let page = Page::read("openssh");
    let place = page.place();
    let server = Server { place: &place };
    // A page that fails half way leaves no agent behind either.
    place.write("leave.sh", b"trap 'kill ${SSH_AGENT_PID:-} 2> leave.log || true' EXIT\n");
    let told = succeed(page.shell(&place).env("PORT", free_port().to_string()).env("BASH_ENV", "leave.sh"));
    for login in ["logged in", "with ECDSA", "with RSA"] {
        assert!(told.lines().any(|line| line == login), "no {login}:\n{told}");
    }
    assert!(told.contains("ssh ecdsa (ECDSA)") && told.contains("ssh rsa (RSA)"), "{told}");
    assert!(told.contains("Good \"file\" signature for alice with ECDSA key"), "{told}");
    assert!(told.contains("Signing CA: ECDSA"), "{told}");
    // The server's word: three logins by public key, and with which.
    let log = server.log();
    let accepted: Vec<&str> = log.lines().filter(|line| line.starts_with("Accepted publickey")).collect();
    assert_eq!(accepted.len(), 3, "{log}");
    assert!(accepted[1].contains(": ECDSA ") && accepted[2].contains(": RSA "), "{log}");

    public_keys_are_the_tokens(&place);
    another_text_is_refused(&place);
}

/// What `ssh-keygen -D` prints is what other programs read from the token.
fn public_keys_are_the_tokens(place: &Place) {
    for (id, kind) in [("01", "ecdsa-sha2-nistp256"), ("02", "ssh-rsa")] {
        let read = ["--token-label", "first", "--read-object", "--type", "pubkey", "--id", id, "-o", "public.der"];
        place.pkcs11_tool(read);
        let mut openssl = place.command(tool("openssl"));
        succeed(openssl.args(["pkey", "-pubin", "-inform", "DER", "-in", "public.der", "-out", "public.pem"]));
        let theirs = succeed(place.command(tool("ssh-keygen")).args(["-i", "-m", "PKCS8", "-f", "public.pem"]));
        let ours = String::from_utf8(place.read("keys.pub")).unwrap();
        assert!(theirs.starts_with(kind) && ours.contains(theirs.trim()), "{theirs}{ours}");
    }
}

fn another_text_is_refused(place: &Place) {
    place.write("other.txt", b"Dear writer\n");
    let mut verify = place.command(tool("ssh-keygen"));
    verify.args(["-Y", "verify", "-n", "file", "-I", "alice", "-f", "allowed_signers", "-s", "letter.txt.sig"]);
    let told = refuse(verify.stdin(fs::File::open(place.file("other.txt")).unwrap()));
    assert!(told.contains("Could not verify signature"), "{told}");
}

/// The page's `sshd`, which a failed page would leave behind.
struct Server<'a> {
    place: &'a Place,
}

impl Server<'_> {
    fn log(&self) -> String {
        String::from_utf8_lossy(&self.place.read("sshd.log")).into_owned()
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // sshd removes the file when it ends.
        if let Ok(number) = fs::read_to_string(self.place.file("sshd.pid")) {
            let _ = Command::new("kill").arg(number.trim()).output();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
