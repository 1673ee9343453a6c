// harness.py preloads this into programs in test mode: new RSA keys have three primes instead of
// two, with moduli as long as ever, and are found in 0.1 s of processor time instead of 0.25, which
// is a good part of what the tests take. Everything else about keys is as it is in use.

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
