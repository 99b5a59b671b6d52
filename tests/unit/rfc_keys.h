/* The private keys of RFC 7515 and 7517, for tests that check whole messages against published
 * ones. */
#ifndef TEST_RFC_KEYS_H
#define TEST_RFC_KEYS_H

#include "base/macros.h"

/* RFC 7517 A.2; its public half is the key of RFC 7638 3.1 */
UNUSED static const char jwk_7517[] =
    "{\"kty\": \"RSA\", \"n\": "
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1R"
    "K7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
    "RN5w6Cf0h4QyQ5"
    "v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
    "bFTW"
    "hAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\", \"e\": "
    "\"A"
    "QAB\", \"d\": "
    "\"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5f"
    "JLM0WbFAKNLWY2vv7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_"
    "nHNKroADIkJ46pRUohsXywbReAdYaMwFs9"
    "tv8d_"
    "cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk"
    "19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q\", \"p\": "
    "\"83i-7IvMGXoMX"
    "Cskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-"
    "60eTDmD2ujnMt5PoqMrm8RfmNhVWDtjjMmCMjOpSXicFHj7X"
    "OuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs\", \"q\": "
    "\"3dfOR9cuYq-0S-mkFLzgI"
    "tgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_"
    "NGEiovonizhKpo9VVS78TzFg"
    "xkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk\", \"dp\": "
    "\"G4sPXkc6Ya9y8oJW9_ILj4xuppu0"
    "lzi_H7VTkS8xj5SdX3coE0oimYwxIi2emTAue0UOa5dpgFGyBJ4c8tQ2VF402XRugKDTP8akYhFo5tAA77Qe_"
    "NmtuYZc3C3m"
    "3I24G2GvR5sSDxUyAN2zq8Lfn9EUms6rY3Ob8YeiKkTiBj0\", \"dq\": "
    "\"s9lAH9fggBsoFR8Oac2R_E2gw282rT2kGOA"
    "hvIllETE1efrA6huUUvMfBcMpn8lqeW6vzznYY5SSQF7pMdC_agI3nG8Ibp1BUb0JUiraRNqUfLhcQb_"
    "d9GF4Dh7e74WbRso"
    "bRonujTYN1xCaP6TO61jvWrX-L18txXw494Q_cgk\", \"qi\": "
    "\"GyM_p6JrXySiz1toFgKbWV-JdI3jQ4ypu9rbMWx3rQ"
    "JBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa-Bk0KWNGDjJHZDdDmFhW3AN7lI-puxk_"
    "mHZGJ11rxyR8O55XLSe3SPmRfKwZI6"
    "yU24ZxvQKFYItdldUKGzO6Ia6zTKhAVRU\", \"kid\": \"2011-04-29\"}";

/* RFC 7515 A.2.1 */
UNUSED static const char jwk_7515_rsa[] =
    "{\"kty\": \"RSA\", \"n\": "
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"
    "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
    "7OMg0LOL-"
    "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
    "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT"
    "6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\", \"e\": "
    "\"A"
    "QAB\", \"d\": "
    "\"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9S"
    "E-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-"
    "GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn43"
    "9X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_"
    "x_j"
    "Tj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ\", \"p\": "
    "\"4BzEEOtIpmVdV"
    "EZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_"
    "Py5PJdTJNPY8cQn7ouZ2K"
    "KDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc\", \"q\": "
    "\"uQPEfgmVtjL0Uyyx88GZF"
    "F1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-"
    "TnBA-"
    "njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc\", \"dp\": "
    "\"BwKfV3Akq5_MFZDFZCnW-wzl-CCo"
    "83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-"
    "FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cp"
    "dTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0\", \"dq\": "
    "\"h_96-mK1R_7glhsum81dZxjTnYynPbZpHzi"
    "ZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-"
    "kyNlxAr2v4IKhGNpmM"
    "5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU\", \"qi\": "
    "\"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-Dlcxy"
    "VuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_"
    "QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawB"
    "gfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U\"}";

/* RFC 7515 A.3.1 */
UNUSED static const char jwk_7515_ec[] = "{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": "
                                         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\", \""
                                         "y\": \"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\", "
                                         "\"d\": \"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X"
                                         "1fCE9-E9LI\"}";

#endif
