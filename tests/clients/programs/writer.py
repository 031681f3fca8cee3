"""Writes keys into the token `first`, and after each one how many there are, until its standard input ends."""

import os
import select
import sys

import PyKCS11
from PyKCS11 import LowLevel as ck

library = PyKCS11.PyKCS11Lib()
library.load(os.environ["STRONGROOM_MODULE"])
slots = library.getSlotList(tokenPresent=True)
slot = next(slot for slot in slots if library.getTokenInfo(slot).label.strip() == "first")
session = library.openSession(slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION)
session.login(sys.argv[1])
written = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    session.generateKey([
        (ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, ck.CKK_AES), (ck.CKA_VALUE_LEN, 32),
        (ck.CKA_TOKEN, True), (ck.CKA_LABEL, "written"),
    ])
    written += 1
    print(written, flush=True)
