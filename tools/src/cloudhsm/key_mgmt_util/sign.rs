//! sign, verify: signatures of files.

use cryptoki_sys::*;
use strongroom_core::mechanism::{Call, Parameter};
use strongroom_core::session::Output;

use super::Tool;
use super::commands::{CRYPTOGRAPHY, Command};
use super::find::key;
use super::host::with;
use crate::cloudhsm::attributes::curve;
use crate::cloudhsm::files::{self, Target};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::cloudhsm::signature;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "sign",
        group: CRYPTOGRAPHY,
        call: SIGN,
        description: "Signs a file with a private key.",
        flags: &[
            &[
                Flag::required("-f", "file", "Message file", "the file"),
                Flag::required("-k", "key-handle", "Key handle", "the private key"),
            ],
            MECHANISM,
            &[Flag::required("-out", "file", "Output file", "the file for the signature, which is overwritten")],
        ],
        needs_user: true,
        status: true,
        run: sign,
    },
    Command {
        name: "verify",
        group: CRYPTOGRAPHY,
        call: VERIFY,
        description: "Verifies the signature of a file with a public key.",
        flags: &[
            &[
                Flag::required("-f", "file", "Message file", "the file"),
                Flag::required("-s", "file", "Signature file", "the file with the signature"),
                Flag::required("-k", "key-handle", "Key handle", "the public key"),
            ],
            MECHANISM,
        ],
        needs_user: true,
        status: false,
        run: verify,
    },
];

static MECHANISM: &[Flag] = &[Flag::required(
    "-m",
    "mechanism",
    "Signature mechanism",
    "the mechanism\n(0 = SHA1_RSA_PKCS, 1 = SHA256_RSA_PKCS, 2 = SHA384_RSA_PKCS, 3 = SHA512_RSA_PKCS,\n\
     4 = SHA224_RSA_PKCS, 5 to 9 = the same hashes with PSS, 15 = ECDSA_SHA1, 16 = ECDSA_SHA224,\n\
     17 = ECDSA_SHA256, 18 = ECDSA_SHA384, 19 = ECDSA_SHA512)",
)];

fn sign(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (call, number) = (call(options)?, tool.handle(options, "-k")?);
    let file = options.needed("-out")?;
    files::apart(("-out", Some(file)), &[("-f", options.text("-f"))])?;
    let message = files::read(options.needed("-f")?)?;
    let key = key(tool, number)?;
    let target = Target::open(file)?;
    let session = tool.link.session();
    session.sign_init(&call, number)?;
    let mut made = vec![0; SIGNATURE_BYTES_MAX];
    let length = session.sign(&message, Output::Buffer(&mut made))?;
    made.truncate(length);
    if curve(&key).is_some() {
        made = signature::to_der(&made);
    }
    target.write(&made)?;
    tool.screen.result(SIGN, Code::SUCCESS);
    tool.screen.paragraph(&[format!("signature is written to file {file}")]);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

fn verify(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (call, number) = (call(options)?, tool.handle(options, "-k")?);
    let message = files::read(options.needed("-f")?)?;
    let given = files::read(options.needed("-s")?)?;
    let key = key(tool, number)?;
    let session = tool.link.session();
    session.verify_init(&call, number)?;
    let raw = match curve(&key) {
        // What is no signature at all is answered as one that is wrong.
        Some(curve) => signature::from_der(&given, curve.order_bytes()).unwrap_or_default(),
        None => given.to_vec(),
    };
    session.verify(&message, &raw)?;
    tool.screen.paragraph(&["Signature verification successful"]);
    tool.screen.result(VERIFY, Code::SUCCESS);
    Ok(())
}

/// The call that the mechanism's number stands for. A PSS salt is as long as the hash.
fn call(options: &Options<'_>) -> Result<Call<'static>, Refusal> {
    let number = options.needed_number("-m")?;
    let found = MECHANISMS.iter().find(|(known, ..)| *known == number);
    let (_, mechanism, pss) = found.ok_or_else(|| Refusal::value("-m", "0 to 9 or 15 to 19", number))?;
    let parameter = match *pss {
        Some((hash, mgf, salt_bytes)) => Parameter::Pss { hash, mgf, salt_bytes },
        None => Parameter::None,
    };
    with(*mechanism, parameter)
}

const SIGN: &str = "Cfm3Sign";
const VERIFY: &str = "Cfm3Verify";
/// More than a signature with an RSA key of 16384 bits has.
const SIGNATURE_BYTES_MAX: usize = 4096;

/// A hash, its mask generation function, and its bytes.
type Pss = Option<(u64, u64, u64)>;
const MECHANISMS: &[(u64, u64, Pss)] = &[
    (0, CKM_SHA1_RSA_PKCS, None),
    (1, CKM_SHA256_RSA_PKCS, None),
    (2, CKM_SHA384_RSA_PKCS, None),
    (3, CKM_SHA512_RSA_PKCS, None),
    (4, CKM_SHA224_RSA_PKCS, None),
    (5, CKM_SHA1_RSA_PKCS_PSS, Some((CKM_SHA_1, CKG_MGF1_SHA1, 20))),
    (6, CKM_SHA256_RSA_PKCS_PSS, Some((CKM_SHA256, CKG_MGF1_SHA256, 32))),
    (7, CKM_SHA384_RSA_PKCS_PSS, Some((CKM_SHA384, CKG_MGF1_SHA384, 48))),
    (8, CKM_SHA512_RSA_PKCS_PSS, Some((CKM_SHA512, CKG_MGF1_SHA512, 64))),
    (9, CKM_SHA224_RSA_PKCS_PSS, Some((CKM_SHA224, CKG_MGF1_SHA224, 28))),
    (15, CKM_ECDSA_SHA1, None),
    (16, CKM_ECDSA_SHA224, None),
    (17, CKM_ECDSA_SHA256, None),
    (18, CKM_ECDSA_SHA384, None),
    (19, CKM_ECDSA_SHA512, None),
];
