//! Key pairs as the modules make them: by which mechanism, from which templates, and what the public key then says.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CKA_DECAPSULATE, CKA_DECRYPT, CKA_DERIVE, CKA_EC_PARAMS, CKA_EC_POINT,
    CKA_ENCAPSULATE, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_MODULUS, CKA_MODULUS_BITS, CKA_PARAMETER_SET, CKA_PRIVATE,
    CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_SIGN, CKA_TOKEN, CKA_VALUE, CKA_VERIFY, CKM_EC_EDWARDS_KEY_PAIR_GEN,
    CKM_EC_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_KEM_KEY_PAIR_GEN,
    CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_SLH_DSA_KEY_PAIR_GEN, CKP_ML_DSA_65, CKP_ML_KEM_768, CKP_SLH_DSA_SHA2_128F,
};

use crate::measure::Problem;
use crate::module::{PairHandles, Session};
use crate::template::{AttributeReader, Template, Value};

/// What a pair is for and how long it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// RSA with a modulus of so many bits and the exponent 65537.
    Rsa(usize),
    /// A curve for ECDSA and Diffie-Hellman.
    Ec(Curve),
    Ed25519,
    X25519,
    MlKem768,
    MlDsa65,
    SlhDsa128f,
}

/// A curve of the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
    Secp256k1,
}

/// A pair in a module, with its public value.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) handles: PairHandles,
    pub(crate) value: PublicValue,
}

/// What a public key says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PublicValue {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Bytes(Vec<u8>),
}

/// A way to ask for a pair.
pub(crate) struct Request {
    mechanism: CK_MECHANISM_TYPE,
    public: Template,
    private: Template,
}

impl Kind {
    /// As the rows name it.
    pub(crate) fn name(self) -> String {
        match self {
            Kind::Rsa(bits) => format!("rsa{bits}"),
            Kind::Ec(Curve::P256) => "p256".to_owned(),
            Kind::Ec(Curve::P384) => "p384".to_owned(),
            Kind::Ec(Curve::P521) => "p521".to_owned(),
            Kind::Ec(Curve::Secp256k1) => "secp256k1".to_owned(),
            Kind::Ed25519 => "ed25519".to_owned(),
            Kind::X25519 => "x25519".to_owned(),
            Kind::MlKem768 => "mlkem768".to_owned(),
            Kind::MlDsa65 => "mldsa65".to_owned(),
            Kind::SlhDsa128f => "slhdsa.sha2-128f".to_owned(),
        }
    }

    /// The ways to ask for it, the standard's first. Before there was a mechanism for X25519, SoftHSM put it with
    /// Ed25519, and NSS with the curves of ECDSA under a number of its own.
    pub(crate) fn requests(self) -> Vec<Request> {
        let edwards = CKM_EC_EDWARDS_KEY_PAIR_GEN;
        match self {
            Kind::Rsa(bits) => {
                let public = [
                    (CKA_MODULUS_BITS, Value::Number(bits as u64)),
                    (CKA_PUBLIC_EXPONENT, Value::Bytes(&[1, 0, 1])),
                    (CKA_ENCRYPT, Value::Flag(true)),
                    (CKA_VERIFY, Value::Flag(true)),
                ];
                vec![Request::new(CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &[CKA_DECRYPT, CKA_SIGN])]
            }
            Kind::Ec(curve) => {
                let public = [(CKA_EC_PARAMS, Value::Bytes(curve.oid())), (CKA_VERIFY, Value::Flag(true))];
                vec![Request::new(CKM_EC_KEY_PAIR_GEN, &public, &[CKA_SIGN, CKA_DERIVE])]
            }
            Kind::Ed25519 => {
                let public = [(CKA_EC_PARAMS, Value::Bytes(ED25519_OID)), (CKA_VERIFY, Value::Flag(true))];
                vec![Request::new(edwards, &public, &[CKA_SIGN])]
            }
            Kind::X25519 => {
                let ways = [
                    (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, X25519_OID),
                    (edwards, X25519_OID),
                    (CKM_EC_KEY_PAIR_GEN, X25519_OID_OF_GNU),
                ];
                ways.map(|(mechanism, oid)| {
                    Request::new(mechanism, &[(CKA_EC_PARAMS, Value::Bytes(oid))], &[CKA_DERIVE])
                })
                .into()
            }
            Kind::MlKem768 => {
                let public = [(CKA_PARAMETER_SET, Value::Number(CKP_ML_KEM_768)), (CKA_ENCAPSULATE, Value::Flag(true))];
                vec![Request::new(CKM_ML_KEM_KEY_PAIR_GEN, &public, &[CKA_DECAPSULATE])]
            }
            Kind::MlDsa65 => {
                let public = [(CKA_PARAMETER_SET, Value::Number(CKP_ML_DSA_65)), (CKA_VERIFY, Value::Flag(true))];
                vec![Request::new(CKM_ML_DSA_KEY_PAIR_GEN, &public, &[CKA_SIGN])]
            }
            Kind::SlhDsa128f => {
                let set = Value::Number(CKP_SLH_DSA_SHA2_128F);
                let public = [(CKA_PARAMETER_SET, set), (CKA_VERIFY, Value::Flag(true))];
                vec![Request::new(CKM_SLH_DSA_KEY_PAIR_GEN, &public, &[CKA_SIGN])]
            }
        }
    }

    /// Makes a pair in the way that the module understands, the only one or the last to be tried giving the reason why
    /// there is none.
    pub(crate) fn generate(self, session: &Session) -> Result<(Pair, Request), Problem> {
        let mut problem = Problem::Missing;
        for request in self.requests() {
            match request.generate(session) {
                Ok(handles) => {
                    let value = self.read_public(session, handles)?;
                    return Ok((Pair { handles, value }, request));
                }
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn read_public(self, session: &Session, handles: PairHandles) -> Result<PublicValue, Problem> {
        let (attributes, point_bytes): (&[(CK_ATTRIBUTE_TYPE, usize)], _) = match self {
            Kind::Rsa(_) => (&[(CKA_MODULUS, 1024), (CKA_PUBLIC_EXPONENT, 16)], None),
            Kind::Ec(curve) => (&[(CKA_EC_POINT, 256)], Some(1 + 2 * curve.half_bytes())),
            Kind::Ed25519 | Kind::X25519 => (&[(CKA_EC_POINT, 256)], Some(32)),
            Kind::MlKem768 | Kind::MlDsa65 | Kind::SlhDsa128f => (&[(CKA_VALUE, 4096)], None),
        };
        let mut reader = AttributeReader::new(attributes);
        session.read(handles.public, &mut reader)?;
        Ok(match (self, point_bytes) {
            (Kind::Rsa(_), _) => {
                PublicValue::Rsa { modulus: reader.value(0).to_vec(), exponent: reader.value(1).to_vec() }
            }
            // Most modules put the point into an octet string, as the standard says for ECDSA.
            (_, Some(bytes)) => {
                let value = reader.value(0);
                PublicValue::Bytes(value.get(value.len().saturating_sub(bytes)..).unwrap_or_default().to_vec())
            }
            (_, None) => PublicValue::Bytes(reader.value(0).to_vec()),
        })
    }
}

impl Request {
    fn new(
        mechanism: CK_MECHANISM_TYPE,
        public: &[(CK_ATTRIBUTE_TYPE, Value<'_>)],
        usages: &[CK_ATTRIBUTE_TYPE],
    ) -> Self {
        let mut public = public.to_vec();
        public.push((CKA_TOKEN, Value::Flag(false)));
        let mut private = vec![
            (CKA_TOKEN, Value::Flag(false)),
            (CKA_PRIVATE, Value::Flag(true)),
            (CKA_SENSITIVE, Value::Flag(true)),
            (CKA_EXTRACTABLE, Value::Flag(false)),
        ];
        private.extend(usages.iter().map(|usage| (*usage, Value::Flag(true))));
        Self { mechanism, public: Template::new(&public), private: Template::new(&private) }
    }

    /// One more pair.
    pub(crate) fn generate(&self, session: &Session) -> Result<PairHandles, Problem> {
        Ok(session.generate_pair(self.mechanism, &self.public, &self.private)?)
    }

    /// One more pair, and both its halves destroyed.
    pub(crate) fn generate_and_destroy(&self, session: &Session) -> Result<(), crate::module::CallError> {
        let pair = session.generate_pair(self.mechanism, &self.public, &self.private)?;
        session.destroy_pair(pair)
    }
}

impl Curve {
    /// Bytes of a coordinate and of each half of a signature.
    pub(crate) fn half_bytes(self) -> usize {
        match self {
            Curve::P256 | Curve::Secp256k1 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// `CKA_EC_PARAMS`: the object identifier in DER (RFC 5480 §2.1.1.1, SEC 2).
    fn oid(self) -> &'static [u8] {
        match self {
            Curve::P256 => b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
            Curve::P384 => b"\x06\x05\x2b\x81\x04\x00\x22",
            Curve::P521 => b"\x06\x05\x2b\x81\x04\x00\x23",
            Curve::Secp256k1 => b"\x06\x05\x2b\x81\x04\x00\x0a",
        }
    }
}

impl PublicValue {
    /// The value of a kind that has one number or string.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            PublicValue::Rsa { modulus, .. } => modulus,
            PublicValue::Bytes(bytes) => bytes,
        }
    }
}

/// 1.3.101.112 (RFC 8410 §3).
const ED25519_OID: &[u8] = b"\x06\x03\x2b\x65\x70";
/// 1.3.101.110 (RFC 8410 §3).
const X25519_OID: &[u8] = b"\x06\x03\x2b\x65\x6e";
/// 1.3.6.1.4.1.11591.15.1.
const X25519_OID_OF_GNU: &[u8] = b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01";
