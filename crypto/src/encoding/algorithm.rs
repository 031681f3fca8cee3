//! The algorithms a key can be for, their object identifiers and the lengths they fix.

use der::oid::ObjectIdentifier;

/// The curve of a signature key (RFC 8032).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Edwards {
    Ed25519,
    Ed448,
}

impl Edwards {
    /// Bytes of a seed, and of a public key.
    pub const fn bytes(self) -> usize {
        match self {
            Edwards::Ed25519 => 32,
            Edwards::Ed448 => 57,
        }
    }
}

/// The curve of a key agreement key (RFC 7748).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Montgomery {
    X25519,
    X448,
}

impl Montgomery {
    /// Bytes of a private key, and of a public key.
    pub const fn bytes(self) -> usize {
        match self {
            Montgomery::X25519 => 32,
            Montgomery::X448 => 56,
        }
    }
}

/// A parameter set of FIPS 203.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum MlKem {
    MlKem512,
    MlKem768,
    MlKem1024,
}

impl MlKem {
    /// Bytes of a public (encapsulation) key.
    pub const fn public_bytes(self) -> usize {
        match self {
            MlKem::MlKem512 => 800,
            MlKem::MlKem768 => 1184,
            MlKem::MlKem1024 => 1568,
        }
    }

    /// Bytes of an expanded private (decapsulation) key.
    pub const fn expanded_bytes(self) -> usize {
        match self {
            MlKem::MlKem512 => 1632,
            MlKem::MlKem768 => 2400,
            MlKem::MlKem1024 => 3168,
        }
    }

    /// Bytes of a seed: d, then z.
    pub const SEED_BYTES: usize = 64;
}

/// A parameter set of FIPS 204.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum MlDsa {
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl MlDsa {
    /// Bytes of a public key.
    pub const fn public_bytes(self) -> usize {
        match self {
            MlDsa::MlDsa44 => 1312,
            MlDsa::MlDsa65 => 1952,
            MlDsa::MlDsa87 => 2592,
        }
    }

    /// Bytes of an expanded private key.
    pub const fn expanded_bytes(self) -> usize {
        match self {
            MlDsa::MlDsa44 => 2560,
            MlDsa::MlDsa65 => 4032,
            MlDsa::MlDsa87 => 4896,
        }
    }

    /// Bytes of a seed.
    pub const SEED_BYTES: usize = 32;
}

/// A parameter set of FIPS 205.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum SlhDsa {
    Sha2_128s,
    Sha2_128f,
    Sha2_192s,
    Sha2_192f,
    Sha2_256s,
    Sha2_256f,
    Shake128s,
    Shake128f,
    Shake192s,
    Shake192f,
    Shake256s,
    Shake256f,
}

impl SlhDsa {
    /// Every parameter set, in the order of the object identifiers.
    pub const ALL: [SlhDsa; 12] = [
        SlhDsa::Sha2_128s,
        SlhDsa::Sha2_128f,
        SlhDsa::Sha2_192s,
        SlhDsa::Sha2_192f,
        SlhDsa::Sha2_256s,
        SlhDsa::Sha2_256f,
        SlhDsa::Shake128s,
        SlhDsa::Shake128f,
        SlhDsa::Shake192s,
        SlhDsa::Shake192f,
        SlhDsa::Shake256s,
        SlhDsa::Shake256f,
    ];

    /// Bytes of a public key.
    pub const fn public_bytes(self) -> usize {
        match self {
            SlhDsa::Sha2_128s | SlhDsa::Sha2_128f | SlhDsa::Shake128s | SlhDsa::Shake128f => 32,
            SlhDsa::Sha2_192s | SlhDsa::Sha2_192f | SlhDsa::Shake192s | SlhDsa::Shake192f => 48,
            SlhDsa::Sha2_256s | SlhDsa::Sha2_256f | SlhDsa::Shake256s | SlhDsa::Shake256f => 64,
        }
    }

    /// Bytes of a private key.
    pub const fn private_bytes(self) -> usize {
        2 * self.public_bytes()
    }
}

/// What an AlgorithmIdentifier names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rsa,
    Ec,
    Edwards(Edwards),
    Montgomery(Montgomery),
    Dsa,
    Dh,
    X942Dh,
    MlKem(MlKem),
    MlDsa(MlDsa),
    SlhDsa(SlhDsa),
}

impl Algorithm {
    pub(super) fn from_oid(oid: ObjectIdentifier) -> Option<Algorithm> {
        OIDS.iter().find(|(_, known)| *known == oid).map(|(algorithm, _)| *algorithm)
    }

    /// `None` never happens: the table is complete, as a test checks.
    pub(super) fn oid(self) -> Option<ObjectIdentifier> {
        OIDS.iter().find(|(algorithm, _)| *algorithm == self).map(|(_, oid)| *oid)
    }
}

const OIDS: [(Algorithm, ObjectIdentifier); 27] = [
    (Algorithm::Rsa, oid("1.2.840.113549.1.1.1")),
    (Algorithm::Ec, oid("1.2.840.10045.2.1")),
    (Algorithm::Montgomery(Montgomery::X25519), oid("1.3.101.110")),
    (Algorithm::Montgomery(Montgomery::X448), oid("1.3.101.111")),
    (Algorithm::Edwards(Edwards::Ed25519), oid("1.3.101.112")),
    (Algorithm::Edwards(Edwards::Ed448), oid("1.3.101.113")),
    (Algorithm::Dsa, oid("1.2.840.10040.4.1")),
    (Algorithm::Dh, oid("1.2.840.113549.1.3.1")),
    (Algorithm::X942Dh, oid("1.2.840.10046.2.1")),
    (Algorithm::MlKem(MlKem::MlKem512), oid("2.16.840.1.101.3.4.4.1")),
    (Algorithm::MlKem(MlKem::MlKem768), oid("2.16.840.1.101.3.4.4.2")),
    (Algorithm::MlKem(MlKem::MlKem1024), oid("2.16.840.1.101.3.4.4.3")),
    (Algorithm::MlDsa(MlDsa::MlDsa44), oid("2.16.840.1.101.3.4.3.17")),
    (Algorithm::MlDsa(MlDsa::MlDsa65), oid("2.16.840.1.101.3.4.3.18")),
    (Algorithm::MlDsa(MlDsa::MlDsa87), oid("2.16.840.1.101.3.4.3.19")),
    (Algorithm::SlhDsa(SlhDsa::Sha2_128s), oid("2.16.840.1.101.3.4.3.20")),
    (Algorithm::SlhDsa(SlhDsa::Sha2_128f), oid("2.16.840.1.101.3.4.3.21")),
    (Algorithm::SlhDsa(SlhDsa::Sha2_192s), oid("2.16.840.1.101.3.4.3.22")),
    (Algorithm::SlhDsa(SlhDsa::Sha2_192f), oid("2.16.840.1.101.3.4.3.23")),
    (Algorithm::SlhDsa(SlhDsa::Sha2_256s), oid("2.16.840.1.101.3.4.3.24")),
    (Algorithm::SlhDsa(SlhDsa::Sha2_256f), oid("2.16.840.1.101.3.4.3.25")),
    (Algorithm::SlhDsa(SlhDsa::Shake128s), oid("2.16.840.1.101.3.4.3.26")),
    (Algorithm::SlhDsa(SlhDsa::Shake128f), oid("2.16.840.1.101.3.4.3.27")),
    (Algorithm::SlhDsa(SlhDsa::Shake192s), oid("2.16.840.1.101.3.4.3.28")),
    (Algorithm::SlhDsa(SlhDsa::Shake192f), oid("2.16.840.1.101.3.4.3.29")),
    (Algorithm::SlhDsa(SlhDsa::Shake256s), oid("2.16.840.1.101.3.4.3.30")),
    (Algorithm::SlhDsa(SlhDsa::Shake256f), oid("2.16.840.1.101.3.4.3.31")),
];

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}
