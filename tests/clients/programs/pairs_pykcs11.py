"""Key pairs through PyKCS11, close to the C API; what they do is compared with OpenSSL."""

import hashlib
import os
import sys

import PyKCS11
from asn1crypto.algos import DSASignature
from asn1crypto.keys import ECDomainParameters, PublicKeyAlgorithm, PublicKeyInfo, RSAPublicKey
from openssl import encrypted, verifies
from PyKCS11 import LowLevel as ck

label, pin = sys.argv[1:]
peer = "STRONGROOM_TEST_PEER" in os.environ
module = PyKCS11.PyKCS11Lib()
module.load(os.environ["STRONGROOM_MODULE"])
slot = next(slot for slot in module.getSlotList(tokenPresent=True) if module.getTokenInfo(slot).label.strip() == label)
session = module.openSession(slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION)
session.login(pin)
text = os.urandom(10_007)


def attributes(key, *types):
    return session.getAttributeValue(key, list(types))


# The whole of a template, as programs write it that trust no module's defaults.
public, private = session.generateKeyPair([
    (ck.CKA_CLASS, ck.CKO_PUBLIC_KEY),
    (ck.CKA_KEY_TYPE, ck.CKK_RSA),
    (ck.CKA_TOKEN, ck.CK_TRUE),
    (ck.CKA_PRIVATE, ck.CK_FALSE),
    (ck.CKA_MODULUS_BITS, 2048),
    (ck.CKA_PUBLIC_EXPONENT, (1, 0, 1)),
    (ck.CKA_ENCRYPT, ck.CK_TRUE),
    (ck.CKA_VERIFY, ck.CK_TRUE),
    (ck.CKA_WRAP, ck.CK_TRUE),
    (ck.CKA_LABEL, "pykcs11 rsa"),
    (ck.CKA_ID, (0x20,)),
], [
    (ck.CKA_CLASS, ck.CKO_PRIVATE_KEY),
    (ck.CKA_KEY_TYPE, ck.CKK_RSA),
    (ck.CKA_TOKEN, ck.CK_TRUE),
    (ck.CKA_PRIVATE, ck.CK_TRUE),
    (ck.CKA_SENSITIVE, ck.CK_TRUE),
    (ck.CKA_EXTRACTABLE, ck.CK_FALSE),
    (ck.CKA_DECRYPT, ck.CK_TRUE),
    (ck.CKA_SIGN, ck.CK_TRUE),
    (ck.CKA_UNWRAP, ck.CK_TRUE),
    (ck.CKA_LABEL, "pykcs11 rsa"),
    (ck.CKA_ID, (0x20,)),
])
modulus, exponent = (bytes(value) for value in attributes(public, ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT))
assert len(modulus) == 256 and exponent == b"\x01\x00\x01"
assert attributes(public, ck.CKA_MODULUS_BITS, ck.CKA_LOCAL) == [2048, True]
assert attributes(private, ck.CKA_KEY_GEN_MECHANISM, ck.CKA_LOCAL) == [ck.CKM_RSA_PKCS_KEY_PAIR_GEN, True]
assert attributes(private, ck.CKA_ALWAYS_SENSITIVE, ck.CKA_NEVER_EXTRACTABLE) == [True, True]
assert attributes(private, ck.CKA_PRIVATE_EXPONENT, ck.CKA_PRIME_1) == [None, None], "a private key is told"
rsa_key = RSAPublicKey({"modulus": int.from_bytes(modulus, "big"), "public_exponent": 65537})
info = PublicKeyInfo.wrap(rsa_key, "rsa").dump()

pkcs1 = PyKCS11.Mechanism(ck.CKM_SHA256_RSA_PKCS)
signature = bytes(session.sign(private, text, pkcs1))
assert verifies(info, text, signature)
assert session.verify(public, text, signature, pkcs1)
assert not session.verify(public, text[1:], signature, pkcs1)

pss = PyKCS11.RSA_PSS_Mechanism(ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 32)
signature = bytes(session.sign(private, text, pss))
assert verifies(info, text, signature, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
assert session.verify(public, text, signature, pss)

secret = os.urandom(40)
oaep = PyKCS11.RSAOAEPMechanism(ck.CKM_SHA_1, ck.CKG_MGF1_SHA1)
sealed = encrypted(info, secret, "-pkeyopt", "rsa_padding_mode:oaep")
assert bytes(session.decrypt(private, sealed, oaep)) == secret
assert bytes(session.decrypt(private, session.encrypt(public, secret, oaep), oaep)) == secret

# A key wrapped for the pair.
carried = session.generateKey([
    (ck.CKA_CLASS, ck.CKO_SECRET_KEY),
    (ck.CKA_KEY_TYPE, ck.CKK_AES),
    (ck.CKA_VALUE_LEN, 32),
    (ck.CKA_EXTRACTABLE, ck.CK_TRUE),
    (ck.CKA_SENSITIVE, ck.CK_FALSE),
    (ck.CKA_ENCRYPT, ck.CK_TRUE),
])
wrapped = session.wrapKey(public, carried, PyKCS11.Mechanism(ck.CKM_RSA_PKCS))
again = session.unwrapKey(private, wrapped, [
    (ck.CKA_CLASS, ck.CKO_SECRET_KEY),
    (ck.CKA_KEY_TYPE, ck.CKK_AES),
    (ck.CKA_EXTRACTABLE, ck.CK_TRUE),
    (ck.CKA_SENSITIVE, ck.CK_FALSE),
], PyKCS11.Mechanism(ck.CKM_RSA_PKCS))
assert attributes(again, ck.CKA_VALUE) == attributes(carried, ck.CKA_VALUE)

curve = ECDomainParameters(name="named", value="secp256r1")
ec_public, ec_private = session.generateKeyPair([
    (ck.CKA_KEY_TYPE, ck.CKK_EC),
    (ck.CKA_EC_PARAMS, tuple(curve.dump())),
    (ck.CKA_VERIFY, ck.CK_TRUE),
    (ck.CKA_TOKEN, ck.CK_TRUE),
    (ck.CKA_LABEL, "pykcs11 ec"),
], [
    (ck.CKA_KEY_TYPE, ck.CKK_EC),
    (ck.CKA_SIGN, ck.CK_TRUE),
    (ck.CKA_DERIVE, ck.CK_TRUE),
    (ck.CKA_TOKEN, ck.CK_TRUE),
    (ck.CKA_PRIVATE, ck.CK_TRUE),
    (ck.CKA_SENSITIVE, ck.CK_TRUE),
    (ck.CKA_LABEL, "pykcs11 ec"),
], mecha=PyKCS11.Mechanism(ck.CKM_EC_KEY_PAIR_GEN))
# CKA_EC_POINT is a DER octet string: two bytes, then the uncompressed point.
point = bytes(attributes(ec_public, ck.CKA_EC_POINT)[0])
assert point[:3] == b"\x04\x41\x04" and len(point) == 67
ec_info = PublicKeyInfo({
    "algorithm": PublicKeyAlgorithm({"algorithm": "ec", "parameters": curve}),
    "public_key": point[2:],
}).dump()
ecdsa = PyKCS11.Mechanism(ck.CKM_ECDSA)
digest = hashlib.sha256(text).digest()
signature = bytes(session.sign(ec_private, digest, ecdsa))
assert len(signature) == 64
assert verifies(ec_info, text, DSASignature.from_p1363(signature).dump())
assert session.verify(ec_public, digest, signature, ecdsa)
assert not session.verify(ec_public, hashlib.sha256(b"").digest(), signature, ecdsa)
if not peer:
    # The token hashes too.
    hashing = PyKCS11.Mechanism(ck.CKM_ECDSA_SHA256)
    signature = bytes(session.sign(ec_private, text, hashing))
    assert verifies(ec_info, text, DSASignature.from_p1363(signature).dump())
    assert session.verify(ec_public, digest, signature, ecdsa)

# ECDH between two keys of the token: each side finds the same secret.
other_public, other_private = session.generateKeyPair(
    [(ck.CKA_KEY_TYPE, ck.CKK_EC), (ck.CKA_EC_PARAMS, tuple(curve.dump())), (ck.CKA_TOKEN, ck.CK_FALSE)],
    [(ck.CKA_KEY_TYPE, ck.CKK_EC), (ck.CKA_DERIVE, ck.CK_TRUE), (ck.CKA_TOKEN, ck.CK_FALSE)],
    mecha=PyKCS11.Mechanism(ck.CKM_EC_KEY_PAIR_GEN))
other_point = bytes(attributes(other_public, ck.CKA_EC_POINT)[0])
secrets = []
for own, theirs in [(ec_private, other_point), (other_private, point)]:
    derived = session.deriveKey(own, [
        (ck.CKA_CLASS, ck.CKO_SECRET_KEY),
        (ck.CKA_KEY_TYPE, ck.CKK_AES),
        (ck.CKA_VALUE_LEN, 32),
        (ck.CKA_TOKEN, ck.CK_FALSE),
        (ck.CKA_SENSITIVE, ck.CK_FALSE),
        (ck.CKA_EXTRACTABLE, ck.CK_TRUE),
    ], PyKCS11.ECDH1_DERIVE_Mechanism(theirs[2:]))
    secrets += attributes(derived, ck.CKA_VALUE)
assert len(secrets[0]) == 32 and secrets[0] == secrets[1]

print("done")
