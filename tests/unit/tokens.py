"""Prints key sets and tokens that other libraries made, with the expected verdict: the lines of tokens.txt.

    tokens.py >tokens.txt

needs PyJWT, jwcrypto and cryptography (Debian: python3-jwt, python3-jwcrypto). The private keys are forgotten. Lines:
`set TAB name TAB JSON` and `token TAB what it is TAB set TAB status TAB token`; they are for the time NOW, the
issuer ISSUER and the audience AUDIENCE, with a leeway of LEEWAY seconds.
"""

import base64
import hashlib
import hmac
import json

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

NOW = 1_700_000_000
ISSUER = "https://issuer.example/"
AUDIENCE = "labs"
LEEWAY = 30

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
WEAK_RSA = rsa.generate_private_key(65537, 1024)
EC = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n, size):
    return b64(n.to_bytes(size, "big"))


def public(key, **members):
    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "n": number(numbers.n, key.key_size // 8), "e": "AQAB", **members}
    size = key.key_size // 8
    return {"kty": "EC", "crv": f"P-{key.key_size}", "x": number(numbers.x, size), "y": number(numbers.y, size), **members}


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def claims(**changes):
    members = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "progress:any", "iat": NOW, "exp": NOW + 300}
    members.update(changes)
    return {name: value for name, value in members.items() if value is not None}


def signed(key, header, payload, digest=None):
    """A token whatever is in it: the header and payload are objects, or the bytes themselves."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    data = ".".join(map(b64, parts)).encode()
    if isinstance(key, bytes):
        signature = hmac.new(key, data, hashlib.sha256).digest()
    elif isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(data, digest or padding.PKCS1v15(), hashes.SHA256())
    else:
        size = key.key_size // 8
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256() if size == 32 else hashes.SHA384())))
        signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return data.decode() + "." + b64(signature)


def rs(header=None, **changes):
    return signed(RSA, {"alg": "RS256", "kid": "r1", **(header or {})}, claims(**changes))


def es(header=None, **changes):
    return signed(EC, {"alg": "ES256", "kid": "e1", **(header or {})}, claims(**changes))


def with_signature(token, signature):
    return token.rsplit(".", 1)[0] + "." + b64(signature)


def signature_of(token):
    text = token.rsplit(".", 1)[1]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


SETS = {
    "rsa": [public(RSA, kid="r1", alg="RS256", use="sig")],
    "ec": [public(EC, kid="e1", alg="ES256", use="sig")],
    "both": [public(RSA, kid="r1", alg="RS256", use="sig"), public(EC, kid="e1", key_ops=["verify"])],
    "bare": [public(RSA)],
    "shared-kid": [public(EC, kid="r1"), public(RSA, kid="r1")],
    "mixed": [5, None, {}, {"kty": "oct", "k": "AAAA", "kid": "o1", "alg": "HS256"}, {"kty": "RSA", "kid": "x"},
              public(WEAK_RSA, kid="weak"), public(P384, kid="p384"), public(EC, kid="e2", use="enc"),
              public(EC, kid="e3", key_ops=["sign"]), public(EC, kid="e4", alg="ES384"), public(RSA, kid="r2", alg="RS512"),
              {**public(EC, kid="off"), "y": number(5, 32)}, {**public(EC), "kid": 7}, public(RSA, kid="r1")],
    "none-of-use": [public(WEAK_RSA, kid="weak"), public(EC, kid="e2", use="enc")],
    "empty": [],
    "too-many": [public(EC, kid=f"e{i}") for i in range(65)],
    # RFC 7515, appendix A.2 and A.3
    "rfc7515-a2": [{"kty": "RSA", "e": "AQAB", "n":
                    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS"
                    "-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2C"
                    "apHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb"
                    "54h4FRWyuXpoQ"}],
    "rfc7515-a3": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}],
}


def good_tokens():
    yield "RS256 by PyJWT", "both", jwt.encode(claims(), pem(RSA), "RS256", headers={"kid": "r1"})
    yield "ES256 by PyJWT", "both", jwt.encode(claims(), pem(EC), "ES256", headers={"kid": "e1"})
    for alg, kid, key in ("RS256", "r1", RSA), ("ES256", "e1", EC):
        token = jwcrypto_jwt.JWT(header={"alg": alg, "kid": kid}, claims=claims())
        token.make_signed_token(jwcrypto_jwk.JWK.from_pem(pem(key)))
        yield f"{alg} by jwcrypto", "both", token.serialize()
    yield "no kid and one key", "rsa", signed(RSA, {"alg": "RS256"}, claims())
    yield "no kid and a key without one", "bare", signed(RSA, {"alg": "RS256"}, claims())
    yield "a kid that keys of two kinds have", "shared-kid", rs()
    yield "a good key among unusable ones", "mixed", rs()
    yield "typ JWT", "rsa", rs({"typ": "jwt"})
    yield "typ at+jwt", "rsa", rs({"typ": "at+JWT"})
    yield "typ application/at+jwt", "rsa", rs({"typ": "application/at+jwt"})
    yield "an audience among several", "rsa", rs(aud=["other", AUDIENCE])
    yield "a fraction of a second", "rsa", rs(exp=NOW + 0.5)
    yield "without sub, scope and iat", "rsa", rs(sub=None, scope=None, iat=None)
    yield "expired within the leeway", "rsa", rs(exp=NOW - LEEWAY + 1)
    yield "not before within the leeway", "rsa", rs(nbf=NOW + LEEWAY)
    yield "issued within the leeway", "rsa", rs(iat=NOW + LEEWAY)
    yield "a jku that nobody follows", "rsa", rs({"jku": "https://evil.example/keys", "x5u": "https://evil.example/x5u"})


def forged_tokens():
    none = b64(json.dumps({"alg": "none", "kid": "r1"}).encode()) + "." + b64(json.dumps(claims()).encode())
    yield "alg none, without a signature", none + "."
    yield "alg none, with one", none + "." + b64(b"x" * 256)
    yield "alg None", signed(RSA, {"alg": "None", "kid": "r1"}, claims())
    yield "no alg", signed(RSA, {"kid": "r1"}, claims())
    yield "alg that is a list", signed(RSA, {"alg": ["RS256"], "kid": "r1"}, claims())
    spki = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    yield "HS256 with the public key", signed(spki, {"alg": "HS256", "kid": "r1"}, claims())
    yield "RS256 in the header, HMAC in the signature", signed(spki, {"alg": "RS256", "kid": "r1"}, claims())
    yield "PS256 of the RSA key", signed(RSA, {"alg": "PS256", "kid": "r1"}, claims(),
                                         padding.PSS(padding.MGF1(hashes.SHA256()), 32))
    yield "RS512 in the header", rs({"alg": "RS512"})
    yield "ES256 in the header, the RSA key's kid", rs({"alg": "ES256"})
    yield "RS256 in the header, the EC key's kid", rs({"kid": "e1"})
    yield "signed by another key", signed(OTHER_RSA, {"alg": "RS256", "kid": "r1"}, claims())
    yield "signed by the key that it brings, jwk", signed(
        OTHER_RSA, {"alg": "RS256", "kid": "r1", "jwk": public(OTHER_RSA, kid="r1")}, claims())
    yield "signed by a key that it points at, jku", signed(
        OTHER_RSA, {"alg": "RS256", "kid": "r1", "jku": "https://evil.example/keys"}, claims())
    yield "signed by the key that it brings, x5c", signed(
        OTHER_RSA, {"alg": "RS256", "kid": "r1", "x5c": ["MIIB"], "x5u": "https://evil.example/"}, claims())
    good = rs()
    header, payload, _ = good.split(".")
    yield "another payload under the signature", ".".join(
        [header, b64(json.dumps(claims(sub="eve")).encode()), good.split(".")[2]])
    yield "a signature of zeros", with_signature(good, bytes(256))
    yield "a signature that is cut short", with_signature(good, signature_of(good)[:-1])
    yield "no signature", header + "." + payload + "."
    curve = es()
    signature = signature_of(curve)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    yield "an ES256 signature in DER", with_signature(curve, utils.encode_dss_signature(r, s))
    yield "ES256 with r = s = 0", with_signature(curve, bytes(64))
    yield "ES256 with r = 0", with_signature(curve, bytes(32) + signature[32:])
    yield "ES256 with s = 0", with_signature(curve, signature[:32] + bytes(32))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    yield "ES256 with r the order", with_signature(curve, order.to_bytes(32, "big") + signature[32:])
    yield "ES256 with numbers of 33 bytes", with_signature(curve, b"\0" + signature[:32] + b"\0" + signature[32:])


def misshapen_tokens():
    good = rs()
    header, payload, signature = good.split(".")
    yield "the empty token", ""
    yield "two dots", ".."
    yield "one segment", header
    yield "two segments", header + "." + payload
    yield "four segments", good + "." + signature
    yield "five segments", good + "." + signature + "." + signature
    yield "more than 8 KiB", rs(padding="x" * 6200)
    yield "padding", header + "." + payload + "." + signature + "=" * (-len(signature) % 4)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield "bits beyond the signature", good[:-1] + last[last.index(good[-1]) | 1]
    yield "base64 instead of base64url", header + "." + payload + "." + (
        base64.b64encode(b"\xfb\xff" + bytes(254)).decode().rstrip("="))
    yield "white space at the end", good + " "
    yield "white space inside", header + " ." + payload + "." + signature
    yield "a header that is not JSON", signed(RSA, b"{", claims())
    yield "a header that is a list", signed(RSA, b'["alg","RS256"]', claims())
    yield "a header with text behind it", signed(RSA, b'{"alg":"RS256","kid":"r1"} x', claims())
    yield "a header nested a thousand times", signed(RSA, b'{"alg":"RS256","kid":"r1","x":' + b"[" * 1000 + b"]" * 1000 + b"}", claims())
    yield "a header that is not UTF-8", signed(RSA, b'{"alg":"RS256","kid":"r1","x":"\xff"}', claims())
    yield "two algs, the last none", signed(RSA, b'{"alg":"RS256","kid":"r1","alg":"none"}', claims())
    yield "a kid with NUL", signed(RSA, b'{"alg":"RS256","kid":"r1\\u0000"}', claims())
    yield "a kid that is a number", signed(RSA, b'{"alg":"RS256","kid":1}', claims())
    yield "no kid and several keys", signed(RSA, {"alg": "RS256"}, claims())
    yield "crit", rs({"crit": ["exp"]})
    yield "crit that is empty", rs({"crit": []})
    yield "crit with an unencoded payload", rs({"crit": ["b64"], "b64": False})
    yield "typ of another kind", rs({"typ": "secevent+jwt"})
    yield "typ that is null", rs({"typ": None})
    yield "a payload that is not JSON", signed(RSA, {"alg": "RS256", "kid": "r1"}, b"hello")
    yield "a payload that is a list", signed(RSA, {"alg": "RS256", "kid": "r1"}, b"[]")
    yield "a payload that is a token", signed(RSA, {"alg": "RS256", "kid": "r1"}, good.encode())


def unfit_tokens():
    yield "no exp", rs(exp=None)
    yield "exp in words", rs(exp="never")
    yield "exp of digits in a string", rs(exp=str(NOW + 300))
    yield "exp that is true", rs(exp=True)
    yield "a negative exp", rs(exp=-1)
    yield "exp beyond all years", rs(exp=10**15)
    for what, n in ("1e999", b"1e999"), ("of a thousand digits", b"9" * 1000), ("NaN", b"NaN"), ("-Infinity", b"-Infinity"):
        payload = json.dumps(claims(exp=None)).encode()[:-1] + b', "exp": ' + n + b"}"
        yield f"exp {what}", signed(RSA, {"alg": "RS256", "kid": "r1"}, payload)
    yield "not before beyond the leeway", rs(nbf=NOW + LEEWAY + 1)
    yield "nbf in words", rs(nbf="now")
    yield "issued beyond the leeway", rs(iat=NOW + LEEWAY + 1)
    yield "iat in words", rs(iat="now")
    yield "no issuer", rs(iss=None)
    yield "another issuer", rs(iss="https://evil.example/")
    yield "an issuer without its slash", rs(iss=ISSUER[:-1])
    yield "issuers in a list", rs(iss=[ISSUER])
    yield "no audience", rs(aud=None)
    yield "another audience", rs(aud="Labs")
    yield "other audiences", rs(aud=["a", "b"])
    yield "an empty list of audiences", rs(aud=[])
    yield "a number among the audiences", rs(aud=[AUDIENCE, 1])
    yield "an object for an audience", rs(aud={AUDIENCE: 1})
    yield "a sub that is a number", rs(sub=7)
    yield "scopes in a list", rs(scope=["progress:any"])
    yield "expired, and for another audience", rs(exp=NOW - 1000, aud="other")


def main():
    for name, keys in SETS.items():
        print("set", name, json.dumps({"keys": keys}), sep="\t")
    for what, keys, token in good_tokens():
        print("token", what, keys, "good", token, sep="\t")
    for tokens in forged_tokens, misshapen_tokens, unfit_tokens:
        for what, token in tokens():
            print("token", what, "both", "invalid", token, sep="\t")
    print("token", "expired", "rsa", "expired", rs(exp=NOW - 1000), sep="\t")
    print("token", "expired by the whole leeway", "rsa", "expired", rs(exp=NOW - LEEWAY), sep="\t")
    print("token", "a kid that is not in the set", "rsa", "unknown", rs({"kid": "r9"}), sep="\t")
    print("token", "a kid where no key has one", "bare", "unknown", rs(), sep="\t")
    for kid, key in ("weak", WEAK_RSA), ("e2", EC), ("e3", EC), ("e4", EC), ("r2", RSA), ("off", EC):
        alg = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        token = signed(key, {"alg": alg, "kid": kid}, claims())
        print("token", f"an unusable key, {kid}", "mixed", "unknown", token, sep="\t")


main()
