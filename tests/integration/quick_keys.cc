// Preloaded into programs in test mode by harness.py: new RSA keys have three primes instead of two,
// with moduli as long as ever. They are found in a third of the time, a third of a second, which
// otherwise is a good part of what the tests take. Everything else about keys is as it is in use.

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

extern "C" __attribute__((visibility("default"))) int EVP_PKEY_generate(EVP_PKEY_CTX* context,
                                                                         EVP_PKEY** key) {
  using Generate = int(EVP_PKEY_CTX*, EVP_PKEY**);
  static auto* const generate = reinterpret_cast<Generate*>(dlsym(RTLD_NEXT, "EVP_PKEY_generate"));
  // Which other kinds of keys refuse.
  ERR_set_mark();
  EVP_PKEY_CTX_set_rsa_keygen_primes(context, 3);
  ERR_pop_to_mark();
  return generate(context, key);
}
