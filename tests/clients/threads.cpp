// A C++ program with four threads on one token: each with its own session and keys, all with the same login.
// Written the way a C++ user would: vectors, exceptions, a session that closes itself.
#include "module.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int thread_count = 4;
constexpr int rounds = 200;

void call(CK_RV code, const char *what) {
    if (code != CKR_OK)
        throw std::runtime_error(std::string(what) + ": " + std::to_string(code));
}

class Session {
public:
    Session(CK_FUNCTION_LIST &p11, CK_SLOT_ID slot) : p11_(p11) {
        call(p11_.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &handle_), "open");
    }
    ~Session() { p11_.C_CloseSession(handle_); }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    CK_OBJECT_HANDLE generate_key(const std::string &label) {
        CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
        CK_BBOOL yes = CK_TRUE;
        CK_ULONG length_bytes = 16;
        std::string name = label;
        std::vector<CK_ATTRIBUTE> key_template{
            {CKA_TOKEN, &yes, sizeof yes},
            {CKA_ENCRYPT, &yes, sizeof yes},
            {CKA_DECRYPT, &yes, sizeof yes},
            {CKA_LABEL, &name[0], static_cast<CK_ULONG>(name.size())},
            {CKA_VALUE_LEN, &length_bytes, sizeof length_bytes},
        };
        CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
        call(p11_.C_GenerateKey(handle_, &mechanism, key_template.data(), key_template.size(), &key), "generate");
        return key;
    }

    std::vector<CK_BYTE> transform(bool encrypt, CK_OBJECT_HANDLE key, std::vector<CK_BYTE> input) {
        CK_BYTE vector[16] = {3};
        CK_MECHANISM mechanism{CKM_AES_CBC_PAD, vector, sizeof vector};
        std::vector<CK_BYTE> output(input.size() + 16);
        CK_ULONG length = output.size();
        if (encrypt) {
            call(p11_.C_EncryptInit(handle_, &mechanism, key), "encrypt init");
            call(p11_.C_Encrypt(handle_, input.data(), input.size(), output.data(), &length), "encrypt");
        } else {
            call(p11_.C_DecryptInit(handle_, &mechanism, key), "decrypt init");
            call(p11_.C_Decrypt(handle_, input.data(), input.size(), output.data(), &length), "decrypt");
        }
        output.resize(length);
        return output;
    }

private:
    CK_FUNCTION_LIST &p11_;
    CK_SESSION_HANDLE handle_ = CK_INVALID_HANDLE;
};

void work(CK_FUNCTION_LIST &p11, CK_SLOT_ID slot, int number, std::atomic<int> &done) {
    Session session(p11, slot);
    CK_OBJECT_HANDLE key = session.generate_key("thread " + std::to_string(number));
    for (int round = 0; round < rounds; round++) {
        std::vector<CK_BYTE> plain(static_cast<std::size_t>(round) + 1, static_cast<CK_BYTE>(number));
        std::vector<CK_BYTE> sealed = session.transform(true, key, plain);
        if (session.transform(false, key, sealed) != plain)
            throw std::runtime_error("wrong plaintext");
    }
    done++;
}

} // namespace

int main() {
    CK_FUNCTION_LIST &p11 = *function_list(open_library());
    CHECK(CKR_OK, initialize_for_threads(&p11));
    CK_SESSION_HANDLE main_session = make_token(&p11);
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < thread_count; number++)
        threads.emplace_back([&, number] { work(p11, find_slot(&p11, 1), number, done); });
    for (std::thread &thread : threads)
        thread.join();
    REQUIRE(done == thread_count);
    CHECK(CKR_OK, p11.C_CloseSession(main_session));
    CHECK(CKR_OK, p11.C_Finalize(nullptr));
    return 0;
}
