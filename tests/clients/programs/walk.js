// A Node program on the module through graphene-pk11 and, below it, pkcs11js. Whatever can be is compared with
// node:crypto.

const assert = require("node:assert");
const crypto = require("node:crypto");
const graphene = require("graphene-pk11");
const pkcs11js = require("pkcs11js");

const [label, pin] = process.argv.slice(2);
const library = graphene.Module.load(process.env.STRONGROOM_MODULE, "Strongroom");
library.initialize();
try {
    const slots = library.getSlots(true);
    const slot = [...Array(slots.length).keys()]
        .map((number) => slots.items(number))
        .find((one) => one.getToken().label === label);
    const session = slot.open(graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION);
    assert.throws(() => session.login("wrong-pin"), /CKR_PIN_INCORRECT/);
    session.login(pin);
    const data = crypto.randomBytes(10_007);
    digests(session, data);
    secretKeys(session, data);
    rsa(session, data);
    ellipticCurves(session, data);
    imported(session, data);
    session.logout();
    session.close();
} finally {
    library.finalize();
}
callbacks().then(() => console.log("done"));

function digests(session, data) {
    for (const [ours, theirs] of [["SHA_1", "sha1"], ["SHA256", "sha256"], ["SHA512", "sha512"]]) {
        const digest = session.createDigest(ours);
        digest.update(data.subarray(0, 1000));
        digest.update(data.subarray(1000));
        assert.deepEqual(digest.final(), crypto.createHash(theirs).update(data).digest(), ours);
    }
    assert.notDeepEqual(session.generateRandom(32), session.generateRandom(32));
}

function secretKeys(session, data) {
    const value = crypto.randomBytes(32);
    const known = session.create({
        class: graphene.ObjectClass.SECRET_KEY, keyType: graphene.KeyType.AES, value, token: false, private: true,
        sensitive: true, encrypt: true, decrypt: true,
    }).toType();
    const vector = crypto.randomBytes(12);
    const gcm = { name: "AES_GCM", params: new graphene.AesGcmParams(vector, Buffer.from("header")) };
    const software = crypto.createCipheriv("aes-256-gcm", value, vector).setAAD(Buffer.from("header"));
    const expected = Buffer.concat([software.update(data), software.final(), software.getAuthTag()]);
    const sealed = session.createCipher(gcm, known).once(data, Buffer.alloc(data.length + 16));
    assert.deepEqual(sealed, expected, "AES-GCM");
    assert.deepEqual(session.createDecipher(gcm, known).once(sealed, Buffer.alloc(sealed.length)), data);
    sealed[3] ^= 1;
    assert.throws(() => session.createDecipher(gcm, known).once(sealed, Buffer.alloc(sealed.length)));

    session.generateKey(graphene.KeyGenMechanism.AES, {
        keyType: graphene.KeyType.AES, valueLen: 32, label: "node aes", token: true, private: true, sensitive: true,
        extractable: false, encrypt: true, decrypt: true,
    });
    const found = session.find({ class: graphene.ObjectClass.SECRET_KEY, label: "node aes" });
    assert.equal(found.length, 1);
    const kept = found.items(0).toType();
    assert.throws(() => kept.getAttribute("value"), /CKR_ATTRIBUTE_SENSITIVE/);
    const cbc = { name: "AES_CBC_PAD", params: crypto.randomBytes(16) };
    const cipher = session.createCipher(cbc, kept);
    const halves = [data.subarray(0, 5000), data.subarray(5000)];
    const parts = Buffer.concat([...halves.map((half) => cipher.update(half)), cipher.final()]);
    const decipher = session.createDecipher(cbc, kept);
    assert.deepEqual(Buffer.concat([decipher.update(parts), decipher.final()]), data, "AES-CBC in parts");
    kept.destroy();
    assert.equal(session.find({ label: "node aes" }).length, 0);
}

function rsa(session, data) {
    const pair = session.generateKeyPair(graphene.KeyGenMechanism.RSA, {
        keyType: graphene.KeyType.RSA, modulusBits: 2048, publicExponent: Buffer.from([1, 0, 1]), token: false,
        verify: true, encrypt: true, wrap: true,
    }, {
        keyType: graphene.KeyType.RSA, token: false, private: true, sensitive: true, sign: true, decrypt: true,
        unwrap: true,
    });
    const { modulus, publicExponent } = pair.publicKey.getAttribute({ modulus: null, publicExponent: null });
    const key = crypto.createPublicKey({
        format: "jwk",
        key: { kty: "RSA", n: modulus.toString("base64url"), e: publicExponent.toString("base64url") },
    });
    for (const hash of ["sha1", "sha256", "sha512"]) {
        const mechanism = `${hash.toUpperCase()}_RSA_PKCS`;
        signs(session, mechanism, pair, data, (text, made) => crypto.verify(hash, text, key, made));
    }
    const salted = {
        name: "SHA256_RSA_PKCS_PSS",
        params: new graphene.RsaPssParams(graphene.MechanismEnum.SHA256, graphene.RsaMgf.MGF1_SHA256, 32),
    };
    const padding = { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    signs(session, salted, pair, data, (text, made) => crypto.verify("sha256", text, padding, made));

    const secret = crypto.randomBytes(32);
    const oaep = {
        name: "RSA_PKCS_OAEP",
        params: new graphene.RsaOaepParams(graphene.MechanismEnum.SHA1, graphene.RsaMgf.MGF1_SHA1),
    };
    const sealed = crypto.publicEncrypt({ key, oaepHash: "sha1" }, secret);
    assert.deepEqual(session.createDecipher(oaep, pair.privateKey).once(sealed, Buffer.alloc(256)), secret, "OAEP");
}

function ellipticCurves(session, data) {
    for (const [name, curve, size] of [["secp256r1", "P-256", 32], ["secp384r1", "P-384", 48]]) {
        const pair = session.generateKeyPair(graphene.KeyGenMechanism.EC, {
            keyType: graphene.KeyType.EC, paramsECDSA: graphene.NamedCurve.getByName(name).value, token: false,
            verify: true,
        }, {
            keyType: graphene.KeyType.EC, token: false, private: true, sensitive: true, sign: true, derive: true,
        });
        // An octet string with the uncompressed point.
        const point = pair.publicKey.getAttribute({ pointEC: null }).pointEC.subarray(-2 * size);
        const key = crypto.createPublicKey({
            format: "jwk",
            key: {
                kty: "EC", crv: curve, x: point.subarray(0, size).toString("base64url"),
                y: point.subarray(size).toString("base64url"),
            },
        });
        const verifier = { key, dsaEncoding: "ieee-p1363" };
        const digest = crypto.createHash("sha256").update(data).digest();
        const signature = session.createSign("ECDSA", pair.privateKey).once(digest);
        assert(crypto.verify("sha256", data, verifier, signature), `ECDSA on ${name}`);
        assert(session.createVerify("ECDSA", pair.publicKey).once(digest, signature));
        digest[0] ^= 1;
        assert(!session.createVerify("ECDSA", pair.publicKey).once(digest, signature));

        const other = crypto.generateKeyPairSync("ec", { namedCurve: curve });
        const { x, y } = other.publicKey.export({ format: "jwk" });
        const theirPoint = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
        const agreed = session.deriveKey({
            name: "ECDH1_DERIVE",
            params: new graphene.EcdhParams(graphene.EcKdf.NULL, null, theirPoint),
        }, pair.privateKey, {
            class: graphene.ObjectClass.SECRET_KEY, keyType: graphene.KeyType.GENERIC_SECRET, valueLen: size,
            token: false, sensitive: false, extractable: true,
        }).toType();
        const theirs = crypto.diffieHellman({ privateKey: other.privateKey, publicKey: key });
        assert.deepEqual(agreed.getAttribute({ value: null }).value, theirs, `ECDH on ${name}`);
    }
}

/** A private key from elsewhere, which signs as it did there. */
function imported(session, data) {
    const { privateKey, publicKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    const number = (text) => Buffer.from(text, "base64url");
    const { n, e, d, p, q, dp, dq, qi } = privateKey.export({ format: "jwk" });
    const key = session.create({
        class: graphene.ObjectClass.PRIVATE_KEY, keyType: graphene.KeyType.RSA, token: false, private: true,
        sensitive: true, sign: true, modulus: number(n), publicExponent: number(e), privateExponent: number(d),
        prime1: number(p), prime2: number(q), exp1: number(dp), exp2: number(dq), coefficient: number(qi),
    }).toType();
    const signature = session.createSign("SHA256_RSA_PKCS", key).once(data);
    assert.deepEqual(signature, crypto.sign("sha256", data, privateKey));
    assert(crypto.verify("sha256", data, publicKey, signature));
    assert.throws(() => key.getAttribute("privateExponent"), /CKR_ATTRIBUTE_SENSITIVE/);
}

/** Signed by the token, accepted here and there, and refused for another text. */
function signs(session, mechanism, pair, data, accepted) {
    const signer = session.createSign(mechanism, pair.privateKey);
    signer.update(data.subarray(0, 999));
    signer.update(data.subarray(999));
    const signature = signer.final();
    const what = mechanism.name ?? mechanism;
    assert(accepted(data, signature), what);
    const verifier = session.createVerify(mechanism, pair.publicKey);
    verifier.update(data);
    assert(verifier.final(signature), `${what} by the token`);
    const other = Buffer.from(data);
    other[7] ^= 1;
    assert(!accepted(other, signature), `${what} of another text`);
    const refuser = session.createVerify(mechanism, pair.publicKey);
    assert(!refuser.once(other, signature), `${what} of another text, by the token`);
}

/** The functions that pkcs11js runs in a thread of its own, several at once. */
async function callbacks() {
    const module = new pkcs11js.PKCS11();
    module.load(process.env.STRONGROOM_MODULE);
    module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    try {
        const slot = module.C_GetSlotList(true).find((one) => module.C_GetTokenInfo(one).label.trim() === label);
        const flags = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION;
        const first = module.C_OpenSession(slot, flags);
        module.C_Login(first, pkcs11js.CKU_USER, pin);
        const text = Buffer.from("Hello.");
        const expected = crypto.createHash("sha256").update(text).digest();
        const made = await Promise.all([...Array(8).keys()].map(async () => {
            const session = module.C_OpenSession(slot, flags);
            module.C_DigestInit(session, { mechanism: pkcs11js.CKM_SHA256 });
            const digest = await module.C_DigestAsync(session, text, Buffer.alloc(32));
            const generate = { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN };
            const keys = await module.C_GenerateKeyPairAsync(session, generate, [
                { type: pkcs11js.CKA_MODULUS_BITS, value: 2048 },
                { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
                { type: pkcs11js.CKA_VERIFY, value: true },
            ], [{ type: pkcs11js.CKA_SIGN, value: true }, { type: pkcs11js.CKA_TOKEN, value: false }]);
            module.C_SignInit(session, { mechanism: pkcs11js.CKM_SHA256_RSA_PKCS }, keys.privateKey);
            const signature = await module.C_SignAsync(session, text, Buffer.alloc(256));
            module.C_VerifyInit(session, { mechanism: pkcs11js.CKM_SHA256_RSA_PKCS }, keys.publicKey);
            assert(await module.C_VerifyAsync(session, text, signature));
            module.C_CloseSession(session);
            return digest;
        }));
        made.forEach((digest) => assert.deepEqual(digest, expected));
        module.C_Logout(first);
    } finally {
        module.C_Finalize();
        module.close();
    }
}
