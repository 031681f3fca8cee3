"""A Python program on the module through python-pkcs11: keys of every kind, found again by another session."""

import hashlib
import hmac
import os
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

label, pin = sys.argv[1:]
peer = "STRONGROOM_TEST_PEER" in os.environ
library = pkcs11.lib(os.environ["STRONGROOM_MODULE"])
token = library.get_token(token_label=label)

with token.open(rw=True, user_pin=pin) as session:
    session.generate_key(KeyType.AES, 256, label="python aes", id=b"\x01", store=True)
    session.generate_key(KeyType.DES3, label="python des3", id=b"\x02", store=True)
    if not peer:
        session.generate_key(
            KeyType.GENERIC_SECRET, 512, label="python generic", id=b"\x03", store=True,
            template={Attribute.SIGN: True, Attribute.VERIFY: True})
        # The library gives lengths in bits; RC4 keys are as long as CKA_VALUE_LEN says.
        rc4 = session.generate_key(
            KeyType._RC4, 128, store=False, mechanism=Mechanism._RC4_KEY_GEN,
            capabilities=pkcs11.MechanismFlag.ENCRYPT | pkcs11.MechanismFlag.DECRYPT,
            template={Attribute.VALUE_LEN: 16})
        assert rc4.key_type == KeyType._RC4

with token.open(user_pin=pin) as session:
    key = session.get_key(label="python aes", object_class=ObjectClass.SECRET_KEY)
    assert key.key_type == KeyType.AES and key.key_length == 256
    vector = session.generate_random(128)
    plain = os.urandom(100_003)
    sealed = key.encrypt(plain, mechanism_param=vector)
    assert key.decrypt(sealed, mechanism_param=vector) == plain
    in_parts = b"".join(key.encrypt([plain[:1000], plain[1000:]], mechanism_param=vector))
    assert in_parts == sealed

    try:
        key[Attribute.VALUE]
        raise SystemExit("a sensitive value was told")
    except pkcs11.exceptions.AttributeSensitive:
        pass

    des3 = session.get_key(label="python des3", object_class=ObjectClass.SECRET_KEY)
    vector = session.generate_random(64)
    sealed = des3.encrypt(plain, mechanism_param=vector)
    assert des3.decrypt(sealed, mechanism_param=vector) == plain

    value = bytes(range(40))
    mac_key = session.create_object({
        Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.GENERIC_SECRET, Attribute.VALUE: value,
        Attribute.SIGN: True, Attribute.VERIFY: True})
    mac = mac_key.sign(plain, mechanism=Mechanism.SHA256_HMAC)
    assert mac == hmac.new(value, plain, "sha256").digest()
    assert mac_key.verify(plain, mac, mechanism=Mechanism.SHA256_HMAC)
    assert not mac_key.verify(plain, b"\0" * 32, mechanism=Mechanism.SHA256_HMAC)

    assert session.digest(plain, mechanism=Mechanism.SHA256) == hashlib.sha256(plain).digest()
    expected = {"python aes", "python des3"} | (set() if peer else {"python generic"})
    found = {found.label for found in session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})}
    assert expected <= found, found

try:
    with token.open(user_pin="wrong"):
        raise SystemExit("a wrong PIN was accepted")
except pkcs11.exceptions.PinIncorrect:
    pass

print("done")
