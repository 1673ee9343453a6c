#pragma once

// Stored rows and tokens produced by a SuperTokens core 11.4.7. The keys were made for this purpose
// and are used nowhere else.

#include <string_view>

namespace gatehouse::crypto::core_vectors {

// A row of session_access_token_signing_keys.
inline constexpr std::string_view kKeyPair =
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsXe8iy7VbQqx/1GuMqAIAK2HjlDzYrhUXnTj7lQ8uX3n"
    "Pd5XdFmGslAcKJfmnEaIHDK+KppBh5GuDR58hLaANHvs41/d2A3psUxTBbzo7Z9/thEVZKj5O332JdQwbg/gA7MK"
    "RGeCNAqvZK8BWtpfmGEK9Fu0kFBB0udOhx2KeSykC3oko2GUWfLOvFz2LftREckwTaedKNTUUVxno4+I4t1a6bjK"
    "ywQSmOD5zClbm29qJlU8vN+qVIVAiGuvB0qIpr1Ww6V47q94k86mYL7IoCabZMD7IdRu5riX0vDzRaYQ1UdUwmvq"
    "ghBttWHHuNTeUhDZXHMeHu5opFvt82yaYwIDAQAB|MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoI"
    "BAQCxd7yLLtVtCrH/Ua4yoAgArYeOUPNiuFRedOPuVDy5fec93ld0WYayUBwol+acRogcMr4qmkGHka4NHnyEtoA"
    "0e+zjX93YDemxTFMFvOjtn3+2ERVkqPk7ffYl1DBuD+ADswpEZ4I0Cq9krwFa2l+YYQr0W7SQUEHS506HHYp5LKQ"
    "LeiSjYZRZ8s68XPYt+1ERyTBNp50o1NRRXGejj4ji3VrpuMrLBBKY4PnMKVubb2omVTy836pUhUCIa68HSoimvVb"
    "DpXjur3iTzqZgvsigJptkwPsh1G7muJfS8PNFphDVR1TCa+qCEG21Yce41N5SENlccx4e7mikW+3zbJpjAgMBAAE"
    "CggEANQztENI8PK9wzDkXkMyj98fn+NQcHYuqtN3OcSU/TdfkM2tuyzoj+NPXxw65gkfXUk6c6FFae3NCC2vsnyO"
    "LKaVOCB5VS8vE6xo8yz9QhhAi9kMfGQsmDfG2jlJi89PNDG4OCKrEklgLXFawWf9jikKgKrHrRSSouKoqoFtlVJl"
    "TAVycq85SLPCNmQLkX/JG+z1jqC3ZFCJ+FcC8NSY2ITYZPE0YnMY9SL2YhwNcEeI80kH9bPA6YQkqZbBegZqt/v0"
    "LBkbMcUTkqyjpZJ5GTQwkuIm2QSwWitBVIuBCjQE+ILZEIkRu9sTZnf+yyulmxp1EW14sx2KafdSu4a6/UQKBgQD"
    "hiEbm2MN21O5i9ffdPHCS5fF1k2ckIek1IJaqPFVfMYzoaStrQ6Alim98Kd6DNInQf4ZRuoyiK2NPSGQlk8H8nCD"
    "9f1PiUrUKssxAw7+r/UZjBIaGG5eiRxjuJDHwaJmbAaemkVvyjUFTU75XMjrxFhuCEArsXFZyLuHqmvY6OwKBgQD"
    "JcTYrAidIPvsBbTEPBxF3hekEyP+GeTLp6zRyJo1RrD2+Ay5Sw43EOLr9ioLxG9+5Sz+qiUzcKO3xNnr4YRst+Y6"
    "4K4GgihxnodJeHmstyg8EWKt6b4qyX20RMsxflcUId7eBBjvRtLQgk8Xz6/zCGV5tkd2MmJ3e5/TPPeN1+QKBgDA"
    "HurnM7guvmzkeEvRdu8e9Cqg0hSGvyx+SWiPVB4VnYw/X3fRRCZkVG1sA+69LkBIEJpHfPbYHsXWgABv0lLp8cZY"
    "q+K1ZWc72dwNP7NDu9n995jxHQgrAQ3Hr6Wq+i//z4UVa7Y8BQClDy2R8gQr431Dao8jkfVCB5YD2EXwjAoGARR2"
    "Y7kzA2aLyUFz8liFgtte1SbUFJ0hyVZwj1H6xwjIMxSMmQ7Ng8tBcKB3cK4nayyKsZ4DQZEGO0lJVAt+eibm0ZDB"
    "ZO5HniQ8WtMBPGdjYKi+aNloLBoSDUYFSagFjJzKcPaK754nOu9a39qcjhB1cLs/7af/7Or3vWyPq5VECgYBFDh/"
    "BCpe2KZbfGBmU7HLIs2hcSTwCtvff8y2+8hAz1dM/EE4TeHBvRjtEep/6aMtGzFxZ3iDAK/GDV2anzGy2Aily04X"
    "GDhqTVe7E3YU4KCk5xQng/Y/NTOUCWIVK+10pBbz2JjPRYwQXhpqIRv+kfM0gC+waU3FBIyucPphUpg==";

// key_value's refresh_token_key.
inline constexpr std::string_view kMasterKey =
    "1000:6d4caf33892bfc0618da0abc46513f4118a42a7dea65685c3e23f75a23cb1a51e2992b3ef9bed8e56bc"
    "1b564e742f35a648c9a9b932861ea53943b7819f60d8a:26650bbf4484541bbedafce11d12e720b269c36577"
    "47637b7abdc3c961a4d52e56fa1bd5ddef50212d5729e7aeb158fa218dd894cad2d9de88ad88dc8a0493cd";

// Signed with kKeyPair.
inline constexpr std::string_view kAccessTokenV2 =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0=.eyJ1c2VySWQiOiIxZDVmYTgwNi02YWE"
    "1LTQ0NDItYmQ4Ni02Y2Q5YzQ1ZDg5NDUiLCJleHBpcnlUaW1lIjoxODgxNzY3MTg1MzQ5LCJ0aW1lQ3JlYXRlZCI"
    "6MTc5NTM2NzE4NTM0OSwic2Vzc2lvbkhhbmRsZSI6Ijk5NjU0ZDE3LTUzZWUtNGViNC1iNTI3LTk0ZDU3OTMwNTU"
    "wYiIsInJlZnJlc2hUb2tlbkhhc2gxIjoiNGIyMzMyYjMzMjJmNGFiNWQwZmQ3MTVkODIxNmM2NjZlNGM1YWY5NjA"
    "1YWQ1YjdmOTFjZDFiZDkxYWI4MTllYSIsInVzZXJEYXRhIjp7ImlzcyI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29"
    "tL2F1dGgiLCJuIjoxLjUsIm5lc3RlZCI6eyJhIjpbMSxudWxsLCJ4Il19fX0=.XcmGMJTXEZ867HvjlqznvaT4r+"
    "dezFgxlueB7HX2n5t0GVQAmuDMH6h8FD7e+7Aapr5Tl0uF8KhCONjmZSeDaCPZHCo1jY9g6O/DAjLkoJ1XBeREMG"
    "o8+x68hMUm/zqyJmWwETLn9ivnTkitymIMkqQnpezR2WfN+cAWavphAkoMKzFUF04w+fU5V/mhK20BdOuqiswpYi"
    "qwQw7LawcA9pLLlKShUVmljylSZ/eb/SaVOa83IWXK1CwWz2MZH1F6JRwfxQucBzFt4weDxiXeJrTehX1AuRHtsa"
    "lcIYloNcFNQNrnWrAvv/jsYkh/anV8qIhogCbAI5uE94Bb80COsg==";

// Signed with kKeyPair.
inline constexpr std::string_view kAccessTokenV5 =
    "eyJraWQiOiJkLTE3OTUzNjcxNjUyMTgiLCJ0eXAiOiJKV1QiLCJ2ZXJzaW9uIjoiNSIsImFsZyI6IlJTMjU2In0."
    "eyJpYXQiOjE3OTUzNjcxODcsImV4cCI6MTg4MTc2NzE4Nywic3ViIjoiYjk1OTFjYjMtMWQzOC00YmYzLWE5Nzkt"
    "YjUwMjlkMTdkY2UxIiwidElkIjoicHVibGljIiwicnN1YiI6ImI5NTkxY2IzLTFkMzgtNGJmMy1hOTc5LWI1MDI5"
    "ZDE3ZGNlMSIsInNlc3Npb25IYW5kbGUiOiJlY2Q5NWM3ZS1iNjMyLTQyMWQtOTc2MS0xZWQyOTMzNWI5NzQiLCJy"
    "ZWZyZXNoVG9rZW5IYXNoMSI6IjY0NDJjYTZhYjMxMTc1ZmQ3YTQzNDdjZjBjMjUzMDcwNTY2MzgwMDIyODkyNmVm"
    "MDNlYTU0ZThlY2U4OGIyZGQiLCJwYXJlbnRSZWZyZXNoVG9rZW5IYXNoMSI6IjgxZTI1MmEwNzBhMjQ0ZTlkZWYy"
    "MTM5Mjc5MmI3OGFkOTg1MjE0ZTQ5NGIwYzJhMTgyM2RjM2FjMzY3MWNhOWUiLCJhbnRpQ3NyZlRva2VuIjoiYjE0"
    "YzY5YTAtM2JhMC00YjZlLTk1MDYtNWMxMWE1ZTE4MGY3IiwiaXNzIjoiaHR0cHM6Ly9hcGkuZXhhbXBsZS5jb20v"
    "YXV0aCIsIm4iOjEuNSwibmVzdGVkIjp7ImEiOlsxLG51bGwsIngiXX19.oqOz5hn1AWR9D2WZKDV-bLk8vpqVq8b"
    "ed9PXEA-9l8-HoSNya0VWUKCnLFdSrkZiu883_hlBN5r9G0cGjIa5NDcttP3bv-DoFIlJNlxw-K0BPuzpoAlN19X"
    "YIzBWSHmLLFCwaUlQ9wi8sk0PpOHXwqpqFfglyCCpensDn6CqgaBLbkKgpZz5P8fwkSiuBWWslGAGB0YfgHdbU9X"
    "sRulGyDYsCNo-VHLAGga-3n_NsvlSNpp9FPrA1I-tNA7vwD94-_NIj8hpdAdwW6qbrZDzgRg_gQbP-JXJ_4eC0ht"
    "0n5luqyc4aNBEU4w9_Bf1JQXyq-fVGzuSTTEABogRPLJFeQ";

// The refresh token that belongs to kAccessTokenV5; kMasterKey encrypted its first part.
inline constexpr std::string_view kRefreshToken =
    "TX9Tj4qlKKY5rGQkIDjAmKU49jJPvljhOcH/fGe3bDy4xJsmOfLiwIOj5oUVYPDj4rKV5iBEuu8FBg46kvOKhBof"
    "cGEm4Xf++qo+prO0RbWGZc1pNnGg8w+Y5sdRHZUekecmKbRwRLwxDwBKrg4e6faK0l1ZJeBQi17FzmYRz3U1Kd2J"
    "dXdiJ8Llukp9QtOUbqG+SUAbHiQ4GMiKFCyytkLiiMbzud8lP8hLaJvFlIALRsOqshJwoK0Vn0twKwjpqISS8OO/"
    "17SMzLiXQg7qCPgK2Jz8UQgFTgNC7TNLgIQAQKX1KCYzrWRRd6XRqVWQjgnpYrGVGe+MSGaCxBHova/9AIdxWc0h"
    "p/1TPVMcC5OgoIj/MbGtQEnLh/IQoR8NYQcFyzuck+LNoyf//qbdYeGZ4gsN8gnz9dgMsfQx7VHsxsXO7l1n/jLN"
    "Sm7lIcpSRVVXOFPC/NhvZLFUnAqLJScopg==.add0d558c2ed947c4fc49dd3c3ed48509d4e32e7b4c0bfc1c33"
    "746e236227f06.V2";

inline constexpr std::string_view kSessionHandleV5 = "ecd95c7e-b632-421d-9761-1ed29335b974";

inline constexpr std::string_view kAntiCsrfTokenV5 = "b14c69a0-3ba0-4b6e-9506-5c11a5e180f7";

}  // namespace gatehouse::crypto::core_vectors
