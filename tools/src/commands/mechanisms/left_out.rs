//! The mechanisms of the standard that Strongroom does not have, and why.

/// Mechanisms that are left out for one reason.
pub(super) struct LeftOut {
    /// What people call them.
    pub(super) what: &'static str,
    /// Why they are left out.
    pub(super) why: &'static str,
    /// How their names begin.
    pub(super) names: &'static [&'static str],
}

/// Every one of them: a mechanism of the standard's header is in the catalogue, or begins as one of these does.
pub(super) const LEFT_OUT: &[LeftOut] = &[
    LeftOut {
        what: "HSS/LMS, XMSS, XMSS-MT",
        why: "a state that is used twice gives the key away, and files can be copied and restored; to verify alone, no \
              well-kept library",
        names: &["CKM_HSS", "CKM_XMSS"],
    },
    LeftOut {
        what: "X3DH, Double Ratchet, XEdDSA",
        why: "no well-kept library",
        names: &["CKM_X3DH_", "CKM_X2RATCHET_", "CKM_XEDDSA"],
    },
    LeftOut { what: "GOST 28147-89, R 34.10, R 34.11", why: "no well-kept library", names: &["CKM_GOST"] },
    LeftOut {
        what: "BLAKE2b",
        why: "AWS-LC has it for one length only, and no client that was tried asks for it",
        names: &["CKM_BLAKE2B_"],
    },
    LeftOut {
        what: "Poly1305 alone, Salsa20",
        why: "no library here offers them apart from ChaCha20-Poly1305",
        names: &["CKM_POLY1305", "CKM_SALSA20"],
    },
    LeftOut {
        what: "ARIA, Camellia, SEED, Blowfish, Twofish",
        why: "no library here has them, and no client that was tried asks for them",
        names: &["CKM_ARIA_", "CKM_CAMELLIA_", "CKM_SEED_", "CKM_BLOWFISH_", "CKM_TWOFISH_"],
    },
    LeftOut {
        what: "RC2, RC5, CAST, IDEA, CDMF, SKIPJACK, BATON, JUNIPER",
        why: "historical",
        names: &[
            "CKM_RC2_",
            "CKM_RC5_",
            "CKM_CAST",
            "CKM_IDEA_",
            "CKM_CDMF_",
            "CKM_SKIPJACK_",
            "CKM_BATON_",
            "CKM_JUNIPER_",
        ],
    },
    LeftOut {
        what: "MD2, RIPEMD, FASTHASH, derivation by MD5",
        why: "historical",
        names: &["CKM_MD2", "CKM_RIPEMD", "CKM_FASTHASH", "CKM_MD5_KEY_DERIVATION"],
    },
    LeftOut {
        what: "SHA-512/t with any t",
        why: "SHA-512/224 and SHA-512/256 are there; nothing uses another t",
        names: &["CKM_SHA512_T"],
    },
    LeftOut {
        what: "DES and 3DES in CFB and OFB, MACs of DES and 3DES",
        why: "historical; 3DES has CMAC",
        names: &["CKM_DES_CFB", "CKM_DES_OFB", "CKM_DES_MAC", "CKM_DES3_MAC"],
    },
    LeftOut {
        what: "AES in CFB64, AES-XCBC-MAC",
        why: "no library here has them; CFB1, CFB8, CFB128 and CMAC are there",
        names: &["CKM_AES_CFB64", "CKM_AES_XCBC_MAC"],
    },
    LeftOut {
        what: "RSA of X9.31, ISO 9796 and TPM 1.1",
        why: "withdrawn standards",
        names: &["CKM_RSA_X9_31", "CKM_SHA1_RSA_X9_31", "CKM_RSA_9796", "CKM_RSA_PKCS_TPM", "CKM_RSA_PKCS_OAEP_TPM"],
    },
    LeftOut {
        what: "other ways to find DSA parameters",
        why: "CKM_DSA_PARAMETER_GEN finds them; FIPS 186-5 has no DSA any more",
        names: &["CKM_DSA_PROBAB", "CKM_DSA_SHAWE_TAYLOR", "CKM_DSA_FIPS_G_GEN"],
    },
    LeftOut {
        what: "MQV, hybrid X9.42, KEA",
        why: "no library here has them",
        names: &["CKM_ECMQV_", "CKM_X9_42_MQV_", "CKM_X9_42_DH_HYBRID_", "CKM_KEA_"],
    },
    LeftOut {
        what: "SSL 3.0, TLS 1.0 and 1.1, WTLS",
        why: "withdrawn protocols (RFC 7568, RFC 8996)",
        names: &[
            "CKM_SSL3_",
            "CKM_TLS10_",
            "CKM_TLS_KEY_",
            "CKM_TLS_MASTER_",
            "CKM_TLS_PRE_",
            "CKM_TLS_PRF",
            "CKM_WTLS_",
        ],
    },
    LeftOut {
        what: "encryption by password of PKCS#5 v1 and PKCS#12",
        why: "weak; CKM_PKCS5_PBKD2 is there",
        names: &["CKM_PBE_", "CKM_PBA_"],
    },
    LeftOut {
        what: "one-time passwords, CT-KIP, CMS signatures",
        why: "they make structures of other protocols; no client that was tried asks for them",
        names: &["CKM_ACTI", "CKM_HOTP", "CKM_SECURID", "CKM_KIP_", "CKM_CMS_SIG"],
    },
    LeftOut {
        what: "wrapping of Lynks and SET, Fortezza, CKM_NULL",
        why: "historical; CKM_NULL would pass keys in the clear",
        names: &["CKM_KEY_WRAP_", "CKM_FORTEZZA_", "CKM_NULL"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_core::mechanism::{CATALOGUE, find};

    #[test]
    fn every_mechanism_of_the_header_is_there_or_left_out_for_a_reason() {
        let header = concat!(env!("CARGO_MANIFEST_DIR"), "/../include/strongroom/pkcs11.h");
        let header = std::fs::read_to_string(header).unwrap();
        let mut count = 0;
        for line in header.lines() {
            let mut words = line.split_whitespace();
            let (Some("#define"), Some(name), Some(number)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            if !name.starts_with("CKM_") || name == "CKM_VENDOR_DEFINED" {
                continue;
            }
            let digits: String = number
                .trim_start_matches('(')
                .trim_start_matches("0x")
                .chars()
                .take_while(char::is_ascii_hexdigit)
                .collect();
            let is_there = u64::from_str_radix(&digits, 16).ok().and_then(find).is_some()
                || CATALOGUE.iter().any(|mechanism| mechanism.name == name);
            let reasons = LEFT_OUT.iter().filter(|row| row.names.iter().any(|start| name.starts_with(start))).count();
            // A second name of a mechanism that is there needs no reason.
            assert_eq!(reasons, usize::from(!is_there), "{name}");
            count += 1;
        }
        assert!(count > 400, "only {count} mechanisms were found");
    }

    #[test]
    fn every_reason_has_something_to_explain() {
        let header = concat!(env!("CARGO_MANIFEST_DIR"), "/../include/strongroom/pkcs11.h");
        let header = std::fs::read_to_string(header).unwrap();
        for start in LEFT_OUT.iter().flat_map(|row| row.names) {
            assert!(header.contains(&format!("#define {start}")), "{start}");
        }
    }
}
