// A Java program on the module through SunPKCS11. Whatever can be is compared with Java's own providers in software.

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.CipherOutputStream;
import javax.crypto.KeyAgreement;
import javax.crypto.KeyGenerator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ServerSocketFactory;
import javax.net.SocketFactory;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

public final class Walk {
    private static final SecureRandom RANDOM = new SecureRandom();
    /** Another module than ours, which may refuse what it need not. */
    private static final boolean PEER = System.getenv("STRONGROOM_TEST_PEER") != null;
    private static Provider token;

    public static void main(String[] arguments) throws Exception {
        token = Security.getProvider("SunPKCS11").configure(arguments[0]);
        Security.addProvider(token); // for TLS, which names no provider
        char[] pin = arguments[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS11", token);
        store.load(null, pin);

        // Java closes a session after each digest, and the last session's end is the login's. A key that lives in a
        // session keeps that one open.
        KeyGenerator holder = KeyGenerator.getInstance("AES", token);
        holder.init(128);
        SecretKey held = holder.generateKey();

        digests();
        randomBytes();
        macs();
        secretKeys(store, pin);
        rsa();
        ellipticCurves();
        threads(store);
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"}) {
            handshake(store, pin, version, "RSA", "web");
            handshake(store, pin, version, "EC", "sign");
        }
        gcm(token, Cipher.ENCRYPT_MODE, held, bytes(16), bytes(10));
        System.out.println("done");
    }

    private static void digests() throws Exception {
        byte[] data = bytes(100_003);
        for (String name : new String[] {"SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"}) {
            MessageDigest ours = MessageDigest.getInstance(name, token);
            ours.update(data, 0, 1000);
            MessageDigest same = (MessageDigest) copyOf(ours);
            ours.update(data, 1000, data.length - 1000);
            byte[] expected = MessageDigest.getInstance(name, "SUN").digest(data);
            check(Arrays.equals(ours.digest(), expected), name);
            if (same != null) {
                same.update(data, 1000, data.length - 1000);
                check(Arrays.equals(same.digest(), expected), name + " of a clone");
            }
        }
    }

    /** SunPKCS11 clones a digest by C_GetOperationState, which another module need not have. */
    private static Object copyOf(MessageDigest digest) throws CloneNotSupportedException {
        try {
            return digest.clone();
        } catch (CloneNotSupportedException refused) {
            if (PEER) {
                return null;
            }
            throw refused;
        }
    }

    private static void randomBytes() throws Exception {
        SecureRandom random = SecureRandom.getInstance("PKCS11", token);
        byte[] first = new byte[64];
        byte[] second = new byte[64];
        random.nextBytes(first);
        random.nextBytes(second);
        check(!Arrays.equals(first, second), "random bytes repeat");
    }

    private static void macs() throws Exception {
        byte[] data = bytes(20_000);
        for (String name : new String[] {"HmacSHA1", "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512"}) {
            if (token.getService("Mac", name) == null) {
                continue; // a module without it
            }
            SecretKey key = new SecretKeySpec(bytes(64), name);
            Mac ours = Mac.getInstance(name, token);
            ours.init(key);
            Mac software = Mac.getInstance(name, "SunJCE");
            software.init(key);
            check(Arrays.equals(ours.doFinal(data), software.doFinal(data)), name);
        }
        check(token.getService("Mac", "HmacSHA256") != null, "no HmacSHA256");
    }

    private static void secretKeys(KeyStore store, char[] pin) throws Exception {
        byte[] data = bytes(10_007);
        // A key whose value both sides know.
        SecretKey known = new SecretKeySpec(bytes(32), "AES");
        byte[] vector = bytes(16);
        for (String name : new String[] {"AES/CBC/PKCS5Padding", "AES/CTR/NoPadding"}) {
            byte[] sealed = cipher(token, name, Cipher.ENCRYPT_MODE, known, vector, data);
            Provider software = Security.getProvider("SunJCE");
            check(Arrays.equals(sealed, cipher(software, name, Cipher.ENCRYPT_MODE, known, vector, data)), name);
            check(Arrays.equals(data, cipher(token, name, Cipher.DECRYPT_MODE, known, vector, sealed)), name);
        }
        byte[] sealed = gcm(token, Cipher.ENCRYPT_MODE, known, vector, data);
        byte[] expected = gcm(Security.getProvider("SunJCE"), Cipher.ENCRYPT_MODE, known, vector, data);
        check(Arrays.equals(sealed, expected), "AES/GCM");

        // A key that the token makes, keeps and finds again.
        KeyGenerator generator = KeyGenerator.getInstance("AES", token);
        generator.init(256);
        SecretKey made = generator.generateKey();
        store.setKeyEntry("walk aes", made, null, null);
        KeyStore again = KeyStore.getInstance("PKCS11", token);
        again.load(null, pin);
        SecretKey kept = (SecretKey) again.getKey("walk aes", null);
        check(kept.getEncoded() == null, "the value of a kept key is told");
        sealed = gcm(token, Cipher.ENCRYPT_MODE, made, vector, data);
        byte[] opened = gcm(token, Cipher.DECRYPT_MODE, kept, vector, sealed);
        check(Arrays.equals(opened, data), "AES/GCM with a kept key");
        ByteArrayOutputStream target = new ByteArrayOutputStream();
        Cipher stream = Cipher.getInstance("AES/CBC/PKCS5Padding", token);
        stream.init(Cipher.ENCRYPT_MODE, kept, new IvParameterSpec(vector));
        try (OutputStream out = new CipherOutputStream(target, stream)) {
            for (int at = 0; at < data.length; at += 1000) {
                out.write(data, at, Math.min(1000, data.length - at));
            }
        }
        opened = cipher(token, "AES/CBC/PKCS5Padding", Cipher.DECRYPT_MODE, kept, vector, target.toByteArray());
        check(Arrays.equals(opened, data), "AES/CBC in parts");

        sealed = gcm(token, Cipher.ENCRYPT_MODE, kept, vector, data);
        sealed[5] ^= 1;
        try {
            gcm(token, Cipher.DECRYPT_MODE, kept, vector, sealed);
            check(false, "a changed ciphertext was opened");
        } catch (AEADBadTagException refused) {
            // As it should be.
        }
        again.deleteEntry("walk aes");
        check(!again.containsAlias("walk aes"), "a deleted key is still there");
    }

    private static byte[] cipher(Provider provider, String name, int mode, SecretKey key, byte[] vector, byte[] data)
            throws Exception {
        Cipher cipher = Cipher.getInstance(name, provider);
        cipher.init(mode, key, new IvParameterSpec(vector));
        return cipher.doFinal(data);
    }

    private static byte[] gcm(Provider provider, int mode, SecretKey key, byte[] vector, byte[] data) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding", provider);
        cipher.init(mode, key, new GCMParameterSpec(128, vector, 0, 12));
        cipher.updateAAD("header".getBytes());
        return cipher.doFinal(data);
    }

    private static void rsa() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA", token);
        generator.initialize(2048);
        KeyPair pair = generator.generateKeyPair();
        PublicKey software = inSoftware("RSA", "SunRsaSign", pair.getPublic());
        for (String name : new String[] {"SHA1withRSA", "SHA256withRSA", "SHA384withRSA", "SHA512withRSA"}) {
            signs(name, "SunRsaSign", pair.getPrivate(), pair.getPublic(), software, null);
        }
        PSSParameterSpec pss = new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1);
        signs("RSASSA-PSS", "SunRsaSign", pair.getPrivate(), pair.getPublic(), software, pss);
        pss = new PSSParameterSpec("SHA-512", "MGF1", MGF1ParameterSpec.SHA512, 64, 1);
        signs("RSASSA-PSS", "SunRsaSign", pair.getPrivate(), pair.getPublic(), software, pss);

        byte[] secret = bytes(32);
        Cipher seal = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        seal.init(Cipher.ENCRYPT_MODE, software);
        Cipher open = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        open.init(Cipher.DECRYPT_MODE, pair.getPrivate());
        check(Arrays.equals(open.doFinal(seal.doFinal(secret)), secret), "RSA decryption");
        Cipher back = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        back.init(Cipher.ENCRYPT_MODE, pair.getPublic());
        open.init(Cipher.DECRYPT_MODE, pair.getPrivate());
        check(Arrays.equals(open.doFinal(back.doFinal(secret)), secret), "RSA encryption");

        SecretKey carried = new SecretKeySpec(secret, "AES");
        seal.init(Cipher.WRAP_MODE, software);
        Cipher unwrap = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        unwrap.init(Cipher.UNWRAP_MODE, pair.getPrivate());
        SecretKey unwrapped = (SecretKey) unwrap.unwrap(seal.wrap(carried), "AES", Cipher.SECRET_KEY);
        byte[] vector = bytes(16);
        byte[] sealed = gcm(Security.getProvider("SunJCE"), Cipher.ENCRYPT_MODE, carried, vector, secret);
        check(Arrays.equals(gcm(token, Cipher.DECRYPT_MODE, unwrapped, vector, sealed), secret), "RSA unwrap");
    }

    private static void ellipticCurves() throws Exception {
        for (String curve : new String[] {"secp256r1", "secp384r1", "secp521r1"}) {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", token);
            generator.initialize(new ECGenParameterSpec(curve));
            KeyPair ours = generator.generateKeyPair();
            PublicKey software = inSoftware("EC", "SunEC", ours.getPublic());
            for (String name : new String[] {"SHA256withECDSA", "SHA384withECDSA", "SHA512withECDSA"}) {
                signs(name, "SunEC", ours.getPrivate(), ours.getPublic(), software, null);
            }
            KeyPairGenerator softwareGenerator = KeyPairGenerator.getInstance("EC", "SunEC");
            softwareGenerator.initialize(new ECGenParameterSpec(curve));
            KeyPair theirs = softwareGenerator.generateKeyPair();
            KeyAgreement here = KeyAgreement.getInstance("ECDH", token);
            here.init(ours.getPrivate());
            here.doPhase(theirs.getPublic(), true);
            KeyAgreement there = KeyAgreement.getInstance("ECDH", "SunEC");
            there.init(theirs.getPrivate());
            there.doPhase(software, true);
            check(Arrays.equals(here.generateSecret(), there.generateSecret()), "ECDH on " + curve);
        }
    }

    /** Entries of the token that keytool made, used by several threads at once. */
    private static void threads(KeyStore store) throws Exception {
        Set<String> names = new TreeSet<>();
        ExecutorService workers = Executors.newFixedThreadPool(4);
        try {
            for (String alias : new String[] {"web", "sign"}) {
                PrivateKey key = (PrivateKey) store.getKey(alias, null);
                PublicKey certified = store.getCertificate(alias).getPublicKey();
                boolean rsa = key.getAlgorithm().equals("RSA");
                check(key.getEncoded() == null, "a private key is told");
                Callable<Void> work = () -> {
                    for (int round = 0; round < 25; round++) {
                        signs(rsa ? "SHA256withRSA" : "SHA256withECDSA", rsa ? "SunRsaSign" : "SunEC", key, certified,
                                certified, null);
                    }
                    return null;
                };
                List<Future<Void>> running = new ArrayList<>();
                for (int number = 0; number < 4; number++) {
                    running.add(workers.submit(work));
                }
                for (Future<Void> one : running) {
                    one.get();
                }
                names.add(alias);
            }
        } finally {
            workers.shutdown();
        }
        check(names.size() == 2, "keys were left out: " + names);
    }

    /** A server whose key is in the token, and a client in software that trusts its certificate. */
    private static void handshake(KeyStore store, char[] pin, String version, String kind, String alias)
            throws Exception {
        KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
        managers.init(store, pin);
        X509ExtendedKeyManager all = (X509ExtendedKeyManager) managers.getKeyManagers()[0];
        String name = all.chooseServerAlias(kind, null, null);
        check(name != null && name.endsWith("." + alias), "the server's key is not found: " + name);

        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        Certificate[] chain = store.getCertificateChain(alias);
        trusted.setCertificateEntry("root", chain[chain.length - 1]);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext serverContext = SSLContext.getInstance("TLS");
        serverContext.init(new KeyManager[] {new OneKey(all, kind, name)}, null, null);
        SSLContext clientContext = SSLContext.getInstance("TLS");
        clientContext.init(null, trust.getTrustManagers(), null);

        ServerSocketFactory sockets = serverContext.getServerSocketFactory();
        try (ServerSocket server = sockets.createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<Void> serving = new FutureTask<>(() -> {
                try (Socket socket = server.accept()) {
                    socket.setSoTimeout(20_000);
                    socket.getOutputStream().write(socket.getInputStream().read());
                    return null;
                }
            });
            new Thread(serving).start();
            SocketFactory factory = clientContext.getSocketFactory();
            int port = server.getLocalPort();
            try (SSLSocket socket = (SSLSocket) factory.createSocket(InetAddress.getLoopbackAddress(), port)) {
                socket.setSoTimeout(20_000);
                socket.setEnabledProtocols(new String[] {version});
                socket.getOutputStream().write(42);
                check(socket.getInputStream().read() == 42, "nothing comes back over " + version);
                check(socket.getSession().getProtocol().equals(version), "not " + version);
                check(socket.getSession().getPeerCertificates()[0].equals(chain[0]), "another certificate");
            }
            serving.get();
        }
    }

    /** A server's key manager that knows one entry of a kind. */
    private static final class OneKey extends X509ExtendedKeyManager {
        private final X509ExtendedKeyManager all;
        private final String kind;
        private final String name;

        OneKey(X509ExtendedKeyManager all, String kind, String name) {
            this.all = all;
            this.kind = kind;
            this.name = name;
        }

        @Override
        public String chooseServerAlias(String asked, Principal[] issuers, Socket socket) {
            return asked.equals(kind) ? name : null;
        }

        @Override
        public String[] getServerAliases(String asked, Principal[] issuers) {
            return asked.equals(kind) ? new String[] {name} : null;
        }

        @Override
        public String chooseClientAlias(String[] asked, Principal[] issuers, Socket socket) {
            return null;
        }

        @Override
        public String[] getClientAliases(String asked, Principal[] issuers) {
            return null;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return all.getCertificateChain(alias);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return all.getPrivateKey(alias);
        }
    }

    /** Signs on the token; token and software accept it, and both refuse it for other data. */
    private static void signs(String name, String softwareName, PrivateKey key, PublicKey onToken, PublicKey software,
            PSSParameterSpec parameters) throws Exception {
        byte[] data = bytes(3000);
        Signature signer = Signature.getInstance(name, token);
        if (parameters != null) {
            signer.setParameter(parameters);
        }
        signer.initSign(key);
        signer.update(data, 0, 999);
        signer.update(data, 999, data.length - 999);
        byte[] signature = signer.sign();
        check(verifies(Signature.getInstance(name, softwareName), software, parameters, data, signature), name);
        // Java hands r and s without their leading zeros to the token, as PKCS#11 allows; not every module takes them.
        boolean accepted = verifies(Signature.getInstance(name, token), onToken, parameters, data, signature);
        check(accepted || PEER && name.endsWith("ECDSA"), name + " by the token");
        data[7] ^= 1;
        check(!verifies(Signature.getInstance(name, softwareName), software, parameters, data, signature), name);
        accepted = verifies(Signature.getInstance(name, token), onToken, parameters, data, signature);
        check(!accepted, name + " of other data");
    }

    private static boolean verifies(Signature verifier, PublicKey key, PSSParameterSpec parameters, byte[] data,
            byte[] signature) throws Exception {
        if (parameters != null) {
            verifier.setParameter(parameters);
        }
        verifier.initVerify(key);
        verifier.update(data);
        return verifier.verify(signature);
    }

    private static PublicKey inSoftware(String algorithm, String provider, PublicKey key) throws Exception {
        return KeyFactory.getInstance(algorithm, provider).generatePublic(new X509EncodedKeySpec(key.getEncoded()));
    }

    private static byte[] bytes(int length) {
        byte[] made = new byte[length];
        RANDOM.nextBytes(made);
        return made;
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
