"""Key pairs through python-pkcs11: made, kept, found, imported; what they do is compared with OpenSSL."""

import hashlib
import os
import sys

import pkcs11
from asn1crypto.keys import PublicKeyInfo
from openssl import agreed, encrypted, openssl, verifies
from pkcs11 import KDF, MGF, Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature, encode_named_curve_parameters
from pkcs11.util.rsa import decode_rsa_private_key, encode_rsa_public_key

label, pin = sys.argv[1:]
peer = "STRONGROOM_TEST_PEER" in os.environ
library = pkcs11.lib(os.environ["STRONGROOM_MODULE"])
token = library.get_token(token_label=label)
text = os.urandom(10_007)


def rsa_info(key):
    """An RSA public key as SubjectPublicKeyInfo."""
    return PublicKeyInfo.wrap(encode_rsa_public_key(key), "rsa").dump()


def refused(attribute, key):
    try:
        key[attribute]
    except pkcs11.exceptions.AttributeSensitive:
        return True
    return False


def rsa(session):
    public = session.get_key(label="python rsa", object_class=ObjectClass.PUBLIC_KEY)
    private = session.get_key(label="python rsa", object_class=ObjectClass.PRIVATE_KEY)
    assert private.key_length == public.key_length == 2048 and public[Attribute.MODULUS] == private[Attribute.MODULUS]
    assert private[Attribute.SENSITIVE] and not private[Attribute.EXTRACTABLE] and private[Attribute.LOCAL]
    assert refused(Attribute.PRIVATE_EXPONENT, private) and refused(Attribute.PRIME_1, private)
    info = rsa_info(public)

    signature = private.sign(text, mechanism=Mechanism.SHA256_RSA_PKCS)
    assert verifies(info, text, signature)
    assert private.sign([text[:1000], text[1000:]], mechanism=Mechanism.SHA256_RSA_PKCS) == signature
    assert public.verify(text, signature, mechanism=Mechanism.SHA256_RSA_PKCS)
    assert not public.verify(text + b".", signature, mechanism=Mechanism.SHA256_RSA_PKCS)

    pss = {"mechanism": Mechanism.SHA256_RSA_PKCS_PSS, "mechanism_param": (Mechanism.SHA256, MGF.SHA256, 32)}
    signature = private.sign(text, **pss)
    assert verifies(info, text, signature, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    assert public.verify(text, signature, **pss) and not public.verify(text[1:], signature, **pss)

    secret = os.urandom(32)
    oaep = {"mechanism": Mechanism.RSA_PKCS_OAEP, "mechanism_param": (Mechanism.SHA_1, MGF.SHA1, None)}
    assert private.decrypt(encrypted(info, secret, "-pkeyopt", "rsa_padding_mode:oaep"), **oaep) == secret
    assert private.decrypt(public.encrypt(secret, **oaep), **oaep) == secret
    assert private.decrypt(encrypted(info, secret), mechanism=Mechanism.RSA_PKCS) == secret

    # A secret key goes to the pair and comes back as another object of the same value.
    carried = session.generate_key(KeyType.AES, 256, template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False})
    wrapped = public.wrap_key(carried, mechanism=Mechanism.RSA_PKCS)
    again = private.unwrap_key(
        ObjectClass.SECRET_KEY, KeyType.AES, wrapped, mechanism=Mechanism.RSA_PKCS,
        template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False})
    assert again[Attribute.VALUE] == carried[Attribute.VALUE]


def elliptic_curve(session, curve, openssl_name, size):
    public = session.get_key(label=curve, object_class=ObjectClass.PUBLIC_KEY)
    private = session.get_key(label=curve, object_class=ObjectClass.PRIVATE_KEY)
    assert refused(Attribute.VALUE, private) and private[Attribute.EC_PARAMS] == public[Attribute.EC_PARAMS]
    info = encode_ec_public_key(public)

    digest = hashlib.sha256(text).digest()
    signature = private.sign(digest, mechanism=Mechanism.ECDSA)
    assert verifies(info, text, encode_ecdsa_signature(signature))
    assert public.verify(digest, signature, mechanism=Mechanism.ECDSA)
    assert not public.verify(hashlib.sha256(b"").digest(), signature, mechanism=Mechanism.ECDSA)
    if not peer:
        signature = private.sign(text, mechanism=Mechanism.ECDSA_SHA256)
        assert verifies(info, text, encode_ecdsa_signature(signature))
        assert public.verify(text, signature, mechanism=Mechanism.ECDSA_SHA256)

    other = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{openssl_name}")
    their_info = PublicKeyInfo.load(openssl("pkey", "-pubout", "-outform", "DER", data=other))
    made = private.derive_key(
        KeyType.GENERIC_SECRET, 8 * size, mechanism_param=(KDF.NULL, None, their_info["public_key"].native),
        template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True})
    assert made[Attribute.VALUE] == agreed(other, info), curve


def imported(session):
    pem = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    der = openssl("rsa", "-traditional", "-outform", "DER", data=pem)
    key = session.create_object({**decode_rsa_private_key(der), Attribute.SENSITIVE: True, Attribute.TOKEN: False})
    assert not key[Attribute.LOCAL] and refused(Attribute.PRIVATE_EXPONENT, key)
    info = openssl("pkey", "-pubout", "-outform", "DER", data=pem)
    assert verifies(info, text, key.sign(text, mechanism=Mechanism.SHA256_RSA_PKCS))


# Name, OpenSSL's name, length of a coordinate in bytes.
CURVES = [("secp256r1", "P-256", 32), ("secp384r1", "P-384", 48), ("secp521r1", "P-521", 66)]

with token.open(rw=True, user_pin=pin) as session:
    session.generate_keypair(KeyType.RSA, 2048, label="python rsa", store=True)
    for curve, *_ in CURVES:
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True)
        parameters.generate_keypair(label=curve, store=True)

with token.open(user_pin=pin) as session:
    rsa(session)
    for curve in CURVES:
        elliptic_curve(session, *curve)
    imported(session)

# Public keys are there without a login, private ones are not.
with token.open() as session:
    found = {key.label for key in session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY})}
    assert found == {"python rsa", *(curve for curve, *_ in CURVES)}, found
    assert list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})) == []

with token.open(rw=True, user_pin=pin) as session:
    for key in list(session.get_objects({Attribute.LABEL: "python rsa"})):
        key.destroy()
    assert list(session.get_objects({Attribute.LABEL: "python rsa"})) == []

print("done")
