"""A Python program on the module through PyKCS11, which is close to the C API."""

import hashlib
import os
import sys

import PyKCS11
from PyKCS11 import LowLevel

label, pin = sys.argv[1:]
module = PyKCS11.PyKCS11Lib()
module.load(os.environ["STRONGROOM_MODULE"])
slot = next(slot for slot in module.getSlotList(tokenPresent=True) if module.getTokenInfo(slot).label.strip() == label)
session = module.openSession(slot, LowLevel.CKF_SERIAL_SESSION | LowLevel.CKF_RW_SESSION)
session.login(pin)

key = session.generateKey([
    (LowLevel.CKA_CLASS, LowLevel.CKO_SECRET_KEY),
    (LowLevel.CKA_KEY_TYPE, LowLevel.CKK_AES),
    (LowLevel.CKA_TOKEN, LowLevel.CK_TRUE),
    (LowLevel.CKA_PRIVATE, LowLevel.CK_TRUE),
    (LowLevel.CKA_SENSITIVE, LowLevel.CK_TRUE),
    (LowLevel.CKA_ENCRYPT, LowLevel.CK_TRUE),
    (LowLevel.CKA_DECRYPT, LowLevel.CK_TRUE),
    (LowLevel.CKA_LABEL, "pykcs11 aes"),
    (LowLevel.CKA_ID, (0x10,)),
    (LowLevel.CKA_VALUE_LEN, 32),
])
plain = os.urandom(1000)

vector, additional = os.urandom(12), b"header"
sealed = bytes(session.encrypt(key, plain, PyKCS11.AES_GCM_Mechanism(vector, additional, 128)))
assert len(sealed) == len(plain) + 16
assert bytes(session.decrypt(key, sealed, PyKCS11.AES_GCM_Mechanism(vector, additional, 128))) == plain

cbc = PyKCS11.Mechanism(LowLevel.CKM_AES_CBC_PAD, os.urandom(16))
assert bytes(session.decrypt(key, session.encrypt(key, plain, cbc), cbc)) == plain

digest = bytes(session.digest(plain, PyKCS11.Mechanism(LowLevel.CKM_SHA512)))
assert digest == hashlib.sha512(plain).digest()
assert len(set(bytes(session.generateRandom(64)))) > 16

values = session.getAttributeValue(key, [LowLevel.CKA_KEY_TYPE, LowLevel.CKA_VALUE_LEN, LowLevel.CKA_LOCAL])
assert values == [LowLevel.CKK_AES, 32, True], values
found = session.findObjects([(LowLevel.CKA_LABEL, "pykcs11 aes")])
assert len(found) == 1 and found[0].value() == key.value()
session.destroyObject(key)
assert session.findObjects([(LowLevel.CKA_LABEL, "pykcs11 aes")]) == []

session.logout()
try:
    session.login("wrong pin")
    raise SystemExit("a wrong PIN was accepted")
except PyKCS11.PyKCS11Error as error:
    assert error.value == LowLevel.CKR_PIN_INCORRECT, error
session.closeSession()
print("done")
