//! RSA keys from outside that can be factored.

use cryptoki_sys::*;

use crate::fixture::*;
use crate::words::*;

/// The numbers of a key with the usual exponent, hexadecimal.
struct Numbers {
    n: &'static str,
    d: &'static str,
    p: &'static str,
    q: &'static str,
}

fn public(modulus: &[u8]) -> Vec<Entry> {
    vec![
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, CKK_RSA),
        bytes(CKA_MODULUS, modulus),
        bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
    ]
}

impl Numbers {
    fn private(&self, with_primes: bool) -> Vec<Entry> {
        let mut entries = vec![
            number(CKA_CLASS, CKO_PRIVATE_KEY),
            number(CKA_KEY_TYPE, CKK_RSA),
            bytes(CKA_MODULUS, &hex(self.n)),
            bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
            bytes(CKA_PRIVATE_EXPONENT, &hex(self.d)),
        ];
        if with_primes {
            entries.extend([bytes(CKA_PRIME_1, &hex(self.p)), bytes(CKA_PRIME_2, &hex(self.q))]);
        }
        entries
    }
}

/// A18 (ROCA, CVE-2017-15361; Fermat): primes of a faulty generator, which leave a fingerprint in the modulus, and
/// primes so close to each other that the root of the modulus gives them. They come in under no policy, with primes or
/// without, and the fingerprint is seen in a public key too. (Other weak shapes: `tests/conformance/rsa/imports.rs`.)
#[test]
fn a18_keys_that_can_be_factored_do_not_come_in() {
    for token in [strict(), token()] {
        for numbers in [&FINGERPRINT, &CLOSE] {
            for with_primes in [true, false] {
                assert_eq!(token.made(&numbers.private(with_primes)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
            }
        }
        assert_eq!(token.made(&public(&hex(FINGERPRINT.n))), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let (sound, _) = token.rsa(2048, &[], &[]).unwrap();
        token.made(&public(&token.bytes(sound, CKA_MODULUS))).unwrap();
    }
}

/// Primes as the generator of CVE-2017-15361 made them for 1024 bits.
const FINGERPRINT: Numbers = Numbers {
    n: "ce027ad5a7354ed3fa728be22a429aaeaf264237a3db3595193d10ba549a45992c773c6a4104034143e51ebec8d36bcfb3d4\
        9f74348633783e3209af0aa479afb8f0290bf1ad6a8d73e72cb16d158f033171a64ec92c4ec402b377bc7c3ef3e55616913f\
        b8bbeb31c409af85077dadca8d7e973cbd947b6bc05d4ebdd9b46b31",
    d: "086f61b064aa4dec1bf2dc088542b553479dbc0b5ae0939fbbc9b500429da54b1a05033c8e0cd4f083b7ff32c3d9da418941\
        3f06a70621a0d401363f379bfbc71c22c668af03bb932759881fae1bc5ed3e1cfb57d68f9babc3c54319ab567dfbebc82b8c\
        cee34dace1a9b4fb2e4114bb9b6dcaed7bbae9296e6c799d1305",
    p: "e8eaaa405f5bbf74903f248f8389e19511c34b8a6f3c40806a64440bfb5716fbd71b0fda1a97e46ff7307ddcc6d21eb0bae1\
        00b7170a8368453304bad9b5bc0d",
    q: "e26d283f621c7d79e62404a47eaa0394f0ac5906317b181cc6eed36f3bfa7e8a893ede899ee5bcc8e92349988eb3b8327857\
        c98d7c48692498bad8371d74ceb5",
};

/// Primes that differ in their last bytes only.
const CLOSE: Numbers = Numbers {
    n: "af52057d1b321b4e6757de953522bf75d3b7594ac34f03cc0c8264af04cb78417a9b6a7fee75bef2e5bf6a5bebc05768f78a\
        dfe705d973531461ac3dde6a4b87e1db316c8552bc8551b0a1b0b94d054747e4f31009ddf22d174852058b84582604db2a43\
        2d17a2e39ba7b7420309fd8502afe5ecddfd2d5bfcffc88096cc3ee9",
    d: "18b6acefe502c3ef2229b4865f6a61c753fc1b41eaf4ab321b0c51718b713c272cc7963468f29fa36148018fea145fadfc01\
        0f4d6359730481d1bfe42bc35b9894ff5300f01511a95a936913e5d72a25a069e6711a68cb9b191357dfc984e40741ab2684\
        12f2c11d98b4fb72621c443d87c7154438df5cf1eaa93ec507602445",
    p: "d3da90ea25d799b54d96e36759e635fadf982e4bb719e21198b8bab2ee984ce54fbfe6ee3bbf36c9088bbb374b8a44eb6b8c\
        20c740fe45bf0560662f03c8e38d",
    q: "d3da90ea25d799b54d96e36759e635fadf982e4bf719e21198b8bab2ee984ce54fbfe6ee3bbf36c9088bbb374b8a44eb6b8c\
        20c740fe45bf0560662f03c8e3cd",
};
